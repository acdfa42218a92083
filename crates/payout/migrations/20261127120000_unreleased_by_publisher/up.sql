-- What the sweep of holds reads when more is due than one batch takes: it walks from publisher to publisher and finds what is due of
-- each by one look, whatever waits of others. The forecast reads the same rows, from the index alone as before, so the next migration
-- drops the forecast's own: each is one more page to write for a conversion.
CREATE INDEX conversions_unreleased ON conversions (tenant_id, publisher_id, status, hold_ends_at)
    INCLUDE (offer_id, books, currency, payout_micros, revenue_micros)
    WHERE status IN ('pending', 'on_review');
