//! Files that are worked off side by side, and clicks with very many conversions.

use contracts::{
    attribution::{ConversionVerdict, ReportedAmount},
    common::MoneyTerms,
};
use diesel::sql_query;
use diesel_async::RunQueryDsl as _;
use test_kit::eventually;
use uuid::Uuid;

use crate::{
    bulk::{MANAGER, apply, done, held, lines, plan, progress, stage_with},
    facts::{Tenant, click_id, percent_terms, usd},
    stage::SOON,
    successors::step,
};

#[tokio::test]
async fn a_click_with_very_many_conversions_is_decided_in_parts_as_if_at_once() {
    /// Three steps of at most five hundred lines.
    const PURCHASES: u128 = 1_100;
    let (stage, brownboots) = stage_with(1, Tenant::new(1).offer(1), |_| ()).await;
    let install = step(brownboots, 1, "Install", Some(1));
    let purchase = |number: u128| ConversionVerdict {
        conversion_id: Uuid::from_u128(number).as_bytes().to_vec(),
        occurrence: format!("id:{number}"),
        ..step(brownboots, 1, "af_purchase", None)
    };
    let level = step(brownboots, 1, "level_10", Some(2));
    stage.say_verdicts([install, level].map(|verdict| brownboots.qualified(verdict))).await;
    stage.say_verdicts((1..=PURCHASES).map(|number| brownboots.qualified(purchase(number)))).await;
    let all = i64::try_from(PURCHASES).unwrap();
    stage.rows("conversions", all + 2).await;
    let planned = plan(&stage, &[(1, "Install", "Rejected"), (1, "af_purchase", "Rejected")]).await;
    assert_eq!((&planned["plan"]["reject"], &planned["plan"]["successors"]), (&(all + 1).into(), &1.into()));
    // The last of them gets another amount: its line is skipped, and it follows the install like what no line names.
    let amended = ConversionVerdict {
        revision: 2,
        terms: Some(MoneyTerms { pending_days: 3, ..percent_terms() }),
        reported: Some(ReportedAmount { amount: Some(usd(8_000_000)), ..Default::default() }),
        ..purchase(PURCHASES)
    };
    stage.say_verdicts([brownboots.qualified(amended)]).await;
    stage.rows("conversions WHERE status = 'pending' AND status_revision = 2", 1).await;

    // Somebody holds one of the second part, and attribution, which has heard of the install, says that one of the third is tainted.
    let mut holder = stage.database.admin().await;
    sql_query("BEGIN").execute(&mut holder).await.unwrap();
    let one =
        format!("SELECT 1 FROM conversions WHERE conversion_id = '{}' FOR UPDATE", Uuid::from_u128(600));
    sql_query(one).execute(&mut holder).await.unwrap();
    assert_eq!(apply(&stage, &planned, MANAGER).await.0, 202);
    let waits = "SELECT count(*) AS count FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("the second part waits", SOON, async || stage.count(waits).await > 0).await;
    stage.say_verdicts([brownboots.on_review(&purchase(1_050))]).await;
    eventually("the verdict waits behind it", SOON, async || stage.count(waits).await > 1).await;
    sql_query("COMMIT").execute(&mut holder).await.unwrap();
    let shown = done(&stage, &planned).await;
    assert_eq!((progress(&shown, "applied"), progress(&shown, "moved")), (all, 1), "{shown}");
    stage.rows("conversions WHERE status = 'rejected' AND status_by = 'person'", all).await;
    // The level is held once; the last purchase, too, when its turn was over.
    stage.rows("conversions WHERE status = 'on_review' AND reason_code = 'REVIEW_TAINTED'", 2).await;
    stage
        .rows("conversion_history WHERE reason_code = 'REVIEW_TAINTED' AND reason LIKE 'The click%'", 2)
        .await;
    // A decision is written down at the beginning of its transaction.
    let steps = "SELECT count(DISTINCT decided_at) AS count FROM conversion_decisions";
    assert_eq!(stage.count(steps).await, 3);
    let lines = lines(&stage, &planned).await;
    assert_eq!(lines.len(), usize::try_from(PURCHASES).unwrap() + 1);
    stage.strike().await;
}

#[tokio::test]
async fn a_file_that_can_not_go_on_holds_no_other_back() {
    let (stage, brownboots) =
        stage_with(1, Tenant::new(1).offer(1), |settings| settings.database.statement_timeout_ms = 2_000)
            .await;
    stage.say_verdicts([1, 2].map(|click| brownboots.qualified(held(brownboots, click)))).await;
    stage.rows("conversions", 2).await;
    let stuck = plan(&stage, &[(1, "", "Success")]).await;
    let other = plan(&stage, &[(2, "", "Success")]).await;
    let mut holder = stage.database.admin().await;
    sql_query("BEGIN").execute(&mut holder).await.unwrap();
    let one = format!("SELECT 1 FROM conversions WHERE gk_click_id = '{}' FOR UPDATE", click_id(1).as_uuid());
    sql_query(one).execute(&mut holder).await.unwrap();

    assert_eq!(apply(&stage, &stuck, MANAGER).await.0, 202);
    let waits = "SELECT count(*) AS count FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("the first file waits for somebody", SOON, async || stage.count(waits).await > 0).await;
    assert_eq!(apply(&stage, &other, MANAGER).await.0, 202);
    let shown = done(&stage, &other).await;
    assert_eq!(progress(&shown, "applied"), 1);
    stage.rows("bulk_status_lines WHERE outcome = 'planned'", 1).await;

    sql_query("COMMIT").execute(&mut holder).await.unwrap();
    let shown = done(&stage, &stuck).await;
    assert_eq!(progress(&shown, "applied"), 1);
    stage.rows("conversion_decisions", 2).await;
    stage.strike().await;
}
