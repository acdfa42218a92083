//! Items whose journey can not be read, because a later release wrote a row of it or a hand did, are put aside in
//! `dead_items`, with an alarm, so that those behind them are handled. This puts them on their way again from time to
//! time: when the row can be read, they are decided as if they had just come.

use std::time::Duration;

use postgres_kit::{
    DbError, Retries,
    dead_items::{self, Selection},
    transact,
};

use super::Attributor;

/// The beginning of the reason with which such an item is put aside.
pub const UNREADABLE_ROW: &str = "a stored row can not be read";

impl Attributor {
    /// Puts items that were put aside at least `after` ago on their way again; how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn unpark(&self, after: Duration) -> Result<usize, DbError> {
        let parked =
            Selection { reason: Some(String::from(UNREADABLE_ROW)), older_than: after, ..Selection::all() };
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(dead_items::replay(connection, &parked, None).await?.sent)
        })
        .await
    }
}
