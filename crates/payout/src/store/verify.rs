//! Proof of the ledger, over everything, in one snapshot: every row is folded here and compared with the view and with what
//! reading from the last checkpoint gives, every id is computed again, every reservation's resolution is compared with it,
//! every conversion with its entries, every statement and checkpoint with the fold of its periods, and the limits' counters
//! with the conversions that count.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Date, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use kernel::{ConversionId, Micros, TenantId, TransferId};
use uuid::Uuid;

use super::{
    column::{currency_from_sql, revision_from_sql},
    ledger::{self, BalanceRow},
    verify_statements::{PeriodFold, check},
    words,
};
use crate::domain::{
    ledger::{Account, AccountId, Balance, Balances, Transfer, transfer_id},
    statements::Month,
};

/// Rows of one statement.
const PAGE: i64 = 10_000;
/// Differences that are listed; more are only counted.
const LISTED_MAX: usize = 100;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Rows of the ledger.
    pub transfers: u64,
    /// Accounts.
    pub accounts: u64,
    /// Statements of closed periods.
    pub statements: u64,
    /// Posted debits and credits by currency, in micros.
    pub posted: BTreeMap<String, (i128, i128)>,
    /// What is wrong, for people; at most 100.
    pub differences: Vec<String>,
    /// How much is wrong.
    pub difference_count: u64,
}

impl Findings {
    pub(super) fn note(&mut self, difference: String) {
        self.difference_count = self.difference_count.saturating_add(1);
        if self.differences.len() < LISTED_MAX {
            self.differences.push(difference);
        }
    }
}

/// Names the lock of whoever proves: "ledger proof" in digits.
const PROOF_LOCK: i64 = 0x1ed6_e49f;

/// Whether nobody else is proving the ledger at the moment; then nobody else begins until this transaction ends.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn is_alone(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    let lock = sql_query("SELECT pg_try_advisory_xact_lock($1) AS is_ours").bind::<BigInt, _>(PROOF_LOCK);
    let row: LockRow = lock.get_result(connection).await?;
    Ok(row.is_ours)
}

#[derive(QueryableByName)]
struct LockRow {
    #[diesel(sql_type = Bool)]
    is_ours: bool,
}

/// Proves the ledger. Changes nothing; call it within a transaction of its own that sees one snapshot.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn verify(connection: &mut AsyncPgConnection) -> QueryResult<Findings> {
    connection.batch_execute("SET LOCAL statement_timeout = 0").await?;
    let mut findings = Findings::default();
    let accounts = accounts(connection, &mut findings).await?;
    let mut periods = PeriodFold::default();
    let balances = fold_all(connection, &accounts, &mut periods, &mut findings).await?;
    compare_with_view(connection, &balances, &mut findings).await?;
    compare_with_reading(connection, &accounts, &balances, &mut findings).await?;
    check(connection, &accounts, periods, &mut findings).await?;
    resolutions(connection, &mut findings).await?;
    sides(connection, &mut findings).await?;
    books(connection, &mut findings).await?;
    limits(connection, &mut findings).await?;
    for (account, balance) in balances.iter() {
        let sums = findings.posted.entry(account.currency.to_string()).or_default();
        sums.0 = sums.0.saturating_add(balance.debits.posted);
        sums.1 = sums.1.saturating_add(balance.credits.posted);
    }
    let unequal: Vec<String> = findings
        .posted
        .iter()
        .filter(|(_, (debits, credits))| debits != credits)
        .map(|(currency, (debits, credits))| {
            format!("{currency}: debits {debits} and credits {credits} differ")
        })
        .collect();
    for difference in unequal {
        findings.note(difference);
    }
    Ok(findings)
}

pub(super) type Accounts = BTreeMap<(TenantId, AccountId), Account>;

async fn accounts(connection: &mut AsyncPgConnection, findings: &mut Findings) -> QueryResult<Accounts> {
    let rows: Vec<AccountRow> =
        sql_query("SELECT tenant_id, account_id, kind, party_id, currency FROM ledger_accounts")
            .load(connection)
            .await?;
    let mut accounts = Accounts::new();
    for row in rows {
        findings.accounts = findings.accounts.saturating_add(1);
        let account = Account {
            tenant: TenantId::from_uuid(row.tenant_id),
            kind: words::read_account_kind(&row.kind)?,
            party: row.party_id,
            currency: currency_from_sql(&row.currency)?,
        };
        if account.id() != AccountId(row.account_id) {
            findings.note(format!("account {} is not the account its id names", row.account_id));
        }
        accounts.insert((account.tenant, AccountId(row.account_id)), account);
    }
    Ok(accounts)
}

