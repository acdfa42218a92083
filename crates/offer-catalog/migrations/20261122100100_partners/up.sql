CREATE TABLE advertisers (
    tenant_id          uuid        NOT NULL REFERENCES tenants,
    advertiser_id      uuid        NOT NULL,
    name               text        NOT NULL,
    active             boolean     NOT NULL,
    -- Days the advertiser takes to verify conversions.
    review_window_days integer     CHECK (review_window_days BETWEEN 0 AND 365),
    budget_micros      bigint      CHECK (budget_micros >= 0),
    budget_currency    text        CHECK ((budget_currency IS NULL) = (budget_micros IS NULL)),
    revision           bigint      NOT NULL CHECK (revision > 0),
    created_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, advertiser_id)
);

CREATE TABLE publishers (
    tenant_id    uuid        NOT NULL REFERENCES tenants,
    publisher_id uuid        NOT NULL,
    name         text        NOT NULL,
    active       boolean     NOT NULL,
    revision     bigint      NOT NULL CHECK (revision > 0),
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, publisher_id)
);

ALTER TABLE issued_tokens
    ADD FOREIGN KEY (tenant_id, publisher_id) REFERENCES publishers (tenant_id, publisher_id);

-- Where a publisher is told. The signing secret is sealed: nobody reads it here, not even its owner a second time.
CREATE TABLE publisher_endpoints (
    tenant_id     uuid        NOT NULL,
    endpoint_id   uuid        NOT NULL,
    publisher_id  uuid        NOT NULL,
    method        text        NOT NULL CHECK (method IN ('GET', 'POST')),
    url_template  text        NOT NULL,
    statuses      text[]      NOT NULL,
    sealed_secret bytea       NOT NULL,
    active        boolean     NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, endpoint_id),
    FOREIGN KEY (tenant_id, publisher_id) REFERENCES publishers (tenant_id, publisher_id)
);

-- One global endpoint a publisher, so far the only kind.
CREATE UNIQUE INDEX publisher_endpoints_global ON publisher_endpoints (tenant_id, publisher_id);
