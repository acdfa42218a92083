-- When a tenant's rates were heard last, and up to when what waits for a rate was priced again with them.
ALTER TABLE tenants ADD COLUMN rates_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN priced_at timestamptz;

-- What waits for a rate, in the order in which it was received.
CREATE INDEX conversions_without_rate ON conversions (tenant_id, received_at, conversion_id)
    WHERE status = 'on_review' AND reason_code = 'REVIEW_NO_RATE';
