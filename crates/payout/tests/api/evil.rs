//! Endpoints that never answer, never stop, break off or lead inside: what each costs, what is written down of it, and that
//! nobody else waits for it.

use std::fs;

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use test_kit::{Evil, EvilFarm, eventually};

use crate::{
    facts::Tenant,
    frozen::Frozen,
    stage::{SOON, Stage},
};

const CONNECT_MS: u64 = 1_000;
/// Long enough that the healthy are told within it on a machine that runs every other test beside this one.
const TOTAL_MS: u64 = 12_000;
/// What an attempt may take beyond its bound on a busy machine.
const SLACK_MS: u64 = 5_000;
/// Of one endpoint's answer: the bound of the body, and what the kernels of both sides hold of what nobody reads.
const TAKEN_LIMIT: u64 = 16 * 1_024 * 1_024;
/// Of the whole process, all evils together; what was offered is beyond any memory.
const MEMORY_LIMIT_KIB: u64 = 96 * 1_024;
/// Healthy conversions told meanwhile.
const HEALTHY: u8 = 20;

const NO_ANSWER: &str = "no answer in time";
const BROKEN: &str = "the connection broke before the answer";
const TLS: &str = "cannot agree on TLS (is the certificate valid for this name?)";
const SLOW_CONNECT: &str = "connecting took too long";

/// What is to be written down of an attempt: status, failure, and the state of its delivery.
type Outcome = (Option<i32>, &'static str, &'static str);

const FAILED: &str = "waiting";

const TABLE: [(Evil, Outcome); 23] = [
    (Evil::NeverAnswers, (None, NO_ANSWER, FAILED)),
    (Evil::NeverShakesHands, (None, SLOW_CONNECT, FAILED)),
    (Evil::TricklesHead, (None, NO_ANSWER, FAILED)),
    // A 2xx status line is delivered, whatever the body does.
    (Evil::TricklesBody, (Some(200), "", "delivered")),
    (Evil::EndlessBody, (Some(200), "", "delivered")),
    (Evil::GzipBomb, (Some(200), "", "delivered")),
    (Evil::ResetsInBody, (Some(200), "", "delivered")),
    (Evil::ManyHeaders, (None, BROKEN, FAILED)),
    (Evil::EndlessInterim, (None, NO_ANSWER, FAILED)),
    (Evil::Resets, (None, BROKEN, FAILED)),
    (Evil::NotHttp, (None, BROKEN, FAILED)),
    // HTTP/1.1 is all that is spoken: what HTTP/2 has of evil has no way in.
    (Evil::UnaskedHttp2, (None, BROKEN, FAILED)),
    (Evil::OnlyHttp2, (None, TLS, FAILED)),
    (Evil::RedirectsToItself, (Some(302), "", FAILED)),
    (Evil::NotTls, (None, TLS, FAILED)),
    (Evil::SelfSigned, (None, TLS, FAILED)),
    (Evil::Expired, (None, TLS, FAILED)),
    (Evil::OtherName, (None, TLS, FAILED)),
    (Evil::TooMany("-5"), (Some(429), "", FAILED)),
    (Evil::TooMany("100000000000000000000"), (Some(429), "", FAILED)),
    (Evil::TooMany("Fri, 31 Dec 9999 23:59:59 GMT"), (Some(429), "", FAILED)),
    (Evil::TooMany("\u{1}soon\u{7f}"), (None, BROKEN, FAILED)),
    (Evil::Gone, (Some(410), "", "stopped")),
];

/// Those that take all the time that they are given.
const PATIENT: [Evil; 4] = [Evil::NeverAnswers, Evil::TricklesHead, Evil::TricklesBody, Evil::EndlessInterim];

#[derive(Debug, QueryableByName)]
struct Attempt {
    #[diesel(sql_type = Nullable<Integer>)]
    http_status: Option<i32>,
    #[diesel(sql_type = Text)]
    failure: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    response: String,
    #[diesel(sql_type = Integer)]
    duration_ms: i32,
    /// To the next one.
    #[diesel(sql_type = Nullable<BigInt>)]
    pause_ms: Option<i64>,
}

