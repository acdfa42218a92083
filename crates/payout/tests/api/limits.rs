//! Caps and budgets: never exceeded, given back where they were taken, and told to those who send clicks.

use contracts::{
    attribution::{ConversionVerdict, Verdict},
    catalog::{Caps, ConversionStatus, OfferVersionCreated, OverLimitAction, TokenRole},
    common::{MoneyTerms, RevenueTerms, revenue_terms},
    envelope::Envelope,
    payout::{ActorKind, BudgetState, BudgetStateChanged, ConversionStatusChanged},
};
use kernel::ConversionId;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    facts::{Tenant, terms, usd},
    stage::Stage,
};

const DOLLAR: i64 = 1_000_000;
const MANAGER: &str = "gkt_manager";
const PARTNER: &str = "gkt_partner";
const STRANGER: &str = "gkt_stranger";

/// The offer with budgets, in dollars.
fn budgets(tenant: Tenant, version: u32, total: i64, daily: Option<i64>) -> OfferVersionCreated {
    OfferVersionCreated {
        total_budget: Some(usd(total * DOLLAR)),
        daily_budget: daily.map(|daily| usd(daily * DOLLAR)),
        ..tenant.offer(version)
    }
}

/// A conversion that waits three days and is worth so many micros.
fn held(tenant: Tenant, click: u8, revenue: i64) -> ConversionVerdict {
    let revenue = RevenueTerms { model: Some(revenue_terms::Model::FlatMicros(revenue)) };
    let payout = contracts::common::PayoutTerms {
        model: Some(contracts::common::payout_terms::Model::ShareOfRevenueBps(5_000)),
    };
    let terms = MoneyTerms { revenue: Some(revenue), payout: Some(payout), ..terms(3) };
    ConversionVerdict { terms: Some(terms), ..tenant.verdict(click) }
}

fn qualified(tenant: Tenant, click: u8, dollars: i64) -> Envelope {
    tenant.qualified(held(tenant, click, dollars * DOLLAR))
}

/// (state, what is left of all) in the order in which it was said: each has a higher number than the one before.
fn told(facts: &[BudgetStateChanged]) -> Vec<(BudgetState, i64)> {
    assert!(facts.is_sorted_by(|earlier, later| earlier.version < later.version), "{facts:?}");
    facts.iter().map(|fact| (fact.state(), fact.left_total.as_ref().map_or(0, |left| left.micros))).collect()
}

/// What the ledger holds of revenue, what the counters say, and how many conversions are refused by a limit.
async fn books(stage: &Stage) -> (i64, i64, i64) {
    let reserved = "SELECT coalesce(sum(CASE kind WHEN 'pending' THEN amount_micros WHEN 'void' THEN -amount_micros END),
        0)::bigint AS count FROM ledger_transfers";
    let counted = "SELECT coalesce(sum(revenue_micros), 0)::bigint AS count FROM limit_usage
        WHERE period = 'all_time' AND offer_event_id = '00000000-0000-0000-0000-000000000000'";
    let refused = "SELECT count(*) AS count FROM conversions WHERE status_by = 'limit'";
    (stage.count(reserved).await, stage.count(counted).await, stage.count(refused).await)
}

