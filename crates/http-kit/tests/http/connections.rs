//! Whoever is slow, endless, deaf or not speaking HTTP is told so, hears it, and is let go.

use std::time::{Duration, Instant};

use actix_web::{get, post, web};
use http_kit::{HttpSettings, Server};
use process::Supervisor;
use rstest::rstest;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, Interest},
    net::TcpStream,
    time::timeout,
};
use utoipa_actix_web::service_config::ServiceConfig;

use super::harness::{Running, Wire, get as fetch, serve, small};

/// Longer than every bound of [`small`] together, far shorter than for ever.
const LET_GO_WITHIN: Duration = Duration::from_secs(10);

/// Between two words of somebody who trickles: far below every bound of [`small`].
const TRICKLE: Duration = Duration::from_millis(20);

#[utoipa::path]
#[get("/hello")]
async fn hello() -> &'static str {
    "hello"
}

/// Answers without a look at the body.
#[utoipa::path]
#[post("/hello")]
async fn hasty() -> &'static str {
    "hello"
}

#[utoipa::path(request_body(content = String))]
#[post("/bytes")]
async fn bytes(body: web::Bytes) -> String {
    body.len().to_string()
}

/// Larger than what the kernel keeps for a connection.
#[utoipa::path]
#[get("/large")]
async fn large() -> Vec<u8> {
    vec![b'x'; 32 * 1_024 * 1_024]
}

fn routes(config: &mut ServiceConfig<'_>) {
    config.service(hello).service(hasty).service(bytes).service(large);
}

/// A connection that is used more than once.
struct Caller {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Caller {
    async fn of(server: &Running) -> Self {
        Self { stream: TcpStream::connect(server.address).await.unwrap(), heard: Vec::new() }
    }

    async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Until something is heard, or for so long.
    async fn listens_for(&self, longest: Duration) {
        drop(timeout(longest, self.stream.readable()).await);
    }

    /// One answer of a stated length.
    async fn answer(&mut self) -> Wire {
        loop {
            if let Some(answer) = self.take() {
                return answer;
            }
            let read = timeout(LET_GO_WITHIN, self.stream.read_buf(&mut self.heard)).await;
            let read = read.expect("an answer in time").expect("no reset");
            assert!(
                read > 0,
                "closed instead of an answer; heard {:?}",
                String::from_utf8_lossy(&self.heard)
            );
        }
    }

    fn take(&mut self) -> Option<Wire> {
        let text = String::from_utf8_lossy(&self.heard).into_owned();
        let (head, _) = text.split_once("\r\n\r\n")?;
        let head_only = Wire { status: 0, head: head.to_owned(), body: String::new() };
        let length: usize = head_only.header("content-length")?.parse().unwrap();
        let whole = head.len() + 4 + length;
        let answer: Vec<u8> = (self.heard.len() >= whole).then(|| self.heard.drain(..whole).collect())?;
        Some(Wire::parse(&answer))
    }

