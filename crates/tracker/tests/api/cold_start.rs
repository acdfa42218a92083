//! A start while the database does not answer.

use contracts::catalog::OfferStatus;
use postgres_kit::DatabaseSettings;
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use test_kit::{eventually, free_port};

use crate::{
    facts::Offer,
    stage::{SOON, Stage},
};

const QUERY: &str = "pub_click_id=c&pub_member_id=m";

/// Nobody listens there.
fn nowhere(stage: &Stage) -> DatabaseSettings {
    let url = format!("postgres://tracker:none@{}/none", free_port());
    DatabaseSettings { url: SecretString::from(url), ..stage.database_settings() }
}

/// Waits until the file says what the offer is now.
async fn saved(stage: &Stage, before: &[u8]) -> Vec<u8> {
    eventually("the offers are saved", SOON, async || {
        let now = std::fs::read(stage.offer_file()).unwrap_or_default();
        if now.is_empty() || now == before { Err(now.len()) } else { Ok(now) }
    })
    .await
}

#[tokio::test]
async fn a_tracker_without_its_database_starts_from_its_file() {
    let mut stage = Stage::set().await;
    let empty = saved(&stage, b"").await;
    stage.share(Offer(2), Offer(2).version()).await;
    let whole = saved(&stage, &empty).await;
    stage.stop().await;

    let database = nowhere(&stage);
    stage.start(database).await;
    let answered = stage.follow(Offer(2), QUERY, &[]).await;
    assert_eq!(answered.status, StatusCode::FOUND);
    assert!(
        answered.location().unwrap().starts_with("https://app.appsflyer.com/id1234567890?pid=gokart_int")
    );
    stage.recorded(1).await;
    let unknown = stage.call_unstored(Method::GET, Offer(9), QUERY).await;
    assert_eq!(unknown, StatusCode::SERVICE_UNAVAILABLE, "it may have been shared since");
    stage.stop().await;
    assert_eq!(std::fs::read(stage.offer_file()).unwrap(), whole, "what was only read is not written");

    // With its database again, what has changed meanwhile counts.
    let database = stage.database_settings();
    stage.start(database).await;
    stage.say([Offer(2).changed(2, OfferStatus::Paused)]).await;
    eventually("the database counts", SOON, async || {
        let answered = stage.follow(Offer(2), "pub_click_id=x&pub_member_id=x", &[]).await;
        if answered.status == StatusCode::NOT_FOUND { Ok(()) } else { Err(answered) }
    })
    .await;
    stage.strike().await;
}

#[tokio::test]
async fn a_damaged_file_is_not_used() {
    let mut stage = Stage::with(Offer(2).version()).await;
    eventually("the offer is saved", SOON, async || {
        let bytes = std::fs::read(stage.offer_file()).unwrap_or_default();
        if bytes.len() > 100 { Ok(()) } else { Err(bytes.len()) }
    })
    .await;
    stage.stop().await;
    let mut bytes = std::fs::read(stage.offer_file()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(stage.offer_file(), bytes).unwrap();

    let database = nowhere(&stage);
    stage.start_unready(database).await;
    assert_eq!(stage.call_unstored(Method::GET, Offer(2), QUERY).await, StatusCode::SERVICE_UNAVAILABLE);
    stage.strike().await;
}
