//! The database's clock and its knowledge of time zones: replicas need not agree on either.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Text, Timestamp as LocalTimestamp, Timestamptz},
};
use diesel_async::RunQueryDsl;
use kernel::Timestamp;

use super::{Conn, convert};

#[derive(QueryableByName)]
struct Moment {
    #[diesel(sql_type = Timestamptz)]
    moment: DateTime<Utc>,
}

/// The present moment.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn now(conn: &mut Conn) -> QueryResult<Timestamp> {
    let row: Moment = sql_query("SELECT now() AS moment").get_result(conn).await?;
    Ok(convert::from_sql(row.moment))
}

/// A year from now.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn in_a_year(conn: &mut Conn) -> QueryResult<Timestamp> {
    let row: Moment = sql_query("SELECT now() + interval '1 year' AS moment").get_result(conn).await?;
    Ok(convert::from_sql(row.moment))
}

/// When clocks of a zone show a local time: once; never, when they are put forward over it; twice, when they are put back.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn moments(conn: &mut Conn, local: NaiveDateTime, zone: &str) -> QueryResult<Vec<Timestamp>> {
    // PostgreSQL chooses one moment for every local time; what it chose is near enough to find the others. No zone moves by
    // less than a quarter of an hour or by more than three hours.
    let rows: Vec<Moment> = sql_query(
        "SELECT moment FROM generate_series(
            ($1 AT TIME ZONE $2) - interval '4 hours', ($1 AT TIME ZONE $2) + interval '4 hours', interval '15 minutes'
        ) AS moment
        WHERE moment AT TIME ZONE $2 = $1 ORDER BY moment",
    )
    .bind::<LocalTimestamp, _>(local)
    .bind::<Text, _>(zone)
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| convert::from_sql(row.moment)).collect())
}
