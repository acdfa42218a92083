CREATE INDEX conversions_waiting ON conversions (tenant_id, offer_id) WHERE counted = 'waiting';
DROP INDEX conversions_waiting_by_offer;
