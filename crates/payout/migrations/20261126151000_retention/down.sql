DROP INDEX limit_usage_ending;
DROP FUNCTION limit_period_ends_on;
DROP TABLE limit_usage_horizon;
