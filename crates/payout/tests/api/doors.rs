//! Roles, tenants and publishers are kept apart on every operation of the document: one that is new is tried as well.

use contracts::{
    attribution::{ConversionVerdict, JourneyClick},
    catalog::{
        ApiTokenChanged, OfferVersionCreated, PostbackEndpoint, PublisherChanged, TokenRole, TokenScope,
    },
    envelope::Envelope,
    tracker::PublisherParameters,
};
use kernel::{Currency, EndpointId, IdSource as _, PublisherId};
use payout::domain::{
    ledger::Account,
    postback::delivery_id,
    statements::{Month, statement_id},
};
use process::{Service as _, SystemIds};
use secrecy::SecretString;
use test_kit::doors::{Api, Held, Party, Walk};
use uuid::Uuid;

use crate::{
    bulk,
    facts::{PEPPER, Tenant, click_id, now},
    stage::Stage,
};

/// Another publisher of the same tenant.
const RIVAL: u128 = 0xb2;
const ROLES: [(&str, TokenRole); 4] = [
    ("owner", TokenRole::Owner),
    ("manager", TokenRole::Manager),
    ("analyst", TokenRole::Analyst),
    ("publisher", TokenRole::Publisher),
];
const SCOPES: [(&str, TokenScope); 3] =
    [("read", TokenScope::Read), ("write", TokenScope::Write), ("manage", TokenScope::Manage)];

fn token(tenant: Tenant, text: &str, role: TokenRole, publisher: u128) -> ApiTokenChanged {
    ApiTokenChanged {
        tenant_id: tenant.0.to_vec(),
        token_id: SystemIds.uuid_v7().as_bytes().to_vec(),
        version: 1,
        token_hash: signing::token::hash(&SecretString::from(PEPPER), text).to_vec(),
        role: role.into(),
        publisher_id: (role == TokenRole::Publisher).then(|| Uuid::from_u128(publisher).as_bytes().to_vec()),
        ..ApiTokenChanged::default()
    }
}

/// Every tenant its own.
fn offer(tenant: Tenant) -> Uuid {
    Uuid::from_u128(tenant.0.as_uuid().as_u128() + 0x0ff_0000)
}

/// Every tenant its own.
fn publisher(tenant: Tenant) -> u128 {
    tenant.0.as_uuid().as_u128() + 0xb1_0000
}

/// Of a publisher.
fn endpoint(publisher: u128) -> Uuid {
    Uuid::from_u128(publisher + 0xe0_0000)
}

fn introduced(tenant: Tenant, publisher: u128, url: &str) -> Envelope {
    let endpoint = PostbackEndpoint {
        endpoint_id: endpoint(publisher).as_bytes().to_vec(),
        signing_secrets: Vec::new(),
        ..tenant.endpoint(format!("{url}/cb?id={{conversion_id}}"))
    };
    tenant.envelope(&PublisherChanged {
        tenant_id: tenant.0.to_vec(),
        publisher_id: Uuid::from_u128(publisher).as_bytes().to_vec(),
        version: 1,
        name: format!("publisher {publisher}"),
        active: true,
        endpoints: vec![endpoint],
        ..PublisherChanged::default()
    })
}

/// Every tenant its own, too.
fn advertiser(tenant: Tenant) -> Uuid {
    Uuid::from_u128(tenant.0.as_uuid().as_u128() + 0x0ad_0000)
}

/// Each one's own month and publisher.
fn statement(tenant: Tenant, publisher: u128) -> Uuid {
    let account =
        Account::payable(tenant.0, Currency::USD, PublisherId::from_uuid(Uuid::from_u128(publisher)));
    statement_id(&account, this_month()).0
}

fn this_month() -> Month {
    Month::of(now(), chrono_tz::Tz::UTC)
}

/// Of the first status of a click's conversion.
fn delivery(tenant: Tenant, click: u8, publisher: u128) -> String {
    let endpoint = EndpointId::from_uuid(endpoint(publisher));
    delivery_id(tenant.0, tenant.conversion_id(click), 1, endpoint).to_string()
}

