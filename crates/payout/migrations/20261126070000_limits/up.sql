-- The limits of offers, as their newest versions say them, and the state of their budgets, which payout says. The row of an
-- offer is also the lock under which its conversions are counted.
CREATE TABLE offers (
    tenant_id         uuid        NOT NULL,
    offer_id          uuid        NOT NULL,
    version           integer     NOT NULL CHECK (version > 0),
    currency          text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- Of revenue; absent: no bound.
    total_micros      bigint      CHECK (total_micros >= 0),
    daily_micros      bigint      CHECK (daily_micros >= 0),
    -- What must be left for clicks to go on.
    least_micros      bigint      NOT NULL CHECK (least_micros >= 0),
    over_limit        text        NOT NULL CHECK (over_limit IN ('reject', 'review', 'accept_unpaid')),
    -- As it was told last; version 0: nothing was told, which everybody takes for open.
    budget_version    bigint      NOT NULL DEFAULT 0 CHECK (budget_version >= 0),
    budget_state      text        NOT NULL DEFAULT 'open' CHECK (budget_state IN ('open', 'spent')),
    -- When a budget that is spent for the day is looked at again.
    budget_resumes_at timestamptz CHECK (budget_resumes_at IS NULL OR budget_state = 'spent'),
    PRIMARY KEY (tenant_id, offer_id)
);

CREATE INDEX offers_resuming ON offers (budget_resumes_at) WHERE budget_resumes_at IS NOT NULL;

-- Replaced whole with their offer's version.
CREATE TABLE offer_caps (
    tenant_id      uuid    NOT NULL,
    offer_id       uuid    NOT NULL,
    -- The event whose conversions are counted; nil: all of the offer's.
    offer_event_id uuid    NOT NULL,
    by_publisher   boolean NOT NULL,
    period         text    NOT NULL CHECK (period IN ('day', 'week', 'month', 'all_time')),
    bound          bigint  NOT NULL CHECK (bound > 0),
    PRIMARY KEY (tenant_id, offer_id, offer_event_id, by_publisher, period)
);

-- What was counted: sums of the conversions that count, kept beside them under the lock of their offer.
CREATE TABLE limit_usage (
    tenant_id      uuid   NOT NULL,
    offer_id       uuid   NOT NULL,
    -- Nil: of all events, of all publishers.
    offer_event_id uuid   NOT NULL,
    publisher_id   uuid   NOT NULL,
    period         text   NOT NULL CHECK (period IN ('day', 'week', 'month', 'all_time')),
    -- The first day of the period, UTC.
    begins_on      date   NOT NULL,
    -- Of the budget when it was counted.
    currency       text   NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    conversions    bigint NOT NULL CHECK (conversions >= 0),
    revenue_micros bigint NOT NULL CHECK (revenue_micros >= 0),
    PRIMARY KEY (tenant_id, offer_id, offer_event_id, publisher_id, period, begins_on, currency)
);

ALTER TABLE conversions
    ADD COLUMN counted        text NOT NULL DEFAULT 'nowhere'
        CHECK (counted IN ('nowhere', 'waiting', 'taken', 'unpaid')),
    -- When it was counted, with how much: by that it is given back.
    ADD COLUMN taken_at       timestamptz,
    ADD COLUMN taken_micros   bigint,
    ADD COLUMN taken_currency text CHECK (taken_currency ~ '^[A-Z]{3}$'),
    ADD CONSTRAINT conversions_taken CHECK (
        (taken_at IS NOT NULL) = (counted = 'taken') AND (taken_micros IS NOT NULL) = (counted = 'taken')
        AND (taken_currency IS NOT NULL) = (counted = 'taken'));

-- What was accepted before there were limits counts when it came.
UPDATE conversions SET counted = 'taken', taken_at = created_at, taken_micros = revenue_micros, taken_currency = currency
WHERE status IN ('pending', 'on_review', 'success', 'flagged') AND revenue_micros >= 0;

INSERT INTO limit_usage
SELECT tenant_id, offer_id, whose.event, whose.publisher, periods.period, periods.begins_on, taken_currency, count(*),
    sum(taken_micros)
FROM conversions
CROSS JOIN LATERAL (VALUES
    ('00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid),
    (offer_event_id, '00000000-0000-0000-0000-000000000000'::uuid),
    (offer_event_id, publisher_id)) AS whose (event, publisher)
CROSS JOIN LATERAL (VALUES
    ('day', date_trunc('day', taken_at, 'UTC')), ('week', date_trunc('week', taken_at, 'UTC')),
    ('month', date_trunc('month', taken_at, 'UTC')), ('all_time', timestamptz '1970-01-01T00:00:00Z')
) AS spans (period, begins_at)
CROSS JOIN LATERAL (VALUES (spans.period, (spans.begins_at AT TIME ZONE 'UTC')::date)) AS periods (period, begins_on)
WHERE counted = 'taken'
GROUP BY tenant_id, offer_id, whose.event, whose.publisher, periods.period, periods.begins_on, taken_currency;

-- Those that wait for their offer's limits; empty but for moments.
CREATE INDEX conversions_waiting ON conversions (tenant_id, offer_id) WHERE counted = 'waiting';
