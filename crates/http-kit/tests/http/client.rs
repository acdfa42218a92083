//! Calls to endpoints that are slow, endless, broken or evil.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use http_kit::client::{
    Answer, BodyEnd, Client, ClientSettings, Method, Outbound, SendError, TargetError, Url, header::HeaderMap,
};
use process::Supervisor;
use rstest::rstest;
use test_kit::eventually;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Barrier,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

fn loopback_allowed() -> ClientSettings {
    ClientSettings {
        allowed_networks: vec!["127.0.0.0/8".parse().unwrap()],
        connect_timeout_ms: 500,
        total_timeout_ms: 1_000,
        ..ClientSettings::default()
    }
}

/// For what is to be answered, on a machine that does much else.
fn patient() -> ClientSettings {
    ClientSettings { connect_timeout_ms: 20_000, total_timeout_ms: 40_000, ..loopback_allowed() }
}

async fn send(settings: &ClientSettings, url: &str) -> Result<Answer, SendError> {
    call(&Client::new(settings).unwrap(), url).await
}

async fn call(client: &Client, url: &str) -> Result<Answer, SendError> {
    let url = Url::parse(url).unwrap();
    let request = Outbound { method: Method::GET, url, headers: HeaderMap::new(), body: bytes::Bytes::new() };
    let answer = client.send(request).await;
    // The connection's own task, on this thread, puts it back for the next call.
    tokio::task::yield_now().await;
    answer
}

/// A server that does to each connection what `behave` says, and counts connections.
async fn server<F, R>(behave: F) -> (SocketAddr, Arc<AtomicUsize>, Supervisor)
where
    F: Fn(TcpStream) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let supervisor = Supervisor::new();
    let spawner = supervisor.clone();
    supervisor.spawn_support("evil server", async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            spawner.spawn_support("evil connection", behave(stream));
        }
    });
    (address, connections, supervisor)
}

/// Reads the request's head; what is answered before it would race with it. Whether there was one.
async fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut byte = [0_u8; 1];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_exact(&mut byte).await.is_err() {
            return false;
        }
        head.extend(byte);
    }
    true
}

#[tokio::test]
async fn an_answer_is_read_with_status_excerpt_and_retry_after() {
    let mock = MockServer::start().await;
    let answer = ResponseTemplate::new(503).set_body_string("busy\0").insert_header("retry-after", "17");
    Mock::given(any()).respond_with(answer).mount(&mock).await;
    let answer = send(&loopback_allowed(), &mock.uri()).await.unwrap();
    assert_eq!((answer.status, answer.is_success()), (503, false));
    assert_eq!(answer.retry_after.as_deref(), Some("17"));
    assert_eq!((answer.excerpt.as_str(), answer.body_end), ("busy\u{fffd}", BodyEnd::Complete));
}

#[rstest]
#[case(301)]
#[case(302)]
#[case(303)]
#[case(307)]
#[case(308)]
#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed(#[case] status: u16) {
    let mock = MockServer::start().await;
    let target = format!("{}/second", mock.uri());
    let redirect = ResponseTemplate::new(status).insert_header("location", target.as_str());
    Mock::given(any()).respond_with(redirect).mount(&mock).await;
    let answer = send(&loopback_allowed(), &format!("{}/first", mock.uri())).await.unwrap();
    assert_eq!((answer.status, answer.is_success()), (status, false));
    let requests = mock.received_requests().await.unwrap();
    assert_eq!(requests.iter().map(|request| request.url.path()).collect::<Vec<_>>(), ["/first"]);
}

#[tokio::test]
async fn nothing_is_asked_to_be_compressed_and_nothing_is_decompressed() {
    let mock = MockServer::start().await;
    let bomb = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_bytes(b"\x1f\x8b not unpacked".to_vec());
    Mock::given(any()).respond_with(bomb).mount(&mock).await;
    let answer = send(&loopback_allowed(), &mock.uri()).await.unwrap();
    assert_eq!((answer.status, answer.body_bytes), (200, 15));
    let requests = mock.received_requests().await.unwrap();
    assert!(!requests.first().unwrap().headers.contains_key("accept-encoding"));
}

