//! Which of a publisher's endpoints hears of a conversion: the most specific one, and the global one where that asks for it.

use contracts::{
    attribution::ConversionVerdict,
    catalog::{ConversionStatus, OfferVersionCreated, PostbackEndpoint},
};
use test_kit::Delivery;
use uuid::Uuid;

use crate::{
    facts::{Tenant, terms},
    stage::Stage,
};

/// An offer, and an event of it.
type Event = (u128, u128);
/// An endpoint, and the path at which it hears.
type Place = (u128, &'static str);

const GOLFIN: u128 = 0x0ff1;
const CHESSIN: u128 = 0x0ff2;
const INSTALL: Event = (GOLFIN, 0xe11);
const PURCHASE: Event = (GOLFIN, 0xe12);
const LEVEL: Event = (GOLFIN, 0xe13);
const OTHERS: Event = (CHESSIN, 0xe14);
/// Another offer's, under the id of Golfin's: an event is nothing without its offer.
const NAMESAKE: Event = (CHESSIN, 0xe11);

const AT_EVENT: Place = (0xf1, "/event");
const AT_GLOBAL: Place = (0xf2, "/global");
const AT_OFFER: Place = (0xf3, "/offer");
const AT_PLAIN: Place = (0xf4, "/plain");

fn id(number: u128) -> Vec<u8> {
    Uuid::from_u128(number).as_bytes().to_vec()
}

/// One for everything.
fn global(stage: &Stage, tenant: Tenant, (number, path): Place) -> PostbackEndpoint {
    PostbackEndpoint {
        endpoint_id: id(number),
        // They are sealed for another endpoint.
        signing_secrets: Vec::new(),
        ..tenant.endpoint(format!("{}{path}?id={{conversion_id}}&s={{status}}", stage.publisher.url()))
    }
}

fn of_offer(offer: u128, endpoint: PostbackEndpoint) -> PostbackEndpoint {
    PostbackEndpoint { offer_id: Some(id(offer)), ..endpoint }
}

fn of_event((offer, event): Event, endpoint: PostbackEndpoint) -> PostbackEndpoint {
    PostbackEndpoint { offer_event_id: Some(id(event)), ..of_offer(offer, endpoint) }
}

fn and_global(endpoint: PostbackEndpoint) -> PostbackEndpoint {
    PostbackEndpoint { also_global: true, ..endpoint }
}

async fn introduce(stage: &Stage, tenant: Tenant, endpoints: Vec<PostbackEndpoint>) {
    for offer in [GOLFIN, CHESSIN] {
        let offer = OfferVersionCreated { offer_id: id(offer), ..tenant.offer(1) };
        stage.say_catalog([tenant.envelope(&offer)]).await;
    }
    stage.say_catalog([tenant.publisher(1, endpoints)]).await;
}

fn verdict(tenant: Tenant, click: u8, (offer, event): Event) -> ConversionVerdict {
    ConversionVerdict { offer_id: id(offer), offer_event_id: id(event), ..tenant.verdict(click) }
}

/// The paths at which a click's conversion was heard of, each as often as it was.
fn heard_at(stage: &Stage, tenant: Tenant, click: u8) -> Vec<String> {
    let conversion = tenant.conversion_id(click).to_string();
    let is_its = |postback: &Delivery| postback.param("id").as_ref() == Some(&conversion);
    let heard = stage.publisher.deliveries().into_iter().filter(is_its);
    let mut paths: Vec<String> = heard.map(|postback| postback.path).collect();
    paths.sort_unstable();
    paths
}

/// Waits until a click's conversion stands so, and all who are to hear of that have heard.
async fn is_told(stage: &Stage, tenant: Tenant, click: u8, status: &str, endpoints: usize) {
    let conversion = format!("conversion_id = '{}'", tenant.conversion_id(click));
    stage.rows(&format!("conversions WHERE {conversion} AND status = '{status}'"), 1).await;
    let endpoints = i64::try_from(endpoints).unwrap();
    let told = format!("deliveries WHERE {conversion} AND told = '{status}'");
    stage.rows(&format!("{told} AND state = 'delivered'"), endpoints).await;
    // They are written with the status: no more will come.
    stage.rows(&told, endpoints).await;
}

/// Each click's conversion, by that event, is heard of at these paths, once at each and nowhere else.
async fn are_heard(stage: &Stage, tenant: Tenant, cases: &[(u8, Event, &[&str])]) {
    let verdicts = cases.iter().map(|(click, event, _)| tenant.qualified(verdict(tenant, *click, *event)));
    stage.say_verdicts(verdicts).await;
    for (click, event, paths) in cases {
        is_told(stage, tenant, *click, "success", paths.len()).await;
        assert_eq!(heard_at(stage, tenant, *click), *paths, "{event:x?}");
    }
}

#[tokio::test]
async fn an_event_is_heard_of_at_its_own_endpoint_or_its_offers_or_the_global_one() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let at = |place| global(&stage, brownboots, place);
    let endpoints = vec![of_event(INSTALL, at(AT_EVENT)), at(AT_GLOBAL), of_offer(GOLFIN, at(AT_OFFER))];
    introduce(&stage, brownboots, endpoints).await;
    let cases: [(u8, Event, &[&str]); 4] = [
        (1, INSTALL, &["/event"]),
        (2, PURCHASE, &["/offer"]),
        (3, OTHERS, &["/global"]),
        (4, NAMESAKE, &["/global"]),
    ];
    are_heard(&stage, brownboots, &cases).await;

    // Each id stands in the column of its name, for whoever else reads them.
    let (offer, event) = (Uuid::from_u128(INSTALL.0), Uuid::from_u128(INSTALL.1));
    for (scope, (number, path)) in [
        (format!("offer_id = '{offer}' AND offer_event_id = '{event}'"), AT_EVENT),
        (format!("offer_id = '{offer}' AND offer_event_id IS NULL"), AT_OFFER),
        (String::from("offer_id IS NULL AND offer_event_id IS NULL"), AT_GLOBAL),
    ] {
        let number = Uuid::from_u128(number);
        let of_it = format!("endpoint_id = '{number}' AND url_template LIKE '%{path}?%' AND NOT also_global");
        stage.rows(&format!("postback_endpoints WHERE {of_it} AND {scope}"), 1).await;
    }
    stage.strike().await;
}

