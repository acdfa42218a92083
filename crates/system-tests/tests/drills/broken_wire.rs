//! The network between the doors and the broker fails in the ways in which nothing is closed: silence, black holes, a wire
//! too narrow or too long. Callers do not notice, and nothing is lost.

use std::time::{Duration, Instant};

use system_tests::{
    crowd::{Crowd, Door, summary},
    load::Journal,
};
use test_kit::{Direction, Fault, FaultProxy, eventually};

use crate::scene::{DOORS, Scene, Wires};

const SOON: Duration = Duration::from_secs(30);
/// How long a fault lasts.
const FAULT: Duration = Duration::from_secs(10);
/// Longer than this no caller waits: the confirm's second, and room for a busy machine.
const LONGEST_CALL: Duration = Duration::from_secs(5);
/// A way of half a second, there and back: within the time that a confirm has.
const FAR: Duration = Duration::from_millis(250);

/// One way for a network to fail.
struct Failure {
    what: &'static str,
    to_broker: Fault,
    to_door: Fault,
    /// Whether confirms come too late, so that calls are spooled.
    spools: bool,
}

const FAILURES: [Failure; 5] = [
    Failure { what: "nothing comes back", to_broker: Fault::Pass, to_door: Fault::Hold, spools: true },
    Failure { what: "nothing arrives", to_broker: Fault::Hold, to_door: Fault::Hold, spools: true },
    Failure { what: "a black hole", to_broker: Fault::Blackhole, to_door: Fault::Blackhole, spools: true },
    Failure { what: "a narrow wire", to_broker: Fault::Throttle(2_000), to_door: Fault::Pass, spools: true },
    Failure { what: "a long wire", to_broker: Fault::Delay(FAR), to_door: Fault::Delay(FAR), spools: false },
];

impl Failure {
    fn set(&self, wire: &FaultProxy) {
        wire.set_way(Direction::ToServer, self.to_broker);
        wire.set_way(Direction::ToClient, self.to_door);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_that_fails_without_a_word_is_not_noticed_by_callers() {
    let wires = Wires::new();
    let mut scene = Scene::set_with(wires.options(), 0).await;
    let mut whole = Journal::default();
    for failure in &FAILURES {
        let what = failure.what;
        let crowd = Crowd::start(&scene.guide, &what.replace(' ', "-"));
        crowd.goes_on(20, SOON).await;
        assert_eq!(scene.spooled(), 0);
        for wire in wires.both() {
            failure.set(wire);
        }
        let failed = Instant::now();
        if failure.spools {
            eventually(&format!("{what}: both doors spool"), SOON, async || {
                let spooled = DOORS.map(|door| scene.stack.spooled(door));
                if spooled.iter().all(|bytes| *bytes > 0) {
                    Ok(())
                } else {
                    Err((spooled, summary(&crowd.calls_since(failed))))
                }
            })
            .await;
        }
        tokio::time::sleep(FAULT.saturating_sub(failed.elapsed())).await;
        let during = crowd.calls_since(failed);
        if failure.to_broker == Fault::Blackhole {
            assert!(wires.both().iter().all(|wire| wire.lost(Direction::ToServer) > 0), "nothing was lost");
        }
        for service in DOORS {
            assert!(scene.stack.service(service).is_ready().await, "{service:?} takes calls, so it is ready");
        }
        for wire in wires.both() {
            wire.heal();
        }
        let healed = Instant::now();
        scene.drains().await;
        println!("{what}: drained {:?} after it; in it: {}", healed.elapsed(), summary(&during));
        crowd.goes_on(20, SOON).await;
        let (journal, calls) = crowd.finish().await;
        for door in Door::BOTH {
            assert!(
                during.iter().filter(|call| call.door == door).count() > 20,
                "{what}: {door:?} was hardly called"
            );
        }
        if !failure.spools {
            let late = during.iter().filter(|call| call.took >= FAR * 2).count();
            assert!(
                late * 2 > during.len(),
                "{what}: only {late} of {} calls took the long way",
                during.len()
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
