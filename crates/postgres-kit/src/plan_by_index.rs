//! Transactions in which no whole table is read.

use diesel::{QueryResult, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::kept::kept;

/// Keeps the planner from reading whole tables in this transaction.
///
/// Statements that are kept are planned once for each connection, perhaps while a table is empty, and then run for as long as the
/// connection lives. For transactions that go from a few keys, or from the beginning of an index, whatever the size of the table.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn plan_by_index(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    kept(sql_query("SELECT set_config('enable_seqscan', 'off', true)"))
        .execute(&mut connection)
        .await
        .map(drop)
}
