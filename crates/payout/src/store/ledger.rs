//! The ledger's rows: only ever added.

use std::collections::BTreeMap;

use diesel::{
    QueryResult, QueryableByName,
    result::{DatabaseErrorKind, Error},
    sql_query,
    sql_types::{Array, BigInt, Date, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::join;
use kernel::{ConversionId, TenantId, TransferId};
use postgres_kit::{all, kept};
use uuid::Uuid;

use super::{
    column::{column, revision_to_sql},
    periods::Taken,
};
use crate::domain::{
    ledger::{Account, AccountId, Transfer},
    statements::StatementId,
};

/// What a transfer follows from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// A change of a conversion.
    Conversion(ConversionId),
    /// An adjustment or payment of a statement.
    Statement(StatementId),
}

/// A transfer and what it follows from.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// What it follows from.
    pub source: Source,
    /// The row.
    pub transfer: Transfer,
}

impl Entry {
    const fn conversion(&self) -> Option<Uuid> {
        match self.source {
            Source::Conversion(id) => Some(id.as_uuid()),
            Source::Statement(_) => None,
        }
    }

    const fn statement(&self) -> Option<Uuid> {
        match self.source {
            Source::Conversion(_) => None,
            Source::Statement(id) => Some(id.0),
        }
    }
}

/// An entry of that id, a resolution of that reservation or a change of that number is there already.
const CONFLICTS: [&str; 3] =
    ["ledger_transfers_pkey", "ledger_transfers_resolution", "conversion_history_pkey"];

/// What is there already, as the server names it, when that is what failed. A change of a number that was given before is found at its
/// history, before its entries.
#[must_use]
pub fn conflict(error: &Error) -> Option<&str> {
    let Error::DatabaseError(DatabaseErrorKind::UniqueViolation, information) = error else { return None };
    let is_one = information.constraint_name().is_some_and(|name| CONFLICTS.contains(&name));
    is_one.then(|| information.details().unwrap_or_default())
}

/// Adds transfers and the accounts they touch, into the periods that were taken for their tenants. An id that is there already is an error of the primary key: entries are
/// decided under the conversion's lock, so a second one is a bug, and its transaction must not happen.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn add(connection: &AsyncPgConnection, entries: &[Entry], periods: &Taken) -> QueryResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let ((), ()) =
        all(join!(add_accounts(connection, entries), add_transfers(connection, entries, periods)))?;
    Ok(())
}

async fn add_transfers(
    mut connection: &AsyncPgConnection,
    entries: &[Entry],
    periods: &Taken,
) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO ledger_transfers (
            tenant_id, transfer_id, conversion_id, status_revision, flow, kind, pending_transfer_id,
            debit_account_id, credit_account_id, currency, amount_micros, period, statement_id)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind::<Array<SqlUuid>, _>(column(entries, |entry| entry.transfer.debit.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(entries, |entry| entry.transfer.id.as_uuid()))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(entries, Entry::conversion))
    .bind::<Array<Nullable<BigInt>>, _>(column(entries, |entry| {
        entry.conversion().map(|_conversion| revision_to_sql(entry.transfer.revision))
    }))
    .bind::<Array<Text>, _>(column(entries, |entry| entry.transfer.flow.word()))
    .bind::<Array<Text>, _>(column(entries, |entry| entry.transfer.kind.word()))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(entries, |entry| {
        entry.transfer.pending.map(TransferId::as_uuid)
    }))
    .bind::<Array<SqlUuid>, _>(column(entries, |entry| entry.transfer.debit.id().0))
    .bind::<Array<SqlUuid>, _>(column(entries, |entry| entry.transfer.credit.id().0))
    .bind::<Array<Text>, _>(column(entries, |entry| entry.transfer.debit.currency.to_string()))
    .bind::<Array<BigInt>, _>(column(entries, |entry| entry.transfer.amount.0))
    .bind::<Array<Nullable<Date>>, _>(column(entries, |entry| periods.of(entry.transfer.debit.tenant)))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(entries, Entry::statement));
    kept(insert).execute(&mut connection).await.map(drop)
}

