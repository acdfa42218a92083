//! SIGKILL: no service gets to say goodbye, and nothing that was accepted is lost or done twice.

use std::{os::unix::process::ExitStatusExt as _, sync::Arc, time::Duration};

use bus::house::{ATTRIBUTION_POSTBACKS, PAYOUT_CONVERSIONS};
use system_tests::{
    ServiceName,
    load::{Load, Repeating},
};
use test_kit::{click_id_of, eventually, http_client};

use crate::scene::Scene;

const SOON: Duration = Duration::from_secs(30);
/// What `abort` ends a process with.
pub const SIGABRT: i32 = 6;

/// Clicks whose events are sent while services die: enough that the load outlasts every kill.
const CLICKS: usize = 400;
/// What a service must have done since the last kill before it is its turn.
const WORK: usize = 3;

/// How much of its own work a service has done so far, as its effects show.
async fn work_of(scene: &Scene, service: ServiceName) -> usize {
    match service {
        ServiceName::OfferCatalog => scene.truth.advertisers().await.len(),
        ServiceName::Tracker => scene.truth.clicks().await.len(),
        ServiceName::Ingest | ServiceName::Attribution => scene.truth.decisions().await.len(),
        ServiceName::Payout => usize::try_from(scene.truth.transfers().await).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_killed_in_mid_work_loses_nothing() {
    let mut scene = Scene::set(CLICKS).await;
    let guide = Arc::new(scene.guide.clone());
    // Users click and account managers work all the while, so that tracker and catalog are in mid-work too.
    let visitors = Repeating::start({
        let guide = Arc::clone(&guide);
        move |number| {
            let url = guide.link_for(&format!("v-{number}"), "visitor");
            async move {
                let answer = http_client().get(url).send().await.ok()?;
                answer.headers().get("location")?.to_str().ok().map(click_id_of)
            }
        }
    });
    let managers = Repeating::start(move |number| {
        let guide = Arc::clone(&guide);
        async move { guide.tenant.advertiser(&format!("Advertiser {number}")).await.ok() }
    });
    let load = Load::start(scene.guide.apps_flyer(), scene.clicks.clone());

    for service in ServiceName::ALL {
        let before = work_of(&scene, service).await;
        eventually(&format!("{service:?} is in mid-work"), SOON, async || {
            let done = work_of(&scene, service).await - before;
            if done >= WORK { Ok(()) } else { Err(done) }
        })
        .await;
        assert!(
            !load.is_done(),
            "the load was over before {service:?} was killed: the fault missed the work"
        );
        scene.stack.service(service).kill();
        scene.stack.service(service).start().await;
    }
    let clicked = visitors.stop().await;
    let advertisers = managers.stop().await;
    let journal = load.finish().await;
    assert_eq!(journal.clicks(), CLICKS);
    scene.account(&journal).await;

    // What was promised to users and account managers holds as well.
    assert!(clicked.len() > WORK && advertisers.len() > WORK);
    eventually("every redirected click has arrived", SOON, async || {
        let known = scene.truth.clicks().await;
        let lost: Vec<_> = clicked.iter().filter(|click| !known.contains(&click.parse().unwrap())).collect();
        if lost.is_empty() { Ok(()) } else { Err(lost.len()) }
    })
    .await;
    let known = scene.truth.advertisers().await;
    assert!(advertisers.iter().all(|advertiser| known.contains(&advertiser.parse().unwrap())));
}

/// `return` at this failpoint ends the process on the spot, as SIGKILL does: after the batch's transaction has committed
/// and before the broker is told.
pub const BETWEEN_COMMIT_AND_ACK: &str = "bus::before_ack=return";

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_commit_and_ack_has_one_effect() {
    for (service, queue) in
        [(ServiceName::Attribution, ATTRIBUTION_POSTBACKS), (ServiceName::Payout, PAYOUT_CONVERSIONS)]
    {
        let mut scene = Scene::set(1).await;
        // Nothing else may wait in a queue, or it would be the batch that the process dies at.
        eventually("both clicks have arrived", SOON, async || scene.truth.clicks().await.len() == 2).await;
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
