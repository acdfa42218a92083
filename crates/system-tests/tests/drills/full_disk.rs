//! Neither the broker nor the spool can take a call: then, and only then, it is answered 503 with `Retry-After`; and when
//! one of them can again, calls are accepted again.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use system_tests::{
    ServiceName,
    crowd::{Crowd, Door, summary},
};
use test_kit::eventually;

use crate::scene::{DOORS, Scene, Wires};

const SOON: Duration = Duration::from_secs(60);
/// Room for some hundreds of calls.
const DISK_BYTES: usize = 96 * 1_024;
/// An honest answer is a quick one.
const LONGEST_CALL: Duration = Duration::from_secs(5);
/// How long both are full.
const FULL: Duration = Duration::from_secs(5);

/// A disk of its own for a spool, small enough to be filled.
struct TinyDisk(PathBuf);

impl TinyDisk {
    /// `None` where mounts are not allowed.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let size = format!("size={DISK_BYTES}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        // Whoever still has a file open keeps it until he ends.
        let gone = Command::new("umount").arg("--lazy").arg(&self.0).status();
        if !gone.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.0.display());
        }
    }
}

/// What fills the disk.
enum Filling {
    /// Disks that are really full.
    Disks { _disks: Vec<TinyDisk> },
    /// Where mounts are not allowed: after so many writes every other one fails as on a full disk, until the next start.
    Hook,
}

/// The failpoint of [`Filling::Hook`]. The tracker's disk takes more, or no user would come as far as ingest.
const fn no_space(service: ServiceName) -> &'static str {
    match service {
        ServiceName::Tracker => "bus::spool_append=100*off->return",
        _ => "bus::spool_append=20*off->return",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_broker_and_disk_callers_are_told_to_come_again_and_served_when_they_do() {
    let wires = Wires::new();
    let folder = tempfile::tempdir().unwrap();
    let mut options = wires.options();
    let mut disks = Vec::new();
    for service in DOORS {
        let spool = folder.path().join(service.binary());
        disks.extend(TinyDisk::mount(&spool));
        options = options.set(service, "SPOOL__FOLDER", spool.display().to_string());
    }
    let filling = if disks.len() == DOORS.len() { Filling::Disks { _disks: disks } } else { Filling::Hook };
    println!(
        "the disk is full {}",
        match filling {
            Filling::Disks { .. } => "for real: tmpfs",
            Filling::Hook => "by a failpoint: mounts are not allowed here",
        }
    );
    let mut scene = Scene::set_with(options, 0).await;
    if matches!(filling, Filling::Hook) {
        restart(&mut scene, no_space).await;
    }
    let crowd = Crowd::start(&scene.guide, "f");
    crowd.goes_on(20, SOON).await;

    for wire in wires.both() {
        wire.refuse();
        wire.cut();
    }
    let broken = Instant::now();
    eventually("both doors refuse", SOON, async || {
        let calls = crowd.calls_since(broken);
        let refuses = |door| calls.iter().any(|call| call.door == door && call.status == Some(503));
        if Door::BOTH.into_iter().all(refuses) { Ok(()) } else { Err(summary(&calls)) }
    })
    .await;
    let full = Instant::now();
    for service in DOORS {
        eventually(&format!("{service:?} can not take calls, so it is not ready"), SOON, async || {
            !scene.stack.service(service).is_ready().await
        })
        .await;
        assert!(scene.stack.service(service).is_alive().await, "{service:?}: a restart would not help");
    }
    tokio::time::sleep(FULL.saturating_sub(full.elapsed())).await;
    let during = crowd.calls_since(broken);
    println!("from the cut on, full after {:?}: {}", full - broken, summary(&during));
    assert!(
        DOORS.into_iter().all(|door| scene.stack.spooled(door) > 0),
        "the disk was full before anything was spooled"
    );

    // The broker is back.
    if matches!(filling, Filling::Hook) {
        restart(&mut scene, |_service| "").await;
    }
    for wire in wires.both() {
        wire.heal();
    }
    let healed = Instant::now();
    for service in DOORS {
        scene.stack.service(service).ready().await;
    }
    crowd.goes_on(30, SOON).await;
    scene.drains().await;
    println!("accepting and drained {:?} after the broker's return", healed.elapsed());
    // With room on the disk again, calls are spooled again.
    for wire in wires.both() {
        wire.refuse();
        wire.cut();
    }
    let again = Instant::now();
    eventually("both doors spool again", SOON, async || {
        DOORS.into_iter().all(|door| scene.stack.spooled(door) > 0)
    })
    .await;
    crowd.goes_on(10, SOON).await;
    for wire in wires.both() {
        wire.heal();
    }
    let (journal, calls) = crowd.finish().await;
    for call in calls.iter().filter(|call| !call.is_accepted()) {
        // A call that met the end of a process has no answer; that is the hook's restart.
        let is_restart = call.status.is_none() && matches!(filling, Filling::Hook);
        let is_honest = call.status == Some(503) && call.retry_after && call.took < LONGEST_CALL;
        assert!(is_restart || is_honest && call.at >= broken - LONGEST_CALL, "{call:?}");
    }
    println!(
        "after it had room again: {}",
        summary(&calls.into_iter().filter(|call| call.at >= again).collect::<Vec<_>>())
    );
    scene.drains().await;
    scene.account(&journal).await;
}

async fn restart(scene: &mut Scene, failpoints: impl Fn(ServiceName) -> &'static str) {
    for service in DOORS {
        let process = scene.stack.service(service);
        assert_eq!(process.stop().await.code(), Some(0), "{service:?}");
        process.start_with(failpoints(service)).await;
    }
}
