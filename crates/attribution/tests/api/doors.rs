//! Roles and tenants are kept apart on every operation of the document: one that is new is tried as well.

use contracts::{
    catalog::{ApiTokenChanged, TokenRole, TokenScope},
    envelope::Envelope,
};
use kernel::{Clock as _, IdSource as _};
use process::{Service as _, SystemClock, SystemIds};
use secrecy::SecretString;
use test_kit::doors::{Api, Held, Party, Walk};
use uuid::Uuid;

use crate::{
    facts::{PEPPER, Tenant, receipt},
    stage::Stage,
};

const ROLES: [(&str, TokenRole); 4] = [
    ("owner", TokenRole::Owner),
    ("manager", TokenRole::Manager),
    ("analyst", TokenRole::Analyst),
    ("publisher", TokenRole::Publisher),
];
const SCOPES: [(&str, TokenScope); 3] =
    [("read", TokenScope::Read), ("write", TokenScope::Write), ("manage", TokenScope::Manage)];

fn token(tenant: &Tenant, text: &str, role: TokenRole) -> ApiTokenChanged {
    ApiTokenChanged {
        tenant_id: tenant.id.to_vec(),
        token_id: SystemIds.uuid_v7().as_bytes().to_vec(),
        version: 1,
        token_hash: signing::token::hash(&SecretString::from(PEPPER), text).to_vec(),
        role: role.into(),
        publisher_id: (role == TokenRole::Publisher).then(|| Uuid::from_u128(0x9b).as_bytes().to_vec()),
        ..ApiTokenChanged::default()
    }
}

/// Two tenants with a journey each.
struct Houses {
    stage: Stage,
    api: Api,
    ours: Party,
    theirs: Party,
    /// A token of every role with each scope and without, an expired one and a revoked one: the first tenant's.
    held: Vec<Held>,
}

impl Houses {
    async fn start() -> Self {
        let (redshoes, quetzal) = (Tenant::new(1), Tenant::new(2));
        let stage = Stage::with(&redshoes).await;
        stage
            .say_catalog([quetzal.tenant(), quetzal.credential(1, None), quetzal.offer_version(1, &[])])
            .await;
        stage.rows("SELECT count(*) AS count FROM offer_versions", 2).await;

        let mut facts = Vec::new();
        let mut held = Vec::new();
        for (role, of_role) in ROLES {
            for (house, tenant) in [("Redshoes", &redshoes), ("Quetzal", &quetzal)] {
                facts.push(tenant.sealed(&token(tenant, &format!("gkt_{house}_{role}"), of_role)));
            }
            held.push(Held { role: role.to_owned(), scope: None, token: format!("gkt_Redshoes_{role}") });
            for (scope, of_scope) in SCOPES {
                let text = format!("gkt_held_{role}_{scope}");
                let fact = token(&redshoes, &text, of_role);
                facts.push(redshoes.sealed(&ApiTokenChanged { scopes: vec![of_scope.into()], ..fact }));
                held.push(Held { role: role.to_owned(), scope: Some(scope.to_owned()), token: text });
            }
        }
        let before = Some(SystemClock.now().as_micros() - 1);
        let of = |text: &str| token(&redshoes, text, TokenRole::Owner);
        facts.push(redshoes.sealed(&ApiTokenChanged { revoked_at_micros: before, ..of("gkt_revoked") }));
        facts.push(redshoes.sealed(&ApiTokenChanged { expires_at_micros: before, ..of("gkt_expired") }));
        let count = i64::try_from(facts.len()).expect("a count");
        stage.say_catalog(facts).await;
        stage.rows("SELECT count(*) AS count FROM api_tokens", count).await;

        stage.say_clicks([redshoes.click(1), quetzal.click(2)]).await;
        let of = |tenant: &Tenant, click: u8, word: &str| {
            let query =
                format!("gk_click_id={}&cnv_event_id=Install&campaign={word}", tenant.click_id(click));
            tenant.received(&query, 10)
        };
        let (first, second) = (of(&redshoes, 1, "Redshoes"), of(&quetzal, 2, "Quetzal"));
        stage.say_postbacks([first.clone(), second.clone()]).await;
        stage.coded("QUALIFIED", 2).await;
        Self {
            stage,
            api: Api::of(&attribution::Attribution::openapi().expect("a document")),
            ours: party(&redshoes, "Redshoes", 1, &first),
            theirs: party(&quetzal, "Quetzal", 2, &second),
            held,
        }
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
}

fn party(tenant: &Tenant, word: &str, click: u8, postback: &Envelope) -> Party {
    let (click, receipt) = (tenant.click_id(click).to_string(), receipt(postback).to_string());
    Party {
        name: word.to_owned(),
        tokens: ROLES.map(|(role, _)| (role.to_owned(), format!("gkt_{word}_{role}"))).into(),
        ids: [("gk_click_id", &click), ("receipt", &receipt)]
            .map(|(name, id)| (name.to_owned(), id.clone()))
            .into(),
        secrets: [click, receipt, word.to_owned()].into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_opens_for_whom_the_document_says() {
    let houses = Houses::start().await;
    let id = "0193a1f0-0000-7000-8000-00000000dead";
    let ids = ["gk_click_id", "receipt"].map(|name| (name.to_owned(), id.to_owned()));
    let nobody = Party { name: "nobody".to_owned(), ids: ids.into(), ..Party::default() };
    houses.walk().opens_for_whom_it_says(&houses.held, &nobody).await;
    assert!(houses.api.public().is_empty());
    houses.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reached_without_a_token_that_is_in_force() {
    let houses = Houses::start().await;
    let refused = [
        ("no", None),
        ("an unknown", Some("gkt_unknown")),
        ("a revoked", Some("gkt_revoked")),
        ("an expired", Some("gkt_expired")),
    ];
    houses.walk().refuses(&refused, &houses.ours).await;
    houses.stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_sees_and_touches_nothing_of_another() {
    let houses = Houses::start().await;
    houses.walk().keeps_apart(&houses.ours, &houses.theirs).await;
    houses.walk().own_ids_lead_somewhere(&houses.theirs).await;
    houses.stage.strike().await;
}
