DROP INDEX deliveries_log;
CREATE INDEX deliveries_exhausted_of_endpoint ON deliveries (tenant_id, endpoint_id) WHERE state = 'exhausted';
CREATE INDEX deliveries_failed ON deliveries (tenant_id, publisher_id, created_at, delivery_id)
    WHERE state IN ('exhausted', 'stopped');
CREATE INDEX deliveries_log ON deliveries (tenant_id, publisher_id, created_at, delivery_id);
