//! payout dies right after a commit of each kind, before it has told anybody; and the command that proves its ledger.

use std::{os::unix::process::ExitStatusExt as _, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{ServiceName, Stack, StackOptions, api::text, guide::Guide, truth::Truth};
use test_kit::{FakePublisher, Postback, eventually};

const SOON: Duration = Duration::from_secs(60);
/// What `abort` ends a process with.
const SIGABRT: i32 = 6;

struct Scene {
    stack: Stack,
    guide: Guide,
    truth: Truth,
    publisher: FakePublisher,
}

impl Scene {
    /// Two users have installed; both conversions wait for three days.
    async fn set() -> Self {
        let stack = Stack::start_with(StackOptions::new().quiet_seconds(1)).await;
        let publisher = FakePublisher::start();
        let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 3).await.unwrap();
        for user in ["first", "second"] {
            let click = guide.click(&format!("c-{user}"), user).await.unwrap();
            assert_eq!(guide.apps_flyer().send(&Postback::install(&click)).await.status, 200);
        }
        let truth = Truth::of(&stack).await;
        let scene = Self { stack, guide, truth, publisher };
        scene.rows("conversions WHERE status = 'pending'", 2).await;
        scene
    }

    async fn rows(&self, from: &str, count: u64) {
        eventually(from, SOON, async || {
            let found = self.truth.in_payout(&format!("SELECT FROM {from}")).await;
            if found == count { Ok(()) } else { Err(found) }
        })
        .await;
    }

    async fn is_armed(&mut self, failpoint: &str) {
        let process = self.stack.service(ServiceName::Payout);
        assert_eq!(process.stop().await.code(), Some(0));
        process.start_with(&format!("{failpoint}=return")).await;
    }

    /// It has died, and comes back.
    async fn died(&mut self, failpoint: &str) {
        let process = self.stack.service(ServiceName::Payout);
        let end = eventually(&format!("payout dies at {failpoint}"), SOON, async || process.ended()).await;
        assert_eq!(end.signal(), Some(SIGABRT), "{}", process.log_end());
        process.forget();
        process.start().await;
    }

    /// Asks for something whose commit kills the service: there is no answer, and the effect.
    async fn asks(&mut self, failpoint: &str, path: &str, body: &Value) {
        self.is_armed(failpoint).await;
        let answered = self.guide.payout().try_call(Method::POST, path, Some(body)).await;
        assert!(answered.is_err(), "{failpoint}: {answered:?}");
        self.died(failpoint).await;
    }

    async fn statement(&self, of: &str) -> String {
        let list = self.guide.payout().get(&format!("/api/v1/statements?of={of}")).await.unwrap();
        text(&list, "/items/0/statementId").unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_before_a_death_is_done_once_and_the_command_proves_it() {
    let mut scene = Scene::set().await;

    // A person rejects one of them, hears nothing, and asks again.
    let list = scene.guide.payout().get("/api/v1/conversions?status=Pending").await.unwrap();
    let path = format!("/api/v1/conversions/{}/decisions", text(&list, "/items/0/conversionId").unwrap());
    let reject = json!({"decision": "Reject", "reason": "A bot."});
    scene.asks("payout::decided", &path, &reject).await;
    let (again, problem) = scene.guide.payout().try_call(Method::POST, &path, Some(&reject)).await.unwrap();
    assert_eq!((again.as_u16(), &problem["code"]), (409, &json!("status_does_not_allow_it")), "{problem}");
    scene.rows("conversion_decisions", 1).await;
    scene.rows("ledger_transfers WHERE kind = 'void'", 2).await;

    // The other one's time is over.
    scene.is_armed("payout::released").await;
    scene.truth.in_payout("UPDATE conversions SET hold_ends_at = now() WHERE status = 'pending'").await;
    scene.died("payout::released").await;
    scene.rows("deliveries WHERE state = 'delivered'", 1).await;
    assert_eq!(scene.publisher.deliveries().len(), 1);
    scene.rows("ledger_transfers WHERE kind = 'post'", 2).await;

    // The month is closed, and paid.
    scene
        .truth
        .in_payout("UPDATE statement_periods SET ends_at = clock_timestamp() WHERE ends_at > now()")
        .await;
    let periods = scene.guide.payout().get("/api/v1/statement-periods").await.unwrap();
    let close = format!("/api/v1/statement-periods/{}/close", text(&periods, "/items/0/period").unwrap());
    scene.asks("payout::closed", &close, &json!({})).await;
    let closed = scene.guide.payout().post(&close, &json!({})).await.unwrap();
    assert_eq!(closed["state"], json!("Closed"), "{closed}");
    scene.rows("statements", 2).await;
    let paid = format!("/api/v1/statements/{}/paid", scene.statement("Publisher").await);
    let report = json!({"reference": "SEPA 1"});
    scene.asks("payout::paid", &paid, &report).await;
    let settled = scene.guide.payout().post(&paid, &report).await.unwrap();
    assert_eq!(settled["settledReference"], json!("SEPA 1"), "{settled}");
    scene.rows("ledger_transfers WHERE flow = 'settlement'", 1).await;

    let (is_right, output) = scene.stack.service(ServiceName::Payout).run("verify-ledger");
    assert!(is_right && output.contains("the ledger is right"), "{output}");
    assert!(output.contains("2 statements") && output.contains("USD: posted debits"), "{output}");

    // Somebody changes a row around the service.
    scene.truth.in_payout("ALTER TABLE ledger_transfers DISABLE TRIGGER append_only").await;
    let more = "UPDATE ledger_transfers SET amount_micros = amount_micros + 1 WHERE flow = 'settlement'";
    assert_eq!(scene.truth.in_payout(more).await, 1);
    let (is_right, output) = scene.stack.service(ServiceName::Payout).run("verify-ledger");
    assert!(!is_right && output.contains("DIFFERS: transfer"), "{output}");
    assert!(output.contains("is not the settlement of statement"), "{output}");
    assert!(!output.contains("the ledger is right"), "{output}");
}
