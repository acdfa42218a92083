//! The limits of the transport, on every route of both public doors and as they are shipped: each is reached, told, heard,
//! and harms nobody else. Seen on raw sockets, for no client library sends such calls or tells such answers.

use std::time::{Duration, Instant};

use system_tests::{
    ServiceName, Stack, StackOptions,
    guide::Guide,
    raw::{PATIENCE, RawAnswer, RawCaller},
};
use test_kit::FakePublisher;
use url::Url;

/// `SEMANTICS.md` §3.
const QUERY_BYTES: usize = 32 * 1_024;
/// `SEMANTICS.md` §3.
const BODY_BYTES: usize = 64 * 1_024;
/// Shorter than shipped, for nobody wants to wait for it; the sizes are as shipped.
const SLOW: Duration = Duration::from_millis(700);

/// One route of a door.
struct Route {
    name: &'static str,
    url: String,
    /// Path and query of a call that is served.
    target: String,
    /// What it is answered.
    served: u16,
    allow: Option<&'static str>,
    takes_bodies: bool,
}

impl Route {
    fn new(
        name: &'static str,
        url: &str,
        served: u16,
        allow: Option<&'static str>,
        takes_bodies: bool,
    ) -> Self {
        let parsed = Url::parse(url).unwrap();
        let target = format!("{}?{}", parsed.path(), parsed.query().unwrap_or_default());
        Self { name, url: url.to_owned(), target, served, allow, takes_bodies }
    }

    async fn caller(&self) -> RawCaller {
        RawCaller::to(&self.url).await
    }

    /// The call that is served, with a query of exactly so many bytes.
    fn target_of(&self, query_bytes: usize) -> String {
        let query = self.target.split_once('?').unwrap().1;
        format!("{}&x={}", self.target, "q".repeat(query_bytes - query.len() - 3))
    }

    fn get(&self) -> String {
        format!("GET {} HTTP/1.1\r\nhost: h\r\n\r\n", self.target)
    }

    fn with_headers(&self, method: &str, headers: &str) -> String {
        format!("{method} {} HTTP/1.1\r\nhost: h\r\n{headers}\r\n", self.target)
    }

    /// The connection serves the next call, or is closed as it was said to be; and the door serves the next caller.
    async fn is_unharmed(&self, mut caller: RawCaller, answer: &RawAnswer) {
        if answer.closes() {
            caller.is_let_go().await;
        } else {
            caller.say(self.get()).await;
            assert_eq!(caller.answer().await.status, self.served, "{}", self.name);
        }
        let mut next = self.caller().await;
        next.say(self.get()).await;
        assert_eq!(next.answer().await.status, self.served, "{}", self.name);
    }
}

struct Doors {
    stack: Stack,
    routes: Vec<Route>,
}

async fn doors(options: StackOptions) -> Doors {
    let stack = Stack::start_with(options).await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    guide.click("c-1", "m-1").await.unwrap();
    let nowhere = |base: &str| format!("{base}/nowhere?a=b");
    let (ingest, tracker) = (&stack.endpoints().ingest, &stack.endpoints().tracker);
    let routes = vec![
        Route::new("ingest's door", &guide.credential.postback_url, 200, Some("GET, POST"), true),
        Route::new(
            "ingest's door, strangers",
            &format!("{ingest}/api/v1/a/b/c?d=e"),
            404,
            Some("GET, POST"),
            true,
        ),
        Route::new("ingest, nowhere", &nowhere(ingest), 404, None, false),
        Route::new("tracker's door", &guide.link_for("c-2", "m-2"), 302, Some("GET, HEAD"), false),
        Route::new(
            "tracker's door, strangers",
            &format!("{tracker}/api/v1/offer-link/redirect/x?d=e"),
            404,
            Some("GET, HEAD"),
            false,
        ),
        Route::new("tracker, nowhere", &nowhere(tracker), 404, None, false),
    ];
    Doors { stack, routes }
}

