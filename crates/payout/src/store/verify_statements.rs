//! The part of the proof that is about periods: every statement is drawn again from the rows, every checkpoint is folded
//! again, and what people added and paid is compared with what was posted for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Date, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{TenantId, TransferId};
use uuid::Uuid;

use super::verify::{Accounts, Findings};
use crate::domain::{
    ledger::{AccountId, Balance, Balances, Transfer},
    statements::{
        Before, Month, Movements, Statement, StatementId, adjustment_id, draw, is_of_party, payment_id,
        statement_id,
    },
};

/// What the rows of each period come to.
#[derive(Default)]
pub(super) struct PeriodFold {
    balances: BTreeMap<(TenantId, Month), Balances>,
    moved: HashMap<(AccountId, Month), Movements>,
}

impl PeriodFold {
    /// Takes one more row.
    pub(super) fn add(&mut self, month: Month, transfer: &Transfer) {
        self.balances.entry((transfer.debit.tenant, month)).or_default().add(transfer);
        let sides = (transfer.debit.id(), transfer.credit.id());
        let what = (transfer.flow, transfer.kind);
        for account in [&transfer.debit, &transfer.credit] {
            if is_of_party(account.kind) {
                let movements = self.moved.entry((account.id(), month)).or_default();
                movements.take(account, sides.0, sides.1, what, i128::from(transfer.amount.0));
            }
        }
    }
}

/// Compares periods, statements and checkpoints with the rows.
pub(super) async fn check(
    connection: &mut AsyncPgConnection,
    accounts: &Accounts,
    fold: PeriodFold,
    findings: &mut Findings,
) -> QueryResult<()> {
    let months = months(connection, &fold, findings).await?;
    let mut stored = statements(connection).await?;
    findings.statements = u64::try_from(stored.len()).unwrap_or(u64::MAX);
    let mut checkpoints = checkpoints(connection).await?;
    for (tenant, months) in months {
        for ((_, id), account) in
            accounts.range((tenant, AccountId(Uuid::nil()))..=(tenant, AccountId(Uuid::max())))
        {
            let (mut before, mut running) = (Before::default(), Balance::default());
            for month in &months {
                if let Some(balances) = fold.balances.get(&(tenant, *month)) {
                    running = running.plus(balances.get(*id));
                }
                let kept = checkpoints.remove(&(*id, *month)).unwrap_or_default();
                if kept != running {
                    findings.note(format!(
                        "account {}: its checkpoint of {month} says {kept:?}, the rows say {running:?}",
                        id.0
                    ));
                }
                if !is_of_party(account.kind) {
                    continue;
                }
                let movements = fold.moved.get(&(*id, *month)).copied().unwrap_or_default();
                let drawn = draw(before, movements, account.currency);
                before = drawn.map_or(before, |drawn| drawn.after());
                let name = statement_id(account, *month);
                let said = stored.remove(&name);
                if said != drawn {
                    findings.note(format!(
                        "statement {} of {month}: it says {said:?}, the rows say {drawn:?}",
                        name.0
                    ));
                }
            }
        }
    }
    for id in stored.keys() {
        findings.note(format!("statement {}: there is nothing it could be of", id.0));
    }
    for (account, month) in checkpoints.keys() {
        findings.note(format!("account {}: a checkpoint of {month}, which is not closed", account.0));
    }
    lines(connection, findings).await?;
    deeds(connection, findings).await
}

/// The closed periods of each tenant, in their order. Every row lies in a period that is there; none overlaps another.
async fn months(
    connection: &mut AsyncPgConnection,
    fold: &PeriodFold,
    findings: &mut Findings,
) -> QueryResult<BTreeMap<TenantId, BTreeSet<Month>>> {
    let rows: Vec<PeriodRow> = sql_query(
        "SELECT tenant_id, period, closed_at IS NOT NULL AS is_closed,
            coalesce(begins_at < lag(ends_at) OVER of_tenant, false)
                OR closed_at IS NOT NULL AND lag(closed_at IS NULL) OVER of_tenant IS TRUE AS is_odd
        FROM statement_periods WINDOW of_tenant AS (PARTITION BY tenant_id ORDER BY period)",
    )
    .load(connection)
    .await?;
    let mut known = BTreeSet::new();
    let mut closed: BTreeMap<TenantId, BTreeSet<Month>> = BTreeMap::new();
    for row in rows {
        let (tenant, month) = (TenantId::from_uuid(row.tenant_id), Month::of_day(row.period));
        known.insert((tenant, month));
        if row.is_odd {
            findings.note(format!(
                "period {month} of tenant {tenant}: it overlaps, or was closed before, an earlier one"
            ));
        }
        if row.is_closed {
            closed.entry(tenant).or_default().insert(month);
        }
    }
    for (tenant, month) in fold.balances.keys().filter(|key| !known.contains(key)) {
        findings.note(format!("period {month} of tenant {tenant}: it has transfers and is not there"));
    }
    Ok(closed)
}

