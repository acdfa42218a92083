-- What the forecast reads, of the tenant or of one publisher: only what is reserved is in it, with everything that the forecast
-- says of it, because a million rows far apart are read more slowly one by one than the whole table (7.1 s instead of 2.5 s;
-- from the index alone 1.1 s, and 0.06 s for one publisher of twenty).
CREATE INDEX conversions_reserved ON conversions (tenant_id, publisher_id, offer_id)
    INCLUDE (hold_ends_at, status, currency, payout_micros, revenue_micros)
    WHERE status IN ('pending', 'on_review') AND books = 'reserved';
