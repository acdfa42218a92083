//! One journey that may be one that can not be judged: a row of it can not be read, or holds what no statement takes. It
//! must not keep all others from being judged.

use diesel::{QueryResult, result::Error};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use postgres_kit::sqlstate::{Class, classify};
use telemetry::chain;

use super::{Attributor, judge_journeys::Docket, spans::Spans};
use crate::store::named;

impl Attributor {
    /// Judges in a savepoint; whether it could. When it could not, the transaction stands as it was, and an error names
    /// the journeys. For dockets of one journey.
    ///
    /// # Errors
    /// What is not the journey's fault: see [`is_its_own_fault`].
    pub(super) async fn judge_carefully(
        &self,
        connection: &mut AsyncPgConnection,
        docket: Docket<'_>,
    ) -> QueryResult<bool> {
        let names: Vec<String> =
            docket.journeys.iter().map(|journey| named(journey.key).to_string()).collect();
        AnsiTransactionManager::begin_transaction(connection).await?;
        let judged = self.judge_journeys(connection, docket, &Spans::default()).await;
        match judged {
            Ok(()) => AnsiTransactionManager::commit_transaction(connection).await.map(|()| true),
            Err(error) => {
                AnsiTransactionManager::rollback_transaction(connection).await?;
                if !is_its_own_fault(&error) {
                    return Err(error);
                }
                tracing::error!(
                    journey = names.join("; "),
                    error = chain(&error),
                    "a journey can not be judged and is passed over"
                );
                Ok(false)
            }
        }
    }
}

/// Whether the same journeys would fail again, whatever the database does.
pub(super) fn is_its_own_fault(error: &Error) -> bool {
    classify(error) == Class::Bug
}
