-- Calendar months of a tenant, with the zone they were made in: it is kept, whatever the tenant's zone becomes. Every transfer takes a
-- period under a shared lock of its row; closing locks the row exclusively, so a closed period never gets another transfer.
ALTER TABLE tenants ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC';

CREATE TABLE statement_periods (
    tenant_id uuid        NOT NULL,
    -- The first day of the month.
    period    date        NOT NULL CHECK (extract(day FROM period) = 1),
    time_zone text        NOT NULL,
    -- Each begins where the one before it ends, also when the zone changed in between.
    begins_at timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL CHECK (ends_at > begins_at),
    closed_at timestamptz,
    -- Whose token closed it.
    closed_by uuid        CHECK ((closed_by IS NULL) = (closed_at IS NULL)),
    PRIMARY KEY (tenant_id, period)
);

-- What paying a statement posts to, and what people add to one.
ALTER TABLE ledger_accounts
    DROP CONSTRAINT ledger_accounts_kind_check,
    ADD CONSTRAINT ledger_accounts_kind_check
        CHECK (kind IN ('advertiser_receivable', 'publisher_payable', 'margin', 'settled'));

ALTER TABLE ledger_transfers
    ADD COLUMN period date,
    -- The statement that was adjusted or paid; absent for a conversion's transfers.
    ADD COLUMN statement_id uuid,
    ALTER COLUMN conversion_id DROP NOT NULL,
    ALTER COLUMN status_revision DROP NOT NULL,
    DROP CONSTRAINT ledger_transfers_flow_check,
    ADD CONSTRAINT ledger_transfers_flow_check
        CHECK (flow IN ('payable', 'margin', 'loss', 'adjustment', 'settlement')),
    ADD CONSTRAINT ledger_transfers_source_check CHECK (
        CASE WHEN flow IN ('adjustment', 'settlement')
            THEN kind = 'posted' AND statement_id IS NOT NULL AND conversion_id IS NULL AND status_revision IS NULL
            ELSE statement_id IS NULL AND conversion_id IS NOT NULL AND status_revision IS NOT NULL END);

-- What was posted before there were periods lies in the month of its recording. Nobody has said a zone yet: UTC.
ALTER TABLE ledger_transfers DISABLE TRIGGER append_only;
UPDATE ledger_transfers SET period = date_trunc('month', recorded_at, 'UTC') AT TIME ZONE 'UTC';
ALTER TABLE ledger_transfers ENABLE TRIGGER append_only;
INSERT INTO statement_periods (tenant_id, period, time_zone, begins_at, ends_at)
SELECT tenant_id, period, 'UTC', period::timestamp AT TIME ZONE 'UTC', (period + interval '1 month') AT TIME ZONE 'UTC'
FROM ledger_transfers GROUP BY tenant_id, period;

-- The release before this one names no period while both run: its transfers take one here, the same way.
CREATE FUNCTION take_statement_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO statement_periods (tenant_id, period, time_zone, begins_at, ends_at)
    SELECT NEW.tenant_id, month.begins, 'UTC', month.begins AT TIME ZONE 'UTC',
        (month.begins + interval '1 month') AT TIME ZONE 'UTC'
    FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AS begins) AS month
    WHERE NOT EXISTS (SELECT FROM statement_periods AS known WHERE known.tenant_id = NEW.tenant_id)
    ON CONFLICT DO NOTHING;
    SELECT open.period INTO NEW.period FROM statement_periods AS open
    WHERE open.tenant_id = NEW.tenant_id AND open.closed_at IS NULL
    ORDER BY open.ends_at <= now(), open.period LIMIT 1 FOR SHARE;
    RETURN NEW;
END $$;
CREATE TRIGGER takes_period BEFORE INSERT ON ledger_transfers
    FOR EACH ROW WHEN (NEW.period IS NULL) EXECUTE FUNCTION take_statement_period();
ALTER TABLE ledger_transfers ALTER COLUMN period SET NOT NULL;

