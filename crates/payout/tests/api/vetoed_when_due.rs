//! Vetoes that arrive at the moment at which holds end. Whichever is first, the veto is what remains.

use std::{collections::BTreeMap, ops::Range};

use contracts::{
    attribution::ConversionVerdict,
    catalog::{ConversionStatus, PostbackEndpoint},
    common::MoneyTerms,
    payout::{ActorKind, ConversionStatusChanged},
};
use test_kit::eventually;

use crate::{
    facts::{Tenant, click_id, terms},
    stage::{SOON, Stage},
};

const CONVERSIONS: u8 = 240;
/// Whose holds end together, and whose vetoes arrive together.
const WAVE: u8 = 30;

/// The conversions of a wave.
fn of(clicks: &Range<u8>) -> String {
    let [from, until] = [clicks.start, clicks.end].map(|click| click_id(click).as_uuid());
    format!("gk_click_id >= '{from}' AND gk_click_id < '{until}'")
}

async fn holds_end(stage: &Stage, clicks: &Range<u8>) {
    let end =
        format!("UPDATE conversions SET hold_ends_at = now() WHERE status = 'pending' AND {}", of(clicks));
    stage.meanwhile(&end).await;
}

/// Waits until any of a wave is so.
async fn any(stage: &Stage, status: &str, clicks: &Range<u8>) {
    let count =
        format!("SELECT count(*) AS count FROM conversions WHERE status = '{status}' AND {}", of(clicks));
    eventually(&count, SOON, async || stage.count(&count).await > 0).await;
}

#[tokio::test]
async fn a_veto_that_races_the_end_of_the_hold_is_what_remains() {
    // Small batches of two replicas: many releases run beside many verdicts.
    let stage = Stage::with(2, |settings| {
        settings.holds.poll_ms = 10;
        settings.holds.batch = 3;
    })
    .await;
    let brownboots = Tenant::new(1);
    let endpoint = PostbackEndpoint {
        statuses: vec![ConversionStatus::Success.into(), ConversionStatus::Rejected.into()],
        ..brownboots.endpoint(stage.template())
    };
    let facts = [
        brownboots.changed(1, &[]),
        brownboots.publisher(1, vec![endpoint]),
        brownboots.envelope(&brownboots.offer(1)),
    ];
    stage.say_catalog(facts).await;
    let held: Vec<ConversionVerdict> = (0..CONVERSIONS)
        .map(|click| ConversionVerdict {
            terms: Some(MoneyTerms { reverse_on_fraud: true, ..terms(1) }),
            ..brownboots.verdict(click)
        })
        .collect();
    stage.say_verdicts(held.iter().map(|verdict| brownboots.qualified(verdict.clone()))).await;
    stage.rows("conversions WHERE status = 'pending'", i64::from(CONVERSIONS)).await;

    let waves: Vec<Range<u8>> =
        (0..CONVERSIONS).step_by(WAVE.into()).map(|first| first..first + WAVE).collect();
    for (number, (clicks, verdicts)) in waves.iter().zip(held.chunks(WAVE.into())).enumerate() {
        let vetoes = || stage.say_verdicts(verdicts.iter().map(|verdict| brownboots.vetoed(verdict)));
        match number {
            // Time has a start in one, the veto in another; in all others they begin at once.
            0 => {
                holds_end(&stage, clicks).await;
                any(&stage, "success", clicks).await;
                vetoes().await;
            }
            1 => {
                vetoes().await;
                any(&stage, "rejected", clicks).await;
                holds_end(&stage, clicks).await;
            }
            _ => {
                tokio::join!(holds_end(&stage, clicks), vetoes());
            }
        }
    }
    let vetoed = "conversions WHERE status IN ('rejected', 'reversed') AND books = 'empty'
        AND reason_code = 'REJECTED_FRAUD' AND verdict_revision = 2";
    stage.rows(vetoed, i64::from(CONVERSIONS)).await;
    let rejected = stage.count("SELECT count(*) AS count FROM conversions WHERE status = 'rejected'").await;
    let reversed = i64::from(CONVERSIONS) - rejected;
    assert!(rejected > 0 && reversed > 0, "{rejected} rejected, {reversed} reversed: nothing raced");

    // Released was what was reversed, once, and nothing else.
    let unlike = "conversions WHERE CASE status WHEN 'reversed' THEN 1 ELSE 0 END <> (
        SELECT count(*) FROM conversion_history AS history WHERE history.tenant_id = conversions.tenant_id
            AND history.conversion_id = conversions.conversion_id AND history.status = 'success')";
    stage.rows(unlike, 0).await;
    for (kind, conversions) in
        [("pending", rejected + reversed), ("void", rejected), ("post", reversed), ("reversal", reversed)]
    {
        stage.rows(&format!("ledger_transfers WHERE kind = '{kind}'"), 2 * conversions).await;
    }
    let changes = usize::try_from(2 * rejected + 3 * reversed).unwrap();
    let said = stage.said_count::<ConversionStatusChanged>(changes).await;
    let by_time = said.iter().filter(|change| change.actor() == ActorKind::Time);
    assert_eq!((said.len(), by_time.count()), (changes, usize::try_from(reversed).unwrap()));

    // The publisher ends on what is so, and heard of a success once at most, and never of one that was none.
    let told = "deliveries WHERE told = 'rejected' AND state = 'delivered'";
    stage.rows(told, i64::from(CONVERSIONS)).await;
    stage.rows("deliveries WHERE state NOT IN ('delivered', 'superseded')", 0).await;
    let mut heard: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for delivery in stage.publisher.deliveries() {
        let [id, status] = ["id", "s"].map(|name| delivery.param(name).unwrap());
        heard.entry(id).or_default().push(status);
    }
    assert_eq!(heard.len(), usize::from(CONVERSIONS));
    let successes = heard.values().filter(|statuses| **statuses == ["Success", "Rejected"]).count();
    let refusals = heard.values().filter(|statuses| **statuses == ["Rejected"]).count();
    assert_eq!(successes + refusals, heard.len(), "{heard:?}");
    assert!(successes <= usize::try_from(reversed).unwrap(), "{successes} successes, {reversed} reversed");
    stage.strike().await;
}
