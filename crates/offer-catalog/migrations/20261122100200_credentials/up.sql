-- A postback credential: the tenant's global one, or one of its advertisers'.
CREATE TABLE credentials (
    tenant_id     uuid        NOT NULL REFERENCES tenants,
    credential_id uuid        NOT NULL,
    advertiser_id uuid,
    revision      bigint      NOT NULL CHECK (revision > 0),
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, advertiser_id) REFERENCES advertisers (tenant_id, advertiser_id)
);

-- Its generations. Segment and signature together open the door to ingest and are in none of these columns: both are
-- derived when somebody looks, from the ids, the number, the nonce and the server key that key_id names.
CREATE TABLE credential_generations (
    tenant_id     uuid        NOT NULL,
    credential_id uuid        NOT NULL,
    generation    integer     NOT NULL CHECK (generation BETWEEN 1 AND 65535),
    key_id        integer     NOT NULL CHECK (key_id BETWEEN 1 AND 15),
    nonce         bytea       NOT NULL CHECK (octet_length(nonce) = 4),
    issued_at     timestamptz NOT NULL,
    valid_until   timestamptz,
    PRIMARY KEY (tenant_id, credential_id, generation),
    FOREIGN KEY (tenant_id, credential_id) REFERENCES credentials (tenant_id, credential_id)
);

-- At most one generation is the current one.
CREATE UNIQUE INDEX credential_generations_current
    ON credential_generations (tenant_id, credential_id) WHERE valid_until IS NULL;
