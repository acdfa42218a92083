DROP TABLE erasures;
ALTER TABLE journeys DROP COLUMN erased_at;