#[tokio::test]
async fn sizes_and_methods_are_bounded_on_every_route_of_both_doors() {
    let doors = doors(StackOptions::new()).await;
    for route in &doors.routes {
        let megabyte = "a".repeat(1_000_000);
        let cases = [
            (
                "a query of 32 KiB",
                format!("GET {} HTTP/1.1\r\nhost: h\r\n\r\n", route.target_of(QUERY_BYTES)),
                route.served,
                "",
            ),
            (
                "a query beyond it",
                format!("GET {} HTTP/1.1\r\nhost: h\r\n\r\n", route.target_of(QUERY_BYTES + 1_024)),
                414,
                "uri_too_long",
            ),
            (
                "a query beyond the parser's",
                format!("GET {} HTTP/1.1\r\nhost: h\r\n\r\n", route.target_of(1_000_000)),
                414,
                "uri_too_long",
            ),
            ("ninety headers", route.with_headers("GET", &"x: y\r\n".repeat(90)), route.served, ""),
            (
                "a hundred headers",
                route.with_headers("GET", &"x: y\r\n".repeat(100)),
                431,
                "headers_too_large",
            ),
            (
                "a user agent of a megabyte",
                route.with_headers("GET", &format!("user-agent: {megabyte}\r\n")),
                431,
                "headers_too_large",
            ),
            (
                "a body announced too large",
                route.with_headers("POST", &format!("content-length: {}\r\n", BODY_BYTES + 1)),
                413,
                "body_too_large",
            ),
            (
                "a body announced larger than there are numbers",
                route.with_headers("POST", "content-length: 99999999999999999999999\r\n"),
                400,
                "bad_request",
            ),
            (
                "another method",
                route.with_headers("PUT", ""),
                if route.allow.is_some() { 405 } else { 404 },
                if route.allow.is_some() { "method_not_allowed" } else { "not_found" },
            ),
        ];
        for (case, call, status, code) in cases {
            let mut caller = route.caller().await;
            caller.say(call).await;
            let answer = caller.answer().await;
            assert_eq!(answer.status, status, "{}: {case}: {answer:?}", route.name);
            if !code.is_empty() {
                assert_eq!(answer.problem(), code, "{}: {case}", route.name);
            }
            if status == 405 {
                assert_eq!(answer.header("allow"), route.allow, "{}", route.name);
            }
            route.is_unharmed(caller, &answer).await;
        }
    }
}

#[tokio::test]
async fn bodies_are_bounded_whatever_they_say_of_themselves() {
    let doors = doors(StackOptions::new()).await;
    for route in &doors.routes {
        let post =
            |headers: &str| route.with_headers("POST", &format!("content-type: text/plain\r\n{headers}"));
        let served = if route.takes_bodies {
            route.served
        } else if route.allow.is_some() {
            405
        } else {
            404
        };
        let over = "x".repeat(BODY_BYTES + 1);
        // A route that reads no body has answered before it sees how large it is.
        let too_large = if route.takes_bodies { 413 } else { served };
        let cases = [
            (
                "just small enough",
                format!("{}{}", post(&format!("content-length: {BODY_BYTES}\r\n")), "x".repeat(BODY_BYTES)),
                served,
            ),
            (
                "in chunks, small enough",
                format!("{}5\r\n12345\r\n0\r\n\r\n", post("transfer-encoding: chunked\r\n")),
                served,
            ),
            (
                "sent whole though it was refused",
                format!("{}{over}", post(&format!("content-length: {}\r\n", over.len()))),
                413,
            ),
            (
                "in chunks, too large",
                format!("{}{:x}\r\n{over}\r\n0\r\n\r\n", post("transfer-encoding: chunked\r\n"), over.len()),
                too_large,
            ),
            (
                "in chunks, never ending",
                format!(
                    "{}{:x}\r\n{}",
                    post("transfer-encoding: chunked\r\n"),
                    1_u64 << 40,
                    "x".repeat(500_000)
                ),
                too_large,
            ),
        ];
        for (case, call, status) in cases {
            let mut caller = route.caller().await;
            caller.say(call).await;
            let answer = caller.answer().await;
            assert_eq!(answer.status, status, "{}: {case}: {answer:?}", route.name);
            if status == 413 {
                assert_eq!(answer.problem(), "body_too_large", "{}: {case}", route.name);
            }
            if case != "in chunks, never ending" {
                route.is_unharmed(caller, &answer).await;
            }
        }
        // More than it said: the rest is the next call, and no call at all.
        let mut caller = route.caller().await;
        caller.say(format!("{}1234\u{1}\u{2}more\r\n\r\n", post("content-length: 4\r\n"))).await;
        assert_eq!(caller.answer().await.status, served, "{}", route.name);
        if let Some(second) = caller.answer_or_end().await {
            assert_eq!((second.status, second.closes()), (400, true), "{}", route.name);
        }
        // Less than it said, and gone.
        if route.takes_bodies {
            let mut caller = route.caller().await;
            caller.say(format!("{}1234", post("content-length: 10\r\n"))).await;
            caller.end().await;
            let answer = caller.answer().await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (400, "unreadable_body"),
                "{}",
                route.name
            );
            caller.is_let_go().await;
        }
    }
}

