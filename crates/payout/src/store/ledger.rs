//! The ledger's rows: only ever added.

use std::collections::BTreeMap;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, TenantId, TransferId};
use postgres_kit::kept;
use uuid::Uuid;

use super::column::{column, revision_to_sql};
use crate::domain::ledger::{Account, AccountId, Transfer};

/// A transfer and the conversion it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The conversion.
    pub conversion: ConversionId,
    /// The row.
    pub transfer: Transfer,
}

/// Adds transfers and the accounts they touch. An id that is there already is an error of the primary key: entries are
/// decided under the conversion's lock, so a second one is a bug, and its transaction must not happen.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn add(connection: &mut AsyncPgConnection, entries: &[Entry]) -> QueryResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    add_accounts(connection, entries).await?;
    let insert = sql_query(
        "INSERT INTO ledger_transfers (
            tenant_id, transfer_id, conversion_id, status_revision, flow, kind, pending_transfer_id,
            debit_account_id, credit_account_id, currency, amount_micros)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind::<Array<SqlUuid>, _>(column(entries, |entry| entry.transfer.debit.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(entries, |entry| entry.transfer.id.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(entries, |entry| entry.conversion.as_uuid()))
    .bind::<Array<BigInt>, _>(column(entries, |entry| revision_to_sql(entry.transfer.revision)))
    .bind::<Array<Text>, _>(column(entries, |entry| entry.transfer.flow.word()))
    .bind::<Array<Text>, _>(column(entries, |entry| entry.transfer.kind.word()))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(entries, |entry| {
        entry.transfer.pending.map(TransferId::as_uuid)
    }))
    .bind::<Array<SqlUuid>, _>(column(entries, |entry| entry.transfer.debit.id().0))
    .bind::<Array<SqlUuid>, _>(column(entries, |entry| entry.transfer.credit.id().0))
    .bind::<Array<Text>, _>(column(entries, |entry| entry.transfer.debit.currency.to_string()))
    .bind::<Array<BigInt>, _>(column(entries, |entry| entry.transfer.amount.0));
    kept(insert).execute(connection).await.map(drop)
}

/// In the order of their ids: two batches that open the same new accounts do not wait for each other in a circle.
async fn add_accounts(connection: &mut AsyncPgConnection, entries: &[Entry]) -> QueryResult<()> {
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
    kept(insert).execute(connection).await.map(drop)
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

/// The balances of a tenant; of one party only, when it is named.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn balances(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    party: Option<Uuid>,
) -> QueryResult<Vec<BalanceRow>> {
    let select = sql_query(
        "SELECT * FROM ledger_balances WHERE tenant_id = $1 AND ($2 IS NULL OR party_id = $2)
        ORDER BY currency, kind, party_id",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Nullable<SqlUuid>, _>(party);
    kept(select).load(connection).await
}
