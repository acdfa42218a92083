-- One row a conversion, as it stands. A row in status 'unreached' is not yet a conversion: it remembers the number of a
-- verdict about a step that nothing reached, so that an older verdict is recognised as older.
CREATE TABLE conversions (
    tenant_id           uuid        NOT NULL,
    conversion_id       uuid        NOT NULL,
    gk_click_id         uuid        NOT NULL,
    advertiser_id       uuid        NOT NULL,
    publisher_id        uuid        NOT NULL,
    offer_id            uuid        NOT NULL,
    offer_event_id      uuid        NOT NULL,
    status              text        NOT NULL CHECK (status IN
        ('unreached', 'pending', 'on_review', 'success', 'flagged', 'rejected', 'reversed')),
    status_by           text        NOT NULL CHECK (status_by IN ('time', 'verdict', 'person', 'limit')),
    -- Payout's own count of changes that somebody sees.
    status_revision     bigint      NOT NULL CHECK (status_revision >= 0),
    -- Attribution's count of its verdicts.
    verdict_revision    bigint      NOT NULL CHECK (verdict_revision >= 0),
    reason_code         text        NOT NULL,
    reason              text        NOT NULL,
    -- Of the postback that holds the occurrence.
    received_at         timestamptz NOT NULL,
    event_id            text        NOT NULL,
    occurrence          text        NOT NULL,
    -- When the pending time is over, by this database's clock.
    hold_ends_at        timestamptz NOT NULL,
    -- All absent while the money is not known; the margin is revenue - payout.
    currency            text        CHECK (currency ~ '^[A-Z]{3}$'),
    revenue_micros      bigint      CHECK ((revenue_micros IS NULL) = (currency IS NULL)),
    payout_micros       bigint      CHECK ((payout_micros IS NULL) = (currency IS NULL)),
    reward_points       bigint      NOT NULL,
    -- The rate it was priced with, in parts of 10^12, when an amount was converted.
    rate_from           text        CHECK (rate_from ~ '^[A-Z]{3}$'),
    rate_e12            bigint      CHECK ((rate_e12 IS NULL) = (rate_from IS NULL)),
    -- What it was priced from.
    reported_currency   text        CHECK (reported_currency ~ '^[A-Z]{3}$'),
    reported_micros     bigint      CHECK ((reported_micros IS NULL) = (reported_currency IS NULL)),
    reported_usd_micros bigint,
    -- What the ledger holds of it, and the status revision of those entries.
    books               text        NOT NULL CHECK (books IN ('empty', 'reserved', 'posted')),
    books_since         bigint      CHECK ((books_since IS NULL) = (books = 'empty')),
    -- gokart.attribution.v1.ConversionVerdict as it came: what publishers are told of the journey.
    verdict             bytea       NOT NULL,
    -- The trace of the postback behind the verdict, for what follows from it, also days later.
    traceparent         text        NOT NULL,
    tracestate          text        NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    changed_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, conversion_id),
    -- Nothing is owed for what is not earned.
    CHECK (CASE status
        WHEN 'success' THEN books <> 'reserved'
        WHEN 'flagged' THEN books <> 'reserved'
        WHEN 'pending' THEN books <> 'posted'
        WHEN 'on_review' THEN books <> 'posted'
        ELSE books = 'empty' END)
);

CREATE INDEX conversions_of_click ON conversions (tenant_id, gk_click_id);
CREATE INDEX conversions_by_time ON conversions (tenant_id, received_at DESC, conversion_id);
-- What the sweep of holds reads: only conversions that time releases are in it, so a million that are not due cost nothing.
CREATE INDEX conversions_held ON conversions (hold_ends_at) WHERE status = 'pending';

-- Every change that somebody saw. Rows are only added: by grant, and by the trigger of the ledger's migration.
CREATE TABLE conversion_history (
    tenant_id        uuid        NOT NULL,
    conversion_id    uuid        NOT NULL,
    status_revision  bigint      NOT NULL,
    status           text        NOT NULL,
    status_by        text        NOT NULL,
    reason_code      text        NOT NULL,
    reason           text        NOT NULL,
    verdict_revision bigint      NOT NULL,
    currency         text,
    revenue_micros   bigint,
    payout_micros    bigint,
    changed_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, conversion_id, status_revision)
);
