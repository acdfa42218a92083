//! Budgets that people raised at payout: what the catalog makes of them, and how payout hears that it did.

use std::sync::{Arc, Mutex, PoisonError};

use bus::{
    BatchHandler, HandleError, Route,
    house::{CATALOG_RAISES, PAYOUT_CATALOG},
};
use contracts::{
    Fact as _, catalog::OfferVersionCreated, common::Money, envelope::Envelope, open, payout::BudgetRaised,
};
use kernel::OfferId;
use offer_catalog::{Command, OfferCatalog};
use process::{Runtime, Service as _};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use test_kit::eventually;
use uuid::Uuid;

use crate::{
    budgets::{PATIENCE, Scene},
    catalog::{golfin, settings_of, text},
};

const DOLLAR: i64 = 1_000_000;
const WHY: &str = "The advertiser agreed to more.";

fn dollars(dollars: i64) -> Money {
    Money { micros: dollars * DOLLAR, currency: String::from("USD") }
}

/// Who raises: a manager of the tenant.
fn manager() -> Uuid {
    Uuid::from_u128(0x70_ce11)
}

/// What payout would hear of offers' versions.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<OfferVersionCreated>>>);

impl BatchHandler for Ear {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        let versions = items.iter().filter(|item| item.fact == OfferVersionCreated::NAME);
        let versions = versions.map(|item| open(item).unwrap());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(versions);
        Ok(())
    }

    async fn bury(&self, _item: &Envelope, reason: &str) -> Result<(), HandleError> {
        panic!("nothing to bury: {reason}");
    }
}

impl Ear {
    fn of(scene: &Scene) -> Self {
        let ear = Self::default();
        scene.bus.consume(PAYOUT_CATALOG, ear.clone()).unwrap();
        ear
    }

    /// Each version of an offer as it was told: its number, its total budget in dollars, the raises that it has.
    async fn heard(&self, offer: &str, told: usize) -> Vec<(u32, i64, (u64, u64))> {
        let id = OfferId::from_uuid(offer.parse().unwrap()).to_vec();
        eventually("the versions are told", PATIENCE, async || {
            let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let of_offer = heard.iter().filter(|version| version.offer_id == id);
            let heard: Vec<_> = of_offer
                .map(|version| {
                    let total = version.total_budget.as_ref().unwrap().micros / DOLLAR;
                    (version.version, total, (version.total_budget_raise, version.daily_budget_raise))
                })
                .collect();
            if heard.len() == told { Ok(heard) } else { Err(heard) }
        })
        .await
    }
}

impl Scene {
    /// What payout would tell of a raise of the total budget.
    fn raised(&self, offer: &str, number: u64, total: i64) -> BudgetRaised {
        BudgetRaised {
            tenant_id: self.tenant.to_vec(),
            offer_id: OfferId::from_uuid(offer.parse().unwrap()).to_vec(),
            number,
            total: Some(dollars(total)),
            total_number: number,
            daily: None,
            daily_number: 0,
            conversion_id: Uuid::from_u128(0xc0).as_bytes().to_vec(),
            token_id: manager().as_bytes().to_vec(),
            reason: WHY.to_owned(),
            raised_at_micros: 1_795_608_000_000_000,
        }
    }

    async fn raise(&self, facts: impl IntoIterator<Item = BudgetRaised>) -> Vec<Envelope> {
        let facts: Vec<Envelope> = facts.into_iter().map(|fact| self.sealed(&fact)).collect();
        self.publish(&Route::of::<BudgetRaised>(), facts.clone()).await;
        facts
    }

    async fn budget(&self, offer: &str) -> Value {
        self.offer(offer).await["budget"].clone()
    }

    /// The raises in the audit log of an offer, oldest first.
    async fn audited(&self, offer: &str, count: usize) -> Vec<Value> {
        eventually("the raises are in the log", PATIENCE, async || {
            let path = format!("/audit-log?subject={offer}&sort=createdAt&page_size=100");
            let log = self.catalog.get(&path, &self.owner).await.ok();
            let entries = log["items"].as_array().unwrap().iter();
            let raises: Vec<Value> =
                entries.filter(|entry| entry["action"] == "offer.budget-raised").cloned().collect();
            if raises.len() == count { Ok(raises) } else { Err(raises) }
        })
        .await
    }

