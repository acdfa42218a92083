ALTER TABLE offers DROP COLUMN total_raise, DROP COLUMN daily_raise;
