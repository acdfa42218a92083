//! The largest import that there is: ten thousand offers in one call.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use serde_json::json;
use test_kit::eventually;

use crate::{
    catalog::text,
    imports::{Scene, counts},
};

const ROWS: usize = 10_000;
/// A busy machine, and a build without optimisation.
const PATIENCE: Duration = Duration::from_mins(4);

/// How much memory this process has had at most, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A body as it is made, part by part: `row` once for each offer, with its own external id in the place of "o".
fn body(id: &str, operation: &str, row: String) -> impl Iterator<Item = String> {
    let head = format!(r#"{{"concurrencyRequestId":"{id}","operation":"{operation}","offers":["#);
    let rows = (0..ROWS).map(move |at| {
        let comma = if at == 0 { "" } else { "," };
        format!("{comma}{}", row.replacen("\"externalId\":\"o\"", &format!("\"externalId\":\"o{at}\""), 1))
    });
    std::iter::once(head).chain(rows).chain(["]}".to_owned()])
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_offers_come_in_one_call_and_are_not_held_in_memory() {
    let scene = Scene::start().await;
    let mut row = scene.row("o");
    // As most rows fail at once, the time is that of receiving and not of creating; each has 4 KiB.
    row["currency"] = json!("Dollars");
    row["offerDetails"] = json!("x".repeat(3_000));
    let before = peak();
    let (status, import) = scene.in_chunks(body("1", "Insert", row.to_string())).await;
    assert_eq!((status.as_str(), &import["rows"]), ("202", &json!(ROWS)), "{import}");
    let grown = peak() - before;
    assert!(grown < 24 * 1_024, "{grown} KiB for a body of 40 MiB");
    let path = format!("/integrations/offer-providers/custom/imports/{}", text(&import, "/importId"));
    eventually("every row is done", PATIENCE, async || {
        let now = scene.catalog.get(&path, &scene.token).await.ok();
        if now["counts"]["failed"] == ROWS { Ok(()) } else { Err(now) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_valid_offers_are_made_each_once_and_absent_ones_are_paused_once() {
    let scene = Scene::start().await;
    let gone = ["x", "y", "z"].map(|id| scene.row(id));
    let gone = scene.results(&scene.import("0", "Insert", &gone).await).await;
    // The database's statistics know of a small import and of no other, as they do when a large one comes.
    scene.catalog.database.admin().await.batch_execute("ANALYZE").await.unwrap();
    let mut row = scene.row("o");
    // Small ones, because they are many.
    row["events"] = json!([row["events"][0]]);
    let before = peak();
    let start = Instant::now();
    let (status, import) = scene.in_chunks(body("1", "Synchronize", row.to_string())).await;
    assert_eq!((status.as_str(), &import["rows"]), ("202", &json!(ROWS)), "{import}");
    let received = start.elapsed();
    let path = format!("/integrations/offer-providers/custom/imports/{}", text(&import, "/importId"));
    let done = eventually("the import is done", PATIENCE, async || {
        let now = scene.catalog.get(&path, &scene.token).await.ok();
        if now["finishedAt"].is_null() { Err(now) } else { Ok(now) }
    })
    .await;
    println!(
        "{ROWS} offers: received in {received:?}, done in {:?}; this process grew by {} KiB",
        start.elapsed(),
        peak() - before
    );
    assert_eq!((&done["state"], &done["counts"]), (&json!("Succeeded"), &counts(10_000, 0, 0, 0)));
    assert_eq!((&done["percent"], &done["paused"]), (&json!(100), &json!(3)));

    // Every result is there, in the order of the rows, each with an offer of its own.
    let mut offers = BTreeSet::new();
    let mut rows = 0;
    for page in 1..=ROWS / 100 {
        let results = format!("{path}/results?page_size=100&page={page}");
        for result in scene.catalog.get(&results, &scene.token).await.ok()["items"].as_array().unwrap() {
            assert_eq!(
                (&result["externalId"], &result["row"]),
                (&json!(format!("o{rows}")), &json!(rows + 1))
            );
            assert_eq!(result["outcome"], "Created", "{result}");
            offers.insert(text(result, "/offerId"));
            rows += 1;
        }
    }
    assert_eq!((rows, offers.len()), (ROWS, ROWS));
    for absent in &gone {
        assert_eq!(scene.status(absent).await, "Paused");
    }
    let all = ROWS + gone.len();
    assert_eq!(scene.catalog.get("/offers", &scene.token).await.ok()["total"], all);
    let count = async |of: &str| usize::try_from(number(&scene, of).await).unwrap();
    assert_eq!(count("offer_versions").await, all);
    assert_eq!(count("audit_log WHERE action = 'offer.created'").await, all);
    assert_eq!(count("audit_log WHERE action = 'offer.paused'").await, gone.len());
    assert_eq!(count("audit_log WHERE action = 'offers.imported'").await, 2);
}

async fn number(scene: &Scene, of: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }

    let query = sql_query(format!("SELECT count(*) AS count FROM {of}"));
    let found: Count = query.get_result(&mut scene.catalog.database.admin().await).await.expect("a number");
    found.count
}
