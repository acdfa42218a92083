//! `offer-catalog republish`: every current fact once more, with its version.

use std::collections::BTreeSet;

use contracts::catalog::{
    AdvertiserChanged, ApiTokenChanged, CredentialChanged, OfferChanged, OfferVersionCreated,
    PublisherChanged, TenantChanged,
};
use diesel_async::SimpleAsyncConnection as _;
use offer_catalog::{Command, OfferCatalog};
use process::Service as _;
use serde_json::json;

use crate::catalog::{Catalog, golfin, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_consumer_hears_everything_as_it_stands() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    catalog.tenant("Redshoes").await;
    let path = format!("/offers/{}", catalog.offer(&token).await);
    let mut body = golfin(&text(&catalog.get(&path, &token).await.ok(), "/advertiserId"));
    body["name"] = json!("Golfin, better");
    catalog.put(&path, &token, body).await.ok();
    let publisher = catalog.publisher(&token).await;
    catalog.post(&format!("{path}/share"), &token, json!({"publisherId": publisher})).await.ok();
    catalog.post("/offers", &token, json!({"name": "a draft"})).await.ok();
    let credential = text(&catalog.post("/credentials", &token, json!({})).await.ok(), "/credentialId");
    catalog.post(&format!("/credentials/{credential}/rotate"), &token, json!({})).await.ok();

    let versions = catalog.facts::<OfferVersionCreated>().await;
    let offer = catalog.facts::<OfferChanged>().await.pop();
    let credential = catalog.facts::<CredentialChanged>().await.pop();
    let publishers = catalog.facts::<PublisherChanged>().await;
    catalog.database.admin().await.batch_execute("DELETE FROM outbox").await.unwrap();

    OfferCatalog::command(Command::Republish, catalog.settings.clone(), catalog.runtime.clone())
        .await
        .unwrap();

    assert_eq!(catalog.facts::<OfferVersionCreated>().await, versions);
    assert_eq!(catalog.facts::<OfferChanged>().await.pop(), offer);
    assert_eq!(catalog.facts::<OfferChanged>().await.len(), 1, "drafts are nobody's business");
    assert_eq!(catalog.facts::<CredentialChanged>().await.pop(), credential);
    assert_eq!(catalog.facts::<PublisherChanged>().await, publishers);
    assert_eq!(catalog.facts::<AdvertiserChanged>().await.len(), 1);
    assert_eq!(catalog.facts::<ApiTokenChanged>().await.len(), 2);
    let domains: BTreeSet<_> =
        catalog.facts::<TenantChanged>().await.into_iter().map(|fact| fact.domain).collect();
    assert_eq!(domains, BTreeSet::from(["Brownboots".to_owned(), "Redshoes".to_owned()]));
}
