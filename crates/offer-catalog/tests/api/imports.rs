//! Many offers in one call, and all of them out again.

use std::time::Duration;

use contracts::catalog::OfferVersionCreated;
use reqwest::Method;
use serde_json::{Value, json};
use test_kit::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::catalog::{Catalog, golfin, text};

pub const PATIENCE: Duration = Duration::from_mins(1);
pub const OFFERS: &str = "/integrations/offer-providers/custom/offers";
const EXPORT: &str = "/integrations/offer-providers/custom/offers/export";

pub fn quickly() -> [(&'static str, String); 2] {
    [("BUS__URL", "amqp://127.0.0.1:1".to_owned()), ("IMPORT__POLL_MS", "50".to_owned())]
}

/// A catalog with a tenant and its advertiser.
pub struct Scene {
    pub catalog: Catalog,
    pub token: String,
    pub advertiser: String,
}

impl Scene {
    pub async fn start() -> Self {
        let catalog = Catalog::start_with(&quickly()).await;
        let token = catalog.tenant("Brownboots").await;
        let advertiser = catalog.advertiser(&token).await;
        Self { catalog, token, advertiser }
    }

    pub fn row(&self, external_id: &str) -> Value {
        let mut row = golfin(&self.advertiser);
        row["externalId"] = json!(external_id);
        row["name"] = json!(format!("Golfin {external_id}"));
        row
    }

    pub async fn send(&self, id: &str, operation: &str, rows: &[Value]) -> Value {
        let body = json!({"concurrencyRequestId": id, "operation": operation, "offers": rows});
        self.catalog.post(OFFERS, &self.token, body).await.ok()
    }

    /// The import when it is done.
    pub async fn done(&self, import: &Value) -> Value {
        let path = format!("/integrations/offer-providers/custom/imports/{}", text(import, "/importId"));
        eventually("the import is done", PATIENCE, async || {
            let now = self.catalog.get(&path, &self.token).await.ok();
            if now["finishedAt"].is_null() { Err(now) } else { Ok(now) }
        })
        .await
    }

    pub async fn import(&self, id: &str, operation: &str, rows: &[Value]) -> Value {
        let import = self.send(id, operation, rows).await;
        self.done(&import).await
    }

    pub async fn results(&self, import: &Value) -> Vec<Value> {
        let id = text(import, "/importId");
        let path = format!("/integrations/offer-providers/custom/imports/{id}/results?page_size=100");
        self.catalog.get(&path, &self.token).await.ok()["items"].as_array().unwrap().clone()
    }

    pub async fn status(&self, result: &Value) -> String {
        let path = format!("/offers/{}", text(result, "/offerId"));
        text(&self.catalog.get(&path, &self.token).await.ok(), "/status")
    }

    async fn raw(&self, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let request = test_kit::http_client().post(format!("{}/api/v1{OFFERS}", self.catalog.url));
        let request = request
            .header("authorization", format!("ApiToken {}", self.token))
            .header("content-type", "application/json");
        let response = request.body(body).send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
    }

    /// Sends a body part by part, as it is made.
    pub async fn in_chunks(&self, parts: impl Iterator<Item = String>) -> (String, Value) {
        let address = self.catalog.url.trim_start_matches("http://");
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api/v1{OFFERS} HTTP/1.1\r\nhost: {address}\r\nauthorization: ApiToken {}\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
            self.token
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        for part in parts {
            socket.write_all(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes()).await.unwrap();
        }
        socket.write_all(b"0\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().to_owned(), serde_json::from_str(body).unwrap())
    }
}

pub fn counts(created: u32, changed: u32, unchanged: u32, failed: u32) -> Value {
    json!({"created": created, "changed": changed, "unchanged": unchanged, "failed": failed})
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_are_inserted_then_synchronized_and_absent_ones_are_paused_and_come_back() {
    let scene = Scene::start().await;
    let rows = ["a", "b", "c"].map(|id| scene.row(id));
    let first = scene.import("1", "Insert", &rows).await;
    assert_eq!((&first["state"], &first["counts"]), (&json!("Succeeded"), &counts(3, 0, 0, 0)));
    assert_eq!((&first["percent"], &first["rows"]), (&json!(100), &json!(3)));
    let created = scene.results(&first).await;
    let names: Vec<_> = created.iter().map(|it| text(it, "/externalId")).collect();
    assert_eq!(names, ["a", "b", "c"]);

    // A made by hand offer is nobody's: no import pauses it.
    let by_hand = scene.catalog.offer(&scene.token).await;
    let mut changed = scene.row("a");
    changed["events"][1]["payout"] = json!("3.50");
    let second = scene.import("2", "Synchronize", &[changed.clone(), scene.row("b"), scene.row("d")]).await;
    assert_eq!((&second["state"], &second["counts"]), (&json!("Succeeded"), &counts(1, 1, 1, 0)));
    assert_eq!(second["paused"], 1);
    let results = scene.results(&second).await;
    let outcomes: Vec<_> = results.iter().map(|it| text(it, "/outcome")).collect();
    assert_eq!(outcomes, ["Changed", "Unchanged", "Created"]);
    assert_eq!(results[0]["offerId"], created[0]["offerId"]);
    assert_eq!(scene.status(&created[2]).await, "Paused");
    let hand = scene.catalog.get(&format!("/offers/{by_hand}"), &scene.token).await.ok();
    assert_eq!(hand["status"], "Ready");
    // Three, one by hand, one new, one changed: the unchanged one has no version of its own.
    assert_eq!(scene.catalog.facts::<OfferVersionCreated>().await.len(), 6);

    let third = scene.import("3", "Insert", &[scene.row("c")]).await;
    assert_eq!(third["counts"], counts(0, 1, 0, 0));
    assert_eq!(scene.status(&created[2]).await, "Ready");

    let log = format!("/audit-log?subject={}", text(&second, "/importId"));
    let log = scene.catalog.get(&log, &scene.token).await.ok();
    assert_eq!((&log["total"], &log["items"][0]["action"]), (&json!(1), &json!("offers.imported")));
    assert_eq!(log["items"][0]["after"]["paused"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_paused_stays_paused() {
    let scene = Scene::start().await;
    let first = scene.import("1", "Insert", &[scene.row("a"), scene.row("b")]).await;
    let created = scene.results(&first).await;
    scene.import("2", "Synchronize", &[scene.row("a")]).await;
    let path = format!("/offers/{}", text(&created[1], "/offerId"));
    scene.catalog.post(&format!("{path}/resume"), &scene.token, json!({})).await.ok();
    scene.catalog.post(&format!("{path}/pause"), &scene.token, json!({})).await.ok();
    let third = scene.import("3", "Insert", &[scene.row("b")]).await;
    assert_eq!(third["counts"], counts(0, 0, 1, 0));
    assert_eq!(scene.status(&created[1]).await, "Paused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_harms_no_other_says_everything_and_nothing_absent_is_paused() {
    let scene = Scene::start().await;
    let first = scene.import("1", "Insert", &[scene.row("old")]).await;
    let old = scene.results(&first).await;
    let mut bad = scene.row("bad");
    bad["events"][0]["pendingTime"] = json!(900);
    bad["payuot"] = json!(1);
    bad["currency"] = json!("Dollars");
    let mut warned = scene.row("warned");
    warned["creatives"] = json!([]);
    let mut ticked = warned.clone();
    (ticked["externalId"], ticked["acceptedWarnings"]) = (json!("ticked"), json!(["no_creative"]));
    let nameless = golfin(&scene.advertiser);
    let rows = [scene.row("a"), bad, warned, ticked, json!(7), nameless, scene.row("a"), scene.row("z")];
    let import = scene.import("2", "Synchronize", &rows).await;
    assert_eq!((&import["state"], &import["counts"]), (&json!("Partial"), &counts(3, 0, 0, 5)));
    assert_eq!((&import["paused"], scene.status(&old[0]).await.as_str()), (&json!(0), "Ready"));
    let results = scene.results(&import).await;
    let fields = |at: usize| -> Vec<String> {
        results[at]["errors"].as_array().unwrap().iter().map(|it| text(it, "/field")).collect()
    };
    let mut of_bad = fields(1);
    of_bad.sort();
    assert_eq!(of_bad, ["currency", "events[0].pendingTime", "payuot"]);
    assert_eq!(fields(2), ["creatives", ""]);
    assert_eq!((fields(4), fields(5)), (vec![String::new()], vec!["externalId".to_owned()]));
    let repeated = text(&results[6], "/errors/0/detail");
    assert!(repeated.contains("of row 1 already"), "{repeated}");
    let failed = format!(
        "/integrations/offer-providers/custom/imports/{}/results?outcome=Failed",
        text(&import, "/importId")
    );
    assert_eq!(scene.catalog.get(&failed, &scene.token).await.ok()["total"], 5);
    scene.catalog.get(&failed.replace("Failed", "Nice"), &scene.token).await.fields(400, "invalid_query");

    // Warnings can be meant for the whole import.
    let mut warned = scene.row("warned");
    warned["creatives"] = json!([]);
    let body = json!({
        "concurrencyRequestId": "3", "operation": "Insert", "acceptedWarnings": ["no_creative"], "offers": [warned],
    });
    let import = scene.catalog.post(OFFERS, &scene.token, body).await.ok();
    assert_eq!(scene.done(&import).await["counts"], counts(1, 0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_two_rows_name_each_in_its_way_is_changed_by_one_of_them() {
    let scene = Scene::start().await;
    let first = scene.import("1", "Insert", &[scene.row("a")]).await;
    let id = text(&scene.results(&first).await[0], "/offerId");
    let mut by_id = golfin(&scene.advertiser);
    (by_id["offerId"], by_id["headline"]) = (json!(id), json!("By its id"));
    let mut by_name = scene.row("a");
    by_name["headline"] = json!("By its name");
    let second = scene.import("2", "Synchronize", &[by_id, by_name]).await;
    assert_eq!((&second["state"], &second["counts"]), (&json!("Partial"), &counts(0, 1, 0, 1)));
    let results = scene.results(&second).await;
    let failed = results.iter().find(|it| it["outcome"] == "Failed").unwrap();
    assert_eq!(failed["errors"][0]["field"], "offerId");
    assert!(text(failed, "/errors/0/detail").contains("another row of this import"));
    let versions = scene.catalog.get(&format!("/offers/{id}/versions"), &scene.token).await.ok();
    assert_eq!(versions["total"], 2, "what the failed row did is undone: {versions}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_change_of_a_shared_offer_fails_with_the_sentence() {
    let scene = Scene::start().await;
    let first = scene.import("1", "Insert", &[scene.row("a")]).await;
    let id = text(&scene.results(&first).await[0], "/offerId");
    let publisher = scene.catalog.publisher(&scene.token).await;
    let share = json!({"publisherId": publisher});
    scene.catalog.post(&format!("/offers/{id}/share"), &scene.token, share).await.ok();
    let mut row = scene.row("a");
    row["currency"] = json!("EUR");
    let second = scene.import("2", "Insert", &[row]).await;
    let result = &scene.results(&second).await[0];
    assert_eq!((&result["outcome"], &result["errors"][0]["field"]), (&json!("Failed"), &json!("currency")));
    assert!(text(result, "/errors/0/detail").contains("clone the offer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_again_is_the_same_import() {
    let scene = Scene::start().await;
    let rows = [scene.row("a")];
    let first = scene.send("1", "Insert", &rows).await;
    let again = scene.send("1", "Insert", &rows).await;
    assert_eq!(first["importId"], again["importId"]);
    let body = json!({"concurrencyRequestId": "1", "operation": "Insert", "offers": [scene.row("b")]});
    let refused = scene.catalog.post(OFFERS, &scene.token, body.clone()).await;
    let problem = refused.problem(409, "concurrency_request_id_reused");
    assert!(text(&problem, "/detail").contains("choose a new id"));
    // Of many at once, one is done.
    let other = json!({"concurrencyRequestId": "2", "operation": "Insert", "offers": [scene.row("c")]});
    let one = || scene.catalog.post(OFFERS, &scene.token, other.clone());
    let (a, b, c) = tokio::join!(one(), one(), one());
    let mut statuses = [a.status.as_u16(), b.status.as_u16(), c.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 202]);
    scene.done(&first).await;
    scene.done(&a.body).await;
    assert_eq!(scene.catalog.get("/offers", &scene.token).await.ok()["total"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_where_it_was_when_the_catalog_is_back() {
    const ROWS: usize = 300;
    let scene = Scene::start().await;
    let rows: Vec<_> = (0..ROWS).map(|at| scene.row(&format!("o{at}"))).collect();
    let import = scene.send("1", "Synchronize", &rows).await;
    let path = format!("/integrations/offer-providers/custom/imports/{}", text(&import, "/importId"));
    eventually("some rows are done", PATIENCE, async || {
        let now = scene.catalog.get(&path, &scene.token).await.ok();
        if now["counts"]["created"].as_u64() > Some(5) { Ok(()) } else { Err(now) }
    })
    .await;
    let Scene { catalog, token, advertiser } = scene;
    let catalog = catalog.restart_with(&quickly()).await;
    let scene = Scene { catalog, token, advertiser };
    let done = scene.done(&import).await;
    assert_eq!((&done["state"], &done["counts"]), (&json!("Succeeded"), &counts(300, 0, 0, 0)));
    assert_eq!(scene.catalog.get("/offers", &scene.token).await.ok()["total"], ROWS);
    assert_eq!(scene.catalog.facts::<OfferVersionCreated>().await.len(), ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn imports_of_one_provider_follow_each_other() {
    let scene = Scene::start().await;
    let rows: Vec<_> = (0..40).map(|at| scene.row(&format!("o{at}"))).collect();
    let mut later = rows.clone();
    for row in &mut later {
        row["headline"] = json!("Later");
    }
    let (first, second) = (scene.send("1", "Insert", &rows).await, scene.send("2", "Insert", &later).await);
    let (first, second) = (scene.done(&first).await, scene.done(&second).await);
    assert_eq!((&first["counts"], &second["counts"]), (&counts(40, 0, 0, 0), &counts(0, 40, 0, 0)));
    assert!(text(&first, "/finishedAt") <= text(&second, "/finishedAt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_exported_is_imported_without_a_change() {
    let scene = Scene::start().await;
    let mut odd = scene.row("odd");
    (odd["headline"], odd["keyPoints"]) = (json!("=1+1,\"x\"\n"), json!(["a|b", "-c"]));
    (odd["countries"], odd["appId"]) = (json!(["All"]), json!("id1"));
    scene.import("1", "Insert", &[scene.row("a"), odd]).await;
    scene.catalog.offer(&scene.token).await;
    let exported = scene.catalog.get(EXPORT, &scene.token).await.ok();
    assert_eq!(exported["offers"].as_array().unwrap().len(), 3);
    let versions = scene.catalog.facts::<OfferVersionCreated>().await.len();
    let import = scene.catalog.post(OFFERS, &scene.token, exported).await.ok();
    assert_eq!(scene.done(&import).await["counts"], counts(0, 0, 3, 0));
    assert_eq!(scene.catalog.facts::<OfferVersionCreated>().await.len(), versions);

    let url = format!("{}/api/v1{EXPORT}", scene.catalog.url);
    let request =
        test_kit::http_client().get(url).header("authorization", format!("ApiToken {}", scene.token));
    let response = request.header("accept", "text/csv").send().await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    let csv = response.text().await.unwrap();
    let mut lines = csv.split("\r\n");
    assert!(lines.next().unwrap().starts_with("offerId,externalId,status,offerType"));
    assert_eq!(lines.filter(|line| !line.is_empty()).count(), 9, "a line for each event: {csv}");
    assert!(csv.contains("\"'=1+1,\"\"x\"\"\""), "{csv}");
    scene.catalog.get(&format!("{EXPORT}?format=xls"), &scene.token).await.fields(400, "invalid_query");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_bodies_are_refused_and_leave_nothing_behind() {
    let scene = Scene::start().await;
    let deep = "[".repeat(100_000);
    let row = scene.row("a").to_string();
    let with =
        |rows: &str| format!(r#"{{"concurrencyRequestId":"1","operation":"Insert","offers":[{rows}]}}"#);
    let many = vec!["{}"; 10_001].join(",");
    for (body, status, code) in [
        (String::new(), 400, "malformed_json"),
        ("[]".to_owned(), 400, "malformed_json"),
        (with(&format!("{row},{deep}")), 400, "malformed_json"),
        (with(&format!("{row},{deep}{}", "]".repeat(100_000))), 400, "malformed_json"),
        (with(&row).replace("]}", ""), 400, "malformed_json"),
        (with(&format!("{row},nul")), 400, "malformed_json"),
        (with(&format!("{row},{{\"name\":\"{}\"}}", "x".repeat(300_000))), 413, "body_too_large"),
        (with(&many), 413, "body_too_large"),
        (with(""), 422, "invalid_body"),
        ("{}".to_owned(), 422, "invalid_body"),
        (
            r#"{"offers":5,"operation":"Delete","extra":1,"acceptedWarnings":["no"]}"#.to_owned(),
            422,
            "invalid_body",
        ),
    ] {
        let start: String = body.chars().take(80).collect();
        let (found, problem) = scene.raw(body).await;
        assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{start}: {problem}");
    }
    let (_, problem) = scene.raw(r#"{"offers":5,"operation":"Delete","extra":1}"#).await;
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|it| text(it, "/field")).collect();
    assert_eq!(fields, ["concurrencyRequestId", "operation", "offers", "extra"]);
    // Texts that no column takes are a row's own fault.
    let mut nul = scene.row("nul");
    nul["headline"] = json!("x\u{0}y");
    let import = scene.import("2", "Insert", &[nul]).await;
    assert_eq!(import["counts"], counts(0, 0, 0, 1));
    let stored = scene.catalog.stored().await;
    assert!(!stored.contains("Receiving"), "refused imports are forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_write_may_not_import_and_another_tenant_sees_nothing() {
    let scene = Scene::start().await;
    let import = scene.import("1", "Insert", &[scene.row("a")]).await;
    let issued = scene.catalog.post("/tokens", &scene.token, json!({"role": "analyst"})).await.ok();
    let analyst = text(&issued, "/apiToken");
    scene.catalog.post(OFFERS, &analyst, json!({})).await.problem(403, "forbidden");
    scene.catalog.get(EXPORT, &analyst).await.ok();
    let theirs = scene.catalog.tenant("Redshoes").await;
    let path = format!("/integrations/offer-providers/custom/imports/{}", text(&import, "/importId"));
    for path in [path.clone(), format!("{path}/results")] {
        scene.catalog.call(Method::GET, &path, &theirs, None).await.problem(404, "not_found");
    }
    assert_eq!(scene.catalog.get(EXPORT, &theirs).await.ok()["offers"], json!([]));
    // The same names are other offers there, and ours can not be named.
    let id = text(&scene.results(&import).await[0], "/offerId");
    let mut row = golfin(&scene.catalog.advertiser(&theirs).await);
    row["offerId"] = json!(id);
    let body = json!({"concurrencyRequestId": "1", "operation": "Insert", "offers": [row]});
    let import = scene.catalog.post(OFFERS, &theirs, body).await.ok();
    let theirs = Scene { token: theirs, ..scene };
    assert_eq!(theirs.done(&import).await["counts"], counts(0, 0, 0, 1));
    assert_eq!(theirs.results(&import).await[0]["errors"][0]["field"], "offerId");
}