-- A period's own transfers, and those since the last checkpoint.
CREATE INDEX ledger_transfers_of_period ON ledger_transfers (tenant_id, period);

-- Balances at the end of a closed period: reading one adds only the transfers of later periods.
CREATE TABLE ledger_checkpoints (
    tenant_id       uuid   NOT NULL,
    period          date   NOT NULL,
    account_id      uuid   NOT NULL,
    debits_pending  bigint NOT NULL,
    debits_posted   bigint NOT NULL,
    credits_pending bigint NOT NULL,
    credits_posted  bigint NOT NULL,
    PRIMARY KEY (tenant_id, period, account_id)
);

-- What a party was told about a closed period. All amounts in micros, on the side on which the account grows.
CREATE TABLE statements (
    tenant_id         uuid   NOT NULL,
    -- Computed from period and account.
    statement_id      uuid   NOT NULL,
    period            date   NOT NULL,
    account_id        uuid   NOT NULL,
    -- The publisher's or advertiser's name when the period was closed; empty when payout does not know one.
    party_name        text   NOT NULL,
    opening_micros    bigint NOT NULL,
    earned_micros     bigint NOT NULL,
    reversed_micros   bigint NOT NULL,
    adjusted_micros   bigint NOT NULL,
    paid_micros       bigint NOT NULL,
    closing_micros    bigint NOT NULL,
    -- What earlier statements left: less than the smallest coin, or a debt.
    carried_in_micros  bigint NOT NULL,
    due_micros         bigint NOT NULL CHECK (due_micros >= 0),
    carried_out_micros bigint NOT NULL,
    PRIMARY KEY (tenant_id, statement_id),
    UNIQUE (tenant_id, account_id, period),
    CHECK (closing_micros = opening_micros + earned_micros - reversed_micros + adjusted_micros - paid_micros),
    CHECK (due_micros + carried_out_micros
        = carried_in_micros + earned_micros - reversed_micros + adjusted_micros)
);
CREATE INDEX statements_of_period ON statements (tenant_id, period);

CREATE TABLE statement_lines (
    tenant_id       uuid   NOT NULL,
    statement_id    uuid   NOT NULL,
    offer_id        uuid   NOT NULL,
    offer_event_id  uuid   NOT NULL,
    offer_name      text   NOT NULL,
    event_id        text   NOT NULL,
    event_name      text   NOT NULL,
    conversions     bigint NOT NULL,
    earned_micros   bigint NOT NULL,
    reversals       bigint NOT NULL,
    reversed_micros bigint NOT NULL,
    PRIMARY KEY (tenant_id, statement_id, offer_id, offer_event_id)
);

-- What people added to a party's account, and why: the audit.
CREATE TABLE statement_adjustments (
    tenant_id     uuid        NOT NULL,
    -- What it corrects.
    statement_id  uuid        NOT NULL,
    -- Chosen by who asks: the same one twice is one adjustment.
    reference     text        NOT NULL,
    transfer_id   uuid        NOT NULL,
    account_id    uuid        NOT NULL,
    -- Where it landed: the statement's own period while that was open, else the one open then.
    period        date        NOT NULL,
    -- Above 0: the party is owed, or owes, more.
    amount_micros bigint      NOT NULL CHECK (amount_micros <> 0),
    reason        text        NOT NULL,
    token_id      uuid        NOT NULL,
    adjusted_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, statement_id, reference)
);
CREATE INDEX statement_adjustments_of_account ON statement_adjustments (tenant_id, account_id, period);

CREATE TABLE statement_payments (
    tenant_id     uuid        NOT NULL,
    statement_id  uuid        NOT NULL,
    transfer_id   uuid        NOT NULL,
    period        date        NOT NULL,
    amount_micros bigint      NOT NULL CHECK (amount_micros > 0),
    -- Such as the bank's.
    reference     text        NOT NULL,
    token_id      uuid        NOT NULL,
    paid_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, statement_id)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_adjustments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_payments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();
