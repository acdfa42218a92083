//! However a private address is written, nobody there hears of the call; and what a caller's environment says changes
//! nothing.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http_kit::client::{
    Client, ClientSettings, Method, Outbound, SendError, TargetError, Url, header::HeaderMap,
};
use process::Supervisor;
use rstest::rstest;
use test_kit::{Evil, EvilEndpoint, EvilFarm};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const TARGET: SendError = SendError::Target(TargetError::Address);

/// Hears whatever is connected to on this machine, by every address that it has, of both kinds.
struct Ear {
    port: u16,
    connections: Arc<AtomicUsize>,
    has_v6: bool,
    _supervisor: Supervisor,
}

async fn ear() -> Ear {
    let v6 = TcpListener::bind("[::]:0").await;
    let has_v6 = v6.is_ok();
    let listener = match v6 {
        Ok(listener) => listener,
        Err(_none_here) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
    };
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let supervisor = Supervisor::new();
    supervisor.spawn_support("ear", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            // What is said before the question is no answer.
            let mut head = [0_u8; 1_024];
            drop(stream.read(&mut head).await);
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await);
        }
    });
    Ear { port, connections, has_v6, _supervisor: supervisor }
}

impl Ear {
    fn heard(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn everything_allowed() -> ClientSettings {
    ClientSettings {
        allowed_networks: vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()],
        ..ClientSettings::default()
    }
}

fn loopback_allowed() -> ClientSettings {
    ClientSettings { allowed_networks: vec!["127.0.0.1/32".parse().unwrap()], ..ClientSettings::default() }
}

async fn send(settings: &ClientSettings, url: &str) -> Result<u16, SendError> {
    let url = Url::parse(url).unwrap();
    let request = Outbound { method: Method::GET, url, headers: HeaderMap::new(), body: bytes::Bytes::new() };
    Client::new(settings).unwrap().send(request).await.map(|answer| answer.status)
}

/// Each of these arrives here when an operator allows it, so that it is the filter which keeps it from arriving.
#[rstest]
#[case::literal("127.0.0.1", TARGET)]
#[case::anywhere_in_loopback("127.8.9.10", TARGET)]
#[case::decimal("2130706433", TARGET)]
#[case::hex("0x7f000001", TARGET)]
#[case::hex_parts("0x7f.0x0.0x0.0x1", TARGET)]
#[case::octal("0177.0.0.1", TARGET)]
#[case::octal_whole("017700000001", TARGET)]
#[case::two_parts("127.1", TARGET)]
#[case::three_parts("127.0.1", TARGET)]
#[case::full_width("１２７.0.0.1", TARGET)]
#[case::ideographic_dots("127。0。0。1", TARGET)]
#[case::enclosed("①②⑦.0.0.1", TARGET)]
#[case::percent_encoded("%31%32%37.0.0.1", TARGET)]
#[case::final_dot("127.0.0.1.", TARGET)]
#[case::zero("0.0.0.0", TARGET)]
#[case::zero_short("0", TARGET)]
#[case::name("localhost", SendError::Address)]
#[case::name_in_capitals("LOCALHOST", SendError::Address)]
#[tokio::test]
async fn no_spelling_of_a_private_address_is_connected_to(#[case] host: &str, #[case] expected: SendError) {
    let ear = ear().await;
    let url = format!("http://{host}:{}/", ear.port);
    assert_eq!(send(&ClientSettings::default(), &url).await, Err(expected));
    assert_eq!(ear.heard(), 0);
    assert_eq!(send(&everything_allowed(), &url).await, Ok(200), "the ear was listening");
    assert_eq!(ear.heard(), 1);
}

#[rstest]
#[case::loopback("[::1]")]
#[case::long("[0:0:0:0:0:0:0:1]")]
#[case::mapped("[::ffff:127.0.0.1]")]
#[case::mapped_hex("[::ffff:7f00:1]")]
#[case::unspecified("[::]")]
#[tokio::test]
async fn no_spelling_of_a_private_address_of_version_6_is_connected_to(#[case] host: &str) {
    let ear = ear().await;
    let url = format!("http://{host}:{}/", ear.port);
    assert_eq!(send(&ClientSettings::default(), &url).await, Err(TARGET));
    assert_eq!(ear.heard(), 0);
    // A machine without IPv6 can not hear it either way.
    if ear.has_v6 {
        assert_eq!(send(&everything_allowed(), &url).await, Ok(200), "the ear was listening");
        assert_eq!(ear.heard(), 1);
    }
}

/// What leads elsewhere: that it is refused at once, and not tried, shows in the kind of failure.
#[rstest]
#[case::metadata("169.254.169.254")]
#[case::metadata_decimal("2852039166")]
#[case::metadata_octal("0251.0376.0251.0376")]
#[case::metadata_mapped("[::ffff:169.254.169.254]")]
#[case::metadata_nat64("[64:ff9b::a9fe:a9fe]")]
#[case::metadata_of_aws_v6("[fd00:ec2::254]")]
#[case::metadata_of_azure("168.63.129.16")]
#[case::metadata_of_alibaba("100.100.100.200")]
#[case::metadata_of_oracle("192.0.0.192")]
#[case::private_10("10.0.0.1")]
#[case::private_172("172.16.0.1")]
#[case::private_192("192.168.0.1")]
#[case::six_to_four("[2002:7f00:1::]")]
#[case::teredo("[2001:0:7f00:1::]")]
#[case::nat64_of_ones_own("[64:ff9b:1::a00:1]")]
#[case::unique_local("[fc00::1]")]
#[case::link_local("[fe80::1]")]
#[case::site_local("[fec0::1]")]
#[case::compatible("[::127.0.0.1]")]
#[case::translated("[::ffff:0:7f00:1]")]
#[case::multicast("224.0.0.1")]
#[case::broadcast("255.255.255.255")]
#[tokio::test]
async fn what_leads_elsewhere_is_refused_before_anything_is_sent(#[case] host: &str) {
    for url in [format!("http://{host}/latest/meta-data"), format!("https://{host}:5432/")] {
        assert_eq!(send(&ClientSettings::default(), &url).await, Err(TARGET), "{url}");
    }
}

#[rstest]
#[case("localhost.")]
#[case("metadata.google.internal")]
#[case("printer.local")]
#[tokio::test]
async fn a_name_of_the_inside_leads_nowhere(#[case] host: &str) {
    let ear = ear().await;
    let refused = send(&ClientSettings::default(), &format!("http://{host}:{}/", ear.port)).await;
    // Whether a name of this kind resolves is the system's choice; that it is not connected to is ours.
    assert!(matches!(refused, Err(SendError::Address | SendError::Name)), "{refused:?}");
    assert_eq!(ear.heard(), 0);
}

#[rstest]
#[case(301)]
#[case(302)]
#[case(303)]
#[case(307)]
#[case(308)]
#[tokio::test]
async fn a_redirect_inside_is_not_followed(#[case] status: u16) {
    let inside = ear().await;
    let answer = wiremock::ResponseTemplate::new(status)
        .insert_header("location", format!("http://127.0.0.2:{}/", inside.port));
    let outside = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&outside).await;
    assert_eq!(send(&loopback_allowed(), &outside.uri()).await, Ok(status));
    assert_eq!(inside.heard(), 0);
}

