//! AppsFlyer's door: authenticated postbacks, receipts, the queue of attribution.

use std::sync::Arc;

use bus::house::ATTRIBUTION_POSTBACKS;
use contracts::{Fact as _, envelope::Envelope, ingest::PostbackReceived};
use system_tests::{ServiceName, lone::CREDENTIAL_KEYS};
use uuid::Uuid;

use super::{Door, Promise};
use crate::{
    beside::BarePublisher,
    load::{Template, receipt},
    nodes::LocalNodes,
    seed::{DOMAIN, Postbacks, World},
};

const PROMISE: Promise = Promise {
    ids: "different receipts",
    answered: receipt,
    queue: ATTRIBUTION_POSTBACKS,
    kept: |fact: &Envelope| Uuid::from_slice(&fact.fact_id).ok(),
};

/// ingest, and the postbacks it is sent.
///
/// # Errors
/// When it does not start.
pub async fn ingest(nodes: &LocalNodes) -> anyhow::Result<(Door, Postbacks)> {
    let world = Arc::new(World::new(CREDENTIAL_KEYS)?);
    let postbacks = Postbacks::new(Arc::clone(&world), 1);
    let (path, signature) = world.address(CREDENTIAL_KEYS)?;
    let target = format!("{path}?signature={signature}&{}", postbacks.template());
    let request = Template::get(&format!("api.{DOMAIN}.gokart.test"), &target);
    let settings = [("CREDENTIALS__KEYS", CREDENTIAL_KEYS), ("DOOR__BASE_DOMAIN", "gokart.test")];
    let door = Door::open(nodes, ServiceName::Ingest, &settings, request, PROMISE).await?;
    Ok((door, postbacks))
}

impl Door {
    /// A bare publisher of the same postbacks to the same queue.
    ///
    /// # Errors
    /// The broker's.
    pub async fn bare_publisher(&self) -> anyhow::Result<BarePublisher> {
        let exchange = self.broker.name(PostbackReceived::EXCHANGE);
        let url = self.stack.namespace().amqp_url();
        BarePublisher::connect(url, exchange, PostbackReceived::ROUTING_KEY).await
    }
}
