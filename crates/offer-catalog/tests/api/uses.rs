//! "Last used": what ingest tells over a real broker, and what people see of it.

use std::time::Duration;

use bus::{Bus, BusSettings, Route, Topology};
use contracts::{Stamp, envelope::Envelope, ingest::CredentialUsed, seal};
use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::RunQueryDsl;
use kernel::{CredentialId, FactId, TenantId, Timestamp};
use process::Runtime;
use serde_json::{Value, json};
use test_kit::{Namespace, eventually, namespace};
use uuid::Uuid;

use crate::catalog::{Catalog, text};

const PATIENCE: Duration = Duration::from_secs(20);
/// 2026-11-25T12:00:00Z, and so many seconds later.
const NOON: i64 = 1_795_608_000;

/// ingest, as far as the catalog hears it, beside a running catalog.
struct Scene {
    catalog: Catalog,
    mouth: Runtime,
    bus: Bus,
    token: String,
    tenant: TenantId,
    _namespace: Namespace,
}

impl Scene {
    async fn start() -> Self {
        let namespace = namespace();
        let catalog = Catalog::start_with(&[
            ("BUS__URL", namespace.amqp_url().to_owned()),
            ("BUS__NAMESPACE", namespace.name().to_owned()),
        ])
        .await;
        let mouth = Runtime::new();
        let settings = BusSettings::new(namespace.amqp_url(), namespace.name());
        let bus = Bus::start(&settings, "test", Topology::house(), &mouth.supervisor);
        bus.wait_connected().await;
        let token = catalog.tenant("Brownboots").await;
        let tenant = text(&catalog.get("/tenants/me", &token).await.ok(), "/tenantId");
        let tenant = TenantId::from_uuid(tenant.parse().unwrap());
        Self { catalog, mouth, bus, token, tenant, _namespace: namespace }
    }

    async fn credential(&self) -> CredentialId {
        let issued = self.catalog.post("/credentials", &self.token, json!({})).await.ok();
        CredentialId::from_uuid(text(&issued, "/credentialId").parse().unwrap())
    }

    /// What ingest would tell: an app, from and until how many seconds after noon, and how often.
    fn used(
        &self,
        (credential, generation): (CredentialId, u32),
        app_id: &str,
        (from, until): (i64, i64),
        uses: u64,
    ) -> CredentialUsed {
        CredentialUsed {
            tenant_id: self.tenant.to_vec(),
            credential_id: credential.to_vec(),
            generation,
            app_id: app_id.to_owned(),
            first_used_at_micros: (NOON + from) * 1_000_000,
            last_used_at_micros: (NOON + until) * 1_000_000,
            uses,
        }
    }

    fn sealed(&self, fact: &CredentialUsed) -> Envelope {
        let stamp = Stamp {
            fact_id: FactId::from_uuid(kernel::IdSource::uuid_v7(&*self.mouth.ids)),
            tenant: Some(self.tenant),
            recorded_at: Timestamp::from_micros(NOON * 1_000_000),
            traceparent: String::new(),
            tracestate: String::new(),
        };
        seal(stamp, fact)
    }

    async fn tell(&self, facts: impl IntoIterator<Item = Envelope>) {
        let route = Route::of::<CredentialUsed>();
        self.bus
            .publisher()
            .publish_all(facts.into_iter().map(|fact| (route.clone(), fact)).collect())
            .await
            .unwrap();
    }

    /// The tenant's only credential, or the newest.
    async fn shown(&self) -> Value {
        self.catalog.get("/credentials", &self.token).await.ok()["items"][0].clone()
    }

