//! Partitions of the days to come: see `attribution_make_partitions` in the migration.

use diesel::{QueryResult, QueryableByName, sql_query, sql_types::Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

#[derive(QueryableByName)]
struct Made {
    #[diesel(sql_type = Integer)]
    made: i32,
}

/// Makes what is missing up to so many days ahead, and says how many that were.
///
/// # Errors
/// The database's.
pub async fn make_ahead(connection: &mut AsyncPgConnection, days: u8) -> QueryResult<i32> {
    let made: Made = sql_query("SELECT attribution_make_partitions($1) AS made")
        .bind::<Integer, _>(i32::from(days))
        .get_result(connection)
        .await?;
    Ok(made.made)
}