/// The first attempt of every delivery of a tenant, as the log has it.
async fn attempts(stage: &Stage, tenant: Tenant) -> Vec<Attempt> {
    let select = format!(
        "SELECT attempts.http_status, failure, state, response, duration_ms,
            (extract(epoch FROM next_due_at - started_at) * 1000)::bigint AS pause_ms
        FROM delivery_attempts AS attempts JOIN deliveries USING (tenant_id, delivery_id)
        WHERE tenant_id = '{}' AND number = 1",
        tenant.0
    );
    sql_query(select).load(&mut stage.database.admin().await).await.unwrap()
}

/// The most memory that this process has had, in KiB. Service and farm are both in it.
fn peak_memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_evil_costs_bounded_time_and_bytes_and_nobody_else_waits() {
    // Time stands still, so nobody is called a second time.
    let (stage, frozen) = Frozen::stage(|settings| {
        settings.client.connect_timeout_ms = CONNECT_MS;
        settings.client.total_timeout_ms = TOTAL_MS;
        settings.delivery.in_flight = 64;
    })
    .await;
    let farm = EvilFarm::start();
    let healthy = Tenant::new(1);
    stage.introduce(healthy).await;
    let mut evils = Vec::new();
    for (number, (evil, outcome)) in (100..).zip(TABLE) {
        let tenant = Tenant::new(number);
        let farmed = farm.endpoint(evil);
        let endpoint = tenant.endpoint(format!("{}/cb?id={{conversion_id}}", farmed.url()));
        stage.say_catalog([tenant.envelope(&tenant.offer(1)), tenant.publisher(1, vec![endpoint])]).await;
        evils.push((evil, outcome, tenant, farmed));
    }
    let memory = peak_memory_kib();

    stage.say_verdicts(evils.iter().map(|(_, _, tenant, _)| frozen.purchase(*tenant, 1))).await;
    stage.rows("deliveries WHERE attempts > 0 OR lease IS NOT NULL", evils.len().try_into().unwrap()).await;
    stage.say_verdicts((0..HEALTHY).map(|click| frozen.purchase(healthy, click))).await;
    stage.told(usize::from(HEALTHY)).await;
    let patient = evils.iter().filter(|(evil, ..)| PATIENT.contains(evil));
    for (evil, _, tenant, _) in patient.clone() {
        assert!(attempts(&stage, *tenant).await.is_empty(), "the healthy publisher waited for {evil:?}");
    }
    let mut ends = Vec::new();
    for (evil, (http_status, failure, state), tenant, farmed) in &evils {
        let attempt = eventually(&format!("{evil:?} is recorded"), SOON, async || {
            attempts(&stage, *tenant).await.pop().ok_or("not yet")
        })
        .await;
        assert_eq!(
            (attempt.http_status, attempt.failure.as_str(), attempt.state.as_str()),
            (*http_status, *failure, *state),
            "{evil:?}"
        );
        let taken = u64::try_from(attempt.duration_ms).unwrap();
        assert!(taken < TOTAL_MS + SLACK_MS, "{evil:?} held a slot for {taken} ms");
        // hyper reads "go on" as long as it comes, and reqwest lets nobody count along: bounded by time only.
        if *evil != Evil::EndlessInterim {
            assert!(farmed.bytes_taken() < TAKEN_LIMIT, "{evil:?} was read for {}", farmed.bytes_taken());
        }
        assert!(attempt.response.len() <= 2_048, "{evil:?}: {} bytes are kept", attempt.response.len());
        assert!(farmed.requests() <= 1 && farmed.connections() == 1, "{evil:?} was called more than once");
        ends.push((*evil, attempt));
    }

    let ended = |evil| &ends.iter().find(|(known, _)| *known == evil).unwrap().1;
    // The patience of a caller ends with its time, and not before.
    for (evil, ..) in patient {
        assert!(u64::try_from(ended(*evil).duration_ms).unwrap() >= TOTAL_MS, "{evil:?}");
    }
    // 5 s; what was asked for is heard up to twice that.
    for (evil, pause) in [
        (Evil::TooMany("-5"), 5_000),
        (Evil::TooMany("100000000000000000000"), 10_000),
        (Evil::TooMany("Fri, 31 Dec 9999 23:59:59 GMT"), 10_000),
    ] {
        assert_eq!(ended(evil).pause_ms, Some(pause), "{evil:?}");
    }
    let grown = peak_memory_kib() - memory;
    assert!(grown < MEMORY_LIMIT_KIB, "{grown} KiB");
    stage.strike().await;
}

