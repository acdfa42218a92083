//! An item that no try will help, put where people see it and can replay it.

use contracts::{envelope::Envelope, read};
use postgres_kit::{
    DbError, Retries,
    dead_items::{self, DeadItem},
    transact,
};
use prost::Message;

use super::Attributor;

impl Attributor {
    /// Buries one item of a consumer.
    ///
    /// # Errors
    /// The database's.
    pub async fn bury(&self, consumer: &str, item: &Envelope, reason: &str) -> Result<(), DbError> {
        let dead = dead_item(item, reason);
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(dead_items::bury(connection, consumer, std::slice::from_ref(&dead)).await?)
        })
        .await
    }
}

/// An item as it is buried.
pub(super) fn dead_item(item: &Envelope, reason: &str) -> DeadItem {
    DeadItem {
        tenant_id: read::tenant_id(item).ok(),
        fact_id: read::fact_id(item).ok(),
        fact: item.fact.clone(),
        item: item.encode_to_vec(),
        reason: String::from(reason),
    }
}
