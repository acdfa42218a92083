-- What payout says of conversions. Each row may come before its journey or conversion is known here.

-- What people decided: inputs of the rules, kept for as long as the journey. The latest (decided_at, fact_id) of an
-- occurrence counts; which that is, the rules find out.
CREATE TABLE people_decisions (
    tenant_id      uuid        NOT NULL,
    click_id       uuid        NOT NULL,
    fact_id        uuid        NOT NULL,
    offer_event_id uuid        NOT NULL,
    occurrence     text        NOT NULL,
    decided_at     timestamptz NOT NULL,
    act            text        NOT NULL,
    token_id       uuid,
    reason         text        NOT NULL,
    PRIMARY KEY (tenant_id, click_id, fact_id)
);

-- Where payout stands on each conversion; the highest revision wins.
CREATE TABLE conversion_statuses (
    tenant_id       uuid        NOT NULL,
    click_id        uuid        NOT NULL,
    conversion_id   uuid        NOT NULL,
    status_revision bigint      NOT NULL CHECK (status_revision > 0),
    status          text        NOT NULL,
    on_review       boolean     NOT NULL,
    flagged         boolean     NOT NULL,
    reversed        boolean     NOT NULL,
    unpaid          boolean     NOT NULL,
    reason_code     text        NOT NULL,
    reason          text        NOT NULL,
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, click_id, conversion_id)
);

-- How telling publishers ended; the highest version of each delivery wins. The fact does not name the click.
CREATE TABLE delivery_outcomes (
    tenant_id        uuid        NOT NULL,
    conversion_id    uuid        NOT NULL,
    delivery_id      uuid        NOT NULL,
    version          bigint      NOT NULL CHECK (version > 0),
    status_revision  bigint      NOT NULL,
    endpoint_id      uuid        NOT NULL,
    publisher_id     uuid        NOT NULL,
    result           text        NOT NULL,
    attempts         integer     NOT NULL,
    last_http_status integer,
    ended_at         timestamptz NOT NULL,
    stop_reason      text        NOT NULL,
    PRIMARY KEY (tenant_id, conversion_id, delivery_id)
);
