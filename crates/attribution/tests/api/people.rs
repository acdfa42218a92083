//! What payout says of conversions: people's decisions, statuses, how telling the publisher ended.

use contracts::{
    Fact as _,
    attribution::{ConversionAmended, ConversionVetoed},
    catalog::ConversionStatus,
    payout::{DeliveryResult, PersonDecision},
};

use crate::{
    facts::{INSTALL, LEVEL_10, PURCHASE, Tenant},
    stage::{Stage, verdict},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_decision_waits_for_its_journey_and_the_latest_counts() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    // The later word comes first, and both before the click.
    stage.say_payout([tenant.decided(1, INSTALL, PersonDecision::Reject, 50)]).await;
    stage.say_payout([tenant.decided(1, INSTALL, PersonDecision::Approve, 40)]).await;
    stage.rows("SELECT count(*) AS count FROM people_decisions", 2).await;
    stage.say_first_click(tenant.click(1)).await;
    stage.say_postbacks([tenant.postback(1, "Install", 10), tenant.postback(1, "level_10", 20)]).await;
    let said = stage.said_count(2).await;
    let mut codes: Vec<_> = said.iter().map(verdict).map(|told| (told.event_id, told.code)).collect();
    codes.sort();
    assert_eq!(
        codes,
        [
            (String::from("Install"), String::from("REJECTED_BY_PERSON")),
            (String::from("level_10"), String::from("REVIEW_TAINTED")),
        ]
    );
    // Payout is told by how many decisions of people they were judged.
    assert!(said.iter().all(|item| verdict(item).decisions_heard == Some(2)));
    // A restore is told as whole verdicts of both; AppsFlyer's flag that comes later does not outrank it.
    stage.say_payout([tenant.decided(1, INSTALL, PersonDecision::Restore, 60)]).await;
    let said = stage.said_count(4).await;
    let mut codes: Vec<_> = said[2..].iter().map(verdict).map(|told| (told.code, told.revision)).collect();
    codes.sort();
    assert_eq!(codes, [(String::from("ACCEPTED_BY_PERSON"), 2), (String::from("QUALIFIED"), 2)]);
    assert!(said[2..].iter().all(|item| verdict(item).decisions_heard == Some(3)));
    let flag = format!("gk_click_id={}&cnv_event_id=Install&is_rejected=1", tenant.click_id(1));
    stage.say_postbacks([tenant.received(&flag, 90)]).await;
    stage.coded("REJECTED_FRAUD", 1).await;
    let said = stage.said_count(5).await;
    let told = verdict(&said[4]);
    assert_eq!(
        (&*told.code, told.flagged_fraud),
        ("ACCEPTED_BY_PERSON", true),
        "flagged, and stays accepted"
    );
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_amends_a_conversion_only_while_it_is_pending() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_clicks([tenant.click(1), tenant.click(2)]).await;
    stage.say_postbacks([1, 2].map(|click| tenant.postback(click, "af_purchase", 10))).await;
    stage.said_count(2).await;
    stage
        .say_payout([
            tenant.status(1, PURCHASE, 2, ConversionStatus::Success),
            tenant.status(2, PURCHASE, 1, ConversionStatus::Pending),
            // An older word that comes late.
            tenant.status(1, PURCHASE, 1, ConversionStatus::Pending),
        ])
        .await;
    stage.rows("SELECT count(*) AS count FROM conversion_statuses", 2).await;
    stage.rows("SELECT count(*) AS count FROM conversion_statuses WHERE status = 'success'", 1).await;
    let priced = |click: u8| {
        let click = tenant.click_id(click);
        let query = format!("gk_click_id={click}&cnv_event_id=af_purchase&cnv_amount=4.99&cnv_currency=USD");
        tenant.received(&query, 20)
    };
    stage.say_postbacks([priced(1), priced(2)]).await;
    stage.coded("AMENDMENT", 1).await;
    stage.coded("CONFLICT", 1).await;
    let said = stage.said_count(3).await;
    assert_eq!(said[2].fact, ConversionAmended::NAME);
    assert_eq!(verdict(&said[2]).conversion_id, tenant.conversion_id(2, PURCHASE).to_vec());
    // What was told while it was Pending stays told: the end of the hold takes no amount back.
    stage.say_payout([tenant.status(2, PURCHASE, 2, ConversionStatus::Success)]).await;
    stage.rows("SELECT count(*) AS count FROM conversion_statuses WHERE status = 'success'", 2).await;
    stage.say_postbacks([tenant.postback(2, "Install", 30)]).await;
    let said = stage.said_count(4).await;
    assert_eq!(verdict(&said[3]).event_id, "Install");
    stage.coded("AMENDMENT", 1).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journeys_page_shows_what_became_of_its_conversions() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 1).await;
    stage.say_clicks([tenant.click(1)]).await;
    stage.say_postbacks([tenant.postback(1, "Install", 10)]).await;
    stage.said_count(1).await;
    stage
        .say_payout([
            tenant.status(1, INSTALL, 3, ConversionStatus::Success),
            tenant.delivery(1, INSTALL, 2, DeliveryResult::Delivered),
            tenant.delivery(1, INSTALL, 1, DeliveryResult::Exhausted),
            tenant.decided(1, INSTALL, PersonDecision::Approve, 40),
        ])
        .await;
    stage.rows("SELECT count(*) AS count FROM people_decisions", 1).await;
    stage.rows("SELECT count(*) AS count FROM conversion_statuses", 1).await;
    stage.rows("SELECT count(*) AS count FROM delivery_outcomes WHERE result = 'delivered'", 1).await;
    let path = format!("/api/v1/journeys/{}", tenant.click_id(1));
    let (status, body) = stage.get(&path, Some("gkt_analyst")).await;
    assert_eq!(status, 200, "{body}");
    let conversion = &body["conversions"][0];
    assert_eq!(conversion["payout"]["status"], "success", "{body}");
    assert_eq!(conversion["payout"]["statusRevision"], 3);
    assert_eq!(conversion["deliveries"][0]["result"], "delivered");
    assert_eq!(conversion["deliveries"][0]["lastHttpStatus"], 503);
    assert_eq!(body["peopleDecisions"][0]["act"], "approve");
    assert_eq!(body["peopleDecisions"][0]["reason"], "looked at it");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_about_another_conversion_than_it_names_is_buried() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    let mut foreign = tenant.decided(1, INSTALL, PersonDecision::Reject, 50);
    foreign.tenant_id = Tenant::new(2).id.to_vec();
    stage.say_payout([foreign, tenant.decided(1, LEVEL_10, PersonDecision::Reject, 50)]).await;
    stage.rows("SELECT count(*) AS count FROM dead_items WHERE consumer = 'attribution.payout'", 1).await;
    stage.rows("SELECT count(*) AS count FROM people_decisions", 1).await;
    stage.strike().await;
}

