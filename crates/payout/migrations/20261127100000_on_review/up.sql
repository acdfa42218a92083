-- What is on review, newest first: few among many. The reason stands behind the order, so that a list of one reason reads rows of no other.
CREATE INDEX conversions_on_review ON conversions (tenant_id, received_at DESC, conversion_id, reason_code)
    WHERE status = 'on_review';
-- The same of all tenants by reason, the one that moved last longest ago first: what the gauges read.
CREATE INDEX conversions_on_review_by_reason ON conversions (reason_code, changed_at) WHERE status = 'on_review';
-- Conversions of one reason, whatever their status. What was simply earned has none and is not in it.
CREATE INDEX conversions_of_reason ON conversions (tenant_id, reason_code, received_at DESC, conversion_id)
    WHERE reason_code <> '';