#[tokio::test]
async fn a_second_answer_that_nobody_asked_for_is_not_the_next_ones() {
    let farm = EvilFarm::start();
    let evil = farm.endpoint(Evil::AnswersTwice);
    let client = Client::new(&loopback_allowed()).unwrap();
    for _ in 0..20 {
        let url = Url::parse(&evil.url()).unwrap();
        let request =
            Outbound { method: Method::GET, url, headers: HeaderMap::new(), body: bytes::Bytes::new() };
        assert_eq!(client.send(request).await.map(|answer| answer.status), Ok(500));
    }
    assert_eq!(evil.connections(), 20, "a connection on which too much was said is not used again");
}

/// The name of the variable by which a test knows that it runs in the environment it is about.
const INSIDE: &str = "HTTP_KIT_TEST_INSIDE";

/// Runs the test `name` once more, in a process of its own with these variables. A process can not change its own safely.
fn again_with(name: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_of_the_environment_is_not_asked() {
    if is_inside() {
        let target = std::env::var("TARGET").unwrap();
        assert_eq!(send(&loopback_allowed(), &target).await, Ok(200));
        // A proxy would resolve the name by itself, behind the filter.
        let by_name = target.replace("127.0.0.1", "localhost");
        assert_eq!(send(&ClientSettings::default(), &by_name).await, Err(SendError::Address));
        return;
    }
    let (proxy, target) = (ear().await, ear().await);
    let proxy_url = format!("http://127.0.0.1:{}", proxy.port);
    let target_url = format!("http://127.0.0.1:{}/", target.port);
    let names = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let mut variables: Vec<_> = names.iter().map(|name| (*name, proxy_url.as_str())).collect();
    variables.extend([("no_proxy", ""), ("NO_PROXY", ""), ("TARGET", &target_url)]);
    tokio::task::block_in_place(|| again_with("ssrf::a_proxy_of_the_environment_is_not_asked", &variables));
    assert_eq!((proxy.heard(), target.heard()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_must_be_of_an_authority_of_the_system_for_this_name_and_of_today() {
    if is_inside() {
        for (variable, expected) in [
            ("GOOD", Ok(200)),
            ("EXPIRED", Err(SendError::Tls)),
            ("OTHER_NAME", Err(SendError::Tls)),
            ("SELF_SIGNED", Err(SendError::Tls)),
        ] {
            let settings = loopback_allowed();
            assert_eq!(send(&settings, &std::env::var(variable).unwrap()).await, expected, "{variable}");
        }
        return;
    }
    let farm = EvilFarm::start();
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, farm.authority_pem()).unwrap();
    let endpoints =
        [Evil::GoodTls, Evil::Expired, Evil::OtherName, Evil::SelfSigned].map(|evil| farm.endpoint(evil));
    let [good, expired, other, own] = endpoints.each_ref().map(EvilEndpoint::url);
    // What is refused below is refused although its authority is trusted, except for the last one.
    let variables = [
        ("SSL_CERT_FILE", authority.to_str().unwrap()),
        ("GOOD", &good),
        ("EXPIRED", &expired),
        ("OTHER_NAME", &other),
        ("SELF_SIGNED", &own),
    ];
    tokio::task::block_in_place(|| {
        again_with(
            "ssrf::a_certificate_must_be_of_an_authority_of_the_system_for_this_name_and_of_today",
            &variables,
        );
    });
    // Without that, the good one is a stranger, too.
    assert_eq!(send(&loopback_allowed(), &good).await, Err(SendError::Tls));
    assert_eq!(endpoints.each_ref().map(EvilEndpoint::requests), [1, 0, 0, 0]);
}

/// What a peer could do in HTTP/2 (streams without an end, floods of frames, headers in parts) is thereby out of its reach; the evil
/// endpoints of HTTP/1.1 are all there are.
#[tokio::test]
async fn http_1_1_is_all_that_is_offered() {
    let farm = EvilFarm::start();
    for evil in [Evil::GoodTls, Evil::OnlyHttp2] {
        let endpoint = farm.endpoint(evil);
        assert_eq!(send(&loopback_allowed(), &endpoint.url()).await, Err(SendError::Tls));
        assert_eq!(endpoint.offered(), ["http/1.1"]);
    }
    // Nor is it spoken with who does so without being asked.
    let unasked = farm.endpoint(Evil::UnaskedHttp2);
    assert_eq!(send(&loopback_allowed(), &unasked.url()).await, Err(SendError::Broken));
}

#[tokio::test]
async fn a_tls_port_that_never_shakes_hands_costs_the_time_to_connect() {
    let farm = EvilFarm::start();
    let evil = farm.endpoint(Evil::NeverShakesHands);
    let settings = ClientSettings { connect_timeout_ms: 500, ..loopback_allowed() };
    let began = std::time::Instant::now();
    assert_eq!(send(&settings, &evil.url()).await, Err(SendError::ConnectTimeout));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
