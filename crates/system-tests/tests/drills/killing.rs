//! SIGKILL: no service gets to say goodbye, and nothing that was accepted is lost or done twice.

use std::{os::unix::process::ExitStatusExt as _, time::Duration};

use bus::house::{ATTRIBUTION_POSTBACKS, PAYOUT_CONVERSIONS};
use system_tests::{ServiceName, load::Load};
use test_kit::eventually;

use crate::scene::Scene;

const SOON: Duration = Duration::from_secs(30);
/// What `abort` ends a process with.
const SIGABRT: i32 = 6;

/// Clicks whose events are sent while services die: enough that every kill lands in mid-work.
const CLICKS: usize = 150;

#[tokio::test(flavor = "multi_thread")]
async fn every_service_killed_in_mid_work_loses_nothing() {
    let mut scene = Scene::set(CLICKS).await;
    let load = Load::start(scene.guide.apps_flyer(), scene.clicks.clone());
    for (number, service) in ServiceName::ALL.into_iter().enumerate() {
        // Work has begun, and has gone on since the last kill.
        let more = 10 * (number + 1);
        eventually("work goes on", SOON, async || {
            let decided = scene.truth.decisions().await.len();
            if decided >= more { Ok(()) } else { Err(decided) }
        })
        .await;
        assert!(
            !load.is_done(),
            "the load was over before {service:?} was killed: the fault missed the work"
        );
        scene.stack.service(service).kill();
        scene.stack.service(service).start().await;
    }
    let journal = load.finish().await;
    assert_eq!(journal.clicks(), CLICKS);
    scene.account(&journal).await;
}

/// `return` at this failpoint ends the process on the spot, as SIGKILL does: after the batch's transaction has committed
/// and before the broker is told.
const BETWEEN_COMMIT_AND_ACK: &str = "bus::before_ack=return";

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_commit_and_ack_has_one_effect() {
    for (service, queue) in
        [(ServiceName::Attribution, ATTRIBUTION_POSTBACKS), (ServiceName::Payout, PAYOUT_CONVERSIONS)]
    {
        let mut scene = Scene::set(1).await;
        // Nothing else may wait in a queue, or it would be the batch that the process dies at.
        eventually("the click has arrived", SOON, async || scene.truth.clicks().await == 1).await;
        let process = scene.stack.service(service);
        assert_eq!(process.stop().await.code(), Some(0));
        process.start_with(BETWEEN_COMMIT_AND_ACK).await;

        let journal = Load::start(scene.guide.apps_flyer(), scene.clicks.clone()).finish().await;
        let process = scene.stack.service(service);
        let end =
            eventually(&format!("{service:?} dies at its first batch"), SOON, async || process.ended()).await;
        assert_eq!(end.signal(), Some(SIGABRT), "{}", process.log_end());
        process.forget();

        // The fault landed between the two: the effect is in the database, and the broker has the message back.
        let effects = match service {
            ServiceName::Attribution => i64::try_from(scene.truth.decisions().await.len()).unwrap(),
            _ => scene.truth.transfers().await,
        };
        assert!(effects > 0, "{service:?} died before its transaction committed");
        eventually("the broker has taken the message back", SOON, async || {
            scene.stack.namespace().ready(queue).await.unwrap_or_default() > 0
        })
        .await;

        scene.stack.service(service).start().await;
        scene.account(&journal).await;
    }
}
