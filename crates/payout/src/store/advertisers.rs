//! Advertisers, by whose names their statements go.

use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{AdvertiserId, TenantId};
use postgres_kit::{kept, text::without_nul};

use super::column::{column, revision_to_sql};

/// The catalog's word on an advertiser, as far as payout needs it.
#[derive(Debug, Clone)]
pub struct Advertiser {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: AdvertiserId,
    /// Counts its changes; a lower one is ignored.
    pub version: u64,
    /// For people.
    pub name: String,
}

/// Writes each advertiser unless a newer version is there. None may be named twice; their order is that in which they are locked.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn apply(connection: &mut AsyncPgConnection, rows: &[&Advertiser]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let upsert = sql_query(
        "INSERT INTO advertisers (tenant_id, advertiser_id, version, name)
        SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (tenant_id, advertiser_id) DO UPDATE SET version = excluded.version, name = excluded.name
        WHERE advertisers.version <= excluded.version",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.id.as_uuid()))
    .bind::<Array<BigInt>, _>(column(rows, |row| revision_to_sql(row.version)))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.name)));
    kept(upsert).execute(connection).await.map(drop)
}
