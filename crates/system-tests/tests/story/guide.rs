//! The guide's own example, from the first API call to the last micro.

use std::{collections::BTreeMap, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::json;
use system_tests::{
    Stack,
    api::{Api, text},
    guide::Guide,
    truth::{Books, Truth},
};
use test_kit::{FakePublisher, eventually};

const SOON: Duration = Duration::from_secs(30);

fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.into_iter().map(|(word, count)| (word.to_owned(), count)).collect()
}

#[tokio::test]
async fn the_guide_becomes_money() {
    let stack = Stack::start().await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let truth = Truth::of(&stack).await;

    // A shared offer belongs to one publisher for ever.
    let other =
        guide.tenant.publisher("Other", "GET", "https://other.example/?id={conversion_id}").await.unwrap();
    let path = format!("/api/v1/offers/{}/share", guide.shared.offer_id);
    let again = json!({"publisherId": other.id});
    let (status, problem) = guide.tenant.api.try_call(Method::POST, &path, Some(&again)).await.unwrap();
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert!(problem.to_string().to_lowercase().contains("clone"), "the refusal says what to do: {problem}");

    let click = guide.click("c-1", "m-1").await.unwrap();
    for answered in guide.apps_flyer().send_all(&Guide::postbacks(&click)).await {
        assert_eq!(answered.status, 200, "{}", answered.body);
    }

    let decided = counts([("QUALIFIED", 3), ("DUPLICATE", 1), ("UNMAPPED_EVENT", 1)]);
    eventually("the five decisions", SOON, async || {
        let codes = truth.codes().await;
        if codes == decided { Ok(()) } else { Err(codes) }
    })
    .await;
    let told = eventually("the publisher heard of three conversions", SOON, async || {
        let told = publisher.deliveries();
        if told.len() == 3 { Ok(told) } else { Err(told.len()) }
    })
    .await;
    let mut events: Vec<_> = told
        .iter()
        .map(|delivery| {
            assert_eq!(delivery.param("click").as_deref(), Some("c-1"));
            assert_eq!(delivery.param("member").as_deref(), Some("m-1"));
            assert_eq!(delivery.param("status").as_deref(), Some("Success"));
            assert_eq!(delivery.param("currency").as_deref(), Some("USD"));
            (delivery.param("event").unwrap(), delivery.param("payout").unwrap())
        })
        .collect();
    events.sort();
    let payouts = [("Install", "0.70"), ("af_purchase", "0.7485"), ("level_10", "1.50")];
    assert_eq!(events, payouts.map(|(event, payout)| (event.to_owned(), payout.to_owned())));
    for delivery in &told {
        system_tests::publisher::verify(&guide.publisher.signing_secret, delivery).unwrap();
    }

    // 1.00 + 2.00 + 20 % of 4.99; 0.70 + 1.50 + 75 % of that 0.998.
    let expected =
        Books { receivable: 3_998_000, payable: 2_948_500, margin: 1_049_500, imbalance: 0, reserved: 0 };
    eventually("the books", SOON, async || {
        let books = truth.books("USD").await;
        if books == expected { Ok(()) } else { Err(books) }
    })
    .await;
    assert_eq!(truth.conversions().await, counts([("success", 3)]));
    assert!(truth.undecided_or_doubled().await.is_empty());
    assert_eq!(truth.buried().await, 0);

    // Every decision can be read with its reason.
    for (receipt, code) in truth.decisions().await {
        let postback = guide.attribution().get(&format!("/api/v1/postbacks/{receipt}")).await.unwrap();
        assert!(postback.to_string().contains(&code), "{postback:#}");
        assert!(postback.to_string().contains("trace"), "{postback:#}");
    }
    eventually("no messages are left, or lie where nobody reads them", SOON, async || {
        let left = stack.namespace().unread();
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
}

#[tokio::test]
async fn another_tenant_sees_nothing() {
    let stack = Stack::start().await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let stranger = Guide::set_up(stack.endpoints(), "Redsocks", &publisher, 0).await.unwrap();
    let truth = Truth::of(&stack).await;
    let click = guide.click("c-1", "m-1").await.unwrap();
    let receipt = guide.apps_flyer().send_all(&Guide::postbacks(&click)).await[1].receipt();

    // A stranger's credential never reaches somebody else's click.
    let misdirected = stranger.apps_flyer().send_all(&Guide::postbacks(&click)).await;
    assert!(
        misdirected.iter().all(|answered| answered.status == 200),
        "an accepted call is never refused for its content"
    );
    eventually("all ten are decided", SOON, async || {
        let codes = truth.codes().await;
        if codes.values().sum::<usize>() == 10 && codes.get("QUALIFIED") == Some(&3) {
            Ok(())
        } else {
            Err(codes)
        }
    })
    .await;
    assert_eq!(truth.codes().await.get("UNATTRIBUTED_INVALID_CLICK"), Some(&5));

    let conversions = eventually("the conversions can be read", SOON, async || {
        let list = guide.payout().get(&format!("/api/v1/conversions?gk_click_id={click}")).await.unwrap();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        if items.len() == 3 { Ok(items) } else { Err(list) }
    })
    .await;
    let conversion = text(&conversions[0], "/conversionId").unwrap();
    for (api, path) in [
        (stranger.attribution(), format!("/api/v1/postbacks/{receipt}")),
        (stranger.attribution(), format!("/api/v1/journeys/{click}")),
        (stranger.payout(), format!("/api/v1/conversions/{conversion}")),
        (stranger.tenant.api.clone(), format!("/api/v1/offers/{}", guide.offer)),
    ] {
        let (status, body) = api.try_call(Method::GET, &path, None).await.unwrap();
        // A journey of the same id exists for the stranger too: it sent postbacks that name it. It must be its own.
        if path.contains("/journeys/") && status == StatusCode::OK {
            assert!(!body.to_string().contains("QUALIFIED"), "{body:#}");
        } else {
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {body:#}");
        }
    }
    let list = stranger.payout().get("/api/v1/conversions").await.unwrap();
    assert_eq!(list["items"], json!([]), "{list:#}");
    for base in [&stack.endpoints().attribution, &stack.endpoints().payout, &stack.endpoints().offer_catalog]
    {
        for token in ["", "gkt_unknown"] {
            let (status, _) =
                Api::new(base, token).try_call(Method::GET, "/api/v1/offers", None).await.unwrap();
            assert!(matches!(status.as_u16(), 401 | 404), "{base} answered {status} without a token");
        }
    }
}
