//! Publishers check our signatures with the official libraries, from PyPI and from npm. They are asked about real postbacks,
//! by GET and by POST, before and after a secret was replaced; and about forgeries of each.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use system_tests::{
    Stack,
    api::text,
    guide::{Guide, golfin_ios},
    truth::Truth,
};
use test_kit::{Delivery, FakePublisher, Postback, eventually};

const SOON: Duration = Duration::from_secs(30);
/// Beyond ASCII, and with what means something in a URL.
const PUB_CLICK_ID: &str = "c-%C3%BC%26%F0%9F%98%80";
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/signatures");

/// What a publisher has received, and knows.
#[derive(Clone)]
struct Message {
    headers: BTreeMap<String, String>,
    payload: Vec<u8>,
    secret: String,
    is_json: bool,
}

impl Message {
    fn of(delivery: &Delivery, secret: &str) -> Self {
        let is_json = delivery.method == "POST";
        let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        Self {
            headers: headers.map(|name| (name.to_owned(), delivery.header(name).unwrap().to_owned())).into(),
            payload: if is_json { delivery.body.clone() } else { delivery.target().into_bytes() },
            secret: secret.to_owned(),
            is_json,
        }
    }

    /// What somebody else could send with what he has overheard.
    fn forgeries(&self) -> Vec<(&'static str, Self)> {
        let mut other_payload = self.clone();
        // As well-formed as before: one digit of an amount or of an id.
        let digit = other_payload.payload.iter_mut().rev().find(|byte| byte.is_ascii_digit()).unwrap();
        *digit = if *digit == b'9' { b'8' } else { b'9' };
        let with = |name: &str, value: &str| {
            let mut forged = self.clone();
            forged.headers.insert(name.to_owned(), value.to_owned());
            forged
        };
        let stamp: i64 = self.headers["webhook-timestamp"].parse().unwrap();
        vec![
            ("another payload", other_payload),
            ("another id", with("webhook-id", "another")),
            ("another time", with("webhook-timestamp", &(stamp + 1).to_string())),
            ("an old time", with("webhook-timestamp", &(stamp - 301).to_string())),
            ("no signature", with("webhook-signature", "v1,")),
            (
                "another secret",
                Self { secret: format!("whsec_{}", STANDARD.encode([9; 32])), ..self.clone() },
            ),
        ]
    }

    fn line(&self) -> String {
        let payload = STANDARD.encode(&self.payload);
        json!({"headers": self.headers, "payload": payload, "secret": self.secret, "json": self.is_json})
            .to_string()
    }
}

/// The official libraries.
struct Libraries {
    programs: String,
    packages: String,
}

impl Libraries {
    fn install() -> Self {
        let script = format!("{FOLDER}/environment.sh");
        let made = Command::new(&script).output().expect("the script can be started");
        assert!(made.status.success(), "{script}:\n{}", String::from_utf8_lossy(&made.stderr));
        let folders = String::from_utf8(made.stdout).expect("paths");
        let (programs, packages) = folders.trim().split_once('\n').expect("two folders");
        Self { programs: programs.to_owned(), packages: packages.to_owned() }
    }

