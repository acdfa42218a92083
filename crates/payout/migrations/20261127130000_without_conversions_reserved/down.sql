CREATE INDEX conversions_reserved ON conversions (tenant_id, publisher_id, offer_id)
    INCLUDE (hold_ends_at, status, currency, payout_micros, revenue_micros)
    WHERE status IN ('pending', 'on_review') AND books = 'reserved';
