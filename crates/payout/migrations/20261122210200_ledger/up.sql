-- Double entry in two phases. Ids of accounts and transfers are computed from what they are (crate payout, domain::ledger),
-- so an entry can not be made twice; one that differs from a row with its id violates the primary key, loudly.

CREATE TABLE ledger_accounts (
    tenant_id  uuid        NOT NULL,
    account_id uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('advertiser_receivable', 'publisher_payable', 'margin')),
    -- The advertiser or publisher; nil for the margin.
    party_id   uuid        NOT NULL,
    currency   text        NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, account_id),
    UNIQUE (tenant_id, kind, party_id, currency)
);

CREATE TABLE ledger_transfers (
    tenant_id           uuid        NOT NULL,
    transfer_id         uuid        NOT NULL,
    conversion_id       uuid        NOT NULL,
    -- The conversion's status revision that made it.
    status_revision     bigint      NOT NULL CHECK (status_revision > 0),
    flow                text        NOT NULL CHECK (flow IN ('payable', 'margin', 'loss')),
    kind                text        NOT NULL CHECK (kind IN ('pending', 'post', 'void', 'posted', 'reversal')),
    -- The reservation that is posted or voided.
    pending_transfer_id uuid        CHECK ((pending_transfer_id IS NOT NULL) = (kind IN ('post', 'void'))),
    debit_account_id    uuid        NOT NULL,
    credit_account_id   uuid        NOT NULL CHECK (credit_account_id <> debit_account_id),
    currency            text        NOT NULL,
    amount_micros       bigint      NOT NULL CHECK (amount_micros > 0),
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, transfer_id)
);

-- A reservation is resolved at most once.
CREATE UNIQUE INDEX ledger_transfers_resolution ON ledger_transfers (tenant_id, pending_transfer_id)
    WHERE pending_transfer_id IS NOT NULL;
CREATE INDEX ledger_transfers_of_conversion ON ledger_transfers (tenant_id, conversion_id);

-- The app role has no right to change these rows; this holds also for whoever has more rights than sense.
CREATE FUNCTION refuse_to_change_the_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted; a correction is a new row', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_accounts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON conversion_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();

-- A balance is the fold of its account's rows; there is no other place where one is kept.
CREATE VIEW ledger_balances AS
SELECT
    accounts.tenant_id, accounts.account_id, accounts.kind, accounts.party_id, accounts.currency,
    coalesce(sides.debits_pending, 0)::bigint AS debits_pending,
    coalesce(sides.debits_posted, 0)::bigint AS debits_posted,
    coalesce(sides.credits_pending, 0)::bigint AS credits_pending,
    coalesce(sides.credits_posted, 0)::bigint AS credits_posted
FROM ledger_accounts AS accounts
LEFT JOIN (
    SELECT
        tenant_id, account_id,
        sum(debit * pending) AS debits_pending, sum(debit * posted) AS debits_posted,
        sum(credit * pending) AS credits_pending, sum(credit * posted) AS credits_posted
    FROM (
        SELECT
            tenant_id, side.account_id, side.debit, side.credit,
            CASE kind WHEN 'pending' THEN 1 WHEN 'post' THEN -1 WHEN 'void' THEN -1 ELSE 0 END AS pending,
            CASE WHEN kind IN ('post', 'posted', 'reversal') THEN 1 ELSE 0 END AS posted
        FROM ledger_transfers
        CROSS JOIN LATERAL (VALUES
            (debit_account_id, amount_micros, 0::bigint), (credit_account_id, 0::bigint, amount_micros)
        ) AS side (account_id, debit, credit)
    ) AS entries
    GROUP BY tenant_id, account_id
) AS sides USING (tenant_id, account_id);