#[tokio::test]
async fn an_endless_body_is_read_to_the_bound_and_hung_up_on() {
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let (address, _, _supervisor) = server(move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            read_head(&mut stream).await;
            let mut chunk: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n";
            while stream.write_all(chunk).await.is_ok() {
                chunk = &[b'x'; 4_096];
                counter.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    let answer = send(&loopback_allowed(), &format!("http://{address}/")).await.unwrap();
    assert_eq!((answer.status, answer.is_success(), answer.body_end), (200, true, BodyEnd::Capped));
    assert_eq!(answer.excerpt.len(), 2_048);
    assert!(answer.body_bytes < 64 * 1_024 + 512 * 1_024, "{}", answer.body_bytes);
    // What the kernel's buffers take is not ours to bound; gigabytes would be.
    assert!(written.load(Ordering::SeqCst) < 64 * 1_024 * 1_024);
}

#[tokio::test]
async fn a_body_that_trickles_ends_with_the_calls_time_and_keeps_the_status() {
    let (address, _, _supervisor) = server(|mut stream| async move {
        read_head(&mut stream).await;
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await);
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        while stream.write_all(b"x").await.is_ok() {
            pace.tick().await;
        }
    })
    .await;
    let began = Instant::now();
    let answer = send(&loopback_allowed(), &format!("http://{address}/")).await.unwrap();
    assert_eq!((answer.status, answer.body_end), (200, BodyEnd::TimedOut));
    assert!(answer.excerpt.starts_with('x'));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_calls_time_and_no_more() {
    let (address, _, _supervisor) = server(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let error = send(&loopback_allowed(), &format!("http://{address}/")).await.unwrap_err();
    assert_eq!(error, SendError::AnswerTimeout);
    assert!(error.may_have_arrived());
}

#[rstest]
#[case::closes(b"", SendError::Broken)]
#[case::junk(b"SSH-2.0-OpenSSH_9.2\r\n", SendError::Broken)]
#[case::half_a_head(b"HTTP/1.1 200 OK\r\ncontent-", SendError::Broken)]
#[tokio::test]
async fn what_is_not_an_answer_is_broken(#[case] bytes: &'static [u8], #[case] expected: SendError) {
    let (address, _, _supervisor) = server(move |mut stream| async move {
        read_head(&mut stream).await;
        drop(stream.write_all(bytes).await);
    })
    .await;
    assert_eq!(send(&loopback_allowed(), &format!("http://{address}/")).await.unwrap_err(), expected);
}

#[tokio::test]
async fn endless_headers_are_given_up() {
    let (address, _, _supervisor) = server(|mut stream| async move {
        read_head(&mut stream).await;
        let mut line: &[u8] = b"HTTP/1.1 200 OK\r\n";
        while stream.write_all(line).await.is_ok() {
            line = b"x-padding: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n";
        }
    })
    .await;
    assert_eq!(
        send(&loopback_allowed(), &format!("http://{address}/")).await.unwrap_err(),
        SendError::Broken
    );
}

#[tokio::test]
async fn a_closed_port_is_a_failed_connection() {
    let address = test_kit::free_port();
    let error = send(&loopback_allowed(), &format!("http://{address}/")).await.unwrap_err();
    assert_eq!(error, SendError::Connect);
    assert!(!error.may_have_arrived());
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_a_tls_failure() {
    let (address, _, _supervisor) = server(|mut stream| async move {
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        let mut rest = Vec::new();
        drop(stream.read_to_end(&mut rest).await);
    })
    .await;
    assert_eq!(send(&loopback_allowed(), &format!("https://{address}/")).await.unwrap_err(), SendError::Tls);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_failure_of_the_name() {
    assert_eq!(send(&loopback_allowed(), "http://nobody.invalid/").await.unwrap_err(), SendError::Name);
}

#[rstest]
#[case::literal("127.0.0.1", &[SendError::Target(TargetError::Address)])]
#[case::number("2130706433", &[SendError::Target(TargetError::Address)])]
#[case::mapped("[::ffff:127.0.0.1]", &[SendError::Target(TargetError::Address)])]
#[case::zero("0.0.0.0", &[SendError::Target(TargetError::Address)])]
#[case::name("localhost", &[SendError::Address])]
// Some systems resolve it, some do not.
#[case::name_with_dot("localhost.", &[SendError::Address, SendError::Name])]
#[tokio::test]
async fn the_private_side_sees_no_connection_at_all(#[case] host: &str, #[case] expected: &[SendError]) {
    let (address, connections, _supervisor) = server(|stream| async move { drop(stream) }).await;
    let port = address.port();
    let error = send(&ClientSettings::default(), &format!("http://{host}:{port}/")).await.unwrap_err();
    assert!(expected.contains(&error), "{error:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 0);

    // The same call arrives once an operator allows the network: the listener was listening.
    drop(send(&loopback_allowed(), &format!("http://127.0.0.1:{port}/")).await);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// Calls of each test about what connections are used for.
const CALLS: usize = 16;
const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection() {
    let (address, connections, _supervisor) = server(|mut stream| async move {
        while read_head(&mut stream).await && stream.write_all(GOOD).await.is_ok() {}
    })
    .await;
    let client = Client::new(&patient()).unwrap();
    for _ in 0..CALLS {
        let answer = call(&client, &format!("http://{address}/")).await.unwrap();
        assert_eq!((answer.status, answer.body_end), (200, BodyEnd::Complete));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn calls_at_once_take_a_connection_each_and_the_next_take_the_same() {
    // Nobody is answered before all have asked.
    let asked = Arc::new(Barrier::new(CALLS));
    let (address, connections, _supervisor) = server(move |mut stream| {
        let asked = Arc::clone(&asked);
        async move {
            while read_head(&mut stream).await {
                asked.wait().await;
                if stream.write_all(GOOD).await.is_err() {
                    break;
                }
            }
        }
    })
    .await;
    let client = Client::new(&patient()).unwrap();
    let url = format!("http://{address}/");
    for _ in 0..3 {
        let answers = join_all((0..CALLS).map(|_| call(&client, &url))).await;
        assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(Answer::is_success)), "{answers:?}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), CALLS);
}

#[rstest]
#[case::too_much(patient(), Duration::from_millis(1), BodyEnd::Capped)]
#[case::too_slow(loopback_allowed(), Duration::from_millis(200), BodyEnd::TimedOut)]
#[tokio::test]
async fn a_connection_with_a_body_that_was_given_up_is_hung_up_and_not_used_again(
    #[case] settings: ClientSettings,
    #[case] pause: Duration,
    #[case] end: BodyEnd,
) {
    let left = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&left);
    let (address, connections, _supervisor) = server(move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            if !read_head(&mut stream).await {
                return;
            }
            let mut chunk: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n";
            let mut pace = tokio::time::interval(pause);
            while stream.write_all(chunk).await.is_ok() {
                chunk = &[b'x'; 4_096];
                pace.tick().await;
            }
            counter.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let client = Client::new(&settings).unwrap();
    for calls in 1..=2 {
        let answer = call(&client, &format!("http://{address}/")).await.unwrap();
        assert_eq!((answer.status, answer.body_end), (200, end));
        assert_eq!(connections.load(Ordering::SeqCst), calls);
        // While the client lives on.
        eventually("it is hung up on", Duration::from_secs(20), async || {
            let left = left.load(Ordering::SeqCst);
            if left == calls { Ok(()) } else { Err(left) }
        })
        .await;
    }
}
