-- What is only ever read whole is kept as it was written: taking JSON apart to store it (jsonb), and putting it together
-- again at every look, cost a fifth of the database's work for a postback. Casts exist both ways, so the release before this
-- one goes on writing and reading; an erasure that it tries waits for this one. The tables are rewritten under a lock, which
-- is quick while no release has stored much.
ALTER TABLE journey_postbacks ALTER COLUMN claims TYPE json USING claims::json;
ALTER TABLE conversions ALTER COLUMN verdict TYPE json USING verdict::json;
ALTER TABLE decisions ALTER COLUMN trace TYPE json USING trace::json;
