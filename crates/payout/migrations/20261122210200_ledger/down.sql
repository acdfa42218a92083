DROP VIEW ledger_balances;
DROP TRIGGER append_only ON conversion_history;
DROP TABLE ledger_transfers;
DROP TABLE ledger_accounts;
DROP FUNCTION refuse_to_change_the_past();
