//! A canary in every position a stranger can write to, driven through every kind of answer, a panic, a broker and a
//! database that fail; then looked for in everything the services write.

use std::time::Duration;

use reqwest::Method;
use system_tests::{
    ServiceName, Stack, StackOptions,
    canary::{Canaries, Place},
    guide::Guide,
    raw::RawCaller,
    spy::Spy,
    truth::Truth,
};
use test_kit::{FakePublisher, Fault, FaultProxy, Nodes, OtlpReceiver, eventually, http_client};
use url::Url;

const SOON: Duration = Duration::from_secs(30);

/// What a call is like, and so how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Get,
    Form,
    Json,
    BrokenJson,
    WrongSegment,
    WrongSignature,
    WrongDomain,
    Put,
    LargeBody,
    LongUri,
    NotHttp,
    LargeHead,
    SlowHead,
    SlowBody,
}

impl Call {
    const ALL: [Self; 14] = [
        Self::Get,
        Self::Form,
        Self::Json,
        Self::BrokenJson,
        Self::WrongSegment,
        Self::WrongSignature,
        Self::WrongDomain,
        Self::Put,
        Self::LargeBody,
        Self::LongUri,
        Self::NotHttp,
        Self::LargeHead,
        Self::SlowHead,
        Self::SlowBody,
    ];

    /// What ingest answers when all is well.
    const fn status(self) -> u16 {
        match self {
            Self::Get | Self::Form | Self::Json | Self::BrokenJson => 200,
            Self::WrongSegment | Self::WrongSignature | Self::WrongDomain => 404,
            Self::Put => 405,
            Self::LargeBody => 413,
            Self::LongUri => 414,
            Self::NotHttp => 400,
            Self::LargeHead => 431,
            Self::SlowHead | Self::SlowBody => 408,
        }
    }

    /// Whether it is taken, and what it reports kept.
    const fn is_taken(self) -> bool {
        self.status() == 200
    }
}

/// Everything that was answered, as it came.
#[derive(Default)]
struct Answers(String);

struct Scene {
    stack: Stack,
    guide: Guide,
    canaries: Canaries,
    answers: Answers,
}

impl Scene {
    /// One call to ingest with a canary in every position it has; what comes back, if anything.
    async fn call(&mut self, call: Call, when: &str) -> Option<u16> {
        let text = self.text_of(call, when);
        let mut caller = RawCaller::to(&self.guide.credential.postback_url).await;
        caller.say(text).await;
        self.hear(caller).await
    }

    async fn hear(&mut self, mut caller: RawCaller) -> Option<u16> {
        let answer = caller.answer_or_end().await?;
        self.answers.0.push_str(&answer.head);
        self.answers.0.push('\n');
        self.answers.0.push_str(&answer.body);
        self.answers.0.push('\n');
        Some(answer.status)
    }

