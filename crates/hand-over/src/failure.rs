//! What a failure asks of a consumer: to wait, or to bury the item.

use bus::HandleError;
use contracts::{ContractError, envelope::Envelope};
use postgres_kit::{DbError, Pool, dead_items, sqlstate::Class};

/// A database that is away is waited for; what it refuses for good is the item's fault.
#[must_use]
pub fn of_store(error: &DbError) -> HandleError {
    by_class(error, telemetry::chain(error))
}

/// The same for a failure that has more to say than the database's: `text` is what people read.
#[must_use]
pub fn by_class(error: &DbError, text: String) -> HandleError {
    match error.class() {
        // Retries are used up: the race is not the items' fault.
        Class::Retry | Class::Pause => HandleError::Pause(text),
        Class::Bug => HandleError::Poison(text),
    }
}

/// A message that can not be taken at its word never will be.
#[must_use]
pub fn of_contract(error: &ContractError) -> HandleError {
    HandleError::Poison(telemetry::chain(error))
}

/// Puts an item where people find it and can send it on its way again, under the name of its `consumer` (its queue's).
///
/// # Errors
/// [`HandleError`] when the database can not take it; the item stays in its queue then.
pub async fn bury(pool: &Pool, consumer: &str, item: &Envelope, reason: &str) -> Result<(), HandleError> {
    dead_items::bury_one(pool, consumer, item, reason).await.map_err(|error| of_store(&error))
}

#[cfg(test)]
mod tests {
    use diesel::result::Error;

    use super::*;

    #[test]
    fn a_database_that_is_away_is_waited_for_and_a_refusal_is_the_items_fault() {
        let away = DbError::from(Error::BrokenTransactionManager);
        assert!(matches!(of_store(&away), HandleError::Pause(_)));
        let refused = DbError::from(Error::NotFound);
        match by_class(&refused, "conversion 7".to_owned()) {
            HandleError::Poison(text) => assert_eq!(text, "conversion 7"),
            HandleError::Pause(text) => panic!("waits for ever: {text}"),
        }
    }
}
