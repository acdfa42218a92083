//! What the broker does not take lies on this machine's disk, and is brought to it later.
#![expect(clippy::unwrap_used, reason = "a test fails by panic, in its helpers too")]

use std::{fs, path::Path};

use bus::{BusSettings, PublishError, SpoolSettings};
use futures_util::future::join_all;
use test_kit::{Direction, Fault, FaultProxy};

use crate::rig::{QUEUE, ROUTE, Recorder, Rig, SOON, item};

/// Nothing listens on port 1.
fn nowhere(settings: &mut BusSettings) {
    settings.url = BusSettings::new("amqp://nobody:nothing@127.0.0.1:1/%2f", "").url;
}

fn spool_in(folder: &Path) -> SpoolSettings {
    SpoolSettings { folder: folder.join("spool"), ..SpoolSettings::default() }
}

/// Spool files that are not empty, and what was set aside.
fn files(spool: &SpoolSettings) -> (usize, usize) {
    let names: Vec<_> = fs::read_dir(&spool.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let with = |end: &str| names.iter().filter(|name| name.ends_with(end)).count();
    (with(".spool"), with(".damaged"))
}

async fn say_all(rig: &Rig, numbers: std::ops::Range<u64>) {
    let publisher = rig.bus.publisher();
    let route = ROUTE;
    let answers = join_all(numbers.map(|number| publisher.publish(&route, item(number)))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

async fn keeps(rig: &Rig) {
    test_kit::eventually("the spool is open", SOON, async || {
        rig.bus.publisher().publish(&ROUTE, item(0)).await
    })
    .await;
}

#[tokio::test]
async fn what_was_said_without_a_broker_arrives_after_a_restart_with_one() {
    let namespace = test_kit::namespace();
    let place = tempfile::tempdir().unwrap();
    let spool = spool_in(place.path());
    let cut_off = Rig::spooling(&namespace, &spool, nowhere);
    keeps(&cut_off).await;
    say_all(&cut_off, 1..500).await;
    assert!(!cut_off.bus.is_writable() && !cut_off.bus.is_connected());
    cut_off.stop().await;
    assert_eq!(files(&spool).0, 1);

    let rig = Rig::spooling(&namespace, &spool, |_settings| {});
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled(0..500).await;
    test_kit::eventually("the folder is empty", SOON, async || files(&spool) == (0, 0)).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_silent_broker_costs_a_callers_patience_once_and_loses_nothing() {
    let namespace = test_kit::namespace();
    let place = tempfile::tempdir().unwrap();
    let spool = spool_in(place.path());
    let wire = FaultProxy::to_server_of(namespace.amqp_url());
    let url = wire.url(namespace.amqp_url());
    let rig = Rig::spooling(&namespace, &spool, move |settings| {
        settings.url = BusSettings::new(url, "").url;
        settings.confirm_timeout_ms = 300;
    });
    keeps(&rig).await;
    test_kit::eventually("it is writable", SOON, async || rig.bus.is_writable()).await;

    // What is said to the broker arrives; what it says comes when the silence ends.
    wire.set_way(Direction::ToClient, Fault::Hold);
    say_all(&rig, 1..300).await;
    // From now on nobody waits for the broker: straight to the disk.
    assert!(!rig.bus.is_writable());
    say_all(&rig, 300..600).await;
    wire.heal();

    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled(0..600).await;
    test_kit::eventually("the folder is empty", SOON, async || files(&spool) == (0, 0)).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_damaged_record_is_set_aside_and_its_neighbours_arrive() {
    let namespace = test_kit::namespace();
    let place = tempfile::tempdir().unwrap();
    let spool = spool_in(place.path());
    let cut_off = Rig::spooling(&namespace, &spool, nowhere);
    keeps(&cut_off).await;
    // One after the other: each is a record of its own.
    for number in 1..4 {
        say_all(&cut_off, number..number + 1).await;
    }
    cut_off.stop().await;
    let file = fs::read_dir(&spool.folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|kind| kind == "spool"))
        .unwrap();
    let mut bytes = fs::read(&file).unwrap();
    // The second of four records of one size loses a byte; after the fourth a crash left half a write.
    let record = bytes.len() / 4;
    bytes[record + record / 2] ^= 0xff;
    bytes.extend_from_within(..record / 2);
    fs::write(&file, bytes).unwrap();

    let rig = Rig::spooling(&namespace, &spool, |_settings| {});
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled([0, 2, 3]).await;
    test_kit::eventually("only what was set aside is left", SOON, async || files(&spool) == (0, 2)).await;
    rig.stop().await;
}

#[tokio::test]
async fn a_full_spool_is_an_honest_answer_and_a_drained_one_takes_again() {
    let namespace = test_kit::namespace();
    let place = tempfile::tempdir().unwrap();
    let spool = SpoolSettings { max_bytes: 2_000, ..spool_in(place.path()) };
    let cut_off = Rig::spooling(&namespace, &spool, nowhere);
    keeps(&cut_off).await;
    let publisher = cut_off.bus.publisher();
    let mut kept = vec![0];
    test_kit::eventually("the spool is full", SOON, async || {
        let next = kept.last().unwrap() + 1;
        match publisher.publish(&ROUTE, item(next)).await {
            Ok(()) => {
                kept.push(next);
                false
            }
            Err(error) => {
                assert_eq!(error, PublishError::Disconnected);
                true
            }
        }
    })
    .await;
    // The folder's lock goes with the last handle, as with a process.
    drop(publisher);
    cut_off.stop().await;

    let rig = Rig::spooling(&namespace, &spool, |_settings| {});
    let seen = Recorder::default();
    rig.bus.consume(QUEUE, seen.clone()).unwrap();
    seen.has_handled(kept).await;
    test_kit::eventually("the folder is empty", SOON, async || files(&spool) == (0, 0)).await;
    rig.stop().await;
}
