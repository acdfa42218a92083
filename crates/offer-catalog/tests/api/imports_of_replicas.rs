//! Replicas that take in and work off imports at once: each import is one, and those of a provider never mix.

use contracts::catalog::OfferVersionCreated;
use process::Runtime;
use serde_json::{Value, json};
use test_kit::eventually;

use crate::{
    catalog::{Answer, settings_of, text},
    imports::{OFFERS, PATIENCE, Scene, counts, quickly},
};

const ROWS: usize = 60;

/// Another replica over the database of a scene, on the threads of whoever calls.
struct Replica {
    runtime: Runtime,
    url: String,
}

impl Replica {
    fn start(scene: &Scene) -> Self {
        let settings = settings_of(&scene.catalog.database, scene.catalog.creatives.path(), &quickly());
        let runtime = Runtime::new();
        let addresses = offer_catalog::start(&settings, &runtime).expect("a catalog");
        Self { runtime, url: format!("http://{}", addresses.http) }
    }

    async fn stop(self) {
        self.runtime.supervisor.drain(PATIENCE).await.expect("it stops");
    }
}

/// Sends an import to the replica at `url`.
async fn send(scene: &Scene, url: &str, body: &Value) -> Answer {
    let request = test_kit::http_client().post(format!("{url}/api/v1{OFFERS}"));
    let request = request.header("authorization", format!("ApiToken {}", scene.token));
    Answer::of(request.json(body).send().await.expect("an answer")).await
}

/// An import of offers that all have this name.
fn body(scene: &Scene, id: &str, name: &str) -> Value {
    let row = |at: usize| {
        let mut row = scene.row(&format!("o{at}"));
        row["name"] = json!(name);
        row
    };
    let rows: Vec<Value> = (0..ROWS).map(row).collect();
    json!({"concurrencyRequestId": id, "operation": "Synchronize", "offers": rows})
}

async fn names_of_versions(scene: &Scene) -> Vec<String> {
    scene.catalog.facts::<OfferVersionCreated>().await.into_iter().map(|version| version.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_import_at_two_replicas_is_one() {
    let scene = Scene::start().await;
    let other = Replica::start(&scene);
    let same = body(&scene, "1", "Golfin");
    let (here, there) = (scene.catalog.url.clone(), other.url.clone());
    let send = |url| send(&scene, url, &same);
    let (a, b, c, d) = tokio::join!(send(&here), send(&there), send(&here), send(&there));
    let answers = [a, b, c, d];
    let mut statuses = answers.each_ref().map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 202]);
    let imports = answers.map(|answer| text(&answer.body, "/importId"));
    assert!(imports.iter().all(|import| *import == imports[0]), "{imports:?}");

    let done = scene.done(&json!({ "importId": imports[0] })).await;
    assert_eq!((&done["state"], &done["counts"]), (&json!("Succeeded"), &counts(60, 0, 0, 0)));
    assert_eq!(scene.catalog.get("/offers", &scene.token).await.ok()["total"], ROWS);
    assert_eq!(names_of_versions(&scene).await.len(), ROWS);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_contents_under_one_id_at_two_replicas_one_is_done_and_the_other_refused() {
    let scene = Scene::start().await;
    let other = Replica::start(&scene);
    let (ours, theirs) = (body(&scene, "1", "Ours"), body(&scene, "1", "Theirs"));
    let (here, there) =
        tokio::join!(send(&scene, &scene.catalog.url, &ours), send(&scene, &other.url, &theirs));
    let (taken, refused, name) =
        if here.status.as_u16() == 202 { (here, there, "Ours") } else { (there, here, "Theirs") };
    refused.problem(409, "concurrency_request_id_reused");
    let done = scene.done(&taken.ok()).await;
    assert_eq!((&done["state"], &done["counts"]), (&json!("Succeeded"), &counts(60, 0, 0, 0)));
    assert_eq!(names_of_versions(&scene).await, vec![name; ROWS]);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_imports_at_two_replicas_are_worked_off_one_after_the_other() {
    let scene = Scene::start().await;
    let other = Replica::start(&scene);
    let (ours, theirs) = (body(&scene, "1", "Ours"), body(&scene, "2", "Theirs"));
    let (here, there) =
        tokio::join!(send(&scene, &scene.catalog.url, &ours), send(&scene, &other.url, &theirs));
    let (here, there) = (scene.done(&here.ok()).await, scene.done(&there.ok()).await);
    let (first, second, names) = if text(&here, "/finishedAt") < text(&there, "/finishedAt") {
        (here, there, ["Ours", "Theirs"])
    } else {
        (there, here, ["Theirs", "Ours"])
    };
    assert_eq!((&first["state"], &first["counts"]), (&json!("Succeeded"), &counts(60, 0, 0, 0)));
    assert_eq!((&second["state"], &second["counts"]), (&json!("Succeeded"), &counts(0, 60, 0, 0)));
    assert_eq!((&first["paused"], &second["paused"]), (&json!(0), &json!(0)));
    // No version of the one stands between two of the other.
    let expected: Vec<_> = names.into_iter().flat_map(|name| vec![name; ROWS]).collect();
    assert_eq!(names_of_versions(&scene).await, expected);
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_held_up_pauses_nothing_that_a_later_import_brought_back() {
    let scene = Scene::start().await;
    let rows = ["a", "b", "c"].map(|id| scene.row(id));
    let first = scene.import("1", "Insert", &rows).await;
    let created = scene.results(&first).await;
    scene.catalog.runtime.supervisor.drain(PATIENCE).await.expect("it stops");

    // It has found b and c absent and is held up before it pauses b. On threads of its own: one of them is held.
    fail::cfg("offer_catalog::import_pausing", "1*pause").unwrap();
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let held = {
        let _theirs = threads.enter();
        Replica::start(&scene)
    };
    let absent = json!({"concurrencyRequestId": "2", "operation": "Synchronize", "offers": [scene.row("a")]});
    let second = send(&scene, &held.url, &absent).await.ok();
    let path = format!("/api/v1/integrations/offer-providers/custom/imports/{}", text(&second, "/importId"));
    eventually("it has found what is absent", PATIENCE, async || {
        let request = test_kit::http_client().get(format!("{}{path}", held.url));
        let request = request.header("authorization", format!("ApiToken {}", scene.token));
        let now = Answer::of(request.send().await.expect("an answer")).await.ok();
        if ["Pausing", "Succeeded"].contains(&text(&now, "/state").as_str()) { Ok(()) } else { Err(now) }
    })
    .await;

    // Meanwhile another replica ends that import, and b and c come back.
    let Scene { catalog, token, advertiser } = scene;
    let scene = Scene { catalog: catalog.restart_with(&quickly()).await, token, advertiser };
    let second = scene.done(&second).await;
    assert_eq!((&second["state"], &second["paused"]), (&json!("Succeeded"), &json!(2)));
    let third = scene.import("3", "Insert", &[scene.row("b"), scene.row("c")]).await;
    assert_eq!(third["counts"], counts(0, 2, 0, 0));

    fail::cfg("offer_catalog::import_pausing", "off").unwrap();
    held.stop().await;
    threads.shutdown_background();
    for offer in &created {
        assert_eq!(scene.status(offer).await, "Ready");
    }
}
