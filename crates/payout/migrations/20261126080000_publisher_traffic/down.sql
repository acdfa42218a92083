DROP INDEX delivery_attempts_of_endpoint;
ALTER TABLE delivery_attempts DROP COLUMN endpoint_id;
DROP INDEX deliveries_exhausted_of_endpoint;
DROP INDEX deliveries_due_of_endpoint;
ALTER TABLE publishers DROP COLUMN bucket_empty_at, DROP COLUMN max_per_second;
DROP TABLE endpoint_pauses;
DROP TABLE endpoint_conditions;
