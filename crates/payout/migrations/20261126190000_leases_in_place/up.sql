-- A claim writes its lease and nothing that an index holds. Room in each page lets the row stay there (HOT).
-- Not beside the previous release: its claims take for due what is under way here. Payout is stopped for this one (RUNBOOK).
ALTER TABLE deliveries SET (fillfactor = 70);
COMMENT ON COLUMN deliveries.due_at IS
    'The next attempt. It stays while one is under way: leased_until says until when nobody else makes it.';

-- Finds a conversion's deliveries, and lets one of them be outstanding at each endpoint: a publisher never ends on a stale status.
-- Ids of conversions are spread evenly, so each such index is one more page to write for each delivery. This is one for two.
CREATE UNIQUE INDEX deliveries_of_conversion_once ON deliveries (
    tenant_id, conversion_id, endpoint_id, (CASE WHEN state = 'waiting' THEN -1 ELSE status_revision END)
);
-- Last, for these locks keep everybody out.
DROP INDEX deliveries_outstanding;
DROP INDEX deliveries_of_conversion;
-- What is due is looked for by endpoint.
DROP INDEX deliveries_due;