/// Every queue at once: each item comes one to five times, in messages of its own, to two replicas.
#[tokio::test(flavor = "multi_thread")]
async fn every_item_of_every_queue_delivered_up_to_five_times_has_one_effect() {
    let tenant = Tenant::new(1);
    let stage = Stage::with_replicas(2).await;
    let clicks = 20_u8;
    let catalog = [tenant.tenant(), tenant.credential(1, None), tenant.offer_version(1, &[])];
    let made: Vec<_> = (0..clicks).map(|number| tenant.click(number)).collect();
    let postbacks: Vec<_> = (0..clicks)
        .flat_map(|number| {
            [
                tenant.postback(number, "level_10", 10),
                tenant.postback(number, "Install", 20),
                tenant.postback(number, "Install", 30),
            ]
        })
        .collect();
    let payout: Vec<_> = (0..clicks)
        .flat_map(|number| {
            [
                tenant.decided(number, INSTALL, PersonDecision::Approve, 40),
                tenant.decided(number, INSTALL, PersonDecision::Reject, 50),
                tenant.status(number, LEVEL_10, 1, ConversionStatus::Pending),
                tenant.status(number, LEVEL_10, 2, ConversionStatus::Rejected),
                tenant.delivery(number, LEVEL_10, 1, DeliveryResult::Exhausted),
                tenant.delivery(number, LEVEL_10, 2, DeliveryResult::Delivered),
            ]
        })
        .collect();
    for round in 0..5_usize {
        // The n-th item comes in n mod 5 + 1 rounds, each round in another order and cut.
        let due = |place: usize| place % 5 >= round;
        let of = |items: &[contracts::envelope::Envelope]| {
            let mut due: Vec<_> = items
                .iter()
                .enumerate()
                .filter(|(place, _)| due(*place))
                .map(|(_, item)| item.clone())
                .collect();
            let middle = due.len() / 2;
            due.rotate_left(middle);
            if round % 2 == 1 {
                due.reverse();
            }
            due
        };
        stage.say_payout(of(&payout)).await;
        for chunk in of(&postbacks).chunks(5 + round) {
            stage.say_postbacks(chunk.iter().cloned()).await;
        }
        for chunk in of(&made).chunks(3 + round) {
            stage.say_clicks(chunk.iter().cloned()).await;
        }
        stage.say_catalog(of(&catalog)).await;
    }
    let each = i64::from(clicks);
    stage.coded("QUALIFIED", each * 2).await;
    stage.coded("DUPLICATE", each).await;
    stage.rows("SELECT count(*) AS count FROM people_decisions", each * 2).await;
    stage.rows("SELECT count(*) AS count FROM conversion_statuses WHERE status_revision = 2", each).await;
    stage.rows("SELECT count(*) AS count FROM delivery_outcomes WHERE version = 2", each).await;
    let vetoed = "SELECT count(*) AS count FROM conversions WHERE verdict ->> 'code' = ";
    stage.rows(&format!("{vetoed} 'REJECTED_BY_PERSON'"), each).await;
    stage.rows(&format!("{vetoed} 'REVIEW_TAINTED'"), each).await;
    stage.rows("SELECT count(*) AS count FROM outbox", 0).await;
    assert_eq!(stage.count("SELECT count(*) AS count FROM postbacks").await, each * 3);
    assert_eq!(stage.count("SELECT count(*) AS count FROM conversion_statuses").await, each);
    assert_eq!(stage.count("SELECT count(*) AS count FROM delivery_outcomes").await, each);
    assert_eq!(stage.count("SELECT count(*) AS count FROM dead_items").await, 0);
    // Whatever was told on the way: each (conversion, revision) once, and the last of each is the veto or the review.
    let mut told: Vec<_> = stage
        .said()
        .iter()
        .map(|item| (verdict(item).conversion_id, verdict(item).revision, item.fact.clone()))
        .collect();
    told.sort();
    let distinct: std::collections::BTreeSet<_> =
        told.iter().map(|(id, revision, _)| (id, revision)).collect();
    assert_eq!(distinct.len(), told.len(), "no revision is told twice");
    for number in 0..clicks {
        let id = tenant.conversion_id(number, INSTALL).to_vec();
        let last = told.iter().rfind(|(conversion, _, _)| *conversion == id).unwrap();
        assert_eq!(last.2, ConversionVetoed::NAME);
    }
    stage.strike().await;
}