    /// Closed in peace, without another word.
    async fn is_let_go(&mut self) {
        let mut rest = std::mem::take(&mut self.heard);
        let read = timeout(LET_GO_WITHIN, self.stream.read_to_end(&mut rest)).await;
        read.expect("let go in time").expect("no reset");
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

fn problem_of(answer: &Wire) -> (u16, String) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let body = answer.json();
    assert_eq!(body["status"], answer.status);
    assert_eq!(body["requestId"], answer.header("x-request-id").unwrap());
    (answer.status, body["code"].as_str().unwrap().to_owned())
}

const GOOD: &str = "GET /hello HTTP/1.1\r\nhost: test\r\n\r\n";

async fn good(caller: &mut Caller) {
    caller.say(GOOD).await;
    assert_eq!(caller.answer().await.body, "hello");
}

#[rstest]
#[case::a_header_of_a_megabyte(format!("GET /hello HTTP/1.1\r\nhost: test\r\nuser-agent: {}\r\n\r\n", "a".repeat(1_000_000)), 431, "headers_too_large")]
#[case::headers_beyond_the_limit_and_within_the_parsers(
    format!("GET /hello HTTP/1.1\r\nhost: test\r\nx: {}\r\n\r\n", "a".repeat(60_000)),
    431,
    "headers_too_large"
)]
#[case::a_hundred_headers(format!("GET /hello HTTP/1.1\r\nhost: test\r\n{}\r\n", "x-a: b\r\n".repeat(100)), 431, "headers_too_large")]
#[case::a_line_beyond_the_limit(format!("GET /hello?{} HTTP/1.1\r\nhost: test\r\n\r\n", "q".repeat(600)), 414, "uri_too_long")]
#[case::a_line_beyond_what_the_parser_takes(format!("GET /hello?{} HTTP/1.1\r\nhost: test\r\n\r\n", "q".repeat(1_000_000)), 414, "uri_too_long")]
#[case::no_http(String::from("\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n"), 400, "bad_request")]
#[case::no_host(String::from("GET /hello HTTP/1.1\r\n\r\n"), 400, "bad_request")]
#[case::a_slow_head(String::from("GET /hello HTTP/1.1\r\nhost: te"), 408, "request_timeout")]
#[tokio::test]
async fn what_never_becomes_a_request_is_answered_and_the_answer_arrives(
    #[case] said: String,
    #[case] status: u16,
    #[case] code: &str,
    #[values(false, true)] on_a_used_connection: bool,
) {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    if on_a_used_connection {
        good(&mut caller).await;
    }
    caller.say(&said).await;
    let answer = caller.answer().await;
    assert_eq!(problem_of(&answer), (status, code.to_owned()));
    if answer.header("connection") == Some("close") {
        caller.is_let_go().await;
    } else {
        good(&mut caller).await;
    }
    assert_eq!(fetch(server.address, "/hello").await.body, "hello");
}

#[tokio::test]
async fn a_caller_who_says_nothing_is_let_go() {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    assert_eq!(problem_of(&caller.answer().await), (408, String::from("request_timeout")));
    caller.is_let_go().await;
}

#[tokio::test]
async fn a_head_that_trickles_without_a_pause_is_let_go() {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    good(&mut caller).await;
    caller.say("GET /hello HTTP/1.1\r\nx: ").await;
    let start = Instant::now();
    while start.elapsed() < LET_GO_WITHIN && caller.stream.try_read_buf(&mut caller.heard).is_err() {
        caller.stream.write_all(b"x").await.unwrap();
        caller.listens_for(TRICKLE).await;
    }
    assert_eq!(caller.answer().await.status, 408);
}

/// A connection whose last request had a body: what comes may be the rest of it, and nobody waits for an answer.
#[tokio::test]
async fn a_body_in_chunks_without_end_that_nobody_reads_is_let_go() {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    caller.say("POST /hello HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n").await;
    assert_eq!(caller.answer().await.body, "hello");
    let start = Instant::now();
    let ended = loop {
        if start.elapsed() > LET_GO_WITHIN {
            break false;
        }
        // An error is an end as well: it goes on sending after it was told to stop.
        if caller.stream.write_all(b"1\r\nx\r\n").await.is_err() {
            break true;
        }
        match caller.stream.try_read_buf(&mut caller.heard) {
            Ok(0) => break true,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break true,
        }
        caller.listens_for(TRICKLE).await;
    };
    assert!(ended, "still listened to after {:?}", start.elapsed());
    assert_eq!(String::from_utf8_lossy(&caller.heard), "", "an answer that nobody asked for");
}

#[tokio::test]
async fn what_is_left_of_a_body_that_nobody_reads_is_not_waited_for_for_ever() {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    caller.say("POST /hello HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n").await;
    assert_eq!(caller.answer().await.body, "hello");
    caller.is_let_go().await;
}

