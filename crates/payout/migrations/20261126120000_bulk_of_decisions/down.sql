ALTER TABLE conversion_decisions DROP COLUMN bulk_id;
