//! Which layer wins, and what an operator reads when something is wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{ffi::OsString, fs, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use settings::{Loaded, Problems, SettingsError, Source, Validate, load_from};

const DEFAULTS: &str = r#"
networks = ["10.0.0.0/8"]
mode = "fast"

[http]
port = 8080
compress = true
trace_endpoint = ""
state_file = "/var/lib/state"

[bus]
prefetch = 300
"#;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Fast,
    Careful,
}

#[derive(Debug, Deserialize)]
struct Shop {
    networks: Vec<String>,
    mode: Mode,
    http: Http,
    bus: Bus,
}

#[derive(Debug, Deserialize)]
struct Http {
    port: u16,
    compress: bool,
    trace_endpoint: Option<String>,
    state_file: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Bus {
    url: SecretString,
    prefetch: u16,
}

impl Validate for Shop {
    fn validate(&self, problems: &mut Problems) {
        problems.within("http", &self.http);
        problems.within("bus", &self.bus);
    }
}

impl Validate for Http {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("port", &self.port, &(1..=u16::MAX));
        if self.port == 443 && self.trace_endpoint.is_none() {
            problems.add("trace_endpoint", "must be set on port 443");
        }
        if let Some(endpoint) = &self.trace_endpoint {
            problems.url("trace_endpoint", endpoint, &["http", "https"]);
        }
    }
}

impl Validate for Bus {
    fn validate(&self, problems: &mut Problems) {
        problems.secret_url("url", &self.url, &["amqp", "amqps"]);
    }
}

const SECRET: &str = "amqp://user:hunter2@broker";

/// A settings file and an environment of one test.
#[derive(Default)]
struct Given {
    file: Option<&'static str>,
    environment: Vec<(&'static str, String)>,
}

impl Given {
    fn file(mut self, text: &'static str) -> Self {
        self.file = Some(text);
        self
    }

    fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn with_url(self) -> Self {
        self.variable("SHOP__BUS__URL", SECRET)
    }

    fn load(self) -> Result<Loaded<Shop>, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        let file = self.file.map(|text| {
            let path = folder.path().join("shop.toml");
            fs::write(&path, text).unwrap();
            path
        });
        let environment =
            self.environment.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        load_from(&Source { defaults: DEFAULTS, env_prefix: "SHOP", file }, environment)
    }

    fn complaint(self) -> String {
        let error = self.load().unwrap_err();
        let complaint = error.to_string();
        for text in [complaint.clone(), format!("{error:?}")] {
            assert!(!text.contains("hunter2"), "a secret in: {text}");
        }
        complaint
    }
}

#[test]
fn each_layer_covers_the_one_below() {
    let defaults = Given::default().with_url().load().unwrap();
    assert_eq!(defaults.settings.http.port, 8080);
    assert_eq!(defaults.origins["http.port"], "the defaults");
    assert_eq!(defaults.origins["bus.url"], "environment variable SHOP__BUS__URL");

    let file = "[http]\nport = 1000\ncompress = false\n[bus]\nurl = 'amqp://file'";
    let covered = Given::default().file(file).load().unwrap();
    assert_eq!(covered.settings.http.port, 1000);
    assert!(covered.origins["http.port"].starts_with("file /"));
    assert_eq!(covered.settings.bus.prefetch, 300, "a file that names a section keeps its other keys");

    let covered = Given::default().file(file).variable("SHOP__HTTP__PORT", "2000").load().unwrap();
    assert_eq!(covered.settings.http.port, 2000);
    assert!(!covered.settings.http.compress);
    assert_eq!(covered.settings.bus.url.expose_secret(), "amqp://file");
}

#[test]
fn a_secret_file_is_the_highest_layer_and_loses_its_line_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    fs::write(&path, format!("{SECRET}\r\n")).unwrap();
    let loaded = Given::default()
        .variable("SHOP__BUS__URL", "amqp://lower")
        .variable("SHOP__BUS__URL_FILE", path.to_str().unwrap())
        .load()
        .unwrap();
    assert_eq!(loaded.settings.bus.url.expose_secret(), SECRET);
    assert!(loaded.origins["bus.url"].contains("SHOP__BUS__URL_FILE"));
    assert!(!format!("{:?}", loaded.settings).contains("hunter2"), "settings can be printed");
}

#[test]
fn a_secret_file_that_is_absent_or_empty_is_an_error() {
    let absent = Given::default().variable("SHOP__BUS__URL_FILE", "/no/such/file").complaint();
    assert!(absent.contains("bus.url_file") && absent.contains("/no/such/file"), "{absent}");
    let empty = tempfile::NamedTempFile::new().unwrap();
    let empty = Given::default().variable("SHOP__BUS__URL_FILE", empty.path().to_str().unwrap()).complaint();
    assert!(empty.contains("is empty"), "{empty}");
}

#[test]
fn a_key_that_itself_ends_in_file_is_set_as_it_is() {
    let loaded = Given::default().with_url().variable("SHOP__HTTP__STATE_FILE", "/elsewhere").load().unwrap();
    assert_eq!(loaded.settings.http.state_file, PathBuf::from("/elsewhere"));
}