#[tokio::test]
async fn whoever_is_slow_is_told_and_let_go() {
    let slow = SLOW.as_millis().to_string();
    let options =
        StackOptions::new().set_all("HTTP__HEAD_TIMEOUT_MS", &slow).set_all("HTTP__BODY_TIMEOUT_MS", &slow);
    let doors = doors(options).await;
    for route in &doors.routes {
        for used in [false, true] {
            let mut start = Instant::now();
            let mut caller = route.caller().await;
            if used {
                caller.say(route.get()).await;
                assert_eq!(caller.answer().await.status, route.served);
                start = Instant::now();
            }
            caller.say(route.get().trim_end()).await;
            let answer = caller.answer().await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (408, "request_timeout"),
                "{}",
                route.name
            );
            assert!(start.elapsed() >= SLOW, "{}: {:?}", route.name, start.elapsed());
            route.is_unharmed(caller, &answer).await;
        }
        for body in ["content-length: 10\r\n\r\n1", "transfer-encoding: chunked\r\n\r\n5\r\n1"] {
            let mut caller = route.caller().await;
            caller.say(format!("POST {} HTTP/1.1\r\nhost: h\r\n{body}", route.target)).await;
            let answer = caller.answer().await;
            if route.takes_bodies {
                assert_eq!(
                    (answer.status, answer.problem().as_str()),
                    (408, "request_timeout"),
                    "{}",
                    route.name
                );
            } else {
                assert!(matches!(answer.status, 404 | 405), "{}: {answer:?}", route.name);
            }
            // What is left of the body is waited for no longer than for a head, and nothing more is said.
            caller.is_let_go().await;
        }
    }
}

#[tokio::test]
async fn at_most_so_many_connections_are_open_and_the_others_wait_for_their_turn() {
    const MOST: usize = 8;
    let options = StackOptions::new()
        .set_all("HTTP__MAX_CONNECTIONS", &MOST.to_string())
        .set_all("HTTP__HEAD_TIMEOUT_MS", &SLOW.as_millis().to_string());
    let mut doors = doors(options).await;
    for service in [ServiceName::Ingest, ServiceName::Tracker] {
        let route = &doors.routes[if service == ServiceName::Ingest { 0 } else { 3 }];
        let before = doors.stack.service(service).open_files();
        // Five times as many as fit, and each holds its place as long as it may.
        let mut idle = Vec::new();
        for _ in 0..5 * MOST {
            idle.push(route.caller().await);
        }
        let mut honest = route.caller().await;
        honest.say(route.get()).await;
        let mut most = 0;
        let served = async {
            assert_eq!(honest.answer().await.status, route.served, "{}", route.name);
        };
        tokio::pin!(served);
        loop {
            tokio::select! {
                () = &mut served => break,
                () = tokio::time::sleep(Duration::from_millis(10)) => {
                    most = most.max(doors.stack.service(service).open_files());
                }
            }
        }
        let grown = most.saturating_sub(before);
        // A connection that ended and one that takes its place may be seen together.
        assert!((MOST - 1..=2 * MOST).contains(&grown), "{service:?} held {grown} files more than before");
    }
}

#[tokio::test]
async fn who_asks_and_never_listens_is_let_go() {
    let options = StackOptions::new().set_all("HTTP__WRITE_TIMEOUT_MS", "500");
    let doors = doors(options).await;
    for route in &doors.routes {
        // What is refused costs the broker nothing, and its answer is as long.
        let stranger = format!("{}?{}", route.target.split_once('?').unwrap().0, "nobody=1");
        let call = format!("GET {stranger} HTTP/1.1\r\nhost: h\r\n\r\n").repeat(50);
        let mut deaf = RawCaller::with_little_room(&route.url).await;
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < PATIENCE, "{}: still listened to", route.name);
            // Pending once it no longer reads: it must not wait for ever either.
            let said = tokio::time::timeout(Duration::from_millis(100), deaf.try_say(&call)).await;
            if matches!(said, Ok(Err(_))) {
                break;
            }
        }
        let mut next = route.caller().await;
        next.say(route.get()).await;
        assert_eq!(next.answer().await.status, route.served, "{}", route.name);
    }
}
