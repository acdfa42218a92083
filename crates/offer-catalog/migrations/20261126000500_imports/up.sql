-- Imports of offers. The rows of a call are stored as they came before it is answered; any replica works on them afterwards.
CREATE TABLE offer_imports (
    tenant_id              uuid        NOT NULL REFERENCES tenants,
    import_id              uuid        NOT NULL,
    state                  text        NOT NULL CHECK (state IN ('Receiving', 'Waiting', 'Running', 'Pausing', 'Succeeded', 'Partial')),
    imported_by            uuid        NOT NULL,
    -- What the call says beside its rows; it can come after them.
    provider               text        CHECK ((provider IS NULL) = (state = 'Receiving')),
    concurrency_request_id text        CHECK ((concurrency_request_id IS NULL) = (state = 'Receiving')),
    operation              text        CHECK (operation IN ('Insert', 'Synchronize')),
    accepted_warnings      text[]      NOT NULL DEFAULT '{}',
    -- SHA-256 of the content: the same id with other content is a mistake.
    content_hash           bytea       CHECK (octet_length(content_hash) = 32),
    row_count              integer     NOT NULL DEFAULT 0,
    paused_count           integer     NOT NULL DEFAULT 0,
    created_at             timestamptz NOT NULL,
    -- When it was whole; imports of one provider follow each other in this order.
    received_at            timestamptz CHECK ((received_at IS NULL) = (state = 'Receiving')),
    finished_at            timestamptz CHECK ((finished_at IS NOT NULL) = (state IN ('Succeeded', 'Partial'))),
    PRIMARY KEY (tenant_id, import_id)
);

CREATE UNIQUE INDEX offer_imports_request ON offer_imports (tenant_id, concurrency_request_id);
-- What is under way, of all tenants at once.
CREATE INDEX offer_imports_open ON offer_imports (tenant_id, provider, received_at) WHERE finished_at IS NULL;

CREATE TABLE offer_import_rows (
    tenant_id   uuid    NOT NULL,
    import_id   uuid    NOT NULL,
    row_number  integer NOT NULL CHECK (row_number > 0),
    external_id text,
    -- JSON as it came; text, because jsonb takes neither every text nor every number that JSON has.
    body        text    NOT NULL,
    outcome     text    CHECK (outcome IN ('Created', 'Changed', 'Unchanged', 'Failed')),
    offer_id    uuid,
    -- What was wrong, field by field.
    problems    jsonb   NOT NULL DEFAULT '[]',
    PRIMARY KEY (tenant_id, import_id, row_number),
    FOREIGN KEY (tenant_id, import_id) REFERENCES offer_imports ON DELETE CASCADE
);

CREATE INDEX offer_import_rows_open ON offer_import_rows (tenant_id, import_id, row_number) WHERE outcome IS NULL;
CREATE INDEX offer_import_rows_offer ON offer_import_rows (tenant_id, import_id, offer_id) WHERE offer_id IS NOT NULL;

-- Which offer is which of a provider's.
CREATE TABLE provider_offers (
    tenant_id       uuid   NOT NULL,
    provider        text   NOT NULL,
    external_id     text   NOT NULL,
    offer_id        uuid   NOT NULL,
    -- The offer's revision after an import paused it: with another one, a person has been at it since.
    paused_revision bigint,
    PRIMARY KEY (tenant_id, provider, external_id),
    UNIQUE (tenant_id, provider, offer_id),
    FOREIGN KEY (tenant_id, offer_id) REFERENCES offers (tenant_id, offer_id)
);
