//! Partitions of the days to come and of the days that are over: see `attribution_make_partitions` and
//! `attribution_drop_partition` in the migrations.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Integer, Nullable, Text},
};
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

/// What is kept by days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Raw postbacks.
    Postbacks,
    /// Decisions with their traces.
    Decisions,
}

impl Kept {
    const fn table(self) -> &'static str {
        match self {
            Self::Postbacks => "postbacks",
            Self::Decisions => "decisions",
        }
    }
}

/// Drops the oldest day that is older than so many days, and tells its partition; `None` when there is none.
///
/// # Errors
/// The database's.
pub async fn drop_oldest(
    connection: &mut AsyncPgConnection,
    kept: Kept,
    days: u16,
) -> QueryResult<Option<String>> {
    #[derive(QueryableByName)]
    struct Dropped {
        #[diesel(sql_type = Nullable<Text>)]
        partition: Option<String>,
    }
    let dropped: Dropped = sql_query("SELECT attribution_drop_partition($1, $2) AS partition")
        .bind::<Text, _>(kept.table())
        .bind::<Integer, _>(i32::from(days))
        .get_result(connection)
        .await?;
    Ok(dropped.partition)
}

/// Deletes up to `most` rows that are as old out of the default partition.
///
/// # Errors
/// The database's.
pub async fn delete_strays(
    connection: &mut AsyncPgConnection,
    kept: Kept,
    days: u16,
    most: i64,
) -> QueryResult<usize> {
    let strays = format!("{}_default", kept.table());
    sql_query(format!(
        "DELETE FROM {strays} WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM {strays}
            WHERE received_at < timezone('UTC', (timezone('UTC', now())::date - $1)::timestamp) LIMIT $2
        ))"
    ))
    .bind::<Integer, _>(i32::from(days))
    .bind::<BigInt, _>(most)
    .execute(connection)
    .await
}
