-- What payout knows of the catalog: the last version of each aggregate wins.

CREATE TABLE tenants (
    tenant_id uuid    NOT NULL PRIMARY KEY,
    version   bigint  NOT NULL,
    active    boolean NOT NULL
);

-- A tenant's rate table, replaced whole with its tenant's version.
CREATE TABLE currency_rates (
    tenant_id     uuid   NOT NULL,
    from_currency text   NOT NULL CHECK (from_currency ~ '^[A-Z]{3}$'),
    to_currency   text   NOT NULL CHECK (to_currency ~ '^[A-Z]{3}$'),
    -- 10^-12 of a unit of to_currency for one unit of from_currency.
    rate_e12      bigint NOT NULL CHECK (rate_e12 > 0),
    PRIMARY KEY (tenant_id, from_currency, to_currency)
);

CREATE TABLE publishers (
    tenant_id       uuid    NOT NULL,
    publisher_id    uuid    NOT NULL,
    version         bigint  NOT NULL,
    name            text    NOT NULL,
    active          boolean NOT NULL,
    -- Deliveries at a time; absent: the setting's default.
    max_concurrency integer CHECK (max_concurrency > 0),
    PRIMARY KEY (tenant_id, publisher_id)
);

-- Where a publisher wants to hear. One that its publisher's newest version no longer names stays, switched off, because
-- deliveries refer to it.
CREATE TABLE postback_endpoints (
    tenant_id           uuid    NOT NULL,
    endpoint_id         uuid    NOT NULL,
    publisher_id        uuid    NOT NULL,
    -- Both absent: global. Offer only: that offer. Both: one event of it.
    offer_id            uuid,
    offer_event_id      uuid    CHECK (offer_event_id IS NULL OR offer_id IS NOT NULL),
    method              text    NOT NULL CHECK (method IN ('get', 'post_json')),
    url_template        text    NOT NULL,
    tells_pending       boolean NOT NULL,
    tells_success       boolean NOT NULL,
    tells_rejected      boolean NOT NULL,
    also_global         boolean NOT NULL,
    -- Sealed (see signing::seal), newest first; the second one is in its rotation's overlap until the moment beside it.
    signing_secret      bytea,
    old_signing_secret  bytea,
    old_secret_until    timestamptz,
    custom_header_name  text,
    custom_header_value bytea,
    active              boolean NOT NULL,
    PRIMARY KEY (tenant_id, endpoint_id)
);

CREATE INDEX postback_endpoints_of_publisher ON postback_endpoints (tenant_id, publisher_id);