/// In the order of their ids: two batches that open the same new accounts do not wait for each other in a circle.
async fn add_accounts(mut connection: &AsyncPgConnection, entries: &[Entry]) -> QueryResult<()> {
    let accounts: BTreeMap<(TenantId, AccountId), Account> = entries
        .iter()
        .flat_map(|entry| [entry.transfer.debit, entry.transfer.credit])
        .map(|account| ((account.tenant, account.id()), account))
        .collect();
    let accounts: Vec<(AccountId, Account)> =
        accounts.into_iter().map(|((_, id), account)| (id, account)).collect();
    let insert = sql_query(
        "INSERT INTO ledger_accounts (tenant_id, account_id, kind, party_id, currency)
        SELECT tenant_id, account_id, kind, party_id, currency
        FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY
            AS new (tenant_id, account_id, kind, party_id, currency, place)
        ORDER BY place
        ON CONFLICT DO NOTHING",
    )
    .bind::<Array<SqlUuid>, _>(column(&accounts, |(_, account)| account.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(&accounts, |(id, _)| id.0))
    .bind::<Array<Text>, _>(column(&accounts, |(_, account)| account.kind.word()))
    .bind::<Array<SqlUuid>, _>(column(&accounts, |(_, account)| account.party))
    .bind::<Array<Text>, _>(column(&accounts, |(_, account)| account.currency.to_string()));
    kept(insert).execute(&mut connection).await.map(drop)
}

/// A balance as the view folds it.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct BalanceRow {
    /// Whose books.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    /// The account.
    #[diesel(sql_type = SqlUuid)]
    pub account_id: Uuid,
    /// What it counts.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The advertiser or publisher; nil for the margin.
    #[diesel(sql_type = SqlUuid)]
    pub party_id: Uuid,
    /// In which currency.
    #[diesel(sql_type = Text)]
    pub currency: String,
    /// Reserved debits, in micros.
    #[diesel(sql_type = BigInt)]
    pub debits_pending: i64,
    /// Posted debits, in micros.
    #[diesel(sql_type = BigInt)]
    pub debits_posted: i64,
    /// Reserved credits, in micros.
    #[diesel(sql_type = BigInt)]
    pub credits_pending: i64,
    /// Posted credits, in micros.
    #[diesel(sql_type = BigInt)]
    pub credits_posted: i64,
}

/// The balances of a tenant; of one party only, when it is named. Only the transfers since the last checkpoint are folded.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn balances(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    party: Option<Uuid>,
) -> QueryResult<Vec<BalanceRow>> {
    let select = sql_query(
        "WITH latest AS (
            SELECT coalesce(max(period), '-infinity'::date) AS period FROM ledger_checkpoints WHERE tenant_id = $1
        ), asked AS (
            SELECT tenant_id, account_id, kind, party_id, currency FROM ledger_accounts
            WHERE tenant_id = $1 AND ($2 IS NULL OR party_id = $2)
        ), parts AS (
            SELECT account_id, debits_pending, debits_posted, credits_pending, credits_posted
            FROM ledger_checkpoints WHERE tenant_id = $1 AND period = (SELECT period FROM latest)
            UNION ALL
            SELECT debit_account_id,
                sum(CASE kind WHEN 'pending' THEN amount_micros WHEN 'post' THEN -amount_micros
                    WHEN 'void' THEN -amount_micros ELSE 0 END),
                sum(amount_micros) FILTER (WHERE kind IN ('post', 'posted', 'reversal')), 0, 0
            FROM ledger_transfers
            WHERE tenant_id = $1 AND period > (SELECT period FROM latest)
                AND ($2 IS NULL OR debit_account_id IN (SELECT account_id FROM asked))
            GROUP BY debit_account_id
            UNION ALL
            SELECT credit_account_id, 0, 0,
                sum(CASE kind WHEN 'pending' THEN amount_micros WHEN 'post' THEN -amount_micros
                    WHEN 'void' THEN -amount_micros ELSE 0 END),
                sum(amount_micros) FILTER (WHERE kind IN ('post', 'posted', 'reversal'))
            FROM ledger_transfers
            WHERE tenant_id = $1 AND period > (SELECT period FROM latest)
                AND ($2 IS NULL OR credit_account_id IN (SELECT account_id FROM asked))
            GROUP BY credit_account_id
        )
        SELECT asked.tenant_id, account_id, asked.kind, asked.party_id, asked.currency,
            coalesce(sum(debits_pending), 0)::bigint AS debits_pending,
            coalesce(sum(debits_posted), 0)::bigint AS debits_posted,
            coalesce(sum(credits_pending), 0)::bigint AS credits_pending,
            coalesce(sum(credits_posted), 0)::bigint AS credits_posted
        FROM asked LEFT JOIN parts USING (account_id)
        GROUP BY asked.tenant_id, account_id, asked.kind, asked.party_id, asked.currency
        ORDER BY asked.currency, asked.kind, asked.party_id",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(party);
    kept(select).load(connection).await
}