async fn fold_all(
    connection: &mut AsyncPgConnection,
    accounts: &Accounts,
    periods: &mut PeriodFold,
    findings: &mut Findings,
) -> QueryResult<Balances> {
    let mut balances = Balances::default();
    let mut after = (Uuid::nil(), Uuid::nil());
    loop {
        let rows: Vec<TransferRow> = sql_query(
            "SELECT tenant_id, transfer_id, conversion_id, status_revision, flow, kind, pending_transfer_id,
                debit_account_id, credit_account_id, currency, amount_micros, period
            FROM ledger_transfers WHERE (tenant_id, transfer_id) > ($1, $2) ORDER BY tenant_id, transfer_id LIMIT $3",
        )
        .bind::<SqlUuid, _>(after.0)
        .bind::<SqlUuid, _>(after.1)
        .bind::<BigInt, _>(PAGE)
        .load(connection)
        .await?;
        let Some(last) = rows.last() else { return Ok(balances) };
        after = (last.tenant_id, last.transfer_id);
        for row in rows {
            findings.transfers = findings.transfers.saturating_add(1);
            if let Some(transfer) = read_one(&row, accounts, findings)? {
                balances.add(&transfer);
                periods.add(Month::of_day(row.period), &transfer);
            }
        }
    }
}

fn read_one(
    row: &TransferRow,
    accounts: &Accounts,
    findings: &mut Findings,
) -> QueryResult<Option<Transfer>> {
    let tenant = TenantId::from_uuid(row.tenant_id);
    let (flow, kind) = (words::read_flow(&row.flow)?, words::read_kind(&row.kind)?);
    let revision = row.status_revision.map(revision_from_sql).unwrap_or_default();
    let id = TransferId::from_uuid(row.transfer_id);
    // Those of statements are compared with what was asked for.
    let named = row
        .conversion_id
        .map(|conversion| transfer_id(tenant, ConversionId::from_uuid(conversion), revision, flow, kind));
    if named.is_some_and(|named| named != id) {
        findings.note(format!("transfer {} is not the transfer its id names", row.transfer_id));
    }
    let account = |id: Uuid| accounts.get(&(tenant, AccountId(id))).copied();
    let (Some(debit), Some(credit)) = (account(row.debit_account_id), account(row.credit_account_id)) else {
        findings.note(format!("transfer {} names an account that is not there", row.transfer_id));
        return Ok(None);
    };
    let currency = currency_from_sql(&row.currency)?;
    if debit.currency != currency || credit.currency != currency {
        findings.note(format!("transfer {} mixes currencies", row.transfer_id));
    }
    let pending = row.pending_transfer_id.map(TransferId::from_uuid);
    let amount = Micros(row.amount_micros);
    Ok(Some(Transfer { id, kind, flow, pending, debit, credit, amount, revision }))
}

async fn compare_with_view(
    connection: &mut AsyncPgConnection,
    balances: &Balances,
    findings: &mut Findings,
) -> QueryResult<()> {
    let rows: Vec<BalanceRow> = sql_query("SELECT * FROM ledger_balances").load(connection).await?;
    for row in rows {
        let folded = balances.get(AccountId(row.account_id));
        let viewed = of_row(&row);
        if folded != viewed {
            findings.note(format!(
                "account {}: the view says {viewed:?}, the rows say {folded:?}",
                row.account_id
            ));
        }
        let is_negative = [folded.debits.pending, folded.credits.pending].into_iter().any(|sum| sum < 0);
        if is_negative {
            findings.note(format!("account {}: more was resolved than reserved", row.account_id));
        }
    }
    Ok(())
}

/// What is read from the last checkpoint on is what all rows come to.
async fn compare_with_reading(
    connection: &mut AsyncPgConnection,
    accounts: &Accounts,
    balances: &Balances,
    findings: &mut Findings,
) -> QueryResult<()> {
    let tenants: BTreeSet<TenantId> = accounts.keys().map(|(tenant, _)| *tenant).collect();
    for tenant in tenants {
        for row in ledger::balances(connection, tenant, None).await? {
            let (folded, read) = (balances.get(AccountId(row.account_id)), of_row(&row));
            if folded != read {
                findings.note(format!(
                    "account {}: from the last checkpoint it is {read:?}, the rows say {folded:?}",
                    row.account_id
                ));
            }
        }
    }
    Ok(())
}

