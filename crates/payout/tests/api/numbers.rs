//! Amounts at the edges: nothing is buried, nothing wraps, nothing is paid that nobody earned.

use contracts::{
    attribution::{ConversionVerdict, ReportedAmount},
    catalog::TokenRole,
    common::{Money, MoneyTerms, PayoutTerms, RevenueTerms, payout_terms, revenue_terms},
};
use serde_json::json;

use crate::{
    facts::{Tenant, click_id, percent_terms, terms},
    frozen::Frozen,
    stage::Stage,
};

const MANAGER: &str = "gkt_manager";
/// The most that one event can be worth.
const BILLION: i64 = 1_000_000_000_000_000;

async fn stage() -> (Stage, Tenant) {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_catalog([brownboots.token(MANAGER, TokenRole::Manager)]).await;
    (stage, brownboots)
}

fn spent(tenant: Tenant, click: u8, micros: i64, currency: &str) -> ConversionVerdict {
    let amount = Some(Money { micros, currency: currency.to_owned() });
    ConversionVerdict {
        terms: Some(percent_terms()),
        reported: Some(ReportedAmount { amount, ..ReportedAmount::default() }),
        ..tenant.verdict(click)
    }
}

fn flat(tenant: Tenant, click: u8, micros: i64) -> ConversionVerdict {
    let terms = MoneyTerms {
        revenue: Some(RevenueTerms { model: Some(revenue_terms::Model::FlatMicros(micros)) }),
        payout: Some(PayoutTerms { model: Some(payout_terms::Model::FlatMicros(micros)) }),
        ..terms(0)
    };
    ConversionVerdict { terms: Some(terms), ..tenant.verdict(click) }
}

#[tokio::test]
async fn what_is_too_large_to_be_real_waits_for_a_person_and_holds_up_nobody() {
    let (stage, brownboots) = stage().await;
    let too_large = [
        flat(brownboots, 1, i64::MAX),
        flat(brownboots, 2, i64::MAX),
        flat(brownboots, 3, BILLION + 1),
        spent(brownboots, 4, i64::MAX, "USD"),
        spent(brownboots, 5, 2 * BILLION + 2, "USD"),
    ];
    let fine = [
        flat(brownboots, 6, BILLION),
        flat(brownboots, 7, BILLION),
        spent(brownboots, 8, 2 * BILLION, "USD"),
        brownboots.verdict(9),
    ];
    stage.say_verdicts(too_large.map(|verdict| brownboots.qualified(verdict))).await;
    stage.say_verdicts(fine.map(|verdict| brownboots.qualified(verdict))).await;
    stage.rows("conversions WHERE reason_code = 'REVIEW_AMOUNT_TOO_LARGE' AND status = 'on_review'", 5).await;
    stage.rows("conversions WHERE status = 'success'", 4).await;
    stage.rows("dead_items", 0).await;
    stage
        .rows(
            &format!(
                "limit_usage WHERE period = 'all_time' AND revenue_micros = {}",
                3 * BILLION + 3_000_000
            ),
            3,
        )
        .await;
    // Nobody says yes to what nobody knows.
    let path = format!("/api/v1/conversions/{}/decisions", brownboots.conversion_id(1).as_uuid());
    let approve = json!({"decision": "Approve", "reason": "A very good customer."});
    let (status, refused) = stage.post(&path, Some(MANAGER), &approve).await;
    assert_eq!((status, &refused["code"]), (409, &json!("worth_is_not_known")));
    let (status, balances) = stage.get("/api/v1/ledger/balances", Some(MANAGER)).await;
    assert_eq!(status, 200, "{balances}");
    assert!(balances.to_string().contains("2500000002.00"), "{balances}");
    let (status, forecast) = stage.get("/api/v1/exposure", Some(MANAGER)).await;
    assert_eq!((status, &forecast["total"]), (200, &json!(0)));
    stage.strike().await;
}

#[tokio::test]
async fn a_percentage_of_nothing_or_less_pays_nothing_and_is_told_all_the_same() {
    let (stage, brownboots) = stage().await;
    // Nothing needs no rate, and neither does less.
    let nothing = [
        spent(brownboots, 1, 0, "USD"),
        spent(brownboots, 2, -4_990_000, "USD"),
        spent(brownboots, 3, i64::MIN, "JPY"),
        // Half of a micro is none for the publisher, and one for the advertiser: half up.
        spent(brownboots, 4, 1, "USD"),
    ];
    stage.say_verdicts(nothing.map(|verdict| brownboots.qualified(verdict))).await;
    stage.rows("conversions WHERE status = 'success' AND payout_micros = 0", 4).await;
    stage.rows("conversions WHERE revenue_micros = 0", 3).await;
    stage.rows("ledger_transfers WHERE amount_micros = 1 AND flow = 'margin'", 1).await;
    assert_eq!(stage.count("SELECT count(*) AS count FROM ledger_transfers").await, 1);
    let told = stage.told(4).await;
    assert_eq!(told.len(), 4);
    stage.rows("dead_items", 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_hold_is_days_of_24_hours_whatever_the_calendar_does() {
    let (stage, frozen) = Frozen::stage(|_| ()).await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_catalog([brownboots.in_zone(2, "Europe/Berlin")]).await;
    let cases = [
        // Into a leap day, and out of it.
        ("2028-02-28T12:00:00Z", 1, "2028-02-29T12:00:00Z"),
        ("2028-02-29T13:00:00Z", 1, "2028-03-01T13:00:00Z"),
        // Over the nights in which Berlin's clocks are put forward and back.
        ("2028-03-25T12:00:00Z", 1, "2028-03-26T12:00:00Z"),
        ("2028-10-28T12:00:00Z", 1, "2028-10-29T12:00:00Z"),
        // The longest.
        ("2028-10-30T00:00:00Z", 365, "2029-10-30T00:00:00Z"),
    ];
    for (clicks, (received, days, due)) in (1_u8..).step_by(2).zip(cases) {
        let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros();
        frozen.move_to(&stage, at(received)).await;
        let held = |click, received_at_micros| {
            brownboots.qualified(ConversionVerdict {
                received_at_micros,
                terms: Some(terms(days)),
                ..brownboots.verdict(click)
            })
        };
        // Another one that is due a microsecond earlier shows when somebody has looked.
        stage.say_verdicts([held(clicks, at(received) - 1), held(clicks + 1, at(received))]).await;
        stage.rows("conversions WHERE status = 'pending'", 2).await;
        frozen.move_to(&stage, at(due) - 1).await;
        stage.rows("conversions WHERE status = 'pending'", 1).await;
        let first = format!("gk_click_id = '{}'", click_id(clicks).as_uuid());
        stage.rows(&format!("conversions WHERE status = 'success' AND {first}"), 1).await;
        frozen.move_to(&stage, at(due)).await;
        stage.rows("conversions WHERE status = 'pending'", 0).await;
    }
    stage.rows("conversions WHERE status = 'success' AND status_by = 'time'", 10).await;
    stage.strike().await;
}
