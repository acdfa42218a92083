//! What the command line answers, and with which exit code.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod small;

use small::Small;

#[test]
fn valid_settings_are_shown_with_their_layers_and_without_secrets() {
    let ended = Small::with(&["check-settings"]).set("SMALL__STOP__DRAIN_SECONDS", "7").run();
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.starts_with("settings are valid\n"), "{ended:?}");
    assert!(ended.stdout.contains("drain_seconds: 7"), "{ended:?}");
    assert!(ended.stdout.contains("  password: environment variable SMALL__PASSWORD\n"), "{ended:?}");
    assert!(!ended.stdout.contains("\n  fault:"), "defaults are not listed: {ended:?}");
    assert!(!ended.stdout.contains(small::PASSWORD), "{ended:?}");
}

#[test]
fn wrong_settings_end_any_command_with_2_and_name_the_key() {
    for command in ["check-settings", "serve", "migrate"] {
        let ended = Small::with(&[command]).set("SMALL__STOP__DRAIN_SECONDS", "0").run();
        assert_eq!(ended.code, 2, "{ended:?}");
        let expected = "small: stop.drain_seconds: must be 1..=3600, is 0 (set by environment variable SMALL__STOP__DRAIN_SECONDS)\n";
        assert_eq!(ended.stderr, expected);
    }
    let ended = Small::with(&["serve", "--settings", "/no/such.toml"]).run();
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("/no/such.toml: No such file"), "{ended:?}");
    let ended = Small::with(&["serve"]).set("SMALL__TELEMETRY__LOG_FILTER", "in=fo=rmation").run();
    assert!(ended.code == 2 && ended.stderr.contains("telemetry.log_filter"), "{ended:?}");
}

#[test]
fn a_wrong_command_line_ends_with_2_and_help_with_0() {
    assert_eq!(Small::with(&["fly"]).run().code, 2);
    let help = Small::with(&["--help"]).run();
    assert_eq!(help.code, 0);
    for command in ["serve", "migrate", "check-settings", "print-openapi", "echo"] {
        assert!(help.stdout.contains(command), "{help:?}");
    }
}

#[test]
fn openapi_needs_no_settings() {
    let ended = Small::with(&["print-openapi"]).set("SMALL__NONSENSE", "1").run();
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "{}\n"));
}

#[test]
fn a_command_answers_on_stdout_and_logs_on_stderr() {
    let ended = Small::with(&["echo", "token"]).run();
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "token\n"), "{ended:?}");
    assert!(ended.stderr.contains("saying it"), "{ended:?}");
}

#[test]
fn a_failed_command_ends_with_1_and_says_why() {
    let ended = Small::with(&["migrate"]).run();
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.ends_with("small: can not migrate: there is no database\n"), "{ended:?}");
}

#[test]
fn every_line_of_a_service_is_json() {
    let ended = Small::with(&["serve"]).set("SMALL__FAULT", "serve_fails").run();
    let lines: Vec<serde_json::Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["service"] == "small"));
}
