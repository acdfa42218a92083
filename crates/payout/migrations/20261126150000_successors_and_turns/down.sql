DROP INDEX bulk_statuses_open;
CREATE INDEX bulk_statuses_open ON bulk_statuses (applied_at) WHERE applied_at IS NOT NULL AND finished_at IS NULL;
ALTER TABLE bulk_statuses DROP COLUMN begun_click_id, DROP COLUMN turn_at;
DROP INDEX conversions_rejected_by_person;
