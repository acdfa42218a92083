//! A budget that is nearly spent: clicks stop, the catalog shows it, and both go on when it is raised, when money comes back
//! and at midnight; and a person who decides raises it in the same call.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{
    Stack,
    guide::{Guide, golfin_ios},
    truth::{Books, Truth},
};
use test_kit::{FakePublisher, Postback, eventually, http_client};

const SOON: Duration = Duration::from_secs(30);
/// The guide's Install costs a dollar, and nothing of the offer costs less.
const PENDING_DAYS: u16 = 7;

struct Shop {
    _stack: Stack,
    guide: Guide,
    truth: Truth,
}

impl Shop {
    async fn open(publisher: &FakePublisher) -> Self {
        let stack = Stack::start().await;
        let guide = Guide::set_up(stack.endpoints(), "Brownboots", publisher, PENDING_DAYS).await.unwrap();
        let truth = Truth::of(&stack).await;
        Self { _stack: stack, guide, truth }
    }

    /// The account manager saves other budgets of the shared offer.
    async fn budget(&self, budget: Value) {
        let mut fields = golfin_ios(&self.guide.advertiser, PENDING_DAYS);
        fields["budget"] = budget;
        self.guide.tenant.customise(&self.guide.shared.offer_id, &fields).await.unwrap();
    }

    async fn install(&self, click: &str) {
        assert_eq!(self.guide.apps_flyer().send(&Postback::install(click)).await.status, 200);
    }

    /// Waits until payout's limits of the offer show these values.
    async fn limits(&self, left: &str, state: &str) {
        let path = format!("/api/v1/offers/{}/limits", self.guide.shared.offer_id);
        let payout = self.guide.payout();
        eventually("payout's limits", SOON, async || {
            let limits = payout.get(&path).await.map_err(|error| error.to_string())?;
            let lefts: Vec<&Value> =
                limits["budgets"].as_array().unwrap().iter().map(|one| &one["left"]).collect();
            if limits["state"] == state && lefts.contains(&&json!(left)) {
                Ok(())
            } else {
                Err(limits.to_string())
            }
        })
        .await;
    }

