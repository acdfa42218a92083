-- What was decided lately, for the live feed. A BRIN index: some pages for a whole day, and an insert touches one of them
-- once for many rows, so judging does not feel it. `decided_at` never changes, so a decision that becomes history is still
-- changed in place.
CREATE INDEX decisions_lately ON decisions USING brin (decided_at) WITH (pages_per_range = 32, autosummarize = on);
