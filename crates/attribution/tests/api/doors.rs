//! Roles and tenants are kept apart on every operation of the document: one that is new is tried as well.

use contracts::{
    catalog::{ApiTokenChanged, TokenRole, TokenScope},
    envelope::Envelope,
};
use kernel::{Clock as _, IdSource as _};
use process::{Service as _, SystemClock, SystemIds};
use secrecy::SecretString;
use serde_json::{Value, json};
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
        let ours = party(&stage, &redshoes, "Redshoes", 1, &first).await;
        let theirs = party(&stage, &quetzal, "Quetzal", 2, &second).await;
        Self {
            stage,
            api: Api::of(&attribution::Attribution::openapi().expect("a document")),
            ours,
            theirs,
            held,
        }
    }

    fn walk(&self) -> Walk<'_> {
        Walk {
            api: &self.api,
            url: format!("http://{}", self.stage.address),
            client: test_kit::http_client(),
            bodies: &[],
            // Names that an advertiser chooses.
            free: &["event_id", "eventId", "appId"],
            // Orders about ids that nobody knows here are taken: a click may still be on its way, and a group of the
            // quarantine may be empty. They do nothing to anybody else's, which is looked at in the end.
            // A replay looks at the caller's own journeys only, of which none is another's publisher's; and the events of a draft
            // are looked at when the rest of it can be read.
            lenient: &[
                "POST /api/v1/erasures",
                "POST /api/v1/quarantine/redrives",
                "POST /api/v1/replays publisherId",
                "POST /api/v1/replays offerEventId",
                "POST /api/v1/simulate offerEventId",
            ],
            moving: &[],
        }
    }
}

/// Has a row of each kind made for the tenant.
async fn party(stage: &Stage, tenant: &Tenant, word: &str, click: u8, postback: &Envelope) -> Party {
    let (click, receipt) = (tenant.click_id(click).to_string(), receipt(postback).to_string());
    let offer = SystemIds.uuid_v7().to_string();
    let token = |role: &str| format!("gkt_{word}_{role}");
    let device = json!({"deviceId": format!("{word}-device-of-nobody")});
    let (_, erasure) = stage.post("/api/v1/erasures", &token("owner"), &device).await;
    let group = json!({"code": "UNMAPPED_EVENT", "offerId": offer, "eventId": "mystery"});
    let (_, redrive) = stage.post("/api/v1/quarantine/redrives", &token("manager"), &group).await;
    let path = "/api/v1/reconciliations?report=installs";
    let report = format!("event_time,original_url\n2026-11-25 10:00:00,https://a.example/?clickid={click}\n");
    let (_, reconciliation) = stage.post_as(path, &token("analyst"), "text/csv", report).await;
    let selection = json!({"gkClickIds": [click]});
    let order = json!({"selection": selection, "terms": {"kind": "recorded"}, "dryRun": true});
    let (_, replay) = stage.post("/api/v1/replays", &token("manager"), &order).await;
    let id = |body: &Value, name: &str| body[name].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    let (erasure, redrive) = (id(&erasure, "erasureId"), id(&redrive, "redriveId"));
    let reconciliation = id(&reconciliation, "reconciliationId");
    let replay = id(&replay, "replayId");
    stage.get_until(&format!("/api/v1/replays/{replay}"), &token("owner"), "finishedAt").await;
    stage.get_until(&format!("/api/v1/erasures/{erasure}"), &token("owner"), "doneAt").await;
    stage
        .get_until(&format!("/api/v1/reconciliations/{reconciliation}"), &token("owner"), "finishedAt")
        .await;
    let ids = [
        ("gk_click_id", click.clone()),
        ("receipt", receipt.clone()),
        ("erasure_id", erasure.clone()),
        ("redrive_id", redrive),
        ("reconciliation_id", reconciliation.clone()),
        ("replay_id", replay.clone()),
        ("offer_id", offer),
        ("offer_event_id", SystemIds.uuid_v7().to_string()),
        ("publisher_id", SystemIds.uuid_v7().to_string()),
        ("conversion_id", format!("{word}-order")),
        ("appsflyer_id", format!("{word}-appsflyer")),
        ("pub_member_id", format!("{word}-member")),
        ("member_id", format!("{word}-member")),
        ("pub_click_id", format!("{word}-click")),
        ("device_id", format!("{word}-device")),
    ];
    Party {
        name: word.to_owned(),
        tokens: ROLES.map(|(role, _)| (role.to_owned(), token(role))).into(),
        ids: ids.map(|(name, id)| (name.to_owned(), id)).into(),
        secrets: [click, receipt, word.to_owned(), erasure, reconciliation, replay].into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_opens_for_whom_the_document_says() {
    let houses = Houses::start().await;
    let id = "0193a1f0-0000-7000-8000-00000000dead";
    let ids = houses.ours.ids.keys().map(|name| (name.clone(), id.to_owned())).collect();
    let nobody = Party { name: "nobody".to_owned(), ids, ..Party::default() };
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
