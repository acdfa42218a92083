//! Credentials change while AppsFlyer calls: nobody is refused who should not be, and whoever should be is at once, at every
//! ingest that is connected.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use system_tests::{
    ServiceName, Stack, StackOptions,
    api::text,
    catalog::Tenant,
    lone::{CREDENTIAL_KEYS, LoneIngest},
};
use test_kit::{FakeAppsFlyer, Postback, eventually};
use tokio::task::JoinHandle;

/// `SEMANTICS.md` §1: a revoked or expired generation is refused within five seconds by every connected ingest.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);
/// Callers of each URL at each ingest.
const CALLERS: usize = 4;
/// Calls of each URL that must be seen under load on both sides of a change.
const CALLS: usize = 300;
const APP: &str = "id123456789";

/// Callers of one URL that do not stop until told.
struct Load {
    stop: Arc<AtomicBool>,
    seen: Arc<Seen>,
    callers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    accepted: AtomicUsize,
    refused: Mutex<Vec<u16>>,
}

impl Load {
    fn start(doors: &[FakeAppsFlyer]) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Seen::default()));
        let callers = doors.iter().flat_map(|door| std::iter::repeat_n(door, CALLERS)).map(|door| {
            let (door, stop, seen) = (door.clone(), Arc::clone(&stop), Arc::clone(&seen));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let answered = door.send(&call()).await;
                    if answered.status == 200 {
                        seen.accepted.fetch_add(1, Ordering::Relaxed);
                    } else {
                        seen.refused.lock().unwrap().push(answered.status);
                    }
                }
            })
        });
        let callers = callers.collect();
        Self { stop, callers, seen }
    }

    fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::Relaxed)
    }

    /// Waits for so many more accepted calls.
    async fn go_on(&self) {
        let enough = self.accepted() + CALLS;
        eventually("calls go on", PATIENCE, async || {
            let accepted = self.accepted();
            if accepted >= enough { Ok(()) } else { Err(accepted) }
        })
        .await;
    }

    /// Stops; returns how many calls were accepted. None was refused.
    async fn stop(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.unwrap();
        }
        assert_eq!(*self.seen.refused.lock().unwrap(), Vec::<u16>::new(), "refused in the overlap");
        self.seen.accepted.load(Ordering::Relaxed)
    }
}

fn call() -> Postback {
    Postback::event("no-click", "Install").with("app_id", APP)
}

async fn refused(doors: &[FakeAppsFlyer]) {
    eventually("every ingest refuses", REFUSED_WITHIN, async || {
        let mut statuses = Vec::new();
        for door in doors {
            statuses.push(door.send(&call()).await.status);
        }
        if statuses.iter().all(|status| *status == 404) { Ok(()) } else { Err(statuses) }
    })
    .await;
}

/// A credential's postback URL, at both ingests.
struct Doors<'a> {
    tenant: &'a Tenant,
    path: String,
    first: String,
    second: String,
}

impl Doors<'_> {
    async fn revealed(&self) -> [FakeAppsFlyer; 2] {
        let revealed = self.tenant.api.post(&format!("{}/reveal", self.path), &json!({})).await.unwrap();
        let url = text(&revealed, "/postbackUrl").unwrap();
        assert!(url.starts_with(&self.first));
        [url.to_owned(), url.replace(&self.first, &self.second)].map(|url| FakeAppsFlyer::with_template(&url))
    }

    async fn change(&self, how: &str, body: Value) -> Value {
        self.tenant.api.post(&format!("{}/{how}", self.path), &body).await.unwrap()
    }

    /// Calls as "last used" has them, by generation.
    async fn used(&self) -> Vec<u64> {
        let listed = self.tenant.api.get("/api/v1/credentials").await.unwrap();
        let generations = listed["items"][0]["generations"].as_array().unwrap().clone();
        let calls = |generation: &Value| {
            let used_by = generation["usedBy"].as_array().unwrap();
            assert!(used_by.iter().all(|used| used["appId"] == APP), "{used_by:?}");
            used_by.iter().map(|used| used["uses"].as_u64().unwrap()).sum()
        };
        generations.iter().map(calls).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_load_refuses_nobody_and_an_end_is_heard_everywhere_within_five_seconds() {
    let options = StackOptions::new()
        .set(ServiceName::OfferCatalog, "CREDENTIALS__KEYS", CREDENTIAL_KEYS)
        .set(ServiceName::Ingest, "CREDENTIALS__KEYS", CREDENTIAL_KEYS);
    let mut stack = Stack::start_with(options).await;
    let mut second = LoneIngest::with(&[("BUS__NAMESPACE", stack.namespace().name())]);
    second.process.start().await;
    let tenant = Tenant::create(stack.endpoints(), "Brownboots").await.unwrap();
    let issued = tenant.api.post("/api/v1/credentials", &json!({})).await.unwrap();
    let doors = Doors {
        tenant: &tenant,
        path: format!("/api/v1/credentials/{}", text(&issued, "/credentialId").unwrap()),
        first: stack.endpoints().ingest.clone(),
        second: second.url.clone(),
    };

    // Rotated under load: the old URL goes on, the new one works from the first call, nobody is refused.
    let old = doors.revealed().await;
    let old_load = Load::start(&old);
    old_load.go_on().await;
    doors.change("rotate", json!({"overlapDays": 7})).await;
    let new = doors.revealed().await;
    let new_load = Load::start(&new);
    old_load.go_on().await;
    new_load.go_on().await;
    let calls = [old_load.stop().await, new_load.stop().await].map(|calls| u64::try_from(calls).unwrap());

    // Rotated without an overlap: both older generations are over, everywhere, and the newest works.
    doors.change("rotate", json!({"overlapDays": 0})).await;
    refused(&[&old[..], &new[..]].concat()).await;
    let newest = doors.revealed().await;
    for door in &newest {
        assert_eq!(door.send(&call()).await.status, 200);
    }

    // Revoked while one ingest is away: the other refuses at once, and so does the one that comes back.
    assert_eq!(second.process.stop().await.code(), Some(0));
    doors.change("revoke", json!({})).await;
    refused(&newest[..1]).await;
    second.process.start().await;
    refused(&[&newest[..], &old[..], &new[..]].concat()).await;

    // Every accepted call is in "last used" under its generation. Ingest tells once a minute, and at a stop.
    assert_eq!(stack.service(ServiceName::Ingest).stop().await.code(), Some(0));
    eventually("every use is told", PATIENCE, async || {
        let used = doors.used().await;
        // Calls that slipped in before the refusal was heard are counted, too: they were accepted.
        let all_are_there = used.len() == 3 && used[0] >= calls[0] && used[1] >= calls[1] && used[2] >= 2;
        if all_are_there { Ok(()) } else { Err(used) }
    })
    .await;
}
