-- What people raised budgets to while they decided on conversions. The catalog owns budgets: a bound stands here until it says that it
-- has taken the raise over; the number stays.
ALTER TABLE offers
    -- Of the last raise of each budget; 0: there was none.
    ADD COLUMN total_raise         bigint NOT NULL DEFAULT 0 CHECK (total_raise >= 0),
    ADD COLUMN daily_raise         bigint NOT NULL DEFAULT 0 CHECK (daily_raise >= 0),
    ADD COLUMN raised_total_micros bigint CHECK (raised_total_micros >= 0),
    ADD COLUMN raised_daily_micros bigint CHECK (raised_daily_micros >= 0);

-- Every raise: the audit. Who and why stands with the decision that it was made for. Rows are only added.
CREATE TABLE budget_raises (
    tenant_id           uuid        NOT NULL,
    offer_id            uuid        NOT NULL,
    -- Counts the raises of the offer, with gaps.
    number              bigint      NOT NULL CHECK (number > 0),
    conversion_id       uuid        NOT NULL,
    status_revision     bigint      NOT NULL,
    currency            text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- The bounds that were asked for; absent: this one was left as it was.
    total_micros        bigint,
    daily_micros        bigint,
    -- The bounds that counted before.
    total_before_micros bigint,
    daily_before_micros bigint,
    raised_at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, offer_id, number),
    FOREIGN KEY (tenant_id, conversion_id, status_revision) REFERENCES conversion_decisions,
    CHECK (total_micros IS NOT NULL OR daily_micros IS NOT NULL)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON budget_raises
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();