#[tokio::test]
async fn chunks_without_end_and_without_a_pause_are_let_go() {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    caller.say("POST /hello HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n").await;
    assert_eq!(caller.answer().await.body, "hello");
    let piece = format!("1000\r\n{}\r\n", "x".repeat(4_096));
    let flooding = async { while caller.stream.write_all(piece.repeat(64).as_bytes()).await.is_ok() {} };
    timeout(LET_GO_WITHIN, flooding).await.expect("let go in time");
    assert_eq!(fetch(server.address, "/hello").await.body, "hello");
}

/// Far more than the kernel keeps for a connection: who does not listen while he talks would be reset in mid-sentence.
#[tokio::test]
async fn who_says_too_much_may_finish_and_hears_the_answer_then() {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    caller.say("GET /hello HTTP/1.1\r\nhost: test\r\nx: ").await;
    let megabyte = "x".repeat(1_000_000);
    for _ in 0..32 {
        caller.say(&megabyte).await;
    }
    let answer = caller.answer().await;
    assert_eq!(problem_of(&answer), (431, String::from("headers_too_large")));
    caller.is_let_go().await;
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_body_and_after_a_refusal_of_one() {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    for _ in 0..2 {
        caller.say("POST /bytes HTTP/1.1\r\nhost: test\r\ncontent-length: 3\r\n\r\nabc").await;
        assert_eq!(caller.answer().await.body, "3");
        // Longer than a head may take: an idle connection is no slow head, and hears nothing.
        let longer = Duration::from_millis(small().head_timeout_ms + 200);
        let heard = timeout(longer, caller.stream.read_buf(&mut caller.heard)).await;
        assert!(heard.is_err(), "an idle connection was let go or answered: {heard:?}");
    }
    // A body that was announced too large is never sent by a caller who waits for the answer.
    caller.say("POST /bytes HTTP/1.1\r\nhost: test\r\ncontent-length: 3000\r\n\r\n").await;
    let refused = caller.answer().await;
    assert_eq!(problem_of(&refused), (413, String::from("body_too_large")));
    assert_eq!(refused.header("connection"), Some("close"));
    caller.is_let_go().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_while_it_is_sent_and_the_answer_arrives() {
    let server = serve(routes);
    for head in ["content-length: 4000000\r\n\r\n", "transfer-encoding: chunked\r\n\r\n3d0900\r\n"] {
        let mut caller = Caller::of(&server).await;
        caller.say(&format!("POST /bytes HTTP/1.1\r\nhost: test\r\n{head}")).await;
        // All of it, whatever was answered meanwhile: a caller that does not listen while it talks.
        caller.say(&"x".repeat(4_000_000)).await;
        assert_eq!(problem_of(&caller.answer().await), (413, String::from("body_too_large")), "{head}");
    }
}

#[tokio::test]
async fn a_body_shorter_than_it_said_is_no_body() {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    caller.say("POST /bytes HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nabc").await;
    caller.stream.shutdown().await.unwrap();
    assert_eq!(problem_of(&caller.answer().await), (400, String::from("unreadable_body")));
    caller.is_let_go().await;
}

#[tokio::test]
async fn a_caller_who_takes_no_answer_is_let_go_and_one_who_takes_it_slowly_is_not() {
    let server = serve(routes);
    let mut deaf = Caller::of(&server).await;
    let asking = "GET /large HTTP/1.1\r\nhost: test\r\n\r\n";
    deaf.say(asking).await;
    let start = Instant::now();
    // Whatever is written to a connection that was reset fails.
    while start.elapsed() < LET_GO_WITHIN && deaf.stream.write_all(b"GET").await.is_ok() {
        // The next word when the reset has come, or after a while: only a word finds out that nobody is there.
        drop(timeout(TRICKLE, deaf.stream.ready(Interest::ERROR)).await);
    }
    assert!(start.elapsed() < LET_GO_WITHIN, "still kept");

    let mut slow = Caller::of(&server).await;
    let start = Instant::now();
    slow.say(asking).await;
    let mut taken = 0;
    let mut space = vec![0; 1_024 * 1_024];
    while taken < 32 * 1_024 * 1_024 {
        let read = timeout(LET_GO_WITHIN, slow.stream.read(&mut space)).await.unwrap().expect("no reset");
        assert!(read > 0, "cut off after {taken} bytes");
        taken += read;
        // Time itself is the subject: a caller takes a little and waits, all in all longer than the bound for those who take
        // nothing. There is nothing to wait for; what it takes is always there.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(start.elapsed() > Duration::from_millis(small().write_timeout_ms));
}

#[tokio::test]
async fn at_most_so_many_connections_are_served_at_once_and_the_others_wait() {
    let supervisor = Supervisor::new();
    let settings = HttpSettings { max_connections: 2, head_timeout_ms: 2_000, ..small() };
    let address = Server::new("test", &settings).listen(&supervisor, routes).unwrap();
    let server = Running { address, supervisor };
    let (mut first, mut second) = (Caller::of(&server).await, Caller::of(&server).await);
    good(&mut first).await;
    good(&mut second).await;
    // The kernel takes the third; nobody serves it while the two are there.
    let mut third = Caller::of(&server).await;
    third.say(GOOD).await;
    assert!(timeout(Duration::from_millis(300), third.answer()).await.is_err(), "served as a third");
    good(&mut first).await;
    drop(second);
    assert_eq!(third.answer().await.body, "hello");
}

/// What one server takes for the end of a request and the next one for its middle is how requests are smuggled. Each
/// pair must be refused as a whole, and what was hidden in it never be a request.
#[rstest]
#[case::length_and_chunked("content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")]
#[case::chunked_and_length("transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n0\r\n\r\n")]
#[case::two_lengths("content-length: 0\r\ncontent-length: 40\r\n\r\n")]
#[case::two_lengths_that_agree("content-length: 3\r\ncontent-length: 3\r\n\r\nabc")]
#[case::a_list_of_lengths("content-length: 3, 3\r\n\r\nabc")]
#[case::a_length_with_a_sign("content-length: +3\r\n\r\nabc")]
#[case::a_length_in_hex("content-length: 0x3\r\n\r\nabc")]
#[case::chunked_twice("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")]
#[case::chunked_in_a_list("transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
#[case::chunked_misspelt("transfer-encoding: xchunked\r\n\r\n0\r\n\r\n")]
#[case::chunked_with_a_tab_before_the_colon("transfer-encoding\t: chunked\r\n\r\n0\r\n\r\n")]
#[case::chunked_after_a_bare_line_feed_and_a_space("x: y\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n")]
#[case::two_hosts("host: other\r\ncontent-length: 0\r\n\r\n")]
#[case::a_chunk_of_negative_size("transfer-encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n")]
#[case::a_chunk_size_that_overflows("transfer-encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n")]
#[tokio::test]
async fn a_request_of_two_meanings_is_refused_and_nothing_is_smuggled_in_it(#[case] rest: &str) {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    caller
        .say(&format!(
            "POST /bytes HTTP/1.1\r\nhost: test\r\n{rest}GET /hello HTTP/1.1\r\nhost: test\r\n\r\n"
        ))
        .await;
    assert_eq!(caller.answer().await.status, 400);
    caller.is_let_go().await;
}

#[tokio::test]
async fn calls_sent_together_are_answered_in_order_and_noise_behind_them_spoils_none() {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    let post = "POST /bytes HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\n12345";
    caller.say(&format!("{GOOD}{post}{GOOD}\u{1}\u{2}noise\r\n\r\n")).await;
    for expected in ["hello", "5", "hello"] {
        assert_eq!(caller.answer().await.body, expected);
    }
    assert_eq!(caller.answer().await.status, 400);
    caller.is_let_go().await;
}

#[tokio::test]
async fn an_upgrade_that_nobody_offers_hides_no_second_request() {
    let server = serve(routes);
    let mut caller = Caller::of(&server).await;
    caller
        .say(&format!(
            "GET /hello HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n{GOOD}"
        ))
        .await;
    assert_eq!(caller.answer().await.body, "hello");
    caller.is_let_go().await;
}
