//! Roles, tenants and publishers are kept apart on every operation of the document: one that is new is tried as well.

use contracts::{
    attribution::{ConversionVerdict, JourneyClick},
    catalog::{ApiTokenChanged, OfferVersionCreated, PublisherChanged, TokenRole, TokenScope},
    envelope::Envelope,
    tracker::PublisherParameters,
};
use kernel::IdSource as _;
use process::{Service as _, SystemIds};
use secrecy::SecretString;
use test_kit::doors::{Api, Held, Party, Walk};
use uuid::Uuid;

use crate::{
    bulk,
    facts::{PEPPER, PUBLISHER, Tenant, click_id, now},
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
        offer_name: format!("{word} game"),
        ..verdict
    })
}

fn party(tenant: Tenant, word: &str, click: u8, tokens: &[(&str, &str)]) -> Party {
    let conversion = tenant.conversion_id(click).as_uuid().to_string();
    let click = click_id(click).as_uuid().to_string();
    let offer = offer(tenant).to_string();
    let ids =
        // A plan that nobody made; the houses put theirs in its place.
        [("id", &conversion), ("conversion_id", &conversion), ("gk_click_id", &click), ("offer_id", &offer), ("bulk_id", &conversion)];
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
    /// Their plans of statuses.
    bulks: [String; 2],
}

impl Houses {
    async fn start() -> Self {
        let stage = Stage::set().await;
        let (redshoes, quetzal) = (Tenant::new(1), Tenant::new(2));
        for tenant in [redshoes, quetzal] {
            let offer_id = offer(tenant).as_bytes().to_vec();
            stage.introduce_with(tenant, OfferVersionCreated { offer_id, ..tenant.offer(1) }).await;
        }
        let rival = PublisherChanged {
            tenant_id: redshoes.0.to_vec(),
            publisher_id: Uuid::from_u128(RIVAL).as_bytes().to_vec(),
            version: 1,
            name: String::from("Rival"),
            active: true,
            ..PublisherChanged::default()
        };
        stage.say_catalog([redshoes.envelope(&rival)]).await;
        for (word, role) in ROLES {
            let text = format!("gkt_quetzal_{word}");
            stage.say_catalog([quetzal.envelope(&token(quetzal, &text, role, PUBLISHER))]).await;
            let text = format!("gkt_redshoes_{word}");
            stage.say_catalog([redshoes.envelope(&token(redshoes, &text, role, PUBLISHER))]).await;
        }
        let of_rival = token(redshoes, "gkt_rival", TokenRole::Publisher, RIVAL);
        stage.say_catalog([redshoes.envelope(&of_rival)]).await;
        stage
            .say_verdicts([
                conversion(redshoes, 1, PUBLISHER, "Redshoes"),
                conversion(quetzal, 2, PUBLISHER, "Quetzal"),
                conversion(redshoes, 3, RIVAL, "Rival"),
            ])
            .await;
        stage.rows("conversions", 3).await;
        stage.rows("deliveries WHERE state = 'delivered'", 2).await;
        let mut bulks = [String::new(), String::new()];
        for (place, (house, click)) in bulks.iter_mut().zip([("redshoes", 1), ("quetzal", 2)]) {
            let plan = bulk::plan_as(&stage, &format!("gkt_{house}_owner"), &[(click, "", "Rejected")]).await;
            plan.get("bulkId").unwrap().as_str().unwrap().clone_into(place);
        }
        Self { stage, api: Api::of(&payout::Payout::openapi().unwrap()), redshoes, quetzal, bulks }
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
        let with_bulk = |mut party: Party, bulk: &String| {
            party.ids.insert(String::from("bulk_id"), bulk.clone());
            party.secrets.insert(bulk.clone());
            party
        };
        let [of_redshoes, of_quetzal] = &self.bulks;
        (
            with_bulk(party(self.redshoes, "Redshoes", 1, of("redshoes")), of_redshoes),
            with_bulk(party(self.quetzal, "Quetzal", 2, of("quetzal")), of_quetzal),
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
