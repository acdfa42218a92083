-- A publisher may be told in one place for everything, in others for an offer, in others for one event of it. Two secrets are good
-- while one is replaced.
ALTER TABLE publisher_endpoints
    ADD COLUMN offer_id          uuid,
    ADD COLUMN offer_event_id    uuid,
    ADD COLUMN also_global       boolean NOT NULL DEFAULT false,
    ADD COLUMN old_sealed_secret bytea,
    ADD COLUMN old_secret_until  timestamptz,
    ADD FOREIGN KEY (tenant_id, offer_id) REFERENCES offers (tenant_id, offer_id),
    ADD FOREIGN KEY (tenant_id, offer_id, offer_event_id) REFERENCES offer_events (tenant_id, offer_id, offer_event_id),
    ADD CHECK (offer_event_id IS NULL OR offer_id IS NOT NULL),
    ADD CHECK (NOT also_global OR offer_id IS NOT NULL),
    ADD CHECK ((old_sealed_secret IS NULL) = (old_secret_until IS NULL));

-- One of a kind; what was unique for the one kind there was gives way.
CREATE UNIQUE INDEX publisher_endpoints_of_all ON publisher_endpoints (tenant_id, publisher_id) WHERE offer_id IS NULL;
CREATE UNIQUE INDEX publisher_endpoints_of_offer ON publisher_endpoints (tenant_id, publisher_id, offer_id)
    WHERE offer_id IS NOT NULL AND offer_event_id IS NULL;
CREATE UNIQUE INDEX publisher_endpoints_of_event ON publisher_endpoints (tenant_id, publisher_id, offer_id, offer_event_id)
    WHERE offer_event_id IS NOT NULL;
CREATE INDEX publisher_endpoints_publisher ON publisher_endpoints (tenant_id, publisher_id);
DROP INDEX publisher_endpoints_global;
