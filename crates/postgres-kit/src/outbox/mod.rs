//! Facts leave through here: written in the transaction that makes them true, sent by the [`Relay`] after it.
//!
//! At least once: a fact may be sent again after a crash between the broker's confirm and our commit; its consumers
//! recognise it by its id. No order is promised: aggregates carry versions.

mod relay;
mod sink;

use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, Binary, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::FactId;
use uuid::Uuid;

pub use self::{
    relay::Relay,
    sink::{Sink, SinkError},
};
use crate::{kept::kept, wake_ups};

/// The relay's work.
const FACTS: &str = "facts";

/// One fact on its way to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// By which consumers recognise it.
    pub fact_id: FactId,
    /// Where it is published.
    pub exchange: String,
    /// Under which key.
    pub routing_key: String,
    /// The encoded envelope.
    pub envelope: Vec<u8>,
}

/// Adds facts to the outbox of the transaction that `connection` is in. When [`transact`](crate::transact) commits it,
/// the relay of this process sends them at once; after any other commit, within half a second.
///
/// One statement, however many facts there are.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(mut connection: &AsyncPgConnection, facts: &[Outgoing]) -> QueryResult<()> {
    if facts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = facts.iter().map(|fact| fact.fact_id.as_uuid()).collect();
    let exchanges: Vec<&str> = facts.iter().map(|fact| fact.exchange.as_str()).collect();
    let keys: Vec<&str> = facts.iter().map(|fact| fact.routing_key.as_str()).collect();
    let envelopes: Vec<&[u8]> = facts.iter().map(|fact| fact.envelope.as_slice()).collect();
    let insert = sql_query(
        "INSERT INTO outbox (fact_id, exchange, routing_key, envelope) SELECT * FROM unnest($1, $2, $3, $4)",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Text>, _>(exchanges)
    .bind::<Array<Text>, _>(keys)
    .bind::<Array<Binary>, _>(envelopes);
    kept(insert).execute(&mut connection).await?;
    wake_ups::after_commit(FACTS);
    Ok(())
}
