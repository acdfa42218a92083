-- One row for each telling of one status to one endpoint, written in the transaction of the status change.
CREATE TABLE deliveries (
    tenant_id       uuid        NOT NULL,
    -- Computed from conversion, revision and endpoint.
    delivery_id     uuid        NOT NULL,
    conversion_id   uuid        NOT NULL,
    status_revision bigint      NOT NULL,
    endpoint_id     uuid        NOT NULL,
    publisher_id    uuid        NOT NULL,
    told            text        NOT NULL CHECK (told IN ('pending', 'success', 'rejected')),
    state           text        NOT NULL CHECK (state IN
        ('waiting', 'delivered', 'exhausted', 'superseded', 'stopped')),
    attempts        integer     NOT NULL DEFAULT 0,
    -- How often it ended: one that was superseded on its way ends again when it is delivered after all.
    ends            bigint      NOT NULL DEFAULT 0,
    -- The next attempt. While one is under way: the end of its lease, so that the attempt of a process that died is made
    -- again by whoever looks next.
    due_at          timestamptz CHECK ((due_at IS NOT NULL) = (state = 'waiting')),
    lease           uuid,
    leased_until    timestamptz CHECK ((leased_until IS NULL) = (lease IS NULL)),
    -- The status revision that made this one stale.
    superseded_by   bigint,
    last_http_status integer,
    created_at      timestamptz NOT NULL DEFAULT now(),
    ended_at        timestamptz CHECK ((ended_at IS NULL) = (state = 'waiting')),
    PRIMARY KEY (tenant_id, delivery_id)
);

-- One outstanding telling for each conversion and endpoint: a publisher never ends on a stale status.
CREATE UNIQUE INDEX deliveries_outstanding ON deliveries (tenant_id, conversion_id, endpoint_id)
    WHERE state = 'waiting';
-- What a claim reads: each publisher's own due work, oldest first.
CREATE INDEX deliveries_due ON deliveries (tenant_id, publisher_id, due_at) WHERE state = 'waiting';
CREATE INDEX deliveries_of_conversion ON deliveries (tenant_id, conversion_id);

-- Conversions whose publisher's fact has not arrived: told when it does.
CREATE TABLE untold (
    tenant_id     uuid        NOT NULL,
    publisher_id  uuid        NOT NULL,
    conversion_id uuid        NOT NULL,
    since         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, publisher_id, conversion_id)
);

CREATE TABLE delivery_attempts (
    tenant_id     uuid        NOT NULL,
    delivery_id   uuid        NOT NULL,
    -- 1, 2, 3 …
    number        integer     NOT NULL,
    started_at    timestamptz NOT NULL,
    duration_ms   integer     NOT NULL,
    -- Method, scheme, host and the names of parameters: never a value, it may be a secret.
    request       text        NOT NULL,
    http_status   integer,
    -- Why there was no status, or what was wrong with the endpoint.
    failure       text        NOT NULL,
    -- At most 2 KiB of the body.
    response      text        NOT NULL,
    -- Absent when this was the last one.
    next_due_at   timestamptz,
    PRIMARY KEY (tenant_id, delivery_id, number)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON delivery_attempts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();
