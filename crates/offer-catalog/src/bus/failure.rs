//! What a failure asks of a consumer.

use ::bus::HandleError;
use contracts::{ContractError, envelope::Envelope};
use postgres_kit::{DbError, Pool, dead_items, sqlstate::Class};

/// A database that is away is waited for; what it refuses for good is the item's fault.
pub(super) fn of_store(error: &DbError) -> HandleError {
    let text = telemetry::chain(error);
    match error.class() {
        // Retries are used up: the race is not the items' fault.
        Class::Retry | Class::Pause => HandleError::Pause(text),
        Class::Bug => HandleError::Poison(text),
    }
}

/// A message that can not be taken at its word never will be.
pub(super) fn of_contract(error: &ContractError) -> HandleError {
    HandleError::Poison(telemetry::chain(error))
}

/// Puts an item where people find it.
pub(super) async fn bury(
    pool: &Pool,
    consumer: &'static str,
    item: &Envelope,
    reason: &str,
) -> Result<(), HandleError> {
    dead_items::bury_one(pool, consumer, item, reason).await.map_err(|error| of_store(&error))
}
