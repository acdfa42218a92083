-- A tenant's rate table: [{"from": "EUR", "to": "USD", "rateE12": …}], always replaced whole. What it was before is in the audit
-- log; a conversion keeps the rate it was priced with.
ALTER TABLE tenants ADD COLUMN rates jsonb NOT NULL DEFAULT '[]';
