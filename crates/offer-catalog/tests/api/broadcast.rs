//! The credential generations on a real broker.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bus::{BatchHandler, Bus, BusSettings, HandleError, Queue, Topology};
use contracts::{
    catalog::{CredentialGenerations, OfferVersionCreated},
    envelope::Envelope,
};
use process::Runtime;
use serde_json::json;
use test_kit::{eventually, namespace};

use crate::catalog::{Catalog, text};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Envelope>>>);

impl Heard {
    fn facts<F: contracts::Fact>(&self) -> Vec<F> {
        let heard = self.0.lock().unwrap();
        heard
            .iter()
            .filter(|envelope| envelope.fact == F::NAME)
            .map(|envelope| contracts::open(envelope).unwrap())
            .collect()
    }
}

impl BatchHandler for Heard {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        self.0.lock().unwrap().extend_from_slice(items);
        Ok(())
    }

    async fn bury(&self, _item: &Envelope, _reason: &str) -> Result<(), HandleError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ingest_hears_of_a_revocation_at_once_and_facts_leave_the_outbox() {
    let namespace = namespace();
    let ear = Runtime::new();
    let settings = BusSettings::new(namespace.amqp_url(), namespace.name());
    let topology = Topology::new()
        .queue(Queue::broadcast("ear").fact::<CredentialGenerations>().fact::<OfferVersionCreated>());
    let bus = Bus::start(&settings, "test", topology, &ear.supervisor);
    let heard = Heard::default();
    bus.consume("ear", heard.clone()).unwrap();
    bus.wait_connected().await;

    let catalog = Catalog::start_with(&[
        ("BUS__URL", namespace.amqp_url().to_owned()),
        ("BUS__NAMESPACE", namespace.name().to_owned()),
        ("CREDENTIALS__BROADCAST_SECONDS", "1".to_owned()),
    ])
    .await;
    let token = catalog.tenant("Brownboots").await;
    eventually("the set is repeated", PATIENCE, async || heard.facts::<CredentialGenerations>().len() > 1)
        .await;

    let credential = text(&catalog.post("/credentials", &token, json!({})).await.ok(), "/credentialId");
    catalog.post(&format!("/credentials/{credential}/revoke"), &token, json!({})).await.ok();
    let set = eventually("the revocation is heard", PATIENCE, async || {
        heard.facts::<CredentialGenerations>().into_iter().find(|set| !set.credentials.is_empty())
    })
    .await;
    assert_eq!(set.credentials[0].minimum_generation, 2);
    assert_eq!(set.version, 2);
    assert!(set.credentials[0].ending.is_empty());

    let offer = catalog.offer(&token).await;
    let version =
        eventually("the version is heard", PATIENCE, async || heard.facts::<OfferVersionCreated>().pop())
            .await;
    assert_eq!(kernel::OfferId::from_slice(&version.offer_id).unwrap().to_string(), offer);
    eventually("the outbox is empty", PATIENCE, async || {
        catalog.facts::<OfferVersionCreated>().await.is_empty()
    })
    .await;

    catalog.runtime.supervisor.drain(PATIENCE).await.unwrap();
    ear.supervisor.drain(PATIENCE).await.unwrap();
}
