//! Endpoints that are tried out: where they are, and how often that was done.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Integer, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{EndpointId, PublisherId, TenantId, TokenId};
use postgres_kit::kept;

use super::deliveries::{Target, TargetRow};

/// How and where a publisher's endpoint is called; nothing when there is none such.
///
/// # Errors
/// diesel's, when the statement fails or the row can not be read.
pub async fn target(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    publisher: PublisherId,
    endpoint: EndpointId,
) -> QueryResult<Option<Target>> {
    let select = sql_query(
        "SELECT active, method, url_template, signing_secret,
            CASE WHEN old_secret_until > now() THEN old_signing_secret END AS old_signing_secret,
            custom_header_name, custom_header_value
        FROM postback_endpoints WHERE tenant_id = $1 AND endpoint_id = $2 AND publisher_id = $3",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(endpoint.as_uuid())
    .bind::<SqlUuid, _>(publisher.as_uuid());
    let rows: Vec<TargetRow> = kept(select).load(connection).await?;
    rows.as_slice().first().map(TargetRow::read).transpose()
}

/// Takes one of the tests that an endpoint has in a minute of the database's clock; when there is none left, the seconds
/// until the next minute.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn take_turn(
    connection: &mut AsyncPgConnection,
    (tenant, endpoint): (TenantId, EndpointId),
    token: TokenId,
    a_minute: i32,
) -> QueryResult<Result<(), u32>> {
    let upsert = sql_query(
        "INSERT INTO endpoint_tests AS known (tenant_id, endpoint_id, minute, tests, token_id)
        VALUES ($1, $2, date_trunc('minute', now()), 1, $3)
        ON CONFLICT (tenant_id, endpoint_id) DO UPDATE SET minute = excluded.minute, token_id = excluded.token_id,
            tests = CASE WHEN known.minute = excluded.minute THEN known.tests + 1 ELSE 1 END
        WHERE known.minute <> excluded.minute OR known.tests < $4",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(endpoint.as_uuid())
    .bind::<SqlUuid, _>(token.as_uuid())
    .bind::<Integer, _>(a_minute);
    if kept(upsert).execute(connection).await? > 0 {
        return Ok(Ok(()));
    }
    let left = sql_query("SELECT 60 - floor(extract(second FROM now()))::integer AS seconds");
    let row: SecondsRow = kept(left).get_result(connection).await?;
    Ok(Err(u32::try_from(row.seconds).unwrap_or(1)))
}

#[derive(QueryableByName)]
struct SecondsRow {
    #[diesel(sql_type = Integer)]
    seconds: i32,
}