/// A conversion of a click, with `word` in its texts.
fn conversion(tenant: Tenant, click: u8, publisher: u128, word: &str) -> Envelope {
    let verdict = tenant.verdict(click);
    let parameters =
        PublisherParameters { pub_click_id: format!("{word} click"), ..PublisherParameters::default() };
    let journey = JourneyClick { publisher_parameters: Some(parameters), ..verdict.click.clone().unwrap() };
    tenant.qualified(ConversionVerdict {
        click: Some(journey),
        publisher_id: Uuid::from_u128(publisher).as_bytes().to_vec(),
        offer_id: offer(tenant).as_bytes().to_vec(),
        advertiser_id: advertiser(tenant).as_bytes().to_vec(),
        offer_name: format!("{word} game"),
        ..verdict
    })
}

fn party(tenant: Tenant, publisher: u128, word: &str, click: u8, tokens: &[(&str, &str)]) -> Party {
    let delivery = delivery(tenant, click, publisher);
    let conversion = tenant.conversion_id(click).as_uuid().to_string();
    let click = click_id(click).as_uuid().to_string();
    let offer = offer(tenant).to_string();
    let endpoint = endpoint(publisher).to_string();
    let statement = statement(tenant, publisher).to_string();
    let (publisher, advertiser) = (Uuid::from_u128(publisher).to_string(), advertiser(tenant).to_string());
    let month = this_month().to_string();
    let nobodys = Uuid::max().to_string();
    let ids = [
        ("id", &conversion),
        ("conversion_id", &conversion),
        ("gk_click_id", &click),
        ("offer_id", &offer),
        ("publisher_id", &publisher),
        ("endpoint_id", &endpoint),
        ("delivery_id", &delivery),
        ("replay_id", &nobodys),
        ("bulk_id", &nobodys),
        ("statement_id", &statement),
        ("advertiser_id", &advertiser),
        ("month", &month),
    ];
    Party {
        name: word.to_owned(),
        tokens: tokens.iter().map(|(role, token)| ((*role).to_owned(), (*token).to_owned())).collect(),
        ids: ids.map(|(name, id)| (name.to_owned(), id.clone())).into(),
        secrets: [conversion, click, publisher, endpoint, delivery, word.to_owned()].into(),
    }
}

/// Two tenants with a conversion each, and in the first one a second publisher with another.
struct Houses {
    stage: Stage,
    api: Api,
    redshoes: Tenant,
    quetzal: Tenant,
    /// A replay of each tenant.
    replays: [String; 2],
    /// A plan of statuses of each tenant.
    bulks: [String; 2],
}

impl Houses {
    async fn start() -> Self {
        let stage = Stage::set().await;
        let (redshoes, quetzal) = (Tenant::new(1), Tenant::new(2));
        for tenant in [redshoes, quetzal] {
            let offer_id = offer(tenant).as_bytes().to_vec();
            let offer = OfferVersionCreated { offer_id, ..tenant.offer(1) };
            let known = introduced(tenant, publisher(tenant), &stage.publisher.url());
            stage.say_catalog([tenant.changed(1, &[]), known, tenant.envelope(&offer)]).await;
        }
        stage.say_catalog([introduced(redshoes, RIVAL, &stage.publisher.url())]).await;
        for (word, role) in ROLES {
            let text = format!("gkt_quetzal_{word}");
            stage.say_catalog([quetzal.envelope(&token(quetzal, &text, role, publisher(quetzal)))]).await;
            let text = format!("gkt_redshoes_{word}");
            stage.say_catalog([redshoes.envelope(&token(redshoes, &text, role, publisher(redshoes)))]).await;
        }
        let of_rival = token(redshoes, "gkt_rival", TokenRole::Publisher, RIVAL);
        stage.say_catalog([redshoes.envelope(&of_rival)]).await;
        stage
            .say_verdicts([
                conversion(redshoes, 1, publisher(redshoes), "Redshoes"),
                conversion(quetzal, 2, publisher(quetzal), "Quetzal"),
                conversion(redshoes, 3, RIVAL, "Rival"),
            ])
            .await;
        stage.rows("conversions", 3).await;
        stage.rows("deliveries WHERE state = 'delivered'", 3).await;
        let mut replays = Vec::new();
        for (tenant, house, click) in [(redshoes, "redshoes", 1), (quetzal, "quetzal", 2)] {
            let path = format!("/api/v1/deliveries/{}/replay", delivery(tenant, click, publisher(tenant)));
            let why = serde_json::json!({ "reason": "They lost it." });
            let (status, replay) = stage.post(&path, Some(&format!("gkt_{house}_owner")), &why).await;
            assert_eq!(status, 202, "{replay}");
            replays.push(replay.get("replayId").and_then(|id| id.as_str()).unwrap().to_owned());
        }
        stage.rows("deliveries WHERE state = 'delivered' AND attempts = 2", 2).await;
        let replays = replays.try_into().unwrap();
        let mut bulks = [String::new(), String::new()];
        for (place, (house, click)) in bulks.iter_mut().zip([("redshoes", 1), ("quetzal", 2)]) {
            let plan = bulk::plan_as(&stage, &format!("gkt_{house}_owner"), &[(click, "", "Rejected")]).await;
            plan.get("bulkId").unwrap().as_str().unwrap().clone_into(place);
        }
        Self { stage, api: Api::of(&payout::Payout::openapi().unwrap()), redshoes, quetzal, replays, bulks }
    }

