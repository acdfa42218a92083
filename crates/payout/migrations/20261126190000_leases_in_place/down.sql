CREATE INDEX deliveries_due ON deliveries (tenant_id, publisher_id, due_at) WHERE state = 'waiting';
CREATE INDEX deliveries_of_conversion ON deliveries (tenant_id, conversion_id);
CREATE UNIQUE INDEX deliveries_outstanding ON deliveries (tenant_id, conversion_id, endpoint_id) WHERE state = 'waiting';
DROP INDEX deliveries_of_conversion_once;
UPDATE deliveries SET due_at = leased_until WHERE state = 'waiting' AND lease IS NOT NULL;
COMMENT ON COLUMN deliveries.due_at IS NULL;
ALTER TABLE deliveries RESET (fillfactor);
