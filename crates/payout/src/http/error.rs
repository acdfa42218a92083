//! A failure as the caller sees it.

use http_kit::Problem;
use postgres_kit::{DbError, sqlstate::Class};

/// What a caller waits before trying again when the database is away.
const RETRY_AFTER_SECONDS: u32 = 5;

pub(super) fn of_store(error: DbError) -> Problem {
    match error.class() {
        Class::Retry | Class::Pause => {
            Problem::unavailable("payout's database is away", RETRY_AFTER_SECONDS).because(error)
        }
        Class::Bug => Problem::internal(error),
    }
}
