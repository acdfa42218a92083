//! A person who decides raises the budget in the same call. It counts at once, and the catalog has the last word.

use contracts::{
    attribution::ConversionVerdict,
    catalog::{OfferVersionCreated, TokenRole},
    payout::{BudgetRaised, BudgetState, BudgetStateChanged},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    facts::{Tenant, offer_id, terms, usd},
    stage::Stage,
};

const MANAGER: &str = "gkt_manager";
const ANALYST: &str = "gkt_analyst";
const PARTNER: &str = "gkt_partner";
const DOLLAR: i64 = 1_000_000;

fn with_budget(tenant: Tenant, version: u32, total: i64, daily: Option<i64>) -> OfferVersionCreated {
    OfferVersionCreated {
        total_budget: Some(usd(total * DOLLAR)),
        daily_budget: daily.map(|daily| usd(daily * DOLLAR)),
        ..tenant.offer(version)
    }
}

/// A budget of three dollars, which pays for one conversion, and `count` that want it: the first has it.
async fn stage(replicas: usize, count: u8) -> (Stage, Tenant) {
    let stage = Stage::with(replicas, |_| ()).await;
    let brownboots = Tenant::new(1);
    stage.introduce_with(brownboots, with_budget(brownboots, 1, 3, None)).await;
    stage
        .say_catalog([
            brownboots.token(MANAGER, TokenRole::Manager),
            brownboots.token(ANALYST, TokenRole::Analyst),
            brownboots.token(PARTNER, TokenRole::Publisher),
        ])
        .await;
    for click in 1..=count {
        let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(click) };
        stage.say_verdicts([brownboots.qualified(held)]).await;
        stage.rows("conversions", i64::from(click)).await;
    }
    stage.rows("conversions WHERE status_by = 'limit'", i64::from(count) - 1).await;
    (stage, brownboots)
}

fn path(tenant: Tenant, click: u8) -> String {
    format!("/api/v1/conversions/{}/decisions", tenant.conversion_id(click))
}

fn restore(raise: &Value) -> Value {
    json!({"decision": "Restore", "reason": "The advertiser agreed to more.", "raiseBudget": raise})
}

async fn budget(stage: &Stage, period: usize) -> Value {
    let path = format!("/api/v1/offers/{}/limits", offer_id());
    let limits = stage.get(&path, Some(MANAGER)).await.1;
    limits.pointer(&format!("/budgets/{period}")).unwrap().clone()
}

/// What payout believes of an offer's budget.
async fn counts(stage: &Stage) -> (Value, bool) {
    let budget = budget(stage, 0).await;
    (budget.pointer("/bound").unwrap().clone(), budget.get("raise").is_some())
}

#[tokio::test]
async fn a_decision_that_raises_the_budget_has_its_room_and_everybody_hears_of_it() {
    let (mut stage, brownboots) = stage(1, 3).await;
    stage.said_count::<BudgetStateChanged>(1).await;
    let bare = json!({"decision": "Restore", "reason": "A promise was made."});
    let (status, refused) = stage.post(&path(brownboots, 2), Some(MANAGER), &bare).await;
    assert_eq!((status, &refused["code"]), (409, &json!("limit_is_reached")));
    let enough = &refused["errors"][0];
    assert_eq!(enough["field"], "raiseBudget.total");
    assert!(enough["detail"].as_str().unwrap().starts_with("6.00 or more would have room"), "{refused}");

    let asked = restore(&json!({"total": "9.00"}));
    let (status, restored) = stage.post(&path(brownboots, 2), Some(MANAGER), &asked).await;
    assert_eq!((status, &restored["status"]), (200, &json!("Success")));
    let shown = budget(&stage, 0).await;
    assert_eq!(
        (&shown["bound"], &shown["taken"], &shown["left"]),
        (&json!("9.00"), &json!("6.00"), &json!("3.00"))
    );
    let raise = &shown["raise"];
    assert_eq!((&raise["catalogBound"], &raise["reason"]), (&json!("3.00"), &asked["reason"]));
    assert_eq!(raise["conversionId"], brownboots.conversion_id(2).to_string());

    // The process dies; what it committed is told all the same.
    stage.replace().await;
    let told = stage.said_count::<BudgetRaised>(1).await.remove(0);
    assert_eq!(told.offer_id, offer_id().to_vec());
    assert_eq!((told.total.clone(), told.daily), (Some(usd(9 * DOLLAR)), None));
    assert_eq!((told.total_number, told.daily_number), (told.number, 0));
    assert_eq!(told.conversion_id, brownboots.conversion_id(2).to_vec());
    assert_eq!((told.reason.as_str(), told.token_id.len()), ("The advertiser agreed to more.", 16));
    stage.rows("budget_raises WHERE total_micros = 9000000 AND total_before_micros = 3000000 AND daily_micros IS NULL", 1).await;
    let said = stage.said_count::<BudgetStateChanged>(2).await;
    assert_eq!(said[1].state(), BudgetState::Open);
    assert_eq!(said[1].left_total, Some(usd(3 * DOLLAR)));

    // Said twice it is refused by the status, and raises nothing: not when it would be one, either.
    for total in ["9.00", "12.00"] {
        let again = restore(&json!({"total": total}));
        let (status, refused) = stage.post(&path(brownboots, 2), Some(MANAGER), &again).await;
        assert_eq!((status, &refused["code"]), (409, &json!("status_does_not_allow_it")));
    }
    // What comes now is paid within the new bound, and not beyond it.
    for click in [4, 5] {
        stage.say_verdicts([brownboots.qualified(brownboots.verdict(click))]).await;
        stage.rows("conversions", i64::from(click)).await;
    }
    stage.rows("conversions WHERE counted = 'taken'", 3).await;
    stage.rows("budget_raises", 1).await;
    assert_eq!(counts(&stage).await, (json!("9.00"), true));

    // There is room: the raise is made all the same, for somebody asked for it.
    let reject = json!({"decision": "Reject", "reason": "A test device."});
    assert_eq!(stage.post(&path(brownboots, 1), Some(MANAGER), &reject).await.0, 200);
    let asked = restore(&json!({"total": "10.00"}));
    assert_eq!(stage.post(&path(brownboots, 3), Some(MANAGER), &asked).await.0, 200);
    assert_eq!(counts(&stage).await, (json!("10.00"), true));
    stage.strike().await;
}