    fn walk(&self) -> Walk<'_> {
        Walk {
            api: &self.api,
            url: format!("http://{}", self.stage.address),
            client: test_kit::http_client(),
            bodies: &[],
            free: &[],
            lenient: &[],
            moving: &[],
        }
    }

    fn tenants(&self) -> (Party, Party) {
        let of = |house: &str| ROLES.map(|(role, _)| (role, format!("gkt_{house}_{role}")));
        let party = |tenant, word, click, tokens: [(&str, String); 4]| {
            party(
                tenant,
                publisher(tenant),
                word,
                click,
                &tokens.each_ref().map(|(role, token)| (*role, token.as_str())),
            )
        };
        let mut parties = (
            party(self.redshoes, "Redshoes", 1, of("redshoes")),
            party(self.quetzal, "Quetzal", 2, of("quetzal")),
        );
        for (name, [ours, theirs]) in [("replay_id", &self.replays), ("bulk_id", &self.bulks)] {
            for (party, id) in [(&mut parties.0, ours), (&mut parties.1, theirs)] {
                party.ids.insert(name.to_owned(), id.clone());
                party.secrets.insert(id.clone());
            }
        }
        parties
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_opens_for_whom_the_document_says() {
    let houses = Houses::start().await;
    let mut held = Vec::new();
    for (role, of_role) in ROLES {
        for (scope, of_scope) in SCOPES {
            let text = format!("gkt_held_{role}_{scope}");
            let fact = token(houses.redshoes, &text, of_role, publisher(houses.redshoes));
            let fact = ApiTokenChanged { scopes: vec![of_scope.into()], ..fact };
            houses.stage.say_catalog([houses.redshoes.envelope(&fact)]).await;
            held.push(Held { role: role.to_owned(), scope: Some(scope.to_owned()), token: text });
        }
        held.push(Held { role: role.to_owned(), scope: None, token: format!("gkt_redshoes_{role}") });
    }
    let nobody = party(houses.redshoes, 99, "nobody", 99, &[]);
    houses.walk().opens_for_whom_it_says(&held, &nobody).await;
    assert!(houses.api.public().is_empty());
    houses.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reached_without_a_token_that_is_in_force() {
    let houses = Houses::start().await;
    let (ours, _) = houses.tenants();
    let of = |text: &str| token(houses.redshoes, text, TokenRole::Owner, 0);
    let before = Some(now().as_micros() - 1);
    let revoked = ApiTokenChanged { revoked_at_micros: before, ..of("gkt_revoked") };
    let expired = ApiTokenChanged { expires_at_micros: before, ..of("gkt_expired") };
    houses.stage.say_catalog([houses.redshoes.envelope(&revoked), houses.redshoes.envelope(&expired)]).await;
    let refused = [
        ("no", None),
        ("an unknown", Some("gkt_unknown")),
        ("a revoked", Some("gkt_revoked")),
        ("an expired", Some("gkt_expired")),
    ];
    houses.walk().refuses(&refused, &ours).await;
    houses.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_and_touches_nothing_of_another() {
    let houses = Houses::start().await;
    let (ours, theirs) = houses.tenants();
    houses.walk().keeps_apart(&ours, &theirs).await;
    houses.walk().own_ids_lead_somewhere(&theirs).await;
    houses.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_sees_nothing_of_another() {
    let houses = Houses::start().await;
    let of = |publisher, word, click, token| {
        party(houses.redshoes, publisher, word, click, &[("publisher", token)])
    };
    let ours = of(publisher(houses.redshoes), "Redshoes", 1, "gkt_redshoes_publisher");
    let theirs = of(RIVAL, "Rival", 3, "gkt_rival");
    houses.walk().keeps_apart(&ours, &theirs).await;
    houses.walk().keeps_apart(&theirs, &ours).await;
    houses.stage.strike().await;
}
