//! Roles, tenants and publishers are kept apart on every operation of the document: one that is new is tried as well.

use contracts::{
    attribution::{ConversionVerdict, JourneyClick},
    catalog::{ApiTokenChanged, OfferVersionCreated, PublisherChanged, TokenRole, TokenScope},
    envelope::Envelope,
    tracker::PublisherParameters,
};
use kernel::{Currency, IdSource as _, PublisherId};
use payout::domain::{
    ledger::Account,
    statements::{Month, statement_id},
};
use process::{Service as _, SystemIds};
use secrecy::SecretString;
use test_kit::doors::{Api, Held, Party, Walk};
use uuid::Uuid;

use crate::{
    facts::{PEPPER, PUBLISHER, Tenant, click_id, now},
    stage::Stage,
};

/// Another publisher of the same tenant.
const RIVAL: u128 = 0xb2;
/// The publisher of the other tenant.
const FOREIGN: u128 = 0xb9;
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

fn party(tenant: Tenant, word: &str, click: u8, tokens: &[(&str, &str)]) -> Party {
    let conversion = tenant.conversion_id(click).as_uuid().to_string();
    let publisher = match click {
        1 => PUBLISHER,
        2 => FOREIGN,
        3 => RIVAL,
        _ => 0x99,
    };
    let click = click_id(click).as_uuid().to_string();
    let offer = offer(tenant).to_string();
    let statement = statement(tenant, publisher).to_string();
    let (publisher, advertiser) = (Uuid::from_u128(publisher).to_string(), advertiser(tenant).to_string());
    let month = this_month().to_string();
    let ids = [
        ("id", &conversion),
        ("conversion_id", &conversion),
        ("gk_click_id", &click),
        ("offer_id", &offer),
        ("statement_id", &statement),
        ("publisher_id", &publisher),
        ("advertiser_id", &advertiser),
        ("month", &month),
    ];
    Party {
        name: word.to_owned(),
        tokens: tokens.iter().map(|(role, token)| ((*role).to_owned(), (*token).to_owned())).collect(),
        ids: ids.map(|(name, id)| (name.to_owned(), id.clone())).into(),
        secrets: [conversion, click, word.to_owned()].into(),
    }
}

/// Two tenants with a conversion each, and in the first one a second publisher with another.
struct Houses {
    stage: Stage,
    api: Api,
    redshoes: Tenant,
    quetzal: Tenant,
}

impl Houses {
    async fn start() -> Self {
        let stage = Stage::set().await;
        let (redshoes, quetzal) = (Tenant::new(1), Tenant::new(2));
        for tenant in [redshoes, quetzal] {
            let offer_id = offer(tenant).as_bytes().to_vec();
            stage.introduce_with(tenant, OfferVersionCreated { offer_id, ..tenant.offer(1) }).await;
        }
        for (tenant, publisher, name) in [(redshoes, RIVAL, "Rival"), (quetzal, FOREIGN, "Quetzal media")] {
            let publisher = PublisherChanged {
                tenant_id: tenant.0.to_vec(),
                publisher_id: Uuid::from_u128(publisher).as_bytes().to_vec(),
                version: 1,
                name: name.to_owned(),
                active: true,
                ..PublisherChanged::default()
            };
            stage.say_catalog([tenant.envelope(&publisher)]).await;
        }
        for (word, role) in ROLES {
            let text = format!("gkt_quetzal_{word}");
            stage.say_catalog([quetzal.envelope(&token(quetzal, &text, role, FOREIGN))]).await;
            let text = format!("gkt_redshoes_{word}");
            stage.say_catalog([redshoes.envelope(&token(redshoes, &text, role, PUBLISHER))]).await;
        }
        let of_rival = token(redshoes, "gkt_rival", TokenRole::Publisher, RIVAL);
        stage.say_catalog([redshoes.envelope(&of_rival)]).await;
        stage
            .say_verdicts([
                conversion(redshoes, 1, PUBLISHER, "Redshoes"),
                conversion(quetzal, 2, FOREIGN, "Quetzal"),
                conversion(redshoes, 3, RIVAL, "Rival"),
            ])
            .await;
        stage.rows("conversions", 3).await;
        stage.rows("deliveries WHERE state = 'delivered'", 1).await;
        Self { stage, api: Api::of(&payout::Payout::openapi().unwrap()), redshoes, quetzal }
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
            party(tenant, word, click, &tokens.each_ref().map(|(role, token)| (*role, token.as_str())))
        };
        (
            party(self.redshoes, "Redshoes", 1, of("redshoes")),
            party(self.quetzal, "Quetzal", 2, of("quetzal")),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_opens_for_whom_the_document_says() {
    let houses = Houses::start().await;
    let mut held = Vec::new();
    for (role, of_role) in ROLES {
        for (scope, of_scope) in SCOPES {
            let text = format!("gkt_held_{role}_{scope}");
            let fact = token(houses.redshoes, &text, of_role, PUBLISHER);
            let fact = ApiTokenChanged { scopes: vec![of_scope.into()], ..fact };
            houses.stage.say_catalog([houses.redshoes.envelope(&fact)]).await;
            held.push(Held { role: role.to_owned(), scope: Some(scope.to_owned()), token: text });
        }
        held.push(Held { role: role.to_owned(), scope: None, token: format!("gkt_redshoes_{role}") });
    }
    let nobody = party(houses.redshoes, "nobody", 99, &[]);
    houses.walk().opens_for_whom_it_says(&held, &nobody).await;
    assert!(houses.api.public().is_empty());
    houses.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reached_without_a_token_that_is_in_force() {
    let houses = Houses::start().await;
    let (ours, _) = houses.tenants();
    let of = |text: &str| token(houses.redshoes, text, TokenRole::Owner, PUBLISHER);
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
    let of = |word, click, token| party(houses.redshoes, word, click, &[("publisher", token)]);
    let ours = of("Redshoes", 1, "gkt_redshoes_publisher");
    let mut theirs = of("Rival", 3, "gkt_rival");
    theirs.secrets.insert(Uuid::from_u128(RIVAL).to_string());
    houses.walk().keeps_apart(&ours, &theirs).await;
    houses.walk().keeps_apart(&theirs, &ours).await;
    houses.stage.strike().await;
}