#[tokio::test]
async fn what_can_not_be_raised_is_named_and_nothing_happens() {
    let (stage, brownboots) = stage(1, 2).await;
    let fields = |problem: &Value| -> Vec<String> {
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    };
    let post = async |body: &Value| stage.post(&path(brownboots, 2), Some(MANAGER), body).await;
    for (raise, wrong) in [
        (json!({"total": "a lot"}), vec!["raiseBudget.total"]),
        (json!({"total": "-9.00", "daily": "0"}), vec!["raiseBudget.total", "raiseBudget.daily"]),
        (json!({"total": "1000000000.01"}), vec!["raiseBudget.total"]),
        (json!({"total": "9.0000001"}), vec!["raiseBudget.total"]),
        (json!({}), vec!["raiseBudget"]),
    ] {
        let (status, problem) = post(&restore(&raise)).await;
        assert_eq!(
            (status, fields(&problem)),
            (422, wrong.into_iter().map(String::from).collect()),
            "{problem}"
        );
    }
    let odd = json!({"decision": "Reject", "reason": " ", "raiseBudget": {"total": "9.00"}});
    let (status, problem) = post(&odd).await;
    assert_eq!((status, fields(&problem)), (422, vec!["raiseBudget".to_owned(), "reason".to_owned()]));
    assert_eq!(post(&restore(&json!({"weekly": "9.00"}))).await.0, 422);

    let (status, problem) = post(&restore(&json!({"total": "3.00", "daily": "2.00"}))).await;
    assert_eq!((status, &problem["code"]), (409, &json!("budget_is_not_raised")));
    assert_eq!(fields(&problem), ["raiseBudget.total", "raiseBudget.daily"]);
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("above 3.00"), "{problem}");
    // Higher, and still too little: what is missing is counted from there.
    let (status, problem) = post(&restore(&json!({"total": "5.00"}))).await;
    assert_eq!((status, &problem["code"]), (409, &json!("limit_is_reached")));
    assert!(
        problem["detail"].as_str().unwrap().contains("2.00 USD is left, 1.00 USD is missing"),
        "{problem}"
    );

    let right = restore(&json!({"total": "9.00"}));
    for (token, status) in [(None, 401), (Some(ANALYST), 403), (Some(PARTNER), 403)] {
        assert_eq!(stage.post(&path(brownboots, 2), token, &right).await.0, status);
    }
    assert_eq!(stage.post(&path(brownboots, 99), Some(MANAGER), &right).await.0, 404);
    assert_eq!(counts(&stage).await, (json!("3.00"), false));
    stage.rows("budget_raises", 0).await;
    stage.rows("conversion_decisions", 0).await;
    assert_eq!(stage.said::<BudgetRaised>(), []);
    stage.strike().await;
}