#[test]
fn texts_of_the_environment_become_what_the_type_asks_for() {
    let shop = Given::default()
        .with_url()
        .variable("SHOP__NETWORKS", "127.0.0.0/8, ::1/128,")
        .variable("SHOP__HTTP__COMPRESS", "false")
        .variable("SHOP__HTTP__TRACE_ENDPOINT", "http://collector:4318")
        .variable("SHOP__MODE", "careful")
        .variable("SHOP_PORT", "of someone else")
        .load()
        .unwrap()
        .settings;
    assert_eq!(shop.networks, ["127.0.0.0/8", "::1/128"]);
    assert!(!shop.http.compress);
    assert_eq!(shop.http.trace_endpoint.as_deref(), Some("http://collector:4318"));
    assert_eq!(shop.mode, Mode::Careful);
}

#[test]
fn an_empty_text_leaves_an_optional_key_unset() {
    assert_eq!(Given::default().with_url().load().unwrap().settings.http.trace_endpoint, None);
}

#[test]
fn unknown_keys_are_named_all_at_once_with_their_layer() {
    let complaint = Given::default()
        .with_url()
        .file("[http]\nprot = 1")
        .variable("SHOP__BUZ__URL", "amqp://user:hunter2@x")
        .complaint();
    assert!(complaint.contains("http.prot: is not a setting; known here: port, compress"), "{complaint}");
    assert!(complaint.contains("shop.toml"), "{complaint}");
    assert!(complaint.contains("buz: is not a setting"), "{complaint}");
    assert!(complaint.contains("SHOP__BUZ__URL"), "{complaint}");
}

#[test]
fn a_missing_key_says_how_to_set_it() {
    let complaint = Given::default().complaint();
    for part in ["bus.url: is required", "SHOP__BUS__URL,", "SHOP__BUS__URL_FILE"] {
        assert!(complaint.contains(part), "{part} in {complaint}");
    }
}

#[test]
fn a_wrong_type_names_key_and_layer_and_never_the_value() {
    let port = Given::default().with_url().variable("SHOP__HTTP__PORT", "hunter2").complaint();
    assert_eq!(
        port,
        "http.port: must be a whole number from 0 to 65535, is a text (set by environment variable SHOP__HTTP__PORT)"
    );
    let port = Given::default().with_url().variable("SHOP__HTTP__PORT", "65536").complaint();
    assert!(port.starts_with("http.port: must be a whole number from 0 to 65535 (set by"), "{port}");
    let port = Given::default().with_url().file("[http]\nport = 80.6").complaint();
    assert!(port.contains("is a number with a fraction"), "{port}");
    let url = Given::default().file("[bus]\nurl = ['hunter2']").complaint();
    assert!(url.starts_with("bus.url: must be a text, is a list (set by file "), "{url}");
    let mode = Given::default().with_url().variable("SHOP__MODE", "hunter2").complaint();
    assert!(mode.starts_with("mode: must be one of: fast, careful (set by"), "{mode}");
    let section = Given::default().with_url().variable("SHOP__HTTP", "hunter2").complaint();
    assert!(section.starts_with("http: must be a table, is a text"), "{section}");
    let list = Given::default().with_url().file("networks = [1]").complaint();
    assert!(list.starts_with("networks[0]: must be a text, is a whole number"), "{list}");
}

#[test]
fn rules_of_the_service_are_reported_together_with_their_layers() {
    let complaint = Given::default()
        .variable("SHOP__HTTP__PORT", "0")
        .variable("SHOP__BUS__URL", "postgres://user:hunter2@broker")
        .complaint();
    assert!(complaint.starts_with("2 settings are wrong\n"), "{complaint}");
    assert!(
        complaint
            .contains("http.port: must be 1..=65535, is 0 (set by environment variable SHOP__HTTP__PORT)")
    );
    assert!(complaint.contains("bus.url: must be a URL that begins with amqp:// or amqps://"), "{complaint}");
}

#[test]
fn a_rule_about_a_key_that_nothing_sets_says_how_to_set_it() {
    let complaint = Given::default().with_url().variable("SHOP__HTTP__PORT", "443").complaint();
    // The defaults name it with an empty text, so they are what set it.
    assert_eq!(complaint, "http.trace_endpoint: must be set on port 443 (set by the defaults)");
    let source = Source { defaults: "a = 1", env_prefix: "SHOP", file: None };
    let complaint = load_from::<Pair>(&source, []).unwrap_err().to_string();
    assert_eq!(complaint, "b: must be set when a is; nothing sets it, SHOP__B would");
}

#[derive(Debug, Deserialize)]
struct Pair {
    a: Option<u8>,
    b: Option<u8>,
}

impl Validate for Pair {
    fn validate(&self, problems: &mut Problems) {
        if self.a.is_some() && self.b.is_none() {
            problems.add("b", "must be set when a is");
        }
    }
}

#[test]
fn broken_toml_is_located_without_quoting_it() {
    let complaint = Given::default().file("[bus]\nurl = 'amqp://user:hunter2@broker").complaint();
    assert!(complaint.contains("shop.toml") && complaint.contains("line 2"), "{complaint}");
}

#[test]
fn a_settings_file_that_is_absent_is_an_error() {
    let source = Source { defaults: DEFAULTS, env_prefix: "SHOP", file: Some("/no/such.toml".into()) };
    let error = load_from::<Shop>(&source, []).unwrap_err();
    assert!(matches!(error, SettingsError::ReadFile { .. }), "{error}");
}

#[test]
fn a_variable_that_names_no_key_is_an_error() {
    let complaint = Given::default().with_url().variable("SHOP__HTTP____PORT", "1").complaint();
    assert!(complaint.contains("SHOP__HTTP____PORT"), "{complaint}");
}