#[tokio::test]
async fn a_spent_budget_refuses_says_so_and_opens_when_money_comes_back() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce_with(brownboots, budgets(brownboots, 1, 7, None)).await;
    for click in 1..=3 {
        stage.say_verdicts([qualified(brownboots, click, 3)]).await;
        stage.rows("conversions", i64::from(click)).await;
    }
    stage.rows("conversions WHERE status = 'pending' AND counted = 'taken'", 2).await;
    let said = stage.said_count::<ConversionStatusChanged>(3).await;
    let refused = said.iter().find(|fact| fact.actor() == ActorKind::Limit).expect("one is refused");
    assert_eq!(refused.status(), ConversionStatus::Rejected);
    assert_eq!(refused.reason_code, "REJECTED_BUDGET");
    assert!(!refused.reason.contains(char::is_numeric), "publishers read it: {}", refused.reason);
    assert_eq!(books(&stage).await, (6 * DOLLAR, 6 * DOLLAR, 1));
    // One dollar is left, and the cheapest conversion costs three.
    let spent = stage.said_count::<BudgetStateChanged>(1).await;
    assert_eq!(told(&spent), [(BudgetState::Spent, DOLLAR)]);
    assert_eq!(spent[0].resumes_at_micros, None);

    stage.say_verdicts([brownboots.vetoed(&held(brownboots, 1, 3 * DOLLAR))]).await;
    let opened = stage.said_count::<BudgetStateChanged>(2).await;
    assert_eq!(told(&opened)[1], (BudgetState::Open, 4 * DOLLAR));
    assert_eq!(books(&stage).await, (3 * DOLLAR, 3 * DOLLAR, 1));
    // Who was refused stays refused; who comes now is taken.
    let again = ConversionVerdict { revision: 2, ..held(brownboots, 3, 3 * DOLLAR) };
    stage.say_verdicts([brownboots.qualified(again), qualified(brownboots, 4, 3)]).await;
    stage.rows("conversions WHERE status = 'pending'", 2).await;
    stage
        .rows("conversions WHERE status_by = 'limit' AND status = 'rejected' AND verdict_revision = 2", 1)
        .await;
    assert_eq!(books(&stage).await, (6 * DOLLAR, 6 * DOLLAR, 1));
    stage.strike().await;
}

#[tokio::test]
async fn a_publisher_that_wants_to_know_is_told_of_the_refusal() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce_with(brownboots, budgets(brownboots, 1, 0, None)).await;
    let template = format!("{}/cb?s={{status}}&why={{reason}}&id={{conversion_id}}", stage.publisher.url());
    let mut endpoint = brownboots.endpoint(template);
    endpoint.statuses.push(ConversionStatus::Rejected.into());
    stage.say_catalog([brownboots.publisher(2, vec![endpoint])]).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    let heard = stage.told(1).await;
    assert_eq!(heard[0].param("s").as_deref(), Some("Rejected"));
    stage.rows("ledger_transfers", 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_budget_of_a_day_resumes_at_midnight_by_itself() {
    let stage = Stage::with(2, |_| ()).await;
    let brownboots = Tenant::new(1);
    stage.introduce_with(brownboots, budgets(brownboots, 1, 100, Some(3))).await;
    stage.say_verdicts([qualified(brownboots, 1, 3)]).await;
    let spent = stage.said_count::<BudgetStateChanged>(1).await;
    let resumes_at = spent[0].resumes_at_micros.expect("it resumes");
    assert_eq!((spent[0].state(), resumes_at % 86_400_000_000), (BudgetState::Spent, 0));
    assert_eq!(spent[0].left_today.as_ref().map(|left| left.micros), Some(0));

    // Midnight: what was taken today was taken yesterday.
    stage
        .meanwhile(
            "WITH yesterday AS (UPDATE conversions SET taken_at = taken_at - interval '24 hours' WHERE counted = 'taken'),
                usage AS (UPDATE limit_usage SET begins_on = begins_on - 1 WHERE period = 'day')
            UPDATE offers SET budget_resumes_at = now()",
        )
        .await;
    let opened = stage.said_count::<BudgetStateChanged>(2).await;
    assert_eq!(told(&opened)[1], (BudgetState::Open, 97 * DOLLAR));
    stage.say_verdicts([qualified(brownboots, 2, 3)]).await;
    let spent = stage.said_count::<BudgetStateChanged>(3).await;
    assert_eq!(told(&spent)[2].0, BudgetState::Spent);
    // A rejection gives back to yesterday: today stays spent.
    stage.say_verdicts([brownboots.vetoed(&held(brownboots, 1, 3 * DOLLAR))]).await;
    stage.rows("limit_usage WHERE period = 'day' AND revenue_micros = 0", 3).await;
    assert_eq!(stage.said::<BudgetStateChanged>().len(), 3);
}

#[tokio::test]
async fn a_new_version_applies_at_once_and_lowering_untakes_nothing() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce_with(brownboots, budgets(brownboots, 1, 3, None)).await;
    stage.say_verdicts([qualified(brownboots, 1, 3)]).await;
    stage.said_count::<BudgetStateChanged>(1).await;
    stage.say_catalog([brownboots.envelope(&budgets(brownboots, 2, 9, None))]).await;
    let opened = stage.said_count::<BudgetStateChanged>(2).await;
    assert_eq!(told(&opened)[1], (BudgetState::Open, 6 * DOLLAR));

    // A lower one: what was taken stays taken. An older version that comes late changes nothing.
    stage.say_catalog([brownboots.envelope(&budgets(brownboots, 3, 1, None))]).await;
    let spent = stage.said_count::<BudgetStateChanged>(3).await;
    assert_eq!(told(&spent)[2], (BudgetState::Spent, -2 * DOLLAR));
    let late = brownboots.envelope(&budgets(brownboots, 2, 9, None));
    stage.say_stale_offer(late, brownboots.changed(2, &[])).await;
    stage.rows("offers WHERE version = 3 AND total_micros = 1000000", 1).await;
    stage.rows("conversions WHERE status = 'pending' AND counted = 'taken'", 1).await;

    // A republish says the state once more, for who lost it.
    stage
        .say_stale_offer(brownboots.envelope(&budgets(brownboots, 3, 1, None)), brownboots.changed(3, &[]))
        .await;
    let again = stage.said_count::<BudgetStateChanged>(4).await;
    assert_eq!(told(&again)[3], (BudgetState::Spent, -2 * DOLLAR));

    // So does payout when it had lost its copy of the offer, with a number that everybody takes for newer.
    stage.meanwhile("DELETE FROM offers").await;
    stage.say_catalog([brownboots.envelope(&budgets(brownboots, 4, 9, None))]).await;
    let healed = stage.said_count::<BudgetStateChanged>(5).await;
    assert_eq!(told(&healed)[4], (BudgetState::Open, 6 * DOLLAR));
    stage.strike().await;
}