#[tokio::test]
async fn a_raise_stands_until_the_catalog_says_it_and_no_longer() {
    let (stage, brownboots) = stage(1, 2).await;
    stage.say_catalog([brownboots.envelope(&with_budget(brownboots, 2, 3, Some(3)))]).await;
    let asked = restore(&json!({"total": "9.00", "daily": "6.00"}));
    assert_eq!(stage.post(&path(brownboots, 2), Some(MANAGER), &asked).await.0, 200);
    let told = stage.said_count::<BudgetRaised>(1).await.remove(0);
    let version = |version, total, daily, heard| OfferVersionCreated {
        total_budget_raise: heard,
        daily_budget_raise: heard,
        ..with_budget(brownboots, version, total, Some(daily))
    };
    // A version that was on its way when the raise was made takes nothing away.
    stage.say_catalog([brownboots.envelope(&version(3, 4, 2, 0))]).await;
    assert_eq!(counts(&stage).await, (json!("9.00"), true));
    assert_eq!(budget(&stage, 1).await["bound"], "6.00");

    // The catalog has it; an older word that comes late is an older word.
    stage.say_catalog([brownboots.envelope(&version(4, 9, 6, told.number))]).await;
    assert_eq!(counts(&stage).await, (json!("9.00"), false));
    let late = brownboots.envelope(&version(3, 4, 2, 0));
    stage.say_stale_offer(late, brownboots.changed(2, &[])).await;
    assert_eq!(counts(&stage).await, (json!("9.00"), false));

    // Somebody lowers it there: that counts, and takes nothing back.
    stage.say_catalog([brownboots.envelope(&version(5, 4, 3, told.number))]).await;
    assert_eq!(counts(&stage).await, (json!("4.00"), false));
    let lowered = budget(&stage, 0).await;
    assert_eq!((&lowered["taken"], &lowered["left"]), (&json!("6.00"), &json!("-2.00")));

    // Raised once more, in one budget. Meanwhile somebody saved more in the catalog, so that it makes no new version of it: it tells
    // the same one again.
    let reject = json!({"decision": "Reject", "reason": "A test device."});
    assert_eq!(stage.post(&path(brownboots, 1), Some(MANAGER), &reject).await.0, 200);
    let asked = restore(&json!({"daily": "4.00", "total": "7.00"}));
    assert_eq!(stage.post(&path(brownboots, 1), Some(MANAGER), &asked).await.0, 409, "two cost six in a day");
    let asked = restore(&json!({"daily": "7.00", "total": "7.00"}));
    assert_eq!(stage.post(&path(brownboots, 1), Some(MANAGER), &asked).await.0, 200);
    let second = stage.said_count::<BudgetRaised>(2).await.remove(1);
    assert!(second.number > told.number);
    stage.say_catalog([brownboots.envelope(&version(6, 20, 8, told.number))]).await;
    assert_eq!(counts(&stage).await, (json!("20.00"), true));
    let again = brownboots.envelope(&version(6, 20, 8, second.number));
    stage.say_stale_offer(again, brownboots.changed(3, &[])).await;
    assert_eq!(counts(&stage).await, (json!("20.00"), false));
    // Told before that, and here after it.
    let again = brownboots.envelope(&version(6, 20, 8, told.number));
    stage.say_stale_offer(again, brownboots.changed(4, &[])).await;
    assert_eq!(counts(&stage).await, (json!("20.00"), false));
    stage.strike().await;
}

#[tokio::test]
async fn of_many_who_raise_to_the_same_bound_one_has_the_room() {
    let (stage, brownboots) = stage(2, 9).await;
    let asked = restore(&json!({"total": "6.00"}));
    let calls = (2..=9_u8).map(|click| {
        let address = stage.addresses[usize::from(click) % stage.addresses.len()];
        let url = format!("http://{address}{}", path(brownboots, click));
        let call = test_kit::http_client().post(url).header("authorization", format!("ApiToken {MANAGER}"));
        call.json(&asked).send()
    });
    let answers = join_all(calls).await.into_iter();
    let mut answers: Vec<u16> = answers.map(|answer| answer.unwrap().status().as_u16()).collect();
    answers.sort_unstable();
    assert_eq!(answers, [200, 409, 409, 409, 409, 409, 409, 409]);
    let taken = "SELECT sum(taken_micros)::bigint AS count FROM conversions WHERE counted = 'taken'";
    assert_eq!(stage.count(taken).await, 6 * DOLLAR);
    assert_eq!(stage.said_count::<BudgetRaised>(1).await.len(), 1);
    stage.rows("budget_raises", 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_raise_needs_limits_to_raise() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.say_catalog([brownboots.changed(1, &[]), brownboots.publisher(1, Vec::new())]).await;
    stage.say_catalog([brownboots.token(MANAGER, TokenRole::Manager)]).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(1))]).await;
    stage.rows("conversions WHERE counted = 'waiting'", 1).await;
    let asked = json!({"decision": "Approve", "reason": "Yes.", "raiseBudget": {"total": "9.00"}});
    let (status, refused) = stage.post(&path(brownboots, 1), Some(MANAGER), &asked).await;
    assert_eq!((status, &refused["code"]), (409, &json!("limits_are_not_known")));
    stage.strike().await;
}
