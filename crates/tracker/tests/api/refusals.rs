//! Offers that take no clicks: by people, by dates, by payout's word on the budget.

use contracts::{
    catalog::{OfferStatus, OfferVersionCreated},
    payout::BudgetState,
    tracker::RefusalReason,
};
use reqwest::StatusCode;

use crate::{
    facts::{Offer, now, sealed},
    stage::Stage,
};

const FALLBACK: &str = "https://shop.example/other?a=b";

#[tokio::test]
async fn a_person_stops_an_offer_and_starts_it_again() {
    let version = OfferVersionCreated { fallback_link: Some(FALLBACK.into()), ..Offer(2).version() };
    let stage = Stage::with(version).await;
    stage.say([Offer(2).changed(2, OfferStatus::Paused)]).await;
    let answered = stage.refused_for(Offer(2), RefusalReason::Paused).await;
    assert_eq!((answered.status, answered.location()), (StatusCode::FOUND, Some(FALLBACK)));
    assert!(stage.refused(1).await.pop().unwrap().sent_to_fallback);
    stage.say([Offer(2).changed(3, OfferStatus::Ready)]).await;
    stage.taken_again(Offer(2)).await;
    stage.say([Offer(2).changed(4, OfferStatus::Ended)]).await;
    stage.refused_for(Offer(2), RefusalReason::NotLive).await;
    stage.strike().await;
}

#[tokio::test]
async fn an_offer_without_a_fallback_shows_a_page() {
    let stage = Stage::with(Offer(2).version()).await;
    let ended = OfferVersionCreated { version: 2, end_at_micros: Some(now() - 1), ..Offer(2).version() };
    stage.say([sealed(&ended)]).await;
    let answered = stage.refused_for(Offer(2), RefusalReason::OutsideDates).await;
    assert_eq!(answered.status, StatusCode::NOT_FOUND);
    assert!(answered.body.contains("Not available"), "{}", answered.body);
    assert!(!stage.refused(1).await.pop().unwrap().sent_to_fallback);
    let broken =
        OfferVersionCreated { version: 3, offer_link: "javascript:alert(1)".into(), ..Offer(2).version() };
    stage.say([sealed(&broken)]).await;
    stage.refused_for(Offer(2), RefusalReason::BrokenLink).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_spent_budget_stops_clicks_until_there_is_money_again() {
    let stage = Stage::with(Offer(2).version()).await;
    stage.say([Offer(2).budget(5, BudgetState::Spent, None)]).await;
    stage.refused_for(Offer(2), RefusalReason::BudgetSpent).await;

    // An older word that comes late, and then a newer one.
    stage.say([Offer(2).budget(4, BudgetState::Open, None), Offer(2).changed(2, OfferStatus::Paused)]).await;
    stage.refused_for(Offer(2), RefusalReason::Paused).await;
    stage.say([Offer(2).changed(3, OfferStatus::Ready)]).await;
    stage.refused_for(Offer(2), RefusalReason::BudgetSpent).await;
    stage.say([Offer(2).budget(6, BudgetState::Open, None)]).await;
    stage.taken_again(Offer(2)).await;

    // The daily budget: over until midnight, and midnight was just now.
    stage.say([Offer(2).budget(7, BudgetState::Spent, Some(now() + 3_600_000_000))]).await;
    stage.refused_for(Offer(2), RefusalReason::BudgetSpent).await;
    stage.say([Offer(2).budget(8, BudgetState::Spent, Some(now() - 1))]).await;
    stage.taken_again(Offer(2)).await;
    stage.strike().await;
}

#[tokio::test]
async fn payout_may_speak_before_the_catalog() {
    let stage = Stage::set().await;
    stage.say([Offer(3).budget(1, BudgetState::Spent, None)]).await;
    stage.say([sealed(&Offer(3).version()), Offer(3).changed(1, OfferStatus::Ready)]).await;
    stage.refused_for(Offer(3), RefusalReason::BudgetSpent).await;
    stage.strike().await;
}
