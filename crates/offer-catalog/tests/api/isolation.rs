//! Roles, tenants and publishers are kept apart on every operation of the document: one that is new is tried as well.

use offer_catalog::OfferCatalog;
use process::Service as _;
use reqwest::Method;
use serde_json::{Value, json};
use test_kit::doors::{Api, Party, Walk};

use crate::{
    catalog::{Catalog, OPERATOR_TOKEN, golfin, text},
    household::{household, nobody, publisher, settings, shared_offer, token, tokens},
    scheduled::in_hours,
};

/// Names that callers choose, and ids of events and things that are no rows.
const FREE: [&str; 4] = ["eventId", "externalId", "concurrencyRequestId", "appId"];
const LENIENT: [&str; 2] = [
    // 202 says that the rows have arrived; what is wrong with one is said in its result.
    "POST /api/v1/integrations/offer-providers/custom/offers",
    // Lint is for drafts that are saved nowhere: there is no offer yet whose events these could be.
    "POST /api/v1/offers/lint offerEventId",
];

fn api() -> Api {
    Api::of(&OfferCatalog::openapi().expect("a document"))
}

/// Where the document's example does not fit a household. Ids are put in by the walk.
fn bodies() -> Vec<(&'static str, Value)> {
    let offer = golfin("its advertiser");
    vec![
        ("POST /api/v1/offers", offer.clone()),
        ("POST /api/v1/offers/lint", offer.clone()),
        ("POST /api/v1/offers/{offer_id}/preview", offer.clone()),
        ("PUT /api/v1/offers/{offer_id}", offer),
        (
            "POST /api/v1/offers/{offer_id}/scheduled-changes",
            json!({"eventId": "level_10", "field": "reward", "value": 7, "at": in_hours(30)}),
        ),
        (
            "POST /api/v1/offers/{offer_id}/scheduled-changes offerEventId",
            json!({"offerEventId": "", "field": "reward", "value": 7, "at": in_hours(30)}),
        ),
        ("POST /api/v1/offers/{offer_id}/share publisherIds", json!({"publisherIds": [""]})),
        ("POST /api/v1/tokens userId", json!({"userId": ""})),
        ("POST /api/v1/users", json!({"name": "Grace", "role": "publisher", "publisherId": ""})),
        ("PUT /api/v1/users/{user_id}", json!({"name": "Grace", "role": "publisher", "publisherId": ""})),
        ("POST /api/v1/tokens", json!({"role": "publisher", "publisherId": ""})),
    ]
}

fn walk<'a>(catalog: &Catalog, api: &'a Api, bodies: &'a [(&'a str, Value)]) -> Walk<'a> {
    Walk {
        api,
        url: catalog.url.clone(),
        client: catalog.client.clone(),
        bodies,
        free: &FREE,
        lenient: &LENIENT,
        // An export is an import that nobody has made yet: its id is new each time.
        moving: &["lastUsedAt", "concurrencyRequestId"],
    }
}

#[test]
fn only_pictures_are_for_everybody() {
    assert_eq!(api().public(), ["GET /api/v1/creatives/files/{file}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_opens_for_whom_the_document_says() {
    let catalog = Catalog::start_with(&settings()).await;
    let ours = household(&catalog, "Redshoes").await;
    let (api, bodies) = (api(), bodies());
    walk(&catalog, &api, &bodies).opens_for_whom_it_says(&tokens(&catalog, &ours).await, &nobody()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reached_without_a_token_that_is_in_force() {
    let catalog = Catalog::start_with(&settings()).await;
    let ours = household(&catalog, "Redshoes").await;
    let owner = &ours.tokens["owner"];
    let revoked = token(&catalog, owner, "revoked", "owner", "", None).await;
    let path = format!("/tokens/{}", text(&revoked, "/tokenId"));
    assert!(catalog.call(Method::DELETE, &path, owner, None).await.status.is_success());
    let expired = json!({"role": "owner", "expiresAt": "2020-01-01"});
    let expired = catalog.post("/tokens", owner, expired).await.ok();
    let (revoked, expired) = (text(&revoked, "/apiToken"), text(&expired, "/apiToken"));

    let (mut api, bodies) = (api(), bodies());
    let refused = [
        ("no", None),
        ("an unknown", Some("gkt_0000000000000000000000000000000000000000000")),
        ("a revoked", Some(revoked.as_str())),
        ("an expired", Some(expired.as_str())),
    ];
    walk(&catalog, &api, &bodies).refuses(&refused, &ours).await;

    // What is the operator's is no owner's, and the other way round.
    let (operators, tenants) =
        api.operations.drain(..).partition(|one| one.access == test_kit::doors::Access::Operator);
    let (operators, tenants) = (Api { operations: operators }, Api { operations: tenants });
    walk(&catalog, &operators, &bodies).refuses(&[("an owner's", Some(owner))], &ours).await;
    walk(&catalog, &tenants, &bodies).refuses(&[("the operator's", Some(OPERATOR_TOKEN))], &ours).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_and_touches_nothing_of_another() {
    let catalog = Catalog::start_with(&settings()).await;
    let ours = household(&catalog, "Redshoes").await;
    let mut theirs = household(&catalog, "Quetzal").await;
    let (api, bodies) = (api(), bodies());
    let walk = walk(&catalog, &api, &bodies);
    let shown = walk.ids_shown(&theirs).await;
    let both: Vec<_> = walk.ids_shown(&ours).await.intersection(&shown).cloned().collect();
    assert!(both.is_empty(), "ids of both: {both:?}");
    theirs.secrets.extend(shown);
    let rows = theirs.ids.iter().filter(|(name, _)| *name != "version");
    theirs.secrets.extend(rows.map(|(_, id)| id.clone()).collect::<Vec<_>>());

    walk.keeps_apart(&ours, &theirs).await;
    walk.own_ids_lead_somewhere(&theirs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_sees_nothing_of_another() {
    let catalog = Catalog::start_with(&settings()).await;
    let house = household(&catalog, "Redshoes").await;
    let owner = &house.tokens["owner"];
    let rival = publisher(&catalog, owner, "Quetzal").await;
    let advertiser = &house.ids["advertiser_id"];
    let offer = shared_offer(&catalog, owner, "Quetzal", advertiser, None, &rival).await;
    let of_rival = text(&token(&catalog, owner, "rival", "publisher", &rival, None).await, "/apiToken");

    let own = |token: &str| [("publisher".to_owned(), token.to_owned())].into();
    let ours = Party { tokens: own(&house.tokens["publisher"]), ..house.clone() };
    let mut theirs = Party {
        name: "Quetzal".to_owned(),
        tokens: own(&of_rival),
        ids: house.ids.clone(),
        ..Party::default()
    };
    theirs.ids.extend([("offer_id".to_owned(), offer.clone()), ("publisher_id".to_owned(), rival)]);
    theirs.secrets.extend([offer, "Quetzal".to_owned()]);
    let (api, bodies) = (api(), bodies());
    let walk = walk(&catalog, &api, &bodies);
    walk.keeps_apart(&ours, &theirs).await;
    walk.keeps_apart(&theirs, &Party { secrets: [house.ids["offer_id"].clone()].into(), ..ours }).await;
}
