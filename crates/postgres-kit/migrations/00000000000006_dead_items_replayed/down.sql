ALTER TABLE dead_items DROP COLUMN replayed_at;
