//! `offer-catalog republish`: consumers that lost what they knew are as they were, and those that did not notice nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use system_tests::{ServiceName, Stack, guide::Guide, truth::Truth};
use test_kit::{FakePublisher, eventually, http_client};

const SOON: Duration = Duration::from_secs(30);

/// What each consumer keeps of the catalog's facts.
const KEPT: [(ServiceName, &[&str]); 3] = [
    (ServiceName::Tracker, &["tenants", "offers", "offer_versions"]),
    (ServiceName::Attribution, &["tenants", "credentials", "offers", "offer_versions", "api_tokens"]),
    (
        ServiceName::Payout,
        &["tenants", "advertisers", "publishers", "postback_endpoints", "api_tokens", "offers"],
    ),
];

type ReadModels = BTreeMap<(ServiceName, &'static str), BTreeSet<String>>;

async fn read_models(truth: &Truth) -> ReadModels {
    let mut models = BTreeMap::new();
    for (service, tables) in KEPT {
        for table in tables {
            models.insert((service, *table), truth.rows(service, table).await);
        }
    }
    models
}

/// Every fact that was said so far has been heard by everybody.
async fn heard(stack: &Stack, truth: &Truth) {
    eventually("everything is said and heard", SOON, async || {
        let waiting = truth.outboxes().await;
        let unread = stack.namespace().unread();
        if waiting == 0 && unread.is_empty() { Ok(()) } else { Err((waiting, unread)) }
    })
    .await;
}

async fn republish(stack: &mut Stack) {
    let (done, output) = stack.service(ServiceName::OfferCatalog).run("republish");
    assert!(done, "{output}");
}

#[tokio::test]
async fn lost_read_models_come_back_and_whole_ones_stay_as_they_are() {
    let mut stack = Stack::start().await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    guide.click("c-0", "m-0").await.unwrap();
    let truth = Truth::of(&stack).await;
    heard(&stack, &truth).await;
    let before = read_models(&truth).await;
    assert!(before.values().all(|rows| !rows.is_empty()), "{before:?}");

    // All three lose everything that the catalog ever told them, the tracker its file as well.
    for (service, tables) in KEPT {
        assert_eq!(stack.service(service).stop().await.code(), Some(0));
        truth.lose(service, tables).await;
    }
    let file = stack.service(ServiceName::Tracker).setting("OFFERS__FILE").unwrap().to_owned();
    std::fs::remove_file(file).ok();
    for (service, _tables) in KEPT {
        stack.service(service).start().await;
    }
    let lost = http_client().get(guide.link_for("c-1", "m-1")).send().await.unwrap();
    assert_eq!(lost.status().as_u16(), 404, "the tracker knows no offer");

    republish(&mut stack).await;
    let restored = eventually("all is as it was", SOON, async || {
        let now = read_models(&truth).await;
        if now == before { Ok(now) } else { Err(now) }
    })
    .await;

    // They work with it: clicks, decisions, money and the publisher's postbacks.
    let click = guide.click("c-1", "m-1").await.unwrap();
    guide.apps_flyer().send_all(&Guide::postbacks(&click)).await;
    eventually("the publisher heard of three conversions", SOON, async || {
        let told = publisher.deliveries().len();
        if told == 3 { Ok(()) } else { Err(told) }
    })
    .await;
    heard(&stack, &truth).await;
    let money = (truth.conversions().await, truth.books("USD").await);

    // Once more, to consumers that miss nothing.
    republish(&mut stack).await;
    heard(&stack, &truth).await;
    assert_eq!(read_models(&truth).await, restored);
    assert_eq!((truth.conversions().await, truth.books("USD").await), money);
    assert_eq!(publisher.deliveries().len(), 3);
    assert_eq!(truth.buried().await, 0);
}