    fn text_of(&mut self, call: Call, when: &str) -> String {
        let at = |position: &str| format!("{position} of {call:?} {when}");
        let canaries = &mut self.canaries;
        let mut what = |position: &str| {
            if call.is_taken() { canaries.content(at(position)) } else { canaries.secret(at(position)) }
        };
        let reported = format!(
            "gk_click_id={}&cnv_event_id={}&{}={}&cnv_email={}%40x",
            what("the click id"),
            what("the event id"),
            what("a parameter's name"),
            what("a parameter's value"),
            what("an address")
        );
        let (body, kind) = match call {
            Call::Form => (
                format!("x={}&{}=1", what("a form's value"), what("a form's name")),
                "application/x-www-form-urlencoded",
            ),
            Call::Json => (
                format!(
                    r#"{{"x":"{}","{}":{{"y":["{}"]}}}}"#,
                    what("JSON"),
                    what("a JSON name"),
                    what("deep JSON")
                ),
                "application/json",
            ),
            Call::BrokenJson => (format!(r#"{{"x":"{}"#, what("broken JSON")), "application/json"),
            Call::SlowBody => (what("a slow body"), "text/plain"),
            _ => (String::new(), ""),
        };
        let content_type = if kind.is_empty() {
            String::new()
        } else {
            format!("content-type: {kind}; x={}\r\n", what("the content type"))
        };
        let mut secret = |position: &str| canaries.secret(at(position));
        // The values that do open the door, under names that say nothing of it: a whole URL that somebody passes on.
        let copies: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("original_url", &self.guide.credential.postback_url)
            .append_pair("copy", &self.guide.credential.signature)
            .finish();
        // Credentials once more and elsewhere: the first ones hold, and none may be kept.
        let credentials = format!(
            "{copies}&Signature={}&%73ignature={}&domain={}&token={}&security_segment={}",
            secret("a second signature"),
            secret("an encoded signature"),
            secret("a second domain"),
            secret("a token in the query"),
            secret("a segment in the query")
        );
        let body = match call {
            Call::Form => format!(
                "{body}&{copies}&signature={}&domain={}",
                secret("a form's signature"),
                secret("a form's domain")
            ),
            Call::Json => body.replacen(
                '{',
                &format!(
                    r#"{{"copy":"{}","signature":"{}","deep":{{"Token":"{}"}},"#,
                    self.guide.credential.postback_url,
                    secret("a JSON signature"),
                    secret("a deep JSON token")
                ),
                1,
            ),
            _ => body,
        };
        let url = Url::parse(&self.guide.credential.postback_url).unwrap();
        let (path, query) = (url.path(), url.query().unwrap_or_default());
        let (path, query) = match call {
            Call::WrongSegment => {
                (format!("/api/v1/{}/{}/x/", secret("the path"), secret("the path's end")), query.to_owned())
            }
            Call::WrongSignature => {
                (path.to_owned(), format!("domain=brownboots&signature={}", secret("the signature")))
            }
            Call::WrongDomain => (
                path.to_owned(),
                format!("{query}&domain={}", secret("the domain")).replacen("domain=", "x=", 1),
            ),
            _ => (path.to_owned(), query.to_owned()),
        };
        let mut headers = format!("host: {}.example\r\n", secret("the host"));
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "referer",
            "user-agent",
            "x-api-key",
            "x-forwarded-for",
            "x-request-id",
            "x-gokart",
            "forwarded",
            "from",
            "origin",
            "accept",
            "accept-language",
            "baggage",
            "traceparent",
        ] {
            headers.push_str(&format!("{name}: {}\r\n", secret(name)));
        }
        headers.push_str(&format!("x-{}: 1\r\n", secret("a header's name")));
        headers.push_str(&content_type);
        let fragment = secret("the fragment");
        let method = match call {
            Call::Form | Call::Json | Call::BrokenJson | Call::LargeBody | Call::SlowBody => "POST",
            Call::Put => "PUT",
            _ => "GET",
        };
        let line = format!("{method} {path}?{query}&{reported}&{credentials}#{fragment} HTTP/1.1\r\n");
        match call {
            Call::LargeBody => {
                let body = format!("{}{}", secret("a large body"), "x".repeat(70_000));
                format!("{line}{headers}content-length: {}\r\n\r\n{body}", body.len())
            }
            Call::LongUri => {
                format!("GET {path}?{query}&{reported}&x={} HTTP/1.1\r\n{headers}\r\n", "x".repeat(40_000))
            }
            Call::NotHttp => {
                format!("{line}{headers}{} {}\r\n\r\n", secret("a broken header"), secret("its end"))
            }
            Call::LargeHead => {
                format!("{line}{headers}x: {}{}\r\n\r\n", "x".repeat(1_000_000), secret("a large header"))
            }
            Call::SlowHead => format!("{line}{headers}x: "),
            Call::SlowBody => format!("{line}{headers}content-length: 5000\r\n\r\n{body}"),
            _ if body.is_empty() => format!("{line}{headers}\r\n"),
            _ => format!("{line}{headers}content-length: {}\r\n\r\n{body}", body.len()),
        }
    }

    /// One click, and what is not quite one, with a canary in every position.
    async fn visit(&mut self, when: &str) {
        let link = self.guide.link_for("c-x", "m-x");
        let link = Url::parse(&link).unwrap();
        let target = format!("{}?{}", link.path(), link.query().unwrap_or_default());
        let of = |position: &str| format!("{position} of a click {when}");
        for (method, target) in [
            ("GET", target.clone()),
            ("PUT", target),
            (
                "GET",
                format!(
                    "/api/v1/offer-link/redirect/{}?pub_click_id=c",
                    self.canaries.secret(of("the link"))
                ),
            ),
            ("GET", format!("{}?pub_click_id=c", link.path())),
            ("GET", format!("/{}", self.canaries.secret(of("the path")))),
        ] {
            let value = |canaries: &mut Canaries, position: &str| canaries.secret(of(position));
            let line = format!(
                "{method} {target}{}x={}&{}=1&token={}#{} HTTP/1.1\r\n",
                if target.contains('?') { "&" } else { "?" },
                value(&mut self.canaries, "an unknown parameter"),
                value(&mut self.canaries, "an unknown parameter's name"),
                value(&mut self.canaries, "a token"),
                value(&mut self.canaries, "the fragment"),
            );
            let mut headers =
                format!("host: h\r\nuser-agent: {}\r\n", self.canaries.content(of("the user agent")));
            for name in
                ["authorization", "cookie", "referer", "x-api-key", "x-forwarded-for", "accept-language"]
            {
                headers.push_str(&format!("{name}: {}\r\n", self.canaries.secret(of(name))));
            }
            let mut caller = RawCaller::to(link.as_str()).await;
            caller.say(format!("{line}{headers}\r\n")).await;
            self.hear(caller).await;
        }
    }

    /// Calls to the APIs with tokens that are nobody's, and with canaries where ids are expected.
    async fn ask_apis(&mut self, when: &str) {
        let endpoints = self.stack.endpoints().clone();
        for (base, path) in [
            (&endpoints.offer_catalog, "/api/v1/offers"),
            (&endpoints.offer_catalog, "/api/v1/credentials"),
            (&endpoints.attribution, "/api/v1/postbacks"),
            (&endpoints.attribution, "/api/v1/journeys"),
            (&endpoints.payout, "/api/v1/conversions"),
        ] {
            let mut secret = |position: &str| self.canaries.secret(format!("{position} of {path} {when}"));
            let url = format!(
                "{base}{path}/{}?x={}&gk_click_id={}",
                secret("an id"),
                secret("a query"),
                secret("a click")
            );
            let tokens = [secret("a token"), self.guide.tenant.token.clone()];
            for token in tokens {
                for method in [Method::GET, Method::POST, Method::DELETE] {
                    let mut secret =
                        |position: &str| self.canaries.secret(format!("{position} of {path} {when}"));
                    let asked = http_client()
                        .request(method, &url)
                        .header("authorization", format!("Bearer {token}"))
                        .header("x-api-key", secret("a header"))
                        .header("content-type", "application/json")
                        .body(format!(r#"{{"name":"{}","{}":1"#, secret("a body"), secret("a body's name")));
                    if let Ok(answer) = asked.send().await {
                        self.answers.0.push_str(&format!("{:?}\n", answer.headers()));
                        self.answers.0.push_str(&answer.text().await.unwrap_or_default());
                        self.answers.0.push('\n');
                    }
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_in_every_position_turns_up_nowhere() {
    let collector = OtlpReceiver::start();
    let nodes = Nodes::from_env();
    let broker = FaultProxy::to_server_of(nodes.amqp_url());
    let options = StackOptions::new()
        .set_all("TELEMETRY__LOG_FILTER", "trace")
        .set_all("TELEMETRY__OTLP_ENDPOINT", &collector.endpoint())
        .set_all("BUS__URL", &broker.url(nodes.amqp_url()))
        .set(ServiceName::Ingest, "HTTP__HEAD_TIMEOUT_MS", "2000")
        .set(ServiceName::Ingest, "HTTP__BODY_TIMEOUT_MS", "2000");
    let stack = Stack::start_with(options).await;
    let spy = Spy::on(stack.namespace()).await;
    let publisher = FakePublisher::start();
    let guide = Guide::set_up(stack.endpoints(), "Brownboots", &publisher, 0).await.unwrap();
    let click = guide.click("c-1", "m-1").await.unwrap();
    let mut scene = Scene { stack, guide, canaries: Canaries::default(), answers: Answers::default() };
    let credential = &scene.guide.credential;
    scene.canaries.also("the signature", &credential.signature);
    for token in credential.segment.split('/').filter(|token| !token.is_empty()) {
        scene.canaries.also("the segment", token);
    }
    scene.canaries.also("the owner's token", &scene.guide.tenant.token);
    scene.canaries.also("the operator's token", &scene.stack.endpoints().operator_token);
    let signing_secret = scene.guide.publisher.signing_secret.trim_start_matches("whsec_").to_owned();
    scene.canaries.also("the publisher's signing secret", &signing_secret);
    for (name, url) in [
        ("the broker's password", nodes.amqp_url().to_owned()),
        ("the superuser's password", nodes.admin_url("x")),
    ] {
        scene.canaries.also(name, Url::parse(&url).unwrap().password().expect("a password"));
    }

    // The guide's story, for something to be there; then every kind of answer.
    for postback in &Guide::postbacks(&click) {
        assert_eq!(scene.guide.apps_flyer().send(postback).await.status, 200);
    }
    for call in Call::ALL {
        assert_eq!(scene.call(call, "when all is well").await, Some(call.status()), "{call:?}");
    }
    scene.visit("when all is well").await;
    scene.ask_apis("when all is well").await;
    let truth = Truth::of(&scene.stack).await;
    eventually("everything is decided", SOON, async || {
        let decided = truth.decisions().await.len();
        if decided >= 9 { Ok(()) } else { Err(decided) }
    })
    .await;

    // A panic in the middle of a call.
    let ingest = scene.stack.service(ServiceName::Ingest);
    ingest.stop().await;
    ingest.start_with("ingest::parsed=panic").await;
    for call in [Call::Get, Call::Form, Call::Json] {
        let status = scene.call(call, "in a panic").await;
        assert_eq!(status, Some(500), "{call:?} did not meet the panic");
    }
    let ingest = scene.stack.service(ServiceName::Ingest);
    assert!(ingest.log().contains("a thread panicked"));
    ingest.stop().await;
    ingest.start().await;

    // A broker that breaks in mid-sentence, is not there, and speaks nonsense.
    for (what, fault) in [("cut", Fault::Pass), ("corrupt", Fault::Corrupt)] {
        broker.set(fault);
        broker.cut();
        broker.refuse();
        for call in [Call::Get, Call::Form, Call::Json, Call::WrongSignature] {
            scene.call(call, &format!("with a broker that is {what}")).await;
        }
        scene.visit(&format!("with a broker that is {what}")).await;
        // What is taken meanwhile lies in the spool: looked at while it does.
        assert!(
            scene.stack.spooled(ServiceName::Ingest) > 0,
            "nothing was spooled with a broker that is {what}"
        );
        let spool = Place::files_below("the spool", scene.stack.folder());
        scene.canaries.content_is_in(&spool);
        scene.canaries.are_nowhere_in(&[spool]);
        if fault == Fault::Corrupt {
            // Connections again, and nothing on them makes sense.
            broker.heal();
            broker.set(fault);
            let opened = broker.opened();
            eventually("a service tries it", SOON, async || broker.opened() > opened + 1).await;
            scene.call(Call::Get, "with a broker that speaks nonsense").await;
        }
        broker.heal();
        for service in ServiceName::ALL {
            scene.stack.service(service).ready().await;
        }
    }

    // Databases that are not there: through a wire, for the other tests go on with theirs. (Their password is a common
    // word; one that can be found is in `settings_secrets`.)
    let databases = FaultProxy::to_server_of(&nodes.admin_url("postgres"));
    for service in ServiceName::ALL.into_iter().filter(|service| service.has_database()) {
        let url = scene.stack.database(service).app_url();
        let process = scene.stack.service(service);
        process.stop().await;
        process.set("DATABASE__URL", databases.url(&url));
        process.start().await;
    }
    for fault in [Fault::Pass, Fault::Corrupt] {
        databases.set(fault);
        databases.cut();
        databases.refuse();
        scene.ask_apis("without a database").await;
        for call in [Call::Get, Call::Form, Call::Json] {
            scene.call(call, "without a database").await;
        }
        databases.heal();
    }
    for service in ServiceName::ALL {
        scene.stack.service(service).ready().await;
    }
    assert_eq!(scene.call(Call::Get, "at last").await, Some(200));
    eventually("the last call is decided", SOON, async || {
        let waiting = scene.stack.namespace().ready("attribution.postbacks").await;
        if waiting == Some(0) { Ok(()) } else { Err(waiting) }
    })
    .await;

    looked_for(&scene, &truth, &spy, &collector, &publisher).await;
}

async fn looked_for(
    scene: &Scene,
    truth: &Truth,
    spy: &Spy,
    collector: &OtlpReceiver,
    publisher: &FakePublisher,
) {
    assert!(scene.canaries.len() > 1_000, "{} canaries", scene.canaries.len());
    let overheard = spy.take_everything().await;
    for queue in ["spy", "gokart.recent", "gokart.pulses"] {
        assert!(overheard.iter().any(|message| message.queue == queue), "nothing was said in {queue}");
    }
    let bodies: Vec<u8> = overheard.iter().flat_map(|message| message.body.clone()).collect();
    let headers: String = overheard.iter().map(|message| format!("{}\n", message.properties)).collect();
    let tables = truth.everything().await;
    let kept = [
        Place::keeping_content("a message's body", &bodies),
        Place::keeping_content("the tables", tables.as_bytes()),
    ];
    for place in &kept {
        scene.canaries.content_is_in(place);
    }
    scene.canaries.are_nowhere_in(&kept);
    scene.canaries.are_nowhere_in(&[
        Place::new("a log", scene.stack.logs()),
        Place::new("a span", collector.said()),
        Place::new("a metric", scene.stack.metrics().await),
        Place::new("a message's headers", headers),
        Place::new("an answer", &*scene.answers.0),
        Place::new("a publisher's postback", format!("{:?}", publisher.deliveries())),
        Place::files_below("a service's folder", scene.stack.folder()),
    ]);
}
