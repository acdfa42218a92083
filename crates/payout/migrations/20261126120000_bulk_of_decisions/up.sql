-- The file that a decision was a line of; absent for one that was made by itself.
ALTER TABLE conversion_decisions ADD COLUMN bulk_id uuid;
