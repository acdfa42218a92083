-- From where on the limits' counters of days, weeks and months are kept and proven. What is given back to a period that ended
-- before is not written down any more: nothing asks such a period for room.
CREATE TABLE limit_usage_horizon (
    only_one  boolean     PRIMARY KEY DEFAULT true CHECK (only_one),
    -- Periods that ended on this day or before, UTC, are beyond it.
    kept_from date        NOT NULL,
    moved_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO limit_usage_horizon (kept_from) VALUES ('1970-01-01');

-- The first day after a period; null for all time, which does not end.
CREATE FUNCTION limit_period_ends_on(period text, begins_on date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE period
        WHEN 'day' THEN begins_on + 1
        WHEN 'week' THEN begins_on + 7
        WHEN 'month' THEN (begins_on + interval '1 month')::date END
$$;

-- What the sweep reads: only counters that end are in it.
CREATE INDEX limit_usage_ending ON limit_usage (begins_on) WHERE period <> 'all_time';
