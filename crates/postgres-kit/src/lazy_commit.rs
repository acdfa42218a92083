//! Commits that need not reach the disk before they are believed.
//!
//! An ordinary commit waits until the log is on the disk, in a queue with all others. Some say only what is found out again by
//! itself when it is lost, such as the end of a row whose fact the broker has. Nobody may be told anything that such a commit says. When the server crashes, the last half second
//! of such commits may never have been, and never in part: the next one that does wait carries all before it.

use diesel::{QueryResult, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::kept::kept;

/// The commit of the present transaction is not waited for.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn not_waited_for(mut connection: &AsyncPgConnection) -> QueryResult<()> {
    kept(sql_query("SET LOCAL synchronous_commit = off")).execute(&mut connection).await.map(drop)
}