async fn statements(connection: &mut AsyncPgConnection) -> QueryResult<HashMap<StatementId, Statement>> {
    let rows: Vec<StatementRow> = sql_query(
        "SELECT statement_id, opening_micros, earned_micros, reversed_micros, adjusted_micros, paid_micros,
            closing_micros, carried_in_micros, due_micros, carried_out_micros FROM statements",
    )
    .load(connection)
    .await?;
    let read = rows.into_iter().map(|row| {
        let movements = Movements {
            earned: i128::from(row.earned_micros),
            reversed: i128::from(row.reversed_micros),
            adjusted: i128::from(row.adjusted_micros),
            paid: i128::from(row.paid_micros),
        };
        let statement = Statement {
            opening: i128::from(row.opening_micros),
            movements,
            closing: i128::from(row.closing_micros),
            carried_in: i128::from(row.carried_in_micros),
            due: i128::from(row.due_micros),
            carried_out: i128::from(row.carried_out_micros),
        };
        (StatementId(row.statement_id), statement)
    });
    Ok(read.collect())
}

async fn checkpoints(
    connection: &mut AsyncPgConnection,
) -> QueryResult<HashMap<(AccountId, Month), Balance>> {
    let rows: Vec<CheckpointRow> = sql_query(
        "SELECT account_id, period, debits_pending, debits_posted, credits_pending, credits_posted
        FROM ledger_checkpoints",
    )
    .load(connection)
    .await?;
    let read = rows.into_iter().map(|row| {
        let mut balance = Balance::default();
        balance.debits.pending = i128::from(row.debits_pending);
        balance.debits.posted = i128::from(row.debits_posted);
        balance.credits.pending = i128::from(row.credits_pending);
        balance.credits.posted = i128::from(row.credits_posted);
        ((AccountId(row.account_id), Month::of_day(row.period)), balance)
    });
    Ok(read.collect())
}

/// Every line of every statement, drawn again: what each event of each offer earned and lost, and how often. As lines are all that
/// conversions moved, they come to the statement's figures.
async fn lines(connection: &mut AsyncPgConnection, findings: &mut Findings) -> QueryResult<()> {
    let rows: Vec<LineRow> = sql_query(
        "WITH entries AS (
            SELECT transfers.tenant_id, transfers.conversion_id, side.account_id, transfers.period,
                transfers.status_revision, transfers.kind = 'reversal' AS is_reversal, sum(transfers.amount_micros
                    * side.sign * CASE accounts.kind WHEN 'advertiser_receivable' THEN 1 ELSE -1 END) AS amount
            FROM ledger_transfers AS transfers
            JOIN statement_periods AS periods
                ON periods.tenant_id = transfers.tenant_id AND periods.period = transfers.period
                AND periods.closed_at IS NOT NULL
            CROSS JOIN LATERAL (VALUES (debit_account_id, 1), (credit_account_id, -1)) AS side (account_id, sign)
            JOIN ledger_accounts AS accounts
                ON accounts.tenant_id = transfers.tenant_id AND accounts.account_id = side.account_id
                AND accounts.kind IN ('advertiser_receivable', 'publisher_payable')
            WHERE transfers.conversion_id IS NOT NULL AND transfers.kind IN ('post', 'posted', 'reversal')
            GROUP BY 1, 2, 3, 4, 5, 6
        ), drawn AS (
            SELECT tenant_id, account_id, period, offer_id, offer_event_id,
                count(*) FILTER (WHERE NOT is_reversal) AS conversions,
                coalesce(sum(amount) FILTER (WHERE NOT is_reversal), 0) AS earned,
                count(*) FILTER (WHERE is_reversal) AS reversals,
                coalesce(-sum(amount) FILTER (WHERE is_reversal), 0) AS reversed
            FROM entries JOIN conversions USING (tenant_id, conversion_id)
            GROUP BY 1, 2, 3, 4, 5
        ), said AS (
            SELECT tenant_id, account_id, period, offer_id, offer_event_id, lines.statement_id, lines.conversions,
                lines.earned_micros AS earned, lines.reversals, lines.reversed_micros AS reversed
            FROM statement_lines AS lines LEFT JOIN statements USING (tenant_id, statement_id)
        )
        SELECT coalesce(said.statement_id, statements.statement_id, account_id) AS id, offer_id
        FROM drawn FULL JOIN said USING (tenant_id, account_id, period, offer_id, offer_event_id)
        LEFT JOIN statements USING (tenant_id, account_id, period)
        WHERE (drawn.conversions, drawn.earned, drawn.reversals, drawn.reversed)
            IS DISTINCT FROM (said.conversions, said.earned, said.reversals, said.reversed)",
    )
    .load(connection)
    .await?;
    for row in rows {
        findings.note(format!(
            "statement {}: its line of offer {} is not what was earned and lost",
            row.id, row.offer_id
        ));
    }
    Ok(())
}