#[tokio::test]
async fn a_conversion_of_an_unknown_offer_waits_for_its_limits() {
    let stage = Stage::with(2, |_| ()).await;
    let brownboots = Tenant::new(1);
    stage.say_catalog([brownboots.changed(1, &[]), brownboots.publisher(1, Vec::new())]).await;
    stage.say_verdicts((0..20).map(|click| qualified(brownboots, click, 3))).await;
    stage
        .rows("conversions WHERE status = 'on_review' AND counted = 'waiting' AND reason_code = 'REVIEW_LIMITS_UNKNOWN'", 20)
        .await;
    assert_eq!(books(&stage).await, (0, 0, 20));
    stage.holds_end().await;
    stage.say_catalog([brownboots.envelope(&budgets(brownboots, 1, 16, None))]).await;
    stage.rows("conversions WHERE counted = 'waiting'", 0).await;
    stage.rows("conversions WHERE status = 'pending' AND reason_code = ''", 5).await;
    stage.rows("conversions WHERE reason_code = 'REJECTED_BUDGET'", 15).await;
    assert_eq!(books(&stage).await, (15 * DOLLAR, 15 * DOLLAR, 15));
    stage.strike().await;
}

#[tokio::test]
async fn above_a_limit_it_is_reviewed_or_accepted_unpaid_as_the_offer_says() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let with = |version, action: OverLimitAction| OfferVersionCreated {
        over_limit_action: action.into(),
        caps: Some(Caps { weekly: Some(1), ..Caps::default() }),
        ..brownboots.offer(version)
    };
    stage.introduce_with(brownboots, with(1, OverLimitAction::Review)).await;
    stage.say_verdicts([qualified(brownboots, 1, 3)]).await;
    stage.rows("conversions WHERE counted = 'taken'", 1).await;
    stage.say_verdicts([qualified(brownboots, 2, 3)]).await;
    stage
        .rows("conversions WHERE status = 'on_review' AND status_by = 'limit' AND reason_code = 'REVIEW_CAP' AND books = 'empty'", 1)
        .await;

    stage.say_catalog([brownboots.envelope(&with(2, OverLimitAction::AcceptUnpaid))]).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(3))]).await;
    let heard = stage.told(1).await;
    assert_eq!(heard[0].param("p").as_deref(), Some("0.00"));
    let said = stage.said_count::<ConversionStatusChanged>(3).await;
    let unpaid: Vec<_> = said.iter().filter(|fact| fact.unpaid).collect();
    assert_eq!(unpaid.len(), 1);
    assert_eq!(
        (unpaid[0].status(), unpaid[0].reason_code.as_str()),
        (ConversionStatus::Success, "UNPAID_CAP")
    );
    assert_eq!(unpaid[0].revenue.as_ref().map(|revenue| revenue.micros), Some(0));
    assert_eq!(books(&stage).await, (3 * DOLLAR, 3 * DOLLAR, 1));
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_end_within_a_nearly_spent_budget_and_a_cap() {
    const TAKEN: &str = "SELECT count(*) AS count FROM conversions WHERE counted = 'taken'";
    // Forty people ask at once, beside the verdicts.
    let stage = Stage::with(2, |settings| settings.database.wait_timeout_ms = 60_000).await;
    let brownboots = Tenant::new(1);
    let mut offer = budgets(brownboots, 1, 40, None);
    offer.events[0].caps = Some(Caps { all_time: Some(30), ..Caps::default() });
    stage.introduce_with(brownboots, offer).await;
    stage.say_catalog([brownboots.token(MANAGER, TokenRole::Manager)]).await;
    // Small messages, so that both replicas have their hands full of the same offer.
    let amount = |click: u8| (1 + i64::from(click) % 7) * DOLLAR / 2;
    let first = |click| held(brownboots, click, amount(click));
    for click in 0..60 {
        stage.say_verdicts([brownboots.qualified(first(click))]).await;
    }
    stage.rows("conversions", 60).await;
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    for click in 0..60 {
        let id = brownboots.conversion_id(click);
        let is_taken = stage.count(&format!("{TAKEN} AND conversion_id = '{id}'")).await == 1;
        if is_taken { taken.push(click) } else { refused.push(click) }
    }
    let fits = refused.iter().map(|click| amount(*click)).min();
    let left = 40 * DOLLAR - spent(&stage).await;
    assert!(left < fits.unwrap() || taken.len() == 30, "{left} {fits:?} {taken:?}");

    // All at once: half of what was taken is taken back, as many more come, and people restore what was refused.
    let restored = restore(&stage, refused.iter().map(|click| brownboots.conversion_id(*click)));
    let (back, kept) = taken.split_at(taken.len() / 2);
    let coming = async {
        for click in 60..120 {
            stage.say_verdicts([brownboots.qualified(first(click))]).await;
            if let Some(back) = back.get(usize::from(click) - 60) {
                stage.say_verdicts([brownboots.vetoed(&first(*back))]).await;
            }
        }
    };
    let (restored, ()) = tokio::join!(restored, coming);
    stage.rows("conversions", 120).await;
    let back = i64::try_from(back.len()).unwrap();
    stage.rows("conversions WHERE verdict_revision = 2", back).await;
    stage.rows("ledger_transfers WHERE kind = 'void'", 2 * back).await;
    stage.rows("conversions WHERE status = 'success'", restored).await;

    let (in_all, total) = (stage.count(TAKEN).await, spent(&stage).await);
    assert!(in_all <= 30 && total <= 40 * DOLLAR, "{in_all} {total}");
    assert!(in_all > i64::try_from(kept.len()).unwrap(), "what came back was taken by nobody: {in_all}");
    // To the last coin, and not one more.
    let left = 40 * DOLLAR - total;
    if left > 0 && in_all < 30 {
        stage.say_verdicts([brownboots.qualified(held(brownboots, 120, left))]).await;
        stage.rows("conversions WHERE counted = 'taken'", in_all + 1).await;
        assert_eq!(spent(&stage).await, 40 * DOLLAR);
    }
    let refused = "conversions WHERE status_by = 'limit'";
    let before = stage.count(&format!("SELECT count(*) AS count FROM {refused}")).await;
    stage.say_verdicts([brownboots.qualified(held(brownboots, 121, DOLLAR))]).await;
    stage.rows(refused, before + 1).await;
    stage.strike().await;
}

