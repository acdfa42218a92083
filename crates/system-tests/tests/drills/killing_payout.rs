//! payout dies between the two halves of what it does: a status is committed and nobody was told; a publisher has answered and
//! nothing is recorded.

use std::{collections::BTreeMap, os::unix::process::ExitStatusExt as _, time::Duration};

use system_tests::{ServiceName, StackOptions, load::Load};
use test_kit::eventually;

use crate::{killing::SIGABRT, scene::Scene};

const SOON: Duration = Duration::from_secs(30);

/// Where it dies, and the rows of attempts that there may be by then.
const STATUS_COMMITTED: &str = "payout::committed=return";
const SENT_NOT_RECORDED: &str = "payout::sent=return";

#[tokio::test(flavor = "multi_thread")]
async fn payout_killed_between_deciding_telling_and_recording_tells_each_and_pays_once() {
    for failpoint in [STATUS_COMMITTED, SENT_NOT_RECORDED] {
        // What died with the process is another's after the lease, which an attempt's own bounds allow to be short.
        let options = StackOptions::new()
            .set(ServiceName::Payout, "CLIENT__CONNECT_TIMEOUT_MS", "1000")
            .set(ServiceName::Payout, "CLIENT__TOTAL_TIMEOUT_MS", "1000")
            .set(ServiceName::Payout, "DELIVERY__LEASE_SECONDS", "6");
        let mut scene = Scene::set_with(options, 1).await;
        eventually("both clicks have arrived", SOON, async || scene.truth.clicks().await.len() == 2).await;
        let process = scene.stack.service(ServiceName::Payout);
        assert_eq!(process.stop().await.code(), Some(0));
        process.start_with(failpoint).await;

        let journal = Load::start(scene.guide.apps_flyer(), scene.clicks.clone()).finish().await;
        let process = scene.stack.service(ServiceName::Payout);
        let end = eventually(&format!("payout dies at {failpoint}"), SOON, async || process.ended()).await;
        assert_eq!(end.signal(), Some(SIGABRT), "{}", process.log_end());
        process.forget();

        // The fault landed between the two.
        assert!(scene.truth.transfers().await > 0, "{failpoint}: nothing was committed");
        assert_eq!(scene.truth.in_payout("SELECT 1 FROM delivery_attempts").await, 0, "{failpoint}");
        let heard = scene.publisher.deliveries().len();
        if failpoint == SENT_NOT_RECORDED {
            assert!(heard > 0, "nobody was told");
        }

        scene.stack.service(ServiceName::Payout).start().await;
        scene.account(&journal).await;

        // Told once more under the name that it had before.
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for delivery in scene.publisher.deliveries() {
            let conversion = delivery.param("conversion").unwrap();
            names.entry(conversion).or_default().push(delivery.header("webhook-id").unwrap().to_owned());
        }
        for told in names.values() {
            assert!(told.len() <= 2 && told.iter().all(|name| *name == told[0]), "{failpoint}: {told:?}");
        }
        let told: usize = names.values().map(Vec::len).sum();
        assert!(failpoint == STATUS_COMMITTED || told > names.len(), "what was sent was sent again");
    }
}