    /// What each library says of each message.
    fn ask(&self, messages: &[Message]) -> [(&'static str, Vec<String>); 2] {
        let python = self.run("python", &[&format!("{FOLDER}/verify.py")], messages);
        let node = self.run("node", &[&format!("{FOLDER}/verify.mjs"), &self.packages], messages);
        [("Python", python), ("JavaScript", node)]
    }

    fn run(&self, program: &str, arguments: &[&str], messages: &[Message]) -> Vec<String> {
        let mut child = Command::new(format!("{}/{program}", self.programs))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it can be started");
        let mut input = child.stdin.take().unwrap();
        for message in messages {
            writeln!(input, "{}", message.line()).unwrap();
        }
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{program} failed");
        let said: Vec<_> =
            String::from_utf8(output.stdout).unwrap().lines().map(|line| line.trim().to_owned()).collect();
        assert_eq!(said.len(), messages.len(), "{program} answers each");
        said
    }
}

/// A second publisher, who wants to hear by POST, with a clone of its own.
async fn by_post(guide: &Guide, heard_at: &FakePublisher) -> Guide {
    let tenant = guide.tenant.clone();
    let publisher = tenant.publisher("Poster", "POST", &format!("{}/posted", heard_at.url())).await.unwrap();
    let clone = tenant.clone_offer(&guide.offer).await.unwrap();
    tenant.customise(&clone, &golfin_ios(&guide.advertiser, 0)).await.unwrap();
    tenant.create_offer(&clone).await.unwrap();
    let shared = tenant.share(&clone, &publisher).await.unwrap();
    Guide { tenant, publisher, shared, ..guide.clone() }
}

/// Replaces a publisher's secret, both good for an hour; payout knows it when this returns.
async fn rotate(guide: &Guide, truth: &Truth) -> String {
    let path = format!("/api/v1/publishers/{}/postbacks", guide.publisher.id);
    let there: Value = guide.tenant.api.get(&path).await.unwrap();
    let endpoint = text(&there, "/items/0/endpointId").unwrap();
    let known = "SELECT 1 FROM postback_endpoints WHERE old_signing_secret IS NOT NULL";
    let before = truth.in_payout(known).await;
    let body = json!({"overlapHours": 1});
    let rotated = guide.tenant.api.post(&format!("{path}/{endpoint}/rotate-secret"), &body).await.unwrap();
    eventually("payout knows both secrets", SOON, async || truth.in_payout(known).await > before).await;
    text(&rotated, "/signingSecret").unwrap().to_owned()
}

/// One more conversion, and the postback about it.
async fn told(guide: &Guide, heard_at: &FakePublisher, path: &str) -> Delivery {
    let before = heard_at.deliveries_to(path).len();
    let number = heard_at.deliveries().len();
    let click = guide.click(&format!("{PUB_CLICK_ID}-{number}"), &format!("m-{number}")).await.unwrap();
    assert_eq!(guide.apps_flyer().send(&Postback::install(&click)).await.status, 200);
    eventually(&format!("a postback to {path}"), SOON, async || {
        heard_at.deliveries_to(path).into_iter().nth(before).ok_or(before)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_libraries_believe_our_postbacks_and_no_forgery() {
    let libraries = Libraries::install();
    let stack = Stack::start().await;
    let heard_at = FakePublisher::start();
    let getting = Guide::set_up(stack.endpoints(), "Brownboots", &heard_at, 0).await.unwrap();
    let posting = by_post(&getting, &heard_at).await;
    let truth = Truth::of(&stack).await;

    // Each postback, and who can check it.
    let mut genuine = Vec::new();
    for (guide, path) in [(&getting, "/postback"), (&posting, "/posted")] {
        let old = guide.publisher.signing_secret.clone();
        genuine.push(("the first", Message::of(&told(guide, &heard_at, path).await, &old)));
        let new = rotate(guide, &truth).await;
        let during = told(guide, &heard_at, path).await;
        genuine.push(("one during the rotation, by the old secret,", Message::of(&during, &old)));
        genuine.push(("one during the rotation, by the new secret,", Message::of(&during, &new)));
    }
    let forged: Vec<_> = genuine.iter().flat_map(|(_, message)| message.forgeries()).collect();
    let posted = String::from_utf8_lossy(&genuine[3].1.payload).into_owned();
    assert!(posted.contains("c-ü&😀"), "{posted}");

    let messages: Vec<_> = genuine.iter().chain(&forged).map(|(_, message)| message.clone()).collect();
    for (language, said) in libraries.ask(&messages) {
        let (of_genuine, of_forged) = said.split_at(genuine.len());
        for ((what, message), said) in genuine.iter().zip(of_genuine) {
            // What a publisher reads from the body is there once the signature is good.
            let body = serde_json::from_slice::<Value>(&message.payload).ok();
            let id = body.as_ref().and_then(|body| body["conversion"]["conversionId"].as_str());
            let expected = format!("believed {}", id.unwrap_or_default());
            assert_eq!(said, expected.trim(), "{language}: {what} is not believed");
        }
        for ((what, _), said) in forged.iter().zip(of_forged) {
            assert!(said.starts_with("refused"), "{language} believes {what}: {said}");
        }
    }
}