/// What is reserved or posted of revenue. The proof at the end compares it with counters and conversions.
async fn spent(stage: &Stage) -> i64 {
    stage
        .count(
            "SELECT coalesce(sum(CASE WHEN kind IN ('pending', 'posted') THEN amount_micros
                WHEN kind IN ('void', 'reversal') THEN -amount_micros END), 0)::bigint AS count FROM ledger_transfers",
        )
        .await
}

/// Asks each replica in turn to restore a conversion, all at once; how many were.
async fn restore(stage: &Stage, conversions: impl Iterator<Item = ConversionId>) -> i64 {
    let mut calls = JoinSet::new();
    for (id, address) in conversions.zip(stage.addresses.iter().cycle()) {
        let url = format!("http://{address}/api/v1/conversions/{id}/decisions");
        calls.spawn(async move {
            let asked = json!({"decision": "Restore", "reason": "A promise was made."});
            let call = test_kit::http_client().post(url).json(&asked);
            let call = call.header("authorization", format!("ApiToken {MANAGER}"));
            call.send().await.expect("an answer").status().as_u16()
        });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|status| [200, 409].contains(status)), "{answers:?}");
    i64::try_from(answers.iter().filter(|status| **status == 200).count()).unwrap()
}

#[tokio::test]
async fn the_limits_of_an_offer_are_shown_to_the_tenant() {
    let stage = Stage::set().await;
    let (brownboots, other) = (Tenant::new(1), Tenant::new(2));
    let mut offer = budgets(brownboots, 1, 10, Some(5));
    offer.events[0].caps = Some(Caps { daily: Some(7), ..Caps::default() });
    offer.events[0].publisher_caps = Some(Caps { all_time: Some(8), ..Caps::default() });
    stage.introduce_with(brownboots, offer).await;
    stage
        .say_catalog([
            brownboots.token(MANAGER, TokenRole::Manager),
            brownboots.token(PARTNER, TokenRole::Publisher),
            other.token(STRANGER, TokenRole::Owner),
        ])
        .await;
    let path = format!("/api/v1/offers/{}/limits", crate::facts::offer_id());
    let (status, before) = stage.get(&path, Some(MANAGER)).await;
    assert_eq!((status, &before["state"], &before["caps"][1]["taken"]), (200, &json!("Open"), &json!(0)));
    assert_eq!(before["caps"][1]["publisherId"], Value::Null);

    stage.say_verdicts([qualified(brownboots, 1, 4)]).await;
    stage.rows("conversions", 1).await;
    let (_, limits) = stage.get(&path, Some(MANAGER)).await;
    assert_eq!((&limits["state"], &limits["overLimitAction"]), (&json!("SpentForToday"), &json!("Reject")));
    assert!(limits["resumesAt"].as_str().unwrap().ends_with("T00:00:00.000Z"));
    let budget = &limits["budgets"][0];
    assert_eq!(budget, &json!({"period": "AllTime", "bound": "10.00", "taken": "4.00", "left": "6.00"}));
    let day = &limits["budgets"][1];
    assert_eq!((&day["left"], &day["endsAt"]), (&json!("1.00"), &limits["resumesAt"]));
    let (event, publisher) = (&limits["caps"][0], &limits["caps"][1]);
    assert_eq!((&event["of"], &event["taken"], &event["left"]), (&json!("Event"), &json!(1), &json!(6)));
    assert_eq!((&publisher["of"], &publisher["left"]), (&json!("EventByPublisher"), &json!(7)));
    assert!(publisher["publisherId"].is_string());

    assert_eq!(stage.get(&path, None).await.0, 401);
    assert_eq!(stage.get(&path, Some(PARTNER)).await.0, 403);
    assert_eq!(stage.get(&path, Some(STRANGER)).await.0, 404);
    assert_eq!(stage.get("/api/v1/offers/nonsense/limits", Some(MANAGER)).await.0, 400);
    stage.strike().await;
}

#[tokio::test]
async fn a_taint_counts_until_it_is_refused() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce_with(brownboots, budgets(brownboots, 1, 3, None)).await;
    let tainted = ConversionVerdict { verdict: Verdict::OnReview.into(), ..held(brownboots, 1, 3 * DOLLAR) };
    stage.say_verdicts([brownboots.qualified(tainted.clone())]).await;
    stage
        .rows("conversions WHERE status = 'on_review' AND counted = 'taken' AND books = 'reserved'", 1)
        .await;
    stage.say_verdicts([qualified(brownboots, 2, 3)]).await;
    stage.rows("conversions WHERE reason_code = 'REJECTED_BUDGET'", 1).await;
    stage.say_verdicts([brownboots.vetoed(&tainted), qualified(brownboots, 3, 3)]).await;
    stage.rows("conversions WHERE status = 'pending'", 1).await;
    assert_eq!(books(&stage).await, (3 * DOLLAR, 3 * DOLLAR, 1));
    stage.strike().await;
}
