//! Rule 15: a member earns an event of an offer once, through whichever of its clicks was committed first.

use contracts::{Fact as _, attribution::ConversionQualified};

use crate::{
    facts::{Tenant, receipt},
    stage::{Stage, verdict},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_losers_trace_names_the_winner_and_its_conversion_is_refused() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_catalog([tenant.token("secret")]).await;
    stage.say_clicks([tenant.click_of(1, "m"), tenant.click_of(2, "m"), tenant.click_of(3, "n")]).await;
    stage.say_postbacks([tenant.postback(1, "Install", 10)]).await;
    stage.coded("QUALIFIED", 1).await;
    let second = tenant.postback(2, "Install", 5);
    stage.say_postbacks([second.clone(), tenant.postback(3, "Install", 20)]).await;
    stage.coded("REJECTED_MEMBER_REPEAT", 1).await;
    stage.coded("QUALIFIED", 2).await;
    let said = stage.said_count(3).await;
    let refused = said.iter().map(verdict).find(|told| told.code == "REJECTED_MEMBER_REPEAT").unwrap();
    assert_eq!(refused.receipt, receipt(&second).as_bytes());
    assert_eq!(refused.revision, 1, "it never counted");

    let path = format!("/api/v1/postbacks/{}", receipt(&second));
    let answer = test_kit::eventually("the token is known", crate::stage::SOON, async || {
        let (status, body) = stage.get(&path, Some("secret")).await;
        if status == 200 { Ok(body) } else { Err(format!("{status} {body}")) }
    })
    .await;
    let winner = tenant.click_id(1).to_string();
    assert!(answer.to_string().contains(&winner), "{answer}");

    // The step is done all the same: the next one counts, and is the first of this member.
    stage.say_postbacks([tenant.postback(2, "level_10", 30)]).await;
    stage.coded("QUALIFIED", 3).await;
    stage.say_postbacks([tenant.postback(1, "level_10", 40)]).await;
    stage.coded("REJECTED_MEMBER_REPEAT", 2).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_one_batch_the_first_received_wins() {
    let tenant = Tenant::new(1);
    let stage = Stage::set().await;
    // Everything waits for the terms, so it is judged at once.
    stage.say_clicks((1..=3).map(|number| tenant.click_of(number, "m"))).await;
    let first = tenant.postback(2, "Install", 10);
    stage
        .say_postbacks([tenant.postback(1, "Install", 20), first.clone(), tenant.postback(3, "Install", 30)])
        .await;
    stage.coded("WAITING_TERMS", 3).await;
    stage.say_catalog([tenant.offer_version(1, &[])]).await;
    stage.rows("SELECT count(*) AS count FROM offer_versions", 1).await;
    stage.say_catalog([tenant.credential(1, None)]).await;
    stage.coded("QUALIFIED", 1).await;
    stage.coded("REJECTED_MEMBER_REPEAT", 2).await;
    let said = stage.said_count(3).await;
    let won = said.iter().find(|item| item.fact == ConversionQualified::NAME).map(verdict).unwrap();
    assert_eq!(won.receipt, receipt(&first).as_bytes());
    stage.strike().await;
}

/// Few members and many clicks, two replicas and every message three times: each member earns each event once, nobody
/// waits for ever, and what was told stays true.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_compete_for_the_same_members_agree() {
    let tenant = Tenant::new(1);
    let stage = Stage::with_replicas(2).await;
    stage.say_catalog([tenant.credential(1, None), tenant.offer_version(1, &[])]).await;
    let clicks = 60_u8;
    let members = 5_u8;
    let all_clicks: Vec<_> =
        (0..clicks).map(|number| tenant.click_of(number, &format!("m-{}", number % members))).collect();
    let mut postbacks = Vec::new();
    for number in 0..clicks {
        // Each in another order, so that claims meet crosswise.
        let events = if number % 2 == 0 { ["Install", "level_10"] } else { ["level_10", "Install"] };
        for (after, event) in (10..).step_by(10).zip(events) {
            postbacks.push(tenant.postback(number, event, after));
        }
    }
    for round in 0..3 {
        for chunk in postbacks.chunks(5 + round) {
            stage.say_postbacks(chunk.iter().cloned()).await;
        }
        stage.say_clicks(all_clicks.iter().rev().cloned()).await;
        postbacks.rotate_left(37);
    }
    let (earned, refused) = (i64::from(members) * 2, i64::from(clicks - members) * 2);
    stage.coded("QUALIFIED", earned).await;
    stage.coded("REJECTED_MEMBER_REPEAT", refused).await;
    stage.rows("SELECT count(*) AS count FROM outbox", 0).await;
    let said = stage.said_count(usize::from(clicks) * 2).await;
    let mut told: Vec<_> = said.iter().map(verdict).map(|told| (told.conversion_id, told.revision)).collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), usize::from(clicks) * 2);
    assert!(told.iter().all(|(_, revision)| *revision == 1), "nothing that was told changed");
    assert_eq!(stage.count("SELECT count(*) AS count FROM first_steps").await, earned);
    stage.strike().await;
}
