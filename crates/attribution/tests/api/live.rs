//! The live feed, as a screen on the wall sees it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use test_kit::eventually;

use crate::{
    facts::{Tenant, receipt},
    stage::{SOON, Stage},
};

const LIVE: &str = "/api/v1/postbacks/live";

/// Something that came.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

/// A reader.
struct Screen {
    response: reqwest::Response,
    unread: String,
}

impl Screen {
    async fn ask(stage: &Stage, path: &str, token: &str, last: Option<&str>) -> reqwest::Response {
        let mut request = test_kit::http_client()
            .get(format!("http://{}{path}", stage.address))
            // Of the whole answer, and this one lasts.
            .timeout(SOON * 5)
            .header("authorization", format!("ApiToken {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send().await.expect("an answer")
    }

    /// Opens it, and waits until it is told what is decided from now on: its first id says so.
    async fn open(stage: &Stage, path: &str, token: &str) -> Self {
        let mut screen = Self::resume(stage, path, token, None).await;
        let first = screen.block().await.expect("a beginning");
        assert!(first.starts_with("retry: "), "{first}");
        let joined = screen.block().await.expect("an id");
        assert!(joined.starts_with("id: "), "{joined}");
        screen
    }

    async fn resume(stage: &Stage, path: &str, token: &str, last: Option<&str>) -> Self {
        let response = Self::ask(stage, path, token, last).await;
        assert_eq!(response.status().as_u16(), 200);
        let header = |name: &str| response.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!((header("cache-control"), header("x-accel-buffering")), ("no-store".into(), "no".into()));
        Self { response, unread: String::new() }
    }

    /// The next block; none when the stream has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let block = block.to_owned();
                self.unread = String::from(rest);
                return Some(block);
            }
            let chunk = tokio::time::timeout(SOON, self.response.chunk()).await.expect("a sign of life");
            let chunk = chunk.expect("an orderly end")?;
            self.unread.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// The next event.
    async fn event(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let fields: BTreeMap<&str, &str> =
                block.lines().filter_map(|line| line.split_once(": ")).collect();
            if let (Some(name), Some(data)) = (fields.get("event"), fields.get("data")) {
                return Some(Event {
                    id: fields.get("id").map(|id| (*id).to_owned()).unwrap_or_default(),
                    name: (*name).to_owned(),
                    data: serde_json::from_str(data).expect("JSON"),
                });
            }
        }
    }

    async fn events(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(self.event().await.expect("an event"));
        }
        events
    }
}

