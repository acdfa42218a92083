-- The sweep walks from offer to offer and takes each one's in the order in which they were received, whatever waits behind.
CREATE INDEX conversions_waiting_by_offer ON conversions (tenant_id, offer_id, received_at, conversion_id)
    WHERE counted = 'waiting';
DROP INDEX conversions_waiting;