    /// A person saves other budgets.
    async fn save(&self, offer: &str, budget: Value) {
        let mut fields = golfin(&self.advertiser);
        fields["launchDate"] = json!("2020-01-01");
        fields["budget"] = budget;
        self.catalog.put(&format!("/offers/{offer}"), &self.owner, fields).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raise_is_the_next_version_by_the_person_who_made_it() {
    let scene = Scene::start().await;
    let ear = Ear::of(&scene);
    let golfin = scene.live().await;
    let revision = scene.offer(&golfin).await["revision"].clone();

    let told = scene.raise([scene.raised(&golfin, 7, 6_000)]).await;
    let audited = scene.audited(&golfin, 1).await.remove(0);
    assert_eq!(scene.budget(&golfin).await, json!({"total": "6000.00", "daily": null}));
    assert_ne!(scene.offer(&golfin).await["revision"], revision, "who read it before has to read it again");
    assert_eq!(audited["tokenId"], manager().to_string());
    assert_eq!(audited["before"]["totalBudget"], json!(5_000 * DOLLAR));
    assert_eq!(
        (&audited["after"]["totalBudget"], &audited["after"]["reason"]),
        (&json!(6_000 * DOLLAR), &json!(WHY))
    );
    assert_eq!(audited["after"]["conversionId"], Uuid::from_u128(0xc0).to_string());

    // Delivered again, and an older one late: in the log it stands, and nothing else happens.
    scene.publish(&Route::of::<BudgetRaised>(), told).await;
    scene.raise([scene.raised(&golfin, 6, 9_000)]).await;
    let late = scene.audited(&golfin, 2).await.remove(1);
    assert_eq!(late["before"]["totalBudget"], late["after"]["totalBudget"]);
    assert_eq!(scene.budget(&golfin).await, json!({"total": "6000.00", "daily": null}));

    // Lowered by a person it stays lowered, and payout can tell that its raise is behind it.
    scene.save(&golfin, json!({"total": "5500.00", "daily": "100.00"})).await;
    let daily = BudgetRaised {
        number: 8,
        daily: Some(dollars(150)),
        daily_number: 8,
        ..scene.raised(&golfin, 7, 6_000)
    };
    scene.raise([daily]).await;
    scene.audited(&golfin, 3).await;
    assert_eq!(scene.budget(&golfin).await, json!({"total": "5500.00", "daily": "150.00"}));
    let heard = [(1, 5_000, (0, 0)), (2, 6_000, (7, 0)), (3, 5_500, (7, 0)), (4, 5_500, (7, 8))];
    assert_eq!(ear.heard(&golfin, 4).await, heard);

    // A consumer that lost everything hears the same, of the newest version.
    OfferCatalog::command(Command::Republish, scene.catalog.settings.clone(), scene.catalog.runtime.clone())
        .await
        .unwrap();
    let republished = [(1, 5_000, (0, 0)), (2, 6_000, (0, 0)), (3, 5_500, (0, 0)), (4, 5_500, (7, 8))];
    assert_eq!(ear.heard(&golfin, 8).await[4..], republished);
    assert_eq!(scene.count("dead_items").await, 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_that_is_that_high_makes_no_version_and_payout_hears_of_it() {
    let scene = Scene::start().await;
    let ear = Ear::of(&scene);
    let golfin = scene.live().await;
    scene.save(&golfin, json!({"total": "7000.00"})).await;
    let before = scene.offer(&golfin).await;
    scene.raise([scene.raised(&golfin, 3, 6_000)]).await;
    scene.audited(&golfin, 1).await;
    assert_eq!(ear.heard(&golfin, 3).await, [(1, 5_000, (0, 0)), (2, 7_000, (0, 0)), (2, 7_000, (3, 0))]);
    let after = scene.offer(&golfin).await;
    assert_eq!((&after["revision"], &after["budget"]), (&before["revision"], &before["budget"]));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_offer_takes_it_and_the_log_names_what_nobody_accepted() {
    let scene = Scene::start().await;
    let golfin = scene.live().await;
    let poor = json!({"name": "Golfin", "totalBudget": {"amount": "5500.00", "currency": "USD"}});
    scene.catalog.put(&format!("/advertisers/{}", scene.advertiser), &scene.owner, poor).await.ok();
    scene.act(&golfin, "end", json!({})).await;
    scene.raise([scene.raised(&golfin, 1, 6_000)]).await;
    let audited = scene.audited(&golfin, 1).await.remove(0);
    assert_eq!(audited["after"]["warnings"][0]["field"], "budget.total", "{audited}");
    let offer = scene.offer(&golfin).await;
    assert_eq!(
        (&offer["status"], &offer["budget"]),
        (&json!("Ended"), &json!({"total": "6000.00", "daily": null}))
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_taken_over_is_buried_alone_with_its_reason() {
    let scene = Scene::start().await;
    let golfin = scene.live().await;
    let draft = scene.draft(json!({})).await;
    let nobody = Uuid::from_u128(7).to_string();
    let good = scene.raised(&golfin, 5, 6_000);
    let euro = Some(Money { micros: 1, currency: String::from("EUR") });
    let bad = [
        scene.raised(&nobody, 1, 6_000),
        scene.raised(&draft, 1, 6_000),
        BudgetRaised { total: euro, ..good.clone() },
        BudgetRaised { total: Some(dollars(-1)), ..good.clone() },
        BudgetRaised { total: None, ..good.clone() },
        BudgetRaised { total_number: 6, ..good.clone() },
        BudgetRaised { total_number: 0, ..good.clone() },
        BudgetRaised { number: 0, ..good.clone() },
        BudgetRaised { number: u64::MAX, ..good.clone() },
        BudgetRaised { tenant_id: Uuid::from_u128(8).as_bytes().to_vec(), ..good.clone() },
        BudgetRaised { token_id: vec![1], ..good.clone() },
    ];
    let count = i64::try_from(bad.len()).unwrap();
    scene.raise(bad.into_iter().chain([good])).await;
    eventually("the bad ones are buried", PATIENCE, async || {
        let buried = scene.count("dead_items WHERE consumer = 'offer-catalog.raises'").await;
        if buried == count { Ok(()) } else { Err(buried) }
    })
    .await;
    scene.audited(&golfin, 1).await;
    assert_eq!(scene.budget(&golfin).await, json!({"total": "6000.00", "daily": null}));
    let reasons = "dead_items WHERE reason LIKE '%is not in this catalog, or a draft%'";
    assert_eq!(scene.count(reasons).await, 2);
    assert_eq!(scene.count("dead_items WHERE reason LIKE '%is not in USD, the currency of offer%'").await, 1);
    assert_eq!(scene.budget(&draft).await, json!({"total": "5000.00", "daily": null}));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_take_every_raise_once() {
    const RAISES: u64 = 24;
    let scene = Scene::start().await;
    let ear = Ear::of(&scene);
    let golfin = scene.live().await;
    let bus = &scene.catalog.settings.bus;
    let variables =
        [("BUS__URL", bus.url.expose_secret().to_owned()), ("BUS__NAMESPACE", bus.namespace.clone())];
    let settings = settings_of(&scene.catalog.database, scene.catalog.creatives.path(), &variables);
    let other = Runtime::new();
    offer_catalog::start(&settings, &other).unwrap();

    let raise = |number: u64| scene.raised(&golfin, number, 5_000 + i64::try_from(number).unwrap());
    // In an order of which the last is neither the first nor the last.
    let order = (0..RAISES).map(|place| place * 7 % RAISES + 1);
    let facts: Vec<Envelope> = order.map(|number| scene.sealed(&raise(number))).collect();
    // Small messages, so that both have their hands full; each twice.
    for fact in facts.iter().chain(facts.iter().rev()) {
        scene.publish(&Route::of::<BudgetRaised>(), vec![fact.clone()]).await;
    }
    eventually("all of them were read", PATIENCE, async || {
        let left = scene.namespace.depth(CATALOG_RAISES).map(test_kit::Depth::total);
        if left == Some(0) { Ok(()) } else { Err(left) }
    })
    .await;
    assert_eq!(scene.audited(&golfin, usize::try_from(RAISES).unwrap()).await.len(), 24);
    eventually("the last one holds", PATIENCE, async || {
        let total = text(&scene.budget(&golfin).await, "/total");
        if total == "5024.00" { Ok(()) } else { Err(total) }
    })
    .await;
    let versions = usize::try_from(scene.count("offer_versions").await).unwrap();
    let heard = ear.heard(&golfin, versions).await;
    assert!(heard.iter().any(|told| told.2 == (RAISES, 0)), "{heard:?}");
    assert!(
        heard.iter().all(|(_, total, (raise, _))| *total == 5_000 + i64::try_from(*raise).unwrap()),
        "{heard:?}"
    );
    assert_eq!(scene.count("dead_items").await, 0);
    other.supervisor.drain(PATIENCE).await.unwrap();
    scene.stop().await;
}