/// What was decided, of each event.
fn decisions(events: &[Event]) -> BTreeSet<(String, i64)> {
    assert!(events.iter().all(|event| event.name == "decision"), "{events:?}");
    let of = |event: &Event| {
        let receipt = event.data.get("receipt").and_then(Value::as_str).expect("a receipt").to_owned();
        (receipt, event.data.get("revision").and_then(Value::as_i64).expect("a revision"))
    };
    let set: BTreeSet<_> = events.iter().map(of).collect();
    assert_eq!(set.len(), events.len(), "one came twice: {events:?}");
    set
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_of_every_replica_is_seen_once_in_order_and_by_its_tenant_only() {
    let (tenant, other) = (Tenant::new(1), Tenant::new(2));
    let stage = Stage::replicas_with(2, &tenant).await;
    stage.say_catalog([tenant.token("gkt_ours"), other.token("gkt_theirs")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 2).await;
    let mut screen = Screen::open(&stage, LIVE, "gkt_ours").await;
    let mut picky =
        Screen::open(&stage, &format!("{LIVE}?code=UNMAPPED_EVENT&event_id=mystery"), "gkt_ours").await;
    let mut theirs = Screen::open(&stage, LIVE, "gkt_theirs").await;

    // One after the other, so that both replicas take some; each is decided twice: waiting, then as it is.
    let mut sent = BTreeSet::new();
    for number in 0..30_u8 {
        let event = if number % 3 == 0 { "mystery" } else { "Install" };
        let postback = tenant.postback(number, event, i64::from(number));
        sent.insert(receipt(&postback).to_string());
        stage.say_postbacks([postback]).await;
    }
    stage.coded("WAITING_CLICK", 30).await;
    for number in 0..30 {
        stage.say_clicks([tenant.click(number)]).await;
    }
    stage.coded("WAITING_CLICK", 0).await;

    let events = screen.events(60).await;
    let seen = decisions(&events);
    let expected = sent.iter().flat_map(|receipt| [(receipt.clone(), 1), (receipt.clone(), 2)]).collect();
    assert_eq!(seen, expected);
    let order =
        |event: &Event| event.id.split('-').next().and_then(|at| at.parse::<i64>().ok()).expect("a time");
    assert!(events.windows(2).all(|pair| order(&pair[0]) <= order(&pair[1])), "{events:?}");
    let (_, listed) = stage.get("/api/v1/postbacks?code=QUALIFIED&page_size=1", Some("gkt_ours")).await;
    let same = events
        .iter()
        .find(|event| event.data["receipt"] == listed["items"][0]["receipt"] && event.data["revision"] == 2);
    assert_eq!(same.expect("the listed one").data, listed["items"][0]);

    let strange = picky.events(10).await;
    assert!(strange.iter().all(|event| event.data["code"] == "UNMAPPED_EVENT"), "{strange:?}");
    assert_eq!(decisions(&strange).len(), 10);

    // The other tenant is told of its own, and of nothing before.
    stage.say_postbacks([other.postback(1, "Install", 1)]).await;
    let own = theirs.events(1).await;
    assert_eq!(own[0].data["gkClickId"], other.click_id(1).to_string());
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_back_misses_nothing_and_sees_nothing_twice() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 1).await;
    stage.say_clicks((0..9).map(|number| tenant.click(number))).await;
    let mut screen = Screen::open(&stage, LIVE, "gkt_analyst").await;
    stage.say_postbacks((0..3).map(|number| tenant.postback(number, "Install", 10))).await;
    let mut seen = screen.events(3).await;
    let last = seen[1].id.clone();
    drop(screen);

    // Nobody looks on.
    stage.say_postbacks((3..6).map(|number| tenant.postback(number, "Install", 10))).await;
    stage.coded("QUALIFIED", 6).await;
    seen.truncate(2);
    let mut screen = Screen::resume(&stage, LIVE, "gkt_analyst", Some(&last)).await;
    seen.extend(screen.events(4).await);
    stage.say_postbacks((6..9).map(|number| tenant.postback(number, "Install", 10))).await;
    seen.extend(screen.events(3).await);
    assert_eq!(decisions(&seen).len(), 9);

    // Half an hour is more than is taken up; the last quarter of it is.
    let half_an_hour_ago =
        seen[0].id.split_once('-').map(|(at, rest)| (at.parse::<i64>().expect("a time"), rest));
    let (at, rest) = half_an_hour_ago.expect("an id");
    let old = format!("{}-{rest}", at - 1_800_000_000);
    let mut screen = Screen::resume(&stage, LIVE, "gkt_analyst", Some(&old)).await;
    let gap = screen.event().await.expect("an event");
    assert_eq!(gap.name, "gap");
    assert!(gap.data["from"].as_str() < gap.data["until"].as_str(), "{gap:?}");
    assert_eq!(decisions(&screen.events(9).await), decisions(&seen));

    let refused = Screen::ask(&stage, LIVE, "gkt_analyst", Some("yesterday")).await;
    assert_eq!(refused.status().as_u16(), 400);
    let refused: Value = refused.json().await.expect("JSON");
    assert_eq!(refused["errors"][0]["field"], "Last-Event-ID");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_its_stream_and_a_stop_ends_all() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_catalog([tenant.token("gkt_analyst"), tenant.owner_token("gkt_owner")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 2).await;
    let mut revoked = Screen::open(&stage, LIVE, "gkt_analyst").await;
    let mut open = Screen::open(&stage, LIVE, "gkt_owner").await;
    stage.say_catalog([tenant.revoked("gkt_analyst")]).await;
    let end = revoked.event().await.expect("an event");
    assert_eq!((end.name.as_str(), &end.data["reason"]), ("end", &Value::from("token")));
    assert_eq!(revoked.block().await, None);
    let began = std::time::Instant::now();
    let ((end, after), ()) = tokio::join!(async { (open.event().await, open.block().await) }, stage.strike());
    // Far less than what connections get that do not end: `http.stop_seconds`, 15.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    assert_eq!(end.expect("an event").data["reason"], "stopping");
    assert_eq!(after, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_so_many_streams_and_whoever_does_not_read_is_cut_off() {
    use std::io::{Read as _, Write as _};

    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    stage.say_catalog([tenant.token("gkt_analyst")]).await;
    stage.rows("SELECT count(*) AS count FROM api_tokens", 1).await;
    // It says what it wants and reads no more than the beginning.
    let mut deaf = std::net::TcpStream::connect(stage.address).expect("a connection");
    let head = format!("GET {LIVE} HTTP/1.1\r\nhost: x\r\nauthorization: ApiToken gkt_analyst\r\n\r\n");
    deaf.write_all(head.as_bytes()).expect("a request");
    let mut screen = Screen::open(&stage, LIVE, "gkt_analyst").await;
    // 40,000 decisions of 300 bytes: more than the kernel holds for the one who does not read.
    stage
        .meddle(&format!(
            "INSERT INTO decisions (tenant_id, received_at, receipt, revision, is_current, code, trace, event_id)
            SELECT '{}', now(), gen_random_uuid(), 1, true, 'UNATTRIBUTED_NO_CLICK', '[]', 'Install'
            FROM generate_series(1, 40000)",
            tenant.id
        ))
        .await;
    assert_eq!(decisions(&screen.events(40_000).await).len(), 40_000, "who reads sees all of them");
    // It has lost its place when its queue ran over, so there is room for nineteen more.
    let mut open = vec![screen];
    eventually("there are as many as there may be", SOON, async || {
        loop {
            let response = Screen::ask(&stage, LIVE, "gkt_analyst", None).await;
            if response.status().as_u16() == 429 {
                break;
            }
            open.push(Screen { response, unread: String::new() });
        }
        if open.len() == 20 { Ok(()) } else { Err(format!("{} are open", open.len())) }
    })
    .await;
    let (mut taken, mut space) = (Vec::new(), vec![0; 65_536]);
    deaf.set_read_timeout(Some(SOON)).expect("a time-out");
    // What its queue held, and then the end: or a reset, when it took nothing for `http.write_timeout_ms`.
    while !taken.ends_with(b"\r\n0\r\n\r\n") {
        match deaf.read(&mut space) {
            Ok(0) => break,
            Ok(count) => taken.extend_from_slice(&space[..count]),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
                break;
            }
        }
    }
    let events = String::from_utf8_lossy(&taken).matches("event: decision").count();
    assert!(events < 40_000, "{events} were kept for somebody who does not read");
    let refused = Screen::ask(&stage, LIVE, "gkt_analyst", None).await;
    assert!(refused.headers().contains_key("retry-after"));
    stage.strike().await;
}