#[tokio::test]
async fn the_global_one_hears_as_well_where_that_is_asked_for_and_the_offers_does_not() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let at = |place| global(&stage, brownboots, place);
    let endpoints = vec![
        at(AT_GLOBAL),
        and_global(of_offer(GOLFIN, at(AT_OFFER))),
        and_global(of_event(INSTALL, at(AT_EVENT))),
        of_event(PURCHASE, at(AT_PLAIN)),
    ];
    introduce(&stage, brownboots, endpoints).await;
    let cases: [(u8, Event, &[&str]); 4] = [
        (1, INSTALL, &["/event", "/global"]),
        // What its offer asks for is nothing to an event with an endpoint of its own.
        (2, PURCHASE, &["/plain"]),
        (3, LEVEL, &["/global", "/offer"]),
        (4, OTHERS, &["/global"]),
    ];
    are_heard(&stage, brownboots, &cases).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_status_that_the_most_specific_one_did_not_ask_for_goes_to_no_other_unless_it_asked_for_that() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let at = |place| global(&stage, brownboots, place);
    let curious = [ConversionStatus::Pending, ConversionStatus::Success].map(Into::into).to_vec();
    let endpoints = vec![
        PostbackEndpoint { statuses: curious, ..at(AT_GLOBAL) },
        and_global(of_offer(GOLFIN, at(AT_OFFER))),
        of_event(INSTALL, at(AT_EVENT)),
    ];
    introduce(&stage, brownboots, endpoints).await;
    let held = |click, event| {
        let verdict = ConversionVerdict { terms: Some(terms(3)), ..verdict(brownboots, click, event) };
        brownboots.qualified(verdict)
    };
    stage.say_verdicts([held(1, INSTALL), held(2, PURCHASE), held(3, OTHERS)]).await;
    for (click, endpoints) in [(1, 0), (2, 1), (3, 1)] {
        is_told(&stage, brownboots, click, "pending", endpoints).await;
    }
    assert!(heard_at(&stage, brownboots, 1).is_empty());
    assert_eq!(heard_at(&stage, brownboots, 2), ["/global"]);
    assert_eq!(heard_at(&stage, brownboots, 3), ["/global"]);

    stage.holds_end().await;
    for (click, endpoints) in [(1, 1), (2, 2), (3, 1)] {
        is_told(&stage, brownboots, click, "success", endpoints).await;
    }
    assert_eq!(heard_at(&stage, brownboots, 1), ["/event"]);
    assert_eq!(heard_at(&stage, brownboots, 2), ["/global", "/global", "/offer"]);
    assert_eq!(heard_at(&stage, brownboots, 3), ["/global", "/global"]);
    let heard = stage.publisher.deliveries_to("/offer");
    assert_eq!(heard[0].param("s").as_deref(), Some("Success"));
    stage.strike().await;
}

#[tokio::test]
async fn an_endpoint_that_is_switched_off_is_as_if_it_were_not_there() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    let at = |place| global(&stage, brownboots, place);
    let off = PostbackEndpoint { active: false, ..of_event(INSTALL, at(AT_EVENT)) };
    introduce(&stage, brownboots, vec![at(AT_GLOBAL), of_offer(GOLFIN, at(AT_OFFER)), off]).await;
    are_heard(&stage, brownboots, &[(1, INSTALL, &["/offer"])]).await;

    // The event's is switched on, and the offer's is named no more.
    let endpoints = vec![at(AT_GLOBAL), of_event(INSTALL, at(AT_EVENT))];
    stage.say_catalog([brownboots.publisher(2, endpoints)]).await;
    let cases: [(u8, Event, &[&str]); 2] = [(2, INSTALL, &["/event"]), (3, PURCHASE, &["/global"])];
    are_heard(&stage, brownboots, &cases).await;

    // Both are for something else, and one asks for the global one: whatever a newer fact says counts.
    let moved = and_global(of_event(PURCHASE, at(AT_EVENT)));
    let endpoints = vec![at(AT_GLOBAL), of_offer(CHESSIN, at(AT_OFFER)), moved.clone()];
    stage.say_catalog([brownboots.publisher(3, endpoints)]).await;
    let cases: [(u8, Event, &[&str]); 3] =
        [(4, INSTALL, &["/global"]), (5, PURCHASE, &["/event", "/global"]), (6, OTHERS, &["/offer"])];
    are_heard(&stage, brownboots, &cases).await;

    // Where there is no global one nobody hears in its place.
    stage.say_catalog([brownboots.publisher(4, vec![moved])]).await;
    let cases: [(u8, Event, &[&str]); 2] = [(7, PURCHASE, &["/event"]), (8, INSTALL, &[])];
    are_heard(&stage, brownboots, &cases).await;
    stage.strike().await;
}
