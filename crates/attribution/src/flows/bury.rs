//! An item that no try will help, put where people see it and can replay it.

use contracts::envelope::Envelope;
use postgres_kit::{DbError, dead_items};

use super::Attributor;

impl Attributor {
    /// Buries one item of a consumer.
    ///
    /// # Errors
    /// The database's.
    pub async fn bury(&self, consumer: &str, item: &Envelope, reason: &str) -> Result<(), DbError> {
        dead_items::bury_one(&self.pool, consumer, item, reason).await
    }
}
