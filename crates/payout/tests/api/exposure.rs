//! What is Pending, when it matures, and what it will probably come to.

use contracts::attribution::ConversionVerdict;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    facts::{PUBLISHER, Tenant, offer_id, terms},
    statements::{MANAGER, PARTNER, earned, of, stage},
};

fn held(tenant: Tenant, click: u8, days: u32) -> ConversionVerdict {
    ConversionVerdict { terms: Some(terms(days)), ..tenant.verdict(click) }
}

fn lines(answer: &Value) -> &Vec<Value> {
    answer["items"].as_array().unwrap()
}

#[tokio::test]
async fn the_forecast_says_what_matures_when_and_takes_off_what_the_offer_usually_loses() {
    let (stage, brownboots) = stage().await;
    stage.say_catalog([brownboots.in_zone(2, "Pacific/Kiritimati")]).await;
    let pending = [held(brownboots, 201, 3), held(brownboots, 202, 3), held(brownboots, 203, 30)];
    stage.say_verdicts(pending.map(|verdict| brownboots.qualified(verdict))).await;
    stage.rows("conversions WHERE status = 'pending'", 3).await;

    // Nobody has a past yet: nothing is taken off.
    let (status, answer) = stage.get("/api/v1/exposure", Some(MANAGER)).await;
    assert_eq!((status, &answer["total"]), (200, &json!(2)), "{answer}");
    let [soon, late] = [&lines(&answer)[0], &lines(&answer)[1]];
    assert_eq!((&soon["pendingCount"], &late["pendingCount"]), (&json!(2), &json!(1)));
    assert_eq!(of(soon, ["payout", "expectedPayout", "revenue"]), ["4.00", "4.00", "6.00"]);
    assert_eq!(soon["loss"]["basis"], json!("Nothing"));
    // The days are those of the tenant's zone.
    let day = of(soon, ["maturesOn"])[0];
    stage
        .rows(
            &format!(
                "conversions WHERE status = 'pending'
                    AND (hold_ends_at AT TIME ZONE 'Pacific/Kiritimati')::date = '{day}'"
            ),
            2,
        )
        .await;

    // A hundred are decided, a quarter of them lost.
    stage.earn((0..100).map(|click| earned(brownboots, click)), brownboots).await;
    stage.say_verdicts((0..25).map(|click| brownboots.vetoed(&earned(brownboots, click)))).await;
    stage.rows("conversions WHERE status = 'reversed'", 25).await;
    let own = format!("?publisher_id={}&offer_id={}", Uuid::from_u128(PUBLISHER), offer_id());
    let (_, answer) = stage.get(&format!("/api/v1/exposure{own}"), Some(MANAGER)).await;
    let soon = &lines(&answer)[0];
    assert_eq!(
        soon["loss"],
        json!({"basis": "Offer", "shareBps": 2500, "decidedCount": 100, "lostCount": 25})
    );
    assert_eq!(of(soon, ["payout", "expectedPayout", "expectedRevenue"]), ["4.00", "3.00", "4.50"]);

    // A publisher sees its own, without prices and without what the tenant thinks of it.
    let (status, answer) = stage.get("/api/v1/exposure", Some(PARTNER)).await;
    assert_eq!((status, &answer["total"]), (200, &json!(2)));
    for line in lines(&answer) {
        for hidden in ["revenue", "expectedRevenue", "loss"] {
            assert!(line.get(hidden).is_none(), "{line}");
        }
    }
    for nothing in [format!("?publisher_id={}", Uuid::from_u128(0xb2)), format!("?offer_id={}", Uuid::nil())]
    {
        for token in [MANAGER, PARTNER] {
            let (_, answer) = stage.get(&format!("/api/v1/exposure{nothing}"), Some(token)).await;
            assert_eq!((&answer["total"], &answer["items"]), (&json!(0), &json!([])), "{nothing}");
        }
    }

    // On review, time releases it no more: it has no day.
    let doubted = brownboots.on_review(&held(brownboots, 203, 30));
    stage.say_verdicts([doubted]).await;
    stage.rows("conversions WHERE status = 'on_review'", 1).await;
    let (_, answer) = stage.get("/api/v1/exposure", Some(MANAGER)).await;
    let last = lines(&answer).last().unwrap();
    assert_eq!((last.get("maturesOn"), &last["payout"]), (None, &json!("2.00")), "{answer}");
    stage.strike().await;
}