/// What people added and paid, beside what was posted for it.
async fn deeds(connection: &mut AsyncPgConnection, findings: &mut Findings) -> QueryResult<()> {
    let rows: Vec<DeedRow> = sql_query(
        "WITH deeds AS (
            SELECT tenant_id, transfer_id, statement_id, account_id, period, amount_micros, 'adjustment' AS flow, reference,
                true AS is_due
            FROM statement_adjustments
            UNION ALL
            SELECT tenant_id, transfer_id, statement_id, account_id, payments.period, -amount_micros, 'settlement', '',
                amount_micros = due_micros
            FROM statement_payments AS payments JOIN statements USING (tenant_id, statement_id)
        ), posted AS (
            SELECT * FROM ledger_transfers WHERE flow IN ('adjustment', 'settlement')
        )
        SELECT tenant_id, transfer_id, coalesce(deeds.statement_id, posted.statement_id) AS statement_id,
            coalesce(deeds.flow, posted.flow) AS flow, coalesce(reference, '') AS reference,
            coalesce((deeds.statement_id, deeds.period, deeds.flow) = (posted.statement_id, posted.period, posted.flow)
                AND is_due AND deeds.amount_micros = posted.amount_micros
                    * CASE WHEN accounts.account_id = debit_account_id THEN 1
                        WHEN accounts.account_id = credit_account_id THEN -1 END
                    * CASE accounts.kind WHEN 'advertiser_receivable' THEN 1 ELSE -1 END, false) AS is_right
        FROM deeds FULL JOIN posted USING (tenant_id, transfer_id)
        LEFT JOIN ledger_accounts AS accounts USING (tenant_id, account_id)",
    )
    .load(connection)
    .await?;
    for row in rows {
        let (tenant, statement) = (TenantId::from_uuid(row.tenant_id), StatementId(row.statement_id));
        let id = if row.flow == "settlement" {
            payment_id(tenant, statement)
        } else {
            adjustment_id(tenant, statement, &row.reference)
        };
        if !row.is_right || id != TransferId::from_uuid(row.transfer_id) {
            findings.note(format!(
                "transfer {} is not the {} of statement {} that was asked for",
                row.transfer_id, row.flow, row.statement_id
            ));
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct PeriodRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Date)]
    period: NaiveDate,
    #[diesel(sql_type = Bool)]
    is_closed: bool,
    #[diesel(sql_type = Bool)]
    is_odd: bool,
}

#[derive(QueryableByName)]
struct StatementRow {
    #[diesel(sql_type = SqlUuid)]
    statement_id: Uuid,
    #[diesel(sql_type = BigInt)]
    opening_micros: i64,
    #[diesel(sql_type = BigInt)]
    earned_micros: i64,
    #[diesel(sql_type = BigInt)]
    reversed_micros: i64,
    #[diesel(sql_type = BigInt)]
    adjusted_micros: i64,
    #[diesel(sql_type = BigInt)]
    paid_micros: i64,
    #[diesel(sql_type = BigInt)]
    closing_micros: i64,
    #[diesel(sql_type = BigInt)]
    carried_in_micros: i64,
    #[diesel(sql_type = BigInt)]
    due_micros: i64,
    #[diesel(sql_type = BigInt)]
    carried_out_micros: i64,
}

#[derive(QueryableByName)]
struct CheckpointRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Date)]
    period: NaiveDate,
    #[diesel(sql_type = BigInt)]
    debits_pending: i64,
    #[diesel(sql_type = BigInt)]
    debits_posted: i64,
    #[diesel(sql_type = BigInt)]
    credits_pending: i64,
    #[diesel(sql_type = BigInt)]
    credits_posted: i64,
}

#[derive(QueryableByName)]
struct DeedRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    transfer_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    statement_id: Uuid,
    #[diesel(sql_type = Text)]
    flow: String,
    #[diesel(sql_type = Text)]
    reference: String,
    #[diesel(sql_type = Bool)]
    is_right: bool,
}

#[derive(QueryableByName)]
struct LineRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
}
