//! SIGKILL at every step of accepting a call, at both public doors, under load: whatever was answered is in the queue or
//! in the spool at least once, and has one effect.

use std::{os::unix::process::ExitStatusExt as _, time::Duration};

use system_tests::{
    ServiceName,
    crowd::{Crowd, Door, summary},
    load::Journal,
};
use test_kit::eventually;

use crate::scene::{Scene, Wires};

const SOON: Duration = Duration::from_secs(30);
/// What `abort` ends a process with.
const SIGABRT: i32 = 6;
/// So often the step is passed before the process dies at it: it dies in mid-work.
const PASSED: usize = 25;

/// The steps of accepting, each with whether the broker takes what is said then.
const STEPS: [(ServiceName, &str, bool); 10] = [
    (ServiceName::Ingest, "ingest::parsed", true),
    (ServiceName::Ingest, "bus::before_publish", true),
    (ServiceName::Ingest, "bus::confirmed", true),
    (ServiceName::Ingest, "bus::spooled", false),
    (ServiceName::Ingest, "ingest::answered", true),
    (ServiceName::Tracker, "tracker::parsed", true),
    (ServiceName::Tracker, "bus::before_publish", true),
    (ServiceName::Tracker, "bus::confirmed", true),
    (ServiceName::Tracker, "bus::spooled", false),
    (ServiceName::Tracker, "tracker::answered", true),
];

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_step_of_accepting_no_answer_was_a_lie() {
    let wires = Wires::new();
    let mut scene = Scene::set_with(wires.options(), 0).await;
    let mut whole = Journal::default();
    for (service, step, broker_is_there) in STEPS {
        let wire = wires.of(service);
        let door = if service == ServiceName::Ingest { Door::Postbacks } else { Door::Clicks };
        let process = scene.stack.service(service);
        assert_eq!(process.stop().await.code(), Some(0));
        if !broker_is_there {
            wire.refuse();
        }
        process.start_with(&format!("{step}={PASSED}*off->return")).await;
        let crowd = Crowd::start(&scene.guide, &format!("{service:?}-{step}").replace(':', "-"));
        let end = eventually(&format!("{service:?} dies at {step}"), SOON, async || process.ended()).await;
        assert_eq!(end.signal(), Some(SIGABRT), "{service:?} at {step}: {}", process.log_end());
        process.forget();
        // It landed in mid-work: calls had been accepted, and the crowd goes on calling.
        let accepted = crowd.accepted(door);
        assert!(accepted >= PASSED / 2, "{service:?} had accepted {accepted} calls before it died at {step}");
        if !broker_is_there {
            assert!(scene.stack.spooled(service) > 0, "{service:?} had spooled nothing");
        }
        let process = scene.stack.service(service);
        wire.heal();
        process.start().await;
        crowd.goes_on(10, SOON).await;
        let (journal, calls) = crowd.finish().await;
        assert!(
            calls.iter().any(|call| call.door == door && !call.is_accepted()),
            "nobody met the death of {service:?} at {step}"
        );
        for call in calls.iter().filter(|call| !call.is_accepted()) {
            let is_honest = call.status.is_none() || call.status == Some(503) && call.retry_after;
            assert!(is_honest, "{service:?} at {step}: {call:?}");
        }
        println!("{service:?} killed at {step} after {accepted} accepted calls: {}", summary(&calls));
        whole.add(journal);
    }
    scene.drains().await;
    scene.account(&whole).await;
}
