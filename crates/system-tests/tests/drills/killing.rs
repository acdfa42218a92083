//! SIGKILL: no service gets to say goodbye, and nothing that was accepted is lost or done twice.

use std::time::Duration;

use system_tests::{ServiceName, load::Load};
use test_kit::{Depth, eventually};

use crate::scene::Scene;

const SOON: Duration = Duration::from_secs(30);

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

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_commit_and_ack_has_one_effect() {
    for (service, queue) in
        [(ServiceName::Attribution, "attribution.postbacks"), (ServiceName::Payout, "payout.conversions")]
    {
        let mut scene = Scene::set(1).await;
        // Stops each batch of any queue after its transaction committed and before its acknowledgement.
        scene.stack.service(service).stop().await;
        scene.stack.service(service).forget();
        scene.stack.service(service).start_with("bus::before_ack=pause").await;
        let load = Load::start(scene.guide.apps_flyer(), scene.clicks.clone());

        // The effect is in the database, and the broker still waits for the acknowledgement: the fault is in mid-work.
        eventually("the effect is committed", SOON, async || {
            let effects = match service {
                ServiceName::Attribution => scene.truth.decisions().await.len(),
                _ => usize::try_from(scene.truth.transfers().await).unwrap(),
            };
            if effects > 0 { Ok(()) } else { Err(effects) }
        })
        .await;
        let journal = load.finish().await;
        eventually("the broker waits for the acknowledgement", SOON, async || {
            let depth = scene.stack.namespace().depth(queue).unwrap_or_default();
            if depth.unacknowledged > 0 { Ok(()) } else { Err(depth) }
        })
        .await;
        scene.stack.service(service).kill();
        eventually("the broker has taken the message back", SOON, async || {
            let depth = scene.stack.namespace().depth(queue).unwrap_or_default();
            if depth.ready > 0 && depth.unacknowledged == 0 { Ok(()) } else { Err(depth) }
        })
        .await;
        scene.stack.service(service).start().await;
        scene.account(&journal).await;
        assert_eq!(scene.stack.namespace().depth(queue), Some(Depth::default()));
    }
}