    /// Waits until the tracker sends clicks on their way, or does not, and the catalog shows the same.
    async fn clicks(&self, go_on: bool) {
        let link = self.guide.link_for("c-probe", "m-probe");
        eventually("the tracker follows", SOON, async || {
            let status = http_client().get(&link).send().await.map_err(|error| error.to_string())?.status();
            if (status.as_u16() == 302) == go_on { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
        let path = format!("/api/v1/offers/{}", self.guide.shared.offer_id);
        let shown = if go_on { "Live" } else { "BudgetSpent" };
        eventually("the catalog follows", SOON, async || {
            let offer = self.guide.tenant.api.get(&path).await.map_err(|error| error.to_string())?;
            if offer["displayStatus"] == shown { Ok(()) } else { Err(offer["displayStatus"].to_string()) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_spent_budget_stops_clicks_and_they_go_on_when_it_is_raised_or_money_comes_back() {
    let publisher = FakePublisher::start();
    let shop = Shop::open(&publisher).await;
    shop.budget(json!({"total": "1.50"})).await;
    let (first, second) =
        (shop.guide.click("c-1", "m-1").await.unwrap(), shop.guide.click("c-2", "m-2").await.unwrap());
    shop.limits("1.50", "Open").await;

    shop.install(&first).await;
    shop.limits("0.50", "Spent").await;
    shop.clicks(false).await;
    // Who had clicked before did the step, and is told why it does not pay.
    shop.install(&second).await;
    let rejected = async || {
        let conversions = shop.guide.payout().get("/api/v1/conversions?status=Rejected").await.unwrap();
        // Total and page are two looks: the second may see what the first did not.
        if conversions["items"][0].is_object() { Ok(conversions) } else { Err(conversions.to_string()) }
    };
    let conversions = eventually("the second is refused", SOON, rejected).await;
    assert_eq!(conversions["items"][0]["reasonCode"], "REJECTED_BUDGET");
    let decision = shop.truth.codes().await;
    assert_eq!(decision.get("QUALIFIED"), Some(&2), "the user did the step all the same: {decision:?}");
    let journey = format!("/api/v1/journeys/{second}");
    eventually("the journey shows what payout said", SOON, async || {
        let journey = shop.guide.attribution().get(&journey).await.unwrap().to_string();
        if journey.contains("REJECTED_BUDGET") { Ok(()) } else { Err(journey) }
    })
    .await;

    shop.budget(json!({"total": "2.50"})).await;
    shop.clicks(true).await;
    let third = shop.guide.click("c-3", "m-3").await.unwrap();
    shop.install(&third).await;
    shop.limits("0.50", "Spent").await;
    shop.clicks(false).await;

    // AppsFlyer flags the first one within its hold: its dollar comes back.
    let flagged = Postback::install(&first).with("is_rejected", "true");
    assert_eq!(shop.guide.apps_flyer().send(&flagged).await.status, 200);
    shop.limits("1.50", "Open").await;
    shop.clicks(true).await;
    let reserved = Books { reserved: 1_000_000, ..Books::default() };
    assert_eq!(shop.truth.books("USD").await, reserved, "the ledger holds what the budget holds");
}

#[tokio::test]
async fn a_budget_of_a_day_stops_clicks_until_midnight() {
    let publisher = FakePublisher::start();
    let shop = Shop::open(&publisher).await;
    shop.budget(json!({"total": "5000.00", "daily": "1.00"})).await;
    let click = shop.guide.click("c-1", "m-1").await.unwrap();
    shop.limits("1.00", "Open").await;
    shop.install(&click).await;
    shop.limits("0.00", "SpentForToday").await;
    shop.clicks(false).await;

    // The day is over: what was counted today was counted yesterday.
    shop.truth
        .in_payout(
            "WITH taken AS (UPDATE conversions SET taken_at = taken_at - interval '24 hours' WHERE counted = 'taken'),
                counted AS (UPDATE limit_usage SET begins_on = begins_on - 1 WHERE period = 'day')
            UPDATE offers SET budget_resumes_at = now() WHERE budget_resumes_at IS NOT NULL",
        )
        .await;
    shop.limits("1.00", "Open").await;
    shop.clicks(true).await;
}

#[tokio::test]
async fn a_manager_approves_beyond_a_spent_budget_and_everything_follows() {
    let publisher = FakePublisher::start();
    let shop = Shop::open(&publisher).await;
    shop.budget(json!({"total": "1.50"})).await;
    let (first, second) =
        (shop.guide.click("c-1", "m-1").await.unwrap(), shop.guide.click("c-2", "m-2").await.unwrap());
    shop.install(&first).await;
    shop.limits("0.50", "Spent").await;
    shop.clicks(false).await;
    shop.install(&second).await;
    let payout = shop.guide.payout();
    let refused = eventually("the second is refused", SOON, async || {
        let conversions = payout.get("/api/v1/conversions?status=Rejected").await.unwrap();
        conversions["items"][0]["conversionId"].as_str().map(String::from).ok_or(conversions.to_string())
    })
    .await;

    // Without a raise there is no room, and the answer says which budget would do.
    let decisions = format!("/api/v1/conversions/{refused}/decisions");
    let mut asked = json!({"decision": "Restore", "reason": "The advertiser agreed to more."});
    let (status, answer) = payout.try_call(Method::POST, &decisions, Some(&asked)).await.unwrap();
    assert_eq!((status.as_u16(), &answer["code"]), (409, &json!("limit_is_reached")), "{answer}");
    assert_eq!(answer["errors"][0]["field"], "raiseBudget.total");

    asked["raiseBudget"] = json!({"total": "3.50"});
    let restored = payout.post(&decisions, &asked).await.unwrap();
    assert_eq!(restored["status"], "Success");
    let books = Books {
        receivable: 1_000_000,
        payable: 700_000,
        margin: 300_000,
        reserved: 1_000_000,
        ..Books::default()
    };
    assert_eq!(shop.truth.books("USD").await, books, "the second is earned, the first still held");
    assert_eq!(publisher.wait_for(1, SOON).await[0].param("member").as_deref(), Some("m-2"));
    // The tracker sends clicks on their way again, and the catalog has the budget, by whom and why.
    shop.limits("1.50", "Open").await;
    shop.clicks(true).await;
    let catalog = &shop.guide.tenant.api;
    let offer = format!("/api/v1/offers/{}", shop.guide.shared.offer_id);
    eventually("the catalog has the raise", SOON, async || {
        let offer = catalog.get(&offer).await.unwrap();
        if offer["budget"]["total"] == "3.50" { Ok(()) } else { Err(offer["budget"].to_string()) }
    })
    .await;
    let log = format!("/api/v1/audit-log?subject={}", shop.guide.shared.offer_id);
    let log = catalog.get(&log).await.unwrap();
    let raised =
        log["items"].as_array().unwrap().iter().find(|entry| entry["action"] == "offer.budget-raised");
    let raised = raised.unwrap_or_else(|| panic!("no raise in {log}"));
    assert_eq!(
        (&raised["before"]["totalBudget"], &raised["after"]["totalBudget"], &raised["after"]["reason"]),
        (&json!(1_500_000), &json!(3_500_000), &asked["reason"])
    );
    assert!(raised["tokenId"].is_string(), "{raised}");

    // Payout follows the catalog again: a person lowers the budget there, and clicks stop.
    let limits = format!("/api/v1/offers/{}/limits", shop.guide.shared.offer_id);
    eventually("the raise is the catalog's", SOON, async || {
        let limits = payout.get(&limits).await.unwrap();
        if limits["budgets"][0]["raise"].is_null() { Ok(()) } else { Err(limits.to_string()) }
    })
    .await;
    shop.budget(json!({"total": "2.50"})).await;
    shop.limits("0.50", "Spent").await;
    shop.clicks(false).await;
}
