//! The broker runs short of memory, then of disk, under load: it stops reading from publishers. Calls go on being accepted
//! at once, by the spool, and everything arrives when the alarm is over.

use std::time::{Duration, Instant};

use system_tests::{
    crowd::{Crowd, Door, summary},
    load::Journal,
};
use test_kit::{Nodes, eventually};

use crate::scene::Scene;

const SOON: Duration = Duration::from_secs(30);
/// How long an alarm lasts.
const ALARM: Duration = Duration::from_secs(10);
/// Longer than this no caller waits: the confirm's second, and room for a busy machine.
const LONGEST_CALL: Duration = Duration::from_secs(5);

/// What raises and what lowers an alarm. Lowered again whatever the test does.
struct Alarm {
    nodes: Nodes,
    lower: [&'static str; 2],
}

impl Alarm {
    fn raise(raise: [&'static str; 2], lower: [&'static str; 2]) -> Self {
        let nodes = Nodes::from_env();
        nodes.rabbitmqctl(&raise);
        Self { nodes, lower }
    }

    fn is_up(&self) -> bool {
        !self.nodes.rabbitmqctl(&["eval", "rabbit_alarm:get_alarms()."]).trim().eq("[]")
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.nodes.rabbitmqctl(&self.lower);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_of_the_broker_is_no_refusal_and_no_wait() {
    let mut scene = Scene::set(0).await;
    let mut whole = Journal::default();
    for (what, raise, lower) in [
        ("memory", ["set_vm_memory_high_watermark", "0.00001"], ["set_vm_memory_high_watermark", "0.4"]),
        ("disk", ["set_disk_free_limit", "100000GB"], ["set_disk_free_limit", "512MB"]),
    ] {
        let crowd = Crowd::start(&scene.guide, what);
        crowd.goes_on(20, SOON).await;
        assert_eq!(scene.spooled(), 0);
        let alarm = Alarm::raise(raise, lower);
        // The broker looks at its disk every few seconds only.
        eventually(&format!("the {what} alarm"), SOON, async || alarm.is_up()).await;
        let raised = Instant::now();
        eventually("both doors spool", SOON, async || {
            crate::scene::DOORS.into_iter().all(|door| scene.stack.spooled(door) > 0)
        })
        .await;
        tokio::time::sleep(ALARM.saturating_sub(raised.elapsed())).await;
        let during = crowd.calls_since(raised);
        for service in crate::scene::DOORS {
            assert!(scene.stack.service(service).is_ready().await, "{service:?} takes calls, so it is ready");
        }
        drop(alarm);
        let lowered = Instant::now();
        scene.drains().await;
        println!("{what}: drained {:?} after the alarm; in it: {}", lowered.elapsed(), summary(&during));
        crowd.goes_on(20, SOON).await;
        let (journal, calls) = crowd.finish().await;
        for door in Door::BOTH {
            assert!(
                during.iter().filter(|call| call.door == door).count() > 50,
                "{door:?} was hardly called"
            );
        }
        let refused: Vec<_> = calls.iter().filter(|call| !call.is_accepted()).collect();
        assert!(refused.is_empty(), "{what}: {refused:?}");
        let longest = calls.iter().map(|call| call.took).max().unwrap_or_default();
        assert!(longest < LONGEST_CALL, "{what}: a caller waited for {longest:?}");
        whole.add(journal);
    }
    scene.account(&whole).await;
}
