ALTER TABLE decisions ALTER COLUMN trace TYPE jsonb USING trace::jsonb;
ALTER TABLE conversions ALTER COLUMN verdict TYPE jsonb USING verdict::jsonb;
ALTER TABLE journey_postbacks ALTER COLUMN claims TYPE jsonb USING claims::jsonb;
