DROP TABLE budget_raises;
ALTER TABLE offers DROP COLUMN total_raise, DROP COLUMN daily_raise, DROP COLUMN raised_total_micros,
    DROP COLUMN raised_daily_micros;
