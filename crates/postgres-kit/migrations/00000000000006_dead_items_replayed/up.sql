-- When an item was last put on its way again. It stays, marked, so that people see what became of it; when its consumer
-- buries it once more, the mark goes.
ALTER TABLE dead_items ADD COLUMN replayed_at timestamptz;
