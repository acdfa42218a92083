//! What an operator sets: never shown, whether it is right, wrong, refused by the other side or not even of the right form.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use system_tests::{
    ServiceName, ServiceProcess,
    canary::{Canaries, Place},
};
use test_kit::{Nodes, eventually, free_port};

const SOON: Duration = Duration::from_secs(30);

/// A key of 32 bytes whose text is a canary.
fn key(canaries: &mut Canaries, position: &str) -> String {
    // Its letters are base64url's; only the length must be right.
    let mut text = canaries.secret(position);
    text.push_str(&"A".repeat(43 - text.len()));
    assert_eq!(URL_SAFE_NO_PAD.decode(&text).expect("base64url").len(), 32);
    text
}

/// All secrets a service can be given, each a canary; the addresses are of servers that are there and refuse them.
fn environment(
    service: ServiceName,
    canaries: &mut Canaries,
    (http, admin): (SocketAddr, SocketAddr),
    folder: &std::path::Path,
) -> BTreeMap<String, String> {
    let nodes = Nodes::from_env();
    let at = |name: &str| format!("{name} of {service:?}");
    let broker = nodes.amqp_url().rsplit_once('@').unwrap().1.to_owned();
    let database = nodes.admin_url("postgres").rsplit_once('@').unwrap().1.to_owned();
    let mut values = vec![
        ("HTTP__LISTEN", http.to_string()),
        ("ADMIN__LISTEN", admin.to_string()),
        ("TELEMETRY__LOG_FILTER", String::from("trace")),
        ("BUS__URL", format!("amqp://nobody:{}@{broker}", canaries.secret(at("the broker's password")))),
    ];
    if service.has_database() {
        for key in ["DATABASE__URL", "DATABASE__MIGRATE_URL"] {
            values.push((key, format!("postgres://nobody:{}@{database}", canaries.secret(at(key)))));
        }
    }
    let keys = |canaries: &mut Canaries, name: &str| {
        format!("1:{},2:{}", key(canaries, &at(name)), key(canaries, &at(name)))
    };
    match service {
        ServiceName::OfferCatalog => values.extend([
            ("AUTH__TOKEN_PEPPER", key(canaries, &at("the pepper"))),
            ("OPERATOR__TOKEN", key(canaries, &at("the operator's token"))),
            ("CREDENTIALS__KEYS", keys(canaries, "credential keys")),
            ("SEALING__KEYS", keys(canaries, "sealing keys")),
            ("PUBLIC__POSTBACK_BASE_URL", String::from("http://127.0.0.1:1")),
            ("PUBLIC__TRACKING_BASE_URL", String::from("http://127.0.0.1:1")),
        ]),
        ServiceName::Tracker => values.push(("CLICKS__KEYS", keys(canaries, "click keys"))),
        ServiceName::Ingest => values.extend([
            ("CREDENTIALS__KEYS", keys(canaries, "credential keys")),
            ("CREDENTIALS__GENERATIONS_FILE", folder.join("generations").display().to_string()),
        ]),
        ServiceName::Attribution => values.extend([
            ("AUTH__TOKEN_PEPPER", key(canaries, &at("the pepper"))),
            ("CLICKS__KEYS", keys(canaries, "click keys")),
        ]),
        ServiceName::Payout => values.extend([
            ("AUTH__TOKEN_PEPPER", key(canaries, &at("the pepper"))),
            ("SEALING__KEYS", keys(canaries, "sealing keys")),
        ]),
    }
    values.into_iter().map(|(key, value)| (format!("{}__{key}", service.prefix()), value)).collect()
}

/// Settings that hold a secret.
fn is_secret(key: &str) -> bool {
    ["URL", "PEPPER", "TOKEN", "KEYS"].iter().any(|end| key.ends_with(end)) && !key.contains("PUBLIC")
}

#[tokio::test]
async fn no_secret_of_the_settings_is_shown_or_logged() {
    for service in ServiceName::ALL {
        let folder = tempfile::tempdir().unwrap();
        let mut canaries = Canaries::default();
        let ports = (free_port(), free_port());
        let values = environment(service, &mut canaries, ports, folder.path());

        // `Debug` of every settings struct: it is what this prints.
        let process = ServiceProcess::new(service, values.clone(), ports.1, folder.path());
        let (valid, shown) = process.run("check-settings");
        assert!(valid, "{service:?}: {shown}");
        assert!(shown.contains("REDACTED"), "{service:?} shows no settings: {shown}");
        canaries.are_nowhere_in(&[Place::new("check-settings", shown)]);

        // Each secret in a form that is not right, in turn.
        for secret in values.keys().filter(|key| is_secret(key)) {
            for bend in [
                "{}",
                "ftp://u:{}@h/x",
                "amqp://u:{}@[h:1/x",
                "postgres://u:{}@h:port/x",
                "99:{}",
                "1:{},1:{}",
                "1:{}!",
            ] {
                let mut wrong = values.clone();
                let canary = canaries.secret(format!("{secret} as {bend}"));
                wrong.insert(secret.clone(), bend.replace("{}", &canary));
                let process = ServiceProcess::new(service, wrong, ports.1, folder.path());
                let (_, shown) = process.run("check-settings");
                canaries.are_nowhere_in(&[Place::new("the answer to wrong settings", shown)]);
            }
        }

        // The broker and the database are there and refuse the passwords.
        let mut process = ServiceProcess::new(service, values, ports.1, folder.path());
        process.spawn("");
        eventually("the broker's refusal is logged", SOON, async || {
            let log = process.log();
            if process.ended().is_some() || log.contains("RabbitMQ") && log.contains("WARN") {
                Ok(())
            } else {
                Err(log)
            }
        })
        .await;
        if service.has_database() {
            let (migrated, shown) = process.run("migrate");
            assert!(!migrated, "nobody may migrate");
            canaries.are_nowhere_in(&[Place::new("migrate's failure", shown)]);
        }
        canaries.are_nowhere_in(&[Place::new("a log", process.log())]);
    }
}