/// They take every slot, and all that is claimed freely, and everybody else is told all the same: what takes long gives its slot away,
/// and some room is left for who has nothing under way.
#[tokio::test]
async fn more_that_hang_than_there_are_slots_hold_up_nobody() {
    let (stage, frozen) = Frozen::stage(|settings| {
        settings.client.total_timeout_ms = TOTAL_MS;
        settings.delivery.in_flight = 2;
        settings.delivery.per_publisher = 2;
    })
    .await;
    let farm = EvilFarm::start();
    let healthy = Tenant::new(1);
    stage.introduce(healthy).await;
    let hanging = [100, 101, 102, 103].map(Tenant::new);
    for tenant in hanging {
        let url = format!("{}/cb?id={{conversion_id}}", farm.endpoint(Evil::NeverAnswers).url());
        let endpoint = tenant.endpoint(url);
        stage.say_catalog([tenant.envelope(&tenant.offer(1)), tenant.publisher(1, vec![endpoint])]).await;
    }
    let purchases = hanging.iter().flat_map(|tenant| [1, 2].map(|click| frozen.purchase(*tenant, click)));
    stage.say_verdicts(purchases).await;
    // Three times the slots, which is all that is claimed freely.
    let many = "(SELECT FROM deliveries WHERE lease IS NOT NULL HAVING count(*) >= 6) AS many";
    stage.rows(many, 1).await;

    // One after the other, where there is room for one only.
    stage.say_verdicts((0..5).map(|click| frozen.purchase(healthy, click))).await;
    stage.told(5).await;
    for tenant in hanging {
        assert!(attempts(&stage, tenant).await.is_empty(), "somebody waited for who hangs");
    }
    stage.strike().await;
}

/// Written literally or by name: the listener is the healthy publisher's, on this machine.
#[tokio::test]
async fn no_spelling_of_an_address_inside_is_called() {
    const LITERAL: &str = "the URL must lead to a public address";
    const BY_NAME: &str = "the name does not lead to a public address";
    let hosts = [
        ("127.0.0.1", LITERAL),
        ("127.1", LITERAL),
        ("2130706433", LITERAL),
        ("0x7f.1", LITERAL),
        ("0177.0.0.1", LITERAL),
        ("0.0.0.0", LITERAL),
        ("[::1]", LITERAL),
        ("[::ffff:127.0.0.1]", LITERAL),
        ("[64:ff9b::7f00:1]", LITERAL),
        ("[2002:7f00:1::]", LITERAL),
        ("[fd00:ec2::254]", LITERAL),
        ("[fe80::1]", LITERAL),
        ("169.254.169.254", LITERAL),
        ("localhost", BY_NAME),
    ];
    let stage = Stage::with(1, |settings| settings.client.allowed_networks.clear()).await;
    let mut tenants = Vec::new();
    for (number, (host, failure)) in (100..).zip(hosts) {
        let tenant = Tenant::new(number);
        let url = format!("http://{host}:{}/cb?id={{conversion_id}}", stage.publisher.port());
        let endpoint = tenant.endpoint(url);
        stage.say_catalog([tenant.envelope(&tenant.offer(1)), tenant.publisher(1, vec![endpoint])]).await;
        tenants.push((host, failure, tenant));
    }
    stage.say_verdicts(tenants.iter().map(|(_, _, tenant)| tenant.qualified(tenant.verdict(1)))).await;
    for (host, failure, tenant) in tenants {
        let attempt = eventually(&format!("{host} is recorded"), SOON, async || {
            attempts(&stage, tenant).await.pop().ok_or("not yet")
        })
        .await;
        assert_eq!(
            (attempt.http_status, attempt.failure.as_str(), attempt.state.as_str()),
            (None, failure, FAILED),
            "{host}"
        );
    }
    assert!(stage.publisher.deliveries().is_empty());
    stage.strike().await;
}
