//! How a process ends: in order when asked to, non-zero when broken, at once when asked twice.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod small;

use small::Small;

const STARTED: &str = "readiness changed";

/// Positions of the messages in the log, each of which must be there.
fn order(log: &str, messages: &[&str]) -> Vec<usize> {
    messages
        .iter()
        .map(|message| log.find(message).unwrap_or_else(|| panic!("no {message:?} in {log}")))
        .collect()
}

#[test]
fn a_signal_stops_in_order_and_ends_with_0() {
    for signal in ["TERM", "INT"] {
        let running = Small::with(&["serve"]).start_until(STARTED);
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.code, 0, "{ended:?}");
        let steps = [
            "\"stopping\"",
            "worker finishes its batch",
            "worker is done",
            "server is done",
            "connection is closed",
            "\"stopped\"",
        ];
        assert!(order(&ended.stdout, &steps).is_sorted(), "{}", ended.stdout);
        let finishing = ended.stdout.lines().find(|line| line.contains("worker finishes")).unwrap();
        assert!(finishing.contains("\"ready\":false"), "not ready comes before taking no work: {finishing}");
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn work_that_does_not_end_in_time_is_dropped_and_named() {
    let running = Small::with(&["serve"])
        .set("SMALL__FAULT", "work_is_stuck")
        .set("SMALL__STOP__DRAIN_SECONDS", "1")
        .start_until(STARTED);
    running.signal("TERM");
    let ended = running.end();
    assert_eq!(ended.code, 1);
    assert_eq!(ended.stderr, "small: work did not end in time: still running: stuck\n");
    order(&ended.stdout, &["worker is done", "server is done"]);
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut running = Small::with(&["serve"])
        .set("SMALL__FAULT", "work_is_stuck")
        .set("SMALL__STOP__DRAIN_SECONDS", "3600")
        .start_until(STARTED);
    running.signal("TERM");
    running.wait_for("worker is done");
    running.signal("INT");
    let ended = running.end();
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("second signal"), "{ended:?}");
}

#[test]
fn a_critical_task_that_dies_stops_the_process_in_order_with_1() {
    let ended = Small::with(&["serve"]).set("SMALL__FAULT", "critical_dies").run();
    assert_eq!(ended.code, 1);
    assert_eq!(ended.stderr, "small: the task heart ended before it was told to\n");
    order(&ended.stdout, &["worker is done", "server is done", "connection is closed"]);
}

#[test]
fn a_panic_is_logged_with_its_task_and_hurts_nobody_else() {
    let running =
        Small::with(&["serve"]).set("SMALL__FAULT", "work_panics").start_until("a task ended in panic");
    running.signal("TERM");
    let ended = running.end();
    assert_eq!(ended.code, 0, "{ended:?}");
    let panicked = ended.stdout.lines().find(|line| line.contains("a task ended in panic")).unwrap();
    assert!(panicked.contains("\"task\":\"fragile\""), "{panicked}");
    order(&ended.stdout, &["as asked", "smallest_service.rs", "worker is done"]);
    assert_eq!(ended.stderr, "", "panics are log lines, not text on stderr");
}

#[test]
fn serve_that_fails_ends_with_1_after_draining() {
    let ended = Small::with(&["serve"]).set("SMALL__FAULT", "serve_fails").run();
    assert_eq!((ended.code, ended.stderr.as_str()), (1, "small: no port for you\n"));
    order(&ended.stdout, &["worker is done", "connection is closed"]);
}
