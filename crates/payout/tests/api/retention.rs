//! What nothing asks for any more is removed, and the proof still holds.

use contracts::{attribution::ConversionVerdict, catalog::TokenRole};
use serde_json::json;

use crate::{
    bulk::{MANAGER, apply, done, held, plan, stage_with},
    facts::Tenant,
    stage::Stage,
};

/// What was counted, but for all time.
const OLD: &str = "limit_usage WHERE period <> 'all_time' AND begins_on < '2020-01-01'";

async fn stage() -> (Stage, Tenant) {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_catalog([brownboots.token(MANAGER, TokenRole::Manager)]).await;
    (stage, brownboots)
}

#[tokio::test]
async fn counters_of_days_long_over_go_and_what_is_given_back_to_them_changes_only_all_time() {
    let (stage, brownboots) = stage().await;
    stage.say_verdicts([1, 2, 3].map(|click| brownboots.qualified(brownboots.verdict(click)))).await;
    stage.rows("conversions WHERE status = 'success'", 3).await;
    // Two of them were counted years ago, and so were their days.
    let long_ago = "taken_at = '2019-03-05T12:00:00Z' WHERE gk_click_id IN (
        SELECT gk_click_id FROM conversions ORDER BY gk_click_id LIMIT 2)";
    assert_eq!(stage.meanwhile(&format!("UPDATE conversions SET {long_ago}")).await, 2);
    stage
        .meanwhile(
            "UPDATE limit_usage SET conversions = 1, revenue_micros = revenue_micros / 3 WHERE period <> 'all_time'",
        )
        .await;
    stage
        .meanwhile(
            "INSERT INTO limit_usage
            SELECT tenant_id, offer_id, offer_event_id, publisher_id, period,
                CASE period WHEN 'day' THEN date '2019-03-05' WHEN 'week' THEN '2019-03-04' ELSE '2019-03-01' END,
                currency, 2, revenue_micros * 2
            FROM limit_usage WHERE period <> 'all_time'",
        )
        .await;
    stage.rows(OLD, 9).await;
    // The horizon has moved; nothing goes before whoever may still add to them has ended.
    stage.rows("limit_usage_horizon WHERE kept_from > '2020-01-01'", 1).await;
    assert_eq!(stage.proof().await.differences, Vec::<String>::new());
    stage.rows(OLD, 9).await;
    stage.meanwhile("UPDATE limit_usage_horizon SET moved_at = moved_at - interval '1 day'").await;
    stage.rows(OLD, 0).await;
    assert_eq!(stage.count("SELECT count(*) AS count FROM limit_usage").await, 9 + 3);

    // One of the old ones is taken back after all.
    let path = format!("/api/v1/conversions/{}/decisions", brownboots.conversion_id(1).as_uuid());
    let reject = json!({"decision": "Reject", "reason": "A test device."});
    let (status, answer) = stage.post(&path, Some(MANAGER), &reject).await;
    assert_eq!(status, 200, "{answer}");
    stage.rows("limit_usage WHERE period = 'all_time' AND conversions = 2", 3).await;
    stage.rows("limit_usage WHERE period <> 'all_time' AND conversions = 1", 9).await;
    stage.rows(OLD, 0).await;
    // The proof notices what is wrong in those that are kept.
    stage.meanwhile("UPDATE limit_usage SET conversions = 7 WHERE period = 'week'").await;
    assert_eq!(stage.proof().await.difference_count, 3);
    stage.meanwhile("UPDATE limit_usage SET conversions = 1 WHERE period = 'week'").await;
    stage.strike().await;
}

#[tokio::test]
async fn files_that_were_worked_off_long_ago_go_and_who_decided_stays() {
    let (stage, brownboots) = stage_with(1, Tenant::new(1).offer(1), |_| ()).await;
    let verdicts: [ConversionVerdict; 2] = [1, 2].map(|click| held(brownboots, click));
    stage.say_verdicts(verdicts.map(|verdict| brownboots.qualified(verdict))).await;
    stage.rows("conversions", 2).await;
    for click in [1, 2] {
        let planned = plan(&stage, &[(click, "", "Success")]).await;
        assert_eq!(apply(&stage, &planned, MANAGER).await.0, 202);
        done(&stage, &planned).await;
    }
    let first = "bulk_id = (SELECT bulk_id FROM bulk_statuses ORDER BY created_at LIMIT 1)";
    let aged = format!("UPDATE bulk_statuses SET finished_at = now() - interval '401 days' WHERE {first}");
    assert_eq!(stage.meanwhile(&aged).await, 1);
    stage.rows("bulk_statuses", 1).await;
    stage.rows("bulk_status_lines", 1).await;
    stage.rows("conversion_decisions WHERE bulk_id IS NOT NULL", 2).await;
    stage.strike().await;
}
