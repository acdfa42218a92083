//! What people decided.

use std::collections::BTreeMap;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, ConversionId, OfferId, TenantId, TokenId};
use postgres_kit::{kept, text::without_nul};
use uuid::Uuid;

use super::{
    column::{column, revision_to_sql},
    conversions::Key,
    words,
};
use crate::domain::standing::Decision;

/// What never changes of a conversion, and says what has to be locked before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its offer.
    pub offer: OfferId,
    /// Its journey.
    pub click: ClickId,
}

/// A decision that was carried out.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    /// On which conversion.
    pub key: Key,
    /// The change that it made.
    pub revision: u64,
    /// What.
    pub decision: Decision,
    /// Whose token asked for it.
    pub token: TokenId,
    /// Why.
    pub reason: &'a str,
    /// The file that it was a line of.
    pub bulk: Option<Uuid>,
}

/// Those of `keys` that are conversions which somebody sees.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn known(connection: &mut AsyncPgConnection, keys: &[Key]) -> QueryResult<BTreeMap<Key, Known>> {
    let select = sql_query(
        "SELECT tenant_id AS tenant, conversion_id AS conversion, offer_id AS offer, gk_click_id AS click
        FROM conversions
        JOIN unnest($1, $2) AS wanted (tenant_id, conversion_id) USING (tenant_id, conversion_id)
        WHERE status <> 'unreached'",
    )
    .bind::<Array<SqlUuid>, _>(column(keys, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(keys, |(_, conversion)| conversion.as_uuid()));
    let rows: Vec<Row> = kept(select).load(connection).await?;
    let known = rows.into_iter().map(|row| {
        let key = (TenantId::from_uuid(row.tenant), ConversionId::from_uuid(row.conversion));
        let click = ClickId::from_uuid(row.click);
        (key, Known { offer: OfferId::from_uuid(row.offer), click })
    });
    Ok(known.collect())
}

/// Writes down who decided what, and why.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(connection: &mut AsyncPgConnection, rows: &[Made<'_>]) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO conversion_decisions (
            tenant_id, conversion_id, status_revision, decision, token_id, reason, bulk_id)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.key.0.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.key.1.as_uuid()))
    .bind::<Array<BigInt>, _>(column(rows, |row| revision_to_sql(row.revision)))
    .bind::<Array<Text>, _>(column(rows, |row| words::decision(row.decision)))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.token.as_uuid()))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(row.reason)))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| row.bulk));
    kept(insert).execute(connection).await.map(drop)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer: Uuid,
    #[diesel(sql_type = SqlUuid)]
    click: Uuid,
}