fn of_row(row: &BalanceRow) -> Balance {
    let mut balance = Balance::default();
    balance.debits.pending = i128::from(row.debits_pending);
    balance.debits.posted = i128::from(row.debits_posted);
    balance.credits.pending = i128::from(row.credits_pending);
    balance.credits.posted = i128::from(row.credits_posted);
    balance
}

async fn resolutions(connection: &mut AsyncPgConnection, findings: &mut Findings) -> QueryResult<()> {
    let rows: Vec<IdRow> = sql_query(
        "SELECT resolution.transfer_id AS id FROM ledger_transfers AS resolution
        LEFT JOIN ledger_transfers AS reserved ON reserved.tenant_id = resolution.tenant_id
            AND reserved.transfer_id = resolution.pending_transfer_id AND reserved.kind = 'pending'
            AND reserved.conversion_id = resolution.conversion_id AND reserved.flow = resolution.flow
            AND reserved.amount_micros = resolution.amount_micros AND reserved.currency = resolution.currency
            AND reserved.debit_account_id = resolution.debit_account_id
            AND reserved.credit_account_id = resolution.credit_account_id
        WHERE resolution.kind IN ('post', 'void') AND reserved.transfer_id IS NULL",
    )
    .load(connection)
    .await?;
    for row in rows {
        findings.note(format!("transfer {} resolves no reservation that is like it", row.id));
    }
    Ok(())
}

/// Whose accounts each entry of a conversion is between, beside whose they must be: the advertiser owes, the publisher earns, the tenant
/// keeps the rest. A reversal goes the other way.
async fn sides(connection: &mut AsyncPgConnection, findings: &mut Findings) -> QueryResult<()> {
    let rows: Vec<IdRow> = sql_query(
        "SELECT entry.transfer_id AS id FROM ledger_transfers AS entry
        JOIN conversions USING (tenant_id, conversion_id)
        JOIN ledger_accounts AS debit
            ON debit.tenant_id = entry.tenant_id AND debit.account_id = entry.debit_account_id
        JOIN ledger_accounts AS credit
            ON credit.tenant_id = entry.tenant_id AND credit.account_id = entry.credit_account_id
        JOIN LATERAL (VALUES
            ('payable', 'advertiser_receivable', advertiser_id, 'publisher_payable', publisher_id),
            ('margin', 'advertiser_receivable', advertiser_id, 'margin', '00000000-0000-0000-0000-000000000000'::uuid),
            ('loss', 'margin', '00000000-0000-0000-0000-000000000000'::uuid, 'publisher_payable', publisher_id)
        ) AS leg (flow, from_kind, from_party, to_kind, to_party) ON leg.flow = entry.flow
        WHERE CASE WHEN entry.kind = 'reversal'
            THEN (credit.kind, credit.party_id, debit.kind, debit.party_id) <> (from_kind, from_party, to_kind, to_party)
            ELSE (debit.kind, debit.party_id, credit.kind, credit.party_id) <> (from_kind, from_party, to_kind, to_party) END",
    )
    .load(connection)
    .await?;
    for row in rows {
        findings.note(format!("transfer {} is between accounts of others than its conversion's", row.id));
    }
    Ok(())
}

