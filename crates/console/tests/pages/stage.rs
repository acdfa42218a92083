//! The console, three scripted services, a clock that the test moves, and a browser that keeps no cookies.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use console::{ServicesSettings, SessionSettings, Settings};
use http_kit::{HttpSettings, admin::AdminSettings};
use kernel::{Clock, Timestamp};
use process::{Runtime, StopSettings};
use serde_json::{Value, json};
use telemetry::TelemetrySettings;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, method, path},
};

pub const TOKEN: &str = "gkt_the-account-managers-token";
pub const CLICK: &str = "0193a1f0-0000-7000-8000-000000000001";
pub const CREDENTIAL: &str = "0193a1f0-0000-7000-8000-000000000002";
const OTHER: &str = "0193a1f0-0000-7000-8000-000000000003";

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

pub struct Stage {
    pub offer_catalog: MockServer,
    pub payout: MockServer,
    _attribution: MockServer,
    base: String,
    clock: Arc<Hand>,
    browser: reqwest::Client,
    _runtime: Runtime,
}

pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub cookies: Vec<String>,
    pub cache_control: String,
    pub policy: String,
    pub body: String,
}

impl Answer {
    pub fn form_token(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"form_token\" value=\"").expect("a form");
        rest.split('"').next().unwrap().to_owned()
    }

    /// The cookie of this name as a browser sends it back.
    fn cookie(&self, name: &str) -> String {
        let cookie = self.cookies.iter().find(|cookie| cookie.starts_with(&format!("{name}=")));
        cookie.expect("a cookie").split(';').next().unwrap().to_owned()
    }
}

impl Stage {
    pub async fn start() -> Self {
        let browser = test_kit::http_client();
        let (offer_catalog, attribution, payout) =
            (MockServer::start().await, MockServer::start().await, MockServer::start().await);
        catalog(&offer_catalog).await;
        journeys(&attribution).await;
        money(&payout).await;
        let free = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let settings = Settings {
            http: HttpSettings { listen: free, workers: 1, ..HttpSettings::default() },
            admin: AdminSettings { listen: free },
            services: ServicesSettings {
                offer_catalog_url: offer_catalog.uri(),
                attribution_url: attribution.uri(),
                payout_url: payout.uri(),
            },
            session: SessionSettings { minutes: 480, secure_cookie: true },
            telemetry: TelemetrySettings::default(),
            stop: StopSettings::default(),
        };
        let clock = Arc::new(Hand(AtomicI64::new(1_000_000)));
        let runtime = Runtime { clock: Arc::<Hand>::clone(&clock), ..Runtime::new() };
        let base = format!("http://{}", console::start(&settings, &runtime).unwrap());
        Self { offer_catalog, payout, _attribution: attribution, base, clock, browser, _runtime: runtime }
    }

    pub fn minutes_pass(&self, minutes: i64) {
        self.clock.0.fetch_add(minutes * 60_000_000, Ordering::SeqCst);
    }

    pub async fn get(&self, path: &str, cookie: &str) -> Answer {
        answer(self.browser.get(format!("{}{path}", self.base)).header("cookie", cookie)).await
    }

