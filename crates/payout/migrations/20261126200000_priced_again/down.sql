DROP INDEX conversions_without_rate;
ALTER TABLE tenants DROP COLUMN priced_at, DROP COLUMN rates_at;