    async fn count(&self, what: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = BigInt)]
            count: i64,
        }
        let mut admin = self.catalog.database.admin().await;
        let row: Row =
            sql_query(format!("SELECT count(*) AS count FROM {what}")).get_result(&mut admin).await.unwrap();
        row.count
    }

    async fn stop(self) {
        self.catalog.runtime.supervisor.drain(PATIENCE).await.unwrap();
        self.mouth.supervisor.drain(PATIENCE).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn last_used_is_shown_by_generation_and_app_and_each_fact_counts_once() {
    let scene = Scene::start().await;
    let credential = scene.credential().await;
    let shown = scene.shown().await;
    assert_eq!((&shown["lastUsedAt"], &shown["generations"][0]["usedBy"]), (&Value::Null, &json!([])));

    // Two replicas of ingest, the second a little behind; the first tells one thing twice.
    let first = scene.sealed(&scene.used((credential, 1), "id123456789", (10, 50), 3));
    scene
        .tell([first.clone(), scene.sealed(&scene.used((credential, 1), "", (20, 20), 1)), first.clone()])
        .await;
    scene.tell([scene.sealed(&scene.used((credential, 1), "id123456789", (5, 40), 4)), first]).await;
    scene.tell([scene.sealed(&scene.used((credential, 1), "com.golfin.game", (60, 61), 2))]).await;
    let expected = json!([
        {"appId": "com.golfin.game", "firstUsedAt": "2026-11-25T12:01:00Z", "lastUsedAt": "2026-11-25T12:01:01Z", "uses": 2},
        {"appId": "id123456789", "firstUsedAt": "2026-11-25T12:00:05Z", "lastUsedAt": "2026-11-25T12:00:50Z", "uses": 7},
        {"appId": null, "firstUsedAt": "2026-11-25T12:00:20Z", "lastUsedAt": "2026-11-25T12:00:20Z", "uses": 1},
    ]);
    eventually("every use is added up", PATIENCE, async || {
        let shown = scene.shown().await;
        if shown["generations"][0]["usedBy"] == expected { Ok(()) } else { Err(shown) }
    })
    .await;
    assert_eq!(scene.shown().await["lastUsedAt"], "2026-11-25T12:01:01Z");

    // The rotation shows who still uses the old values.
    let path = format!("/credentials/{credential}/rotate");
    let rotated = scene.catalog.post(&path, &scene.token, json!({})).await.ok();
    assert_eq!(rotated["generations"][0]["usedBy"], expected);
    assert_eq!(rotated["generations"][1]["lastUsedAt"], Value::Null);
    scene.tell([scene.sealed(&scene.used((credential, 2), "id123456789", (90, 90), 1))]).await;
    eventually("the new generation is used", PATIENCE, async || {
        let shown = scene.shown().await;
        if shown["lastUsedAt"] == "2026-11-25T12:01:30Z" { Ok(()) } else { Err(shown) }
    })
    .await;
    let shown = scene.shown().await;
    assert_eq!(shown["generations"][0]["lastUsedAt"], "2026-11-25T12:01:01Z");
    assert_eq!(shown["generations"][1]["usedBy"][0]["uses"], 1);
    assert_eq!(scene.count("dead_items").await, 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_too_many_counts_without_its_name_and_the_last_twenty_are_shown() {
    let scene = Scene::start().await;
    let credential = scene.credential().await;
    let apps = (0..205).map(|app| scene.used((credential, 1), &format!("id{app}"), (app, app), 1));
    scene.tell(apps.map(|fact| scene.sealed(&fact)).collect::<Vec<_>>()).await;
    let used_by = eventually("every app is added", PATIENCE, async || {
        let shown = scene.shown().await;
        let used_by = shown["generations"][0]["usedBy"].clone();
        if used_by[0]["uses"] == 5 { Ok(used_by) } else { Err(shown) }
    })
    .await;
    assert_eq!(used_by.as_array().unwrap().len(), 20);
    assert_eq!(used_by[0]["appId"], Value::Null);
    assert_eq!(used_by[1]["appId"], "id199");
    assert_eq!(scene.count("credential_uses").await, 201);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_added_is_buried_alone() {
    let scene = Scene::start().await;
    let credential = scene.credential().await;
    let good = scene.used((credential, 1), "id1", (1, 2), 1);
    let stranger = CredentialId::from_uuid(Uuid::from_u128(7));
    let bad = [
        scene.used((stranger, 1), "id1", (1, 2), 1),
        CredentialUsed { generation: 2, ..good.clone() },
        CredentialUsed { generation: 0, ..good.clone() },
        CredentialUsed { uses: 0, ..good.clone() },
        CredentialUsed { app_id: "\0".to_owned(), ..good.clone() },
        CredentialUsed { app_id: "a".repeat(256), ..good.clone() },
        CredentialUsed { last_used_at_micros: 0, ..good.clone() },
        CredentialUsed { tenant_id: stranger.to_vec(), ..good.clone() },
    ];
    let batch: Vec<Envelope> = bad.iter().flat_map(|bad| [scene.sealed(bad), scene.sealed(&good)]).collect();
    scene.tell(batch).await;
    eventually("the good ones are added", PATIENCE, async || {
        let shown = scene.shown().await;
        if shown["generations"][0]["usedBy"][0]["uses"] == 8 { Ok(()) } else { Err(shown) }
    })
    .await;
    eventually("the bad ones are buried", PATIENCE, async || {
        let buried = scene.count("dead_items WHERE consumer = 'offer-catalog.uses'").await;
        if buried == 8 { Ok(()) } else { Err(buried) }
    })
    .await;
    assert_eq!(scene.count("dead_items WHERE reason LIKE '%never issued%'").await, 2);
    assert_eq!(scene.count("credential_uses").await, 1);
    scene.stop().await;
}
