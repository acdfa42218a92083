ALTER TABLE endpoint_conditions DROP COLUMN starts;