    pub async fn post(&self, path: &str, cookie: &str, form: &[(&str, &str)]) -> Answer {
        let body = url_encoded(form);
        let request = self.browser.post(format!("{}{path}", self.base)).header("cookie", cookie);
        answer(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    pub async fn sign_in(&self, token: &str) -> Answer {
        let form = self.get("/login", "").await;
        let cookie = form.cookie("gokart_sign_in");
        self.post("/login", &cookie, &[("api_token", token), ("form_token", &form.form_token())]).await
    }

    /// The cookie of a fresh session.
    pub async fn session(&self) -> String {
        self.sign_in(TOKEN).await.cookie("gokart_console")
    }

    /// How often offer-catalog was asked to reveal.
    pub async fn reveals(&self) -> usize {
        let requests = self.offer_catalog.received_requests().await.unwrap();
        requests.iter().filter(|request| request.url.path().ends_with("/reveal")).count()
    }
}

/// Names and values here need no escape.
fn url_encoded(form: &[(&str, &str)]) -> String {
    form.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let text = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    Answer {
        status: answer.status().as_u16(),
        location: text("location"),
        cookies: answer
            .headers()
            .get_all("set-cookie")
            .iter()
            .map(|value| value.to_str().unwrap().to_owned())
            .collect(),
        cache_control: text("cache-control").unwrap_or_default(),
        policy: text("content-security-policy").unwrap_or_default(),
        body: answer.text().await.unwrap(),
    }
}

/// Answers whatever is asked with this.
pub async fn any(server: &MockServer, answer: ResponseTemplate) {
    Mock::given(wiremock::matchers::any()).respond_with(answer).mount(server).await;
}

/// Answers whatever is asked with this status.
pub async fn refused(server: &MockServer, status: u16) {
    any(server, ResponseTemplate::new(status)).await;
}

/// Answers this to the token, 401 to others, 404 to the rest.
async fn script(server: &MockServer, answers: Vec<(&str, String, Value)>) {
    let authorization = format!("Bearer {TOKEN}");
    for (verb, at, body) in answers {
        let mock = Mock::given(method(verb)).and(path(at)).and(header("authorization", &*authorization));
        mock.respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(server).await;
    }
    let known =
        Mock::given(header("authorization", &*authorization)).respond_with(ResponseTemplate::new(404));
    known.with_priority(6).mount(server).await;
    let unknown = Mock::given(wiremock::matchers::any()).respond_with(ResponseTemplate::new(401));
    unknown.with_priority(7).mount(server).await;
}

fn list(items: &Value) -> Value {
    let total = items.as_array().unwrap().len();
    json!({"items": items, "page": 1, "pageSize": 100, "total": total})
}

async fn catalog(server: &MockServer) {
    let tenant =
        json!({"tenantId": OTHER, "domain": "Brownboots", "displayName": "Brownboots", "timeZone": "UTC"});
    let link = "https://track.example/x?pub_click_id={}&a=1";
    let offer = json!({
        "offerId": OTHER, "name": "<script>alert(1)</script>", "displayStatus": "Ready", "status": "Ready",
        "sharedTo": {"publisherId": OTHER, "linkId": OTHER, "sharedAt": "…", "trackingLink": link},
    });
    let credential = json!({
        "credentialId": CREDENTIAL, "advertiserId": null, "postbackUrl": "••••••••", "revoked": false,
        "generations": [
            {"generation": 1, "keyId": 1, "issuedAt": "2026-01-02T03:04:05.000Z", "validUntil": "2026-02-09T03:04:05.000Z",
             "lastUsedAt": "2026-02-03T04:05:06.000Z", "usedBy": [
                {"appId": "id123456789", "firstUsedAt": "2026-01-02T03:05:06.000Z", "lastUsedAt": "2026-02-03T04:05:06.000Z", "uses": 7},
                {"appId": null, "firstUsedAt": "2026-01-02T03:05:06.000Z", "lastUsedAt": "2026-01-03T04:05:06.000Z", "uses": 1}]},
            {"generation": 2, "keyId": 1, "issuedAt": "2026-02-02T03:04:05.000Z", "validUntil": null, "lastUsedAt": null, "usedBy": []},
        ],
    });
    let revealed = json!({
        "credentialId": CREDENTIAL, "postbackUrl": "https://api.example/api/v1/t1/t2/t3/?signature=the-signature",
        "securitySegment": "t1/t2/t3/", "domain": "Brownboots", "signature": "the-signature",
    });
    script(
        server,
        vec![
            ("GET", "/api/v1/tenants/me".into(), tenant),
            ("GET", "/api/v1/offers".into(), list(&json!([offer]))),
            (
                "GET",
                "/api/v1/publishers".into(),
                list(&json!([{"publisherId": OTHER, "name": "Rewardville"}])),
            ),
            ("GET", "/api/v1/advertisers".into(), list(&json!([]))),
            ("GET", "/api/v1/credentials".into(), list(&json!([credential]))),
            ("POST", format!("/api/v1/credentials/{CREDENTIAL}/reveal"), revealed),
        ],
    )
    .await;
}

async fn journeys(server: &MockServer) {
    let step = json!({"rule": 9, "outcome": "passed", "sentence": "9. Is the event mapped in the offer? Yes.", "saw": []});
    let decision = |code: &str, sentence: &str| {
        json!({
            "code": code, "sentence": sentence, "revision": 1, "decidedAt": "2026-11-22T10:00:01Z", "mayChange": false,
            "trace": [step],
        })
    };
    let journey = json!({
        "gkClickId": CLICK,
        "click": {
            "clickedAt": "2026-11-22T10:00:00Z", "offerId": OTHER, "offerVersion": 2, "advertiserId": OTHER,
            "publisherId": OTHER, "linkId": OTHER,
        },
        "postbacks": [{
            "receipt": OTHER, "receivedAt": "2026-11-22T10:00:01Z", "eventId": "level_10", "code": "QUALIFIED",
            "sentence": "It counts.", "revision": 2,
        }],
        "conversions": [],
    });
    let postback = json!({
        "receipt": OTHER, "receivedAt": "2026-11-22T10:00:01Z", "decision": decision("QUALIFIED", "It counts."),
        "earlierDecisions": [decision("WAITING_SEQUENCE", "It waits.")],
    });
    script(
        server,
        vec![
            ("GET", format!("/api/v1/journeys/{CLICK}"), journey),
            ("GET", format!("/api/v1/postbacks/{OTHER}"), postback),
        ],
    )
    .await;
}

async fn money(server: &MockServer) {
    let usd = json!({"amount": "4.99", "currency": "USD"});
    let conversion = json!({
        "conversionId": OTHER, "gkClickId": CLICK, "offerName": "Golfin", "eventId": "level_10",
        "eventName": "Reach Level 10", "status": "Success", "onReview": false, "flagged": false, "reason": "",
        "revenue": usd, "payout": usd, "changedAt": "2026-11-22T10:00:02Z", "history": [],
        "transfers": [{
            "flow": "payable", "kind": "posted", "debit": {"kind": "advertiser_receivable"},
            "credit": {"kind": "publisher_payable"}, "amount": usd, "recordedAt": "2026-11-22T10:00:02Z",
        }],
        "deliveries": [{
            "told": "success", "state": "delivered", "attempts": [
                {"number": 1, "startedAt": "…", "durationMs": 3, "failure": "connection refused", "response": ""},
                {"number": 2, "startedAt": "…", "durationMs": 20, "httpStatus": 204, "response": ""},
            ],
        }],
    });
    // The list of another click is empty.
    let of_click = wiremock::matchers::query_param("gk_click_id", CLICK);
    let lines = ResponseTemplate::new(200).set_body_json(list(&json!([conversion])));
    Mock::given(path("/api/v1/conversions"))
        .and(of_click)
        .respond_with(lines)
        .with_priority(1)
        .mount(server)
        .await;
    script(
        server,
        vec![
            ("GET", "/api/v1/conversions".into(), list(&json!([]))),
            ("GET", format!("/api/v1/conversions/{OTHER}"), conversion),
        ],
    )
    .await;
}
