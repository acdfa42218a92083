-- The log, replays and health read each endpoint's own deliveries in each state, by the time of the status change: an endpoint or a
-- state with few deliveries is found among a million others by one look. One index does for what three did.
DROP INDEX deliveries_log;
DROP INDEX deliveries_failed;
DROP INDEX deliveries_exhausted_of_endpoint;
CREATE INDEX deliveries_log ON deliveries (tenant_id, endpoint_id, state, created_at, delivery_id);