/// What each conversion's entries come to, beside what its row says they are: what counts as earned is posted, nothing else is, and
/// only what is undecided is reserved, and what has its room in the limits is one or the other.
async fn books(connection: &mut AsyncPgConnection, findings: &mut Findings) -> QueryResult<()> {
    let rows: Vec<IdRow> = sql_query(
        "WITH entries AS (
            SELECT tenant_id, conversion_id,
                CASE kind WHEN 'pending' THEN amount_micros WHEN 'post' THEN -amount_micros
                    WHEN 'void' THEN -amount_micros ELSE 0 END AS pending,
                CASE kind WHEN 'post' THEN amount_micros WHEN 'posted' THEN amount_micros
                    WHEN 'reversal' THEN -amount_micros ELSE 0 END AS posted,
                flow IN ('payable', 'margin') AS of_revenue, flow IN ('payable', 'loss') AS of_payout
            FROM ledger_transfers WHERE conversion_id IS NOT NULL
        ), held AS (
            SELECT tenant_id, conversion_id,
                coalesce(sum(pending) FILTER (WHERE of_revenue), 0) AS pending_revenue,
                coalesce(sum(pending) FILTER (WHERE of_payout), 0) AS pending_payout,
                coalesce(sum(posted) FILTER (WHERE of_revenue), 0) AS posted_revenue,
                coalesce(sum(posted) FILTER (WHERE of_payout), 0) AS posted_payout
            FROM entries GROUP BY tenant_id, conversion_id
        )
        SELECT coalesce(conversions.conversion_id, held.conversion_id) AS id
        FROM conversions FULL JOIN held USING (tenant_id, conversion_id)
        WHERE (coalesce(pending_revenue, 0), coalesce(pending_payout, 0),
                coalesce(posted_revenue, 0), coalesce(posted_payout, 0))
            IS DISTINCT FROM (
                CASE books WHEN 'reserved' THEN revenue_micros ELSE 0 END,
                CASE books WHEN 'reserved' THEN payout_micros ELSE 0 END,
                CASE books WHEN 'posted' THEN revenue_micros ELSE 0 END,
                CASE books WHEN 'posted' THEN payout_micros ELSE 0 END)
            OR (status IN ('success', 'flagged')) <> (books = 'posted')
            OR books = 'reserved' AND status NOT IN ('pending', 'on_review')
            OR books = 'empty' AND counted = 'taken'
            OR conversions.conversion_id IS NULL",
    )
    .load(connection)
    .await?;
    for row in rows {
        findings.note(format!("conversion {}: its entries are not what its status says", row.id));
    }
    Ok(())
}

/// What was counted against the limits, beside the sums of the conversions that count; as far back as counters are kept.
async fn limits(connection: &mut AsyncPgConnection, findings: &mut Findings) -> QueryResult<()> {
    let rows: Vec<CounterRow> = sql_query(
        "WITH counted AS (
            SELECT tenant_id, offer_id, whose.offer_event_id, whose.publisher_id, spans.period,
                (spans.begins_at AT TIME ZONE 'UTC')::date AS begins_on, taken_currency AS currency,
                count(*) AS conversions, sum(taken_micros) AS revenue_micros
            FROM conversions
            CROSS JOIN LATERAL (VALUES
                ('00000000-0000-0000-0000-000000000000'::uuid, '00000000-0000-0000-0000-000000000000'::uuid),
                (offer_event_id, '00000000-0000-0000-0000-000000000000'::uuid),
                (offer_event_id, publisher_id)) AS whose (offer_event_id, publisher_id)
            CROSS JOIN LATERAL (VALUES
                ('day', date_trunc('day', taken_at, 'UTC')), ('week', date_trunc('week', taken_at, 'UTC')),
                ('month', date_trunc('month', taken_at, 'UTC')), ('all_time', timestamptz '1970-01-01T00:00:00Z')
            ) AS spans (period, begins_at)
            WHERE counted = 'taken'
            GROUP BY 1, 2, 3, 4, 5, 6, 7
        )
        SELECT offer_id, period, begins_on
        FROM limit_usage AS usage FULL JOIN counted USING (
            tenant_id, offer_id, offer_event_id, publisher_id, period, begins_on, currency)
        CROSS JOIN limit_usage_horizon AS horizon
        WHERE (period = 'all_time' OR limit_period_ends_on(period, begins_on) > horizon.kept_from)
            AND (coalesce(usage.conversions, 0), coalesce(usage.revenue_micros, 0))
                IS DISTINCT FROM (coalesce(counted.conversions, 0), coalesce(counted.revenue_micros, 0))",
    )
    .load(connection)
    .await?;
    for row in rows {
        findings.note(format!(
            "offer {}: the limits' counter of the {} from {} is not the sum of the conversions that count",
            row.offer_id, row.period, row.begins_on
        ));
    }
    Ok(())
}

#[derive(QueryableByName)]
struct CounterRow {
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
    #[diesel(sql_type = Text)]
    period: String,
    #[diesel(sql_type = Date)]
    begins_on: NaiveDate,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    party_id: Uuid,
    #[diesel(sql_type = Text)]
    currency: String,
}

#[derive(QueryableByName)]
struct TransferRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    transfer_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    conversion_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    status_revision: Option<i64>,
    #[diesel(sql_type = Text)]
    flow: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pending_transfer_id: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    debit_account_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    credit_account_id: Uuid,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = BigInt)]
    amount_micros: i64,
    #[diesel(sql_type = Date)]
    period: NaiveDate,
}
