//! Persons who asked to be forgotten, by their clicks.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Binary, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, TenantId};
use postgres_kit::{kept, text::without_nul};
use uuid::Uuid;

use super::column::column;

/// A click whose person is forgotten.
#[derive(Debug, Clone)]
pub struct ErasedClick {
    /// Whose.
    pub tenant: TenantId,
    /// The click.
    pub click: ClickId,
    /// Stands in the place of the member.
    pub member: String,
}

/// Remembers clicks, and waits until every verdict that is being written now is written: what comes later finds the click
/// here, what came before is seen by [`stored`].
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn remember(connection: &mut AsyncPgConnection, clicks: &[ErasedClick]) -> QueryResult<()> {
    let insert = sql_query(
        "INSERT INTO erased_clicks (tenant_id, gk_click_id, member) SELECT * FROM unnest($1, $2, $3)
        ON CONFLICT (tenant_id, gk_click_id) DO UPDATE SET member = excluded.member
        WHERE excluded.member <> ''",
    )
    .bind::<Array<SqlUuid>, _>(column(clicks, |one| one.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(clicks, |one| one.click.as_uuid()))
    .bind::<Array<Text>, _>(column(clicks, |one| without_nul(&one.member).into_owned()));
    kept(insert).execute(connection).await?;
    sql_query("LOCK TABLE conversions IN SHARE MODE").execute(connection).await.map(drop)
}

/// A stored verdict of a click whose person is forgotten.
#[derive(Debug, QueryableByName)]
pub struct StoredVerdict {
    /// Whose.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    /// The conversion.
    #[diesel(sql_type = SqlUuid)]
    pub conversion_id: Uuid,
    /// `ConversionVerdict` as it is stored.
    #[diesel(sql_type = Binary)]
    pub verdict: Vec<u8>,
    /// Stands in the place of the member.
    #[diesel(sql_type = Text)]
    pub member: String,
}

/// The verdicts of those of these clicks whose person is forgotten; mostly none.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn stored(
    mut connection: &AsyncPgConnection,
    clicks: &[(TenantId, ClickId)],
) -> QueryResult<Vec<StoredVerdict>> {
    let select = sql_query(
        "SELECT tenant_id, conversion_id, verdict, member
        FROM unnest($1, $2) AS wanted (tenant_id, gk_click_id)
        JOIN erased_clicks USING (tenant_id, gk_click_id)
        JOIN conversions USING (tenant_id, gk_click_id)
        ORDER BY tenant_id, conversion_id",
    )
    .bind::<Array<SqlUuid>, _>(column(clicks, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(clicks, |(_, click)| click.as_uuid()));
    kept(select).load(&mut connection).await
}

/// Writes verdicts as they are left.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save(mut connection: &AsyncPgConnection, rows: &[(Uuid, Uuid, Vec<u8>)]) -> QueryResult<usize> {
    let update = sql_query(
        "UPDATE conversions SET verdict = new.verdict
        FROM unnest($1, $2, $3) AS new (tenant_id, conversion_id, verdict)
        WHERE conversions.tenant_id = new.tenant_id AND conversions.conversion_id = new.conversion_id",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |(tenant, _, _)| *tenant))
    .bind::<Array<SqlUuid>, _>(column(rows, |(_, conversion, _)| *conversion))
    .bind::<Array<Binary>, _>(column(rows, |(_, _, verdict)| verdict.as_slice()));
    kept(update).execute(&mut connection).await
}
