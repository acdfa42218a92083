DROP TABLE statement_payments, statement_adjustments, statement_lines, statements, ledger_checkpoints;
DROP TRIGGER takes_period ON ledger_transfers;
DROP FUNCTION take_statement_period();
DROP INDEX ledger_transfers_of_period;
ALTER TABLE ledger_transfers DISABLE TRIGGER append_only;
DELETE FROM ledger_transfers WHERE statement_id IS NOT NULL;
ALTER TABLE ledger_transfers ENABLE TRIGGER append_only;
ALTER TABLE ledger_transfers
    DROP CONSTRAINT ledger_transfers_source_check,
    DROP CONSTRAINT ledger_transfers_flow_check,
    ADD CONSTRAINT ledger_transfers_flow_check CHECK (flow IN ('payable', 'margin', 'loss')),
    ALTER COLUMN conversion_id SET NOT NULL,
    ALTER COLUMN status_revision SET NOT NULL,
    DROP COLUMN statement_id,
    DROP COLUMN period;
ALTER TABLE ledger_accounts DISABLE TRIGGER append_only;
DELETE FROM ledger_accounts WHERE kind = 'settled';
ALTER TABLE ledger_accounts ENABLE TRIGGER append_only;
ALTER TABLE ledger_accounts
    DROP CONSTRAINT ledger_accounts_kind_check,
    ADD CONSTRAINT ledger_accounts_kind_check CHECK (kind IN ('advertiser_receivable', 'publisher_payable', 'margin'));
DROP TABLE statement_periods;
ALTER TABLE tenants DROP COLUMN time_zone;
