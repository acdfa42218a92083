DELETE FROM publisher_endpoints WHERE offer_id IS NOT NULL;
DROP INDEX publisher_endpoints_of_all, publisher_endpoints_of_offer, publisher_endpoints_of_event, publisher_endpoints_publisher;
ALTER TABLE publisher_endpoints
    DROP COLUMN offer_event_id,
    DROP COLUMN offer_id,
    DROP COLUMN also_global,
    DROP COLUMN old_sealed_secret,
    DROP COLUMN old_secret_until;
CREATE UNIQUE INDEX publisher_endpoints_global ON publisher_endpoints (tenant_id, publisher_id);
