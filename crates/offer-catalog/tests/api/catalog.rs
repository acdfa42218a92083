//! A running catalog with a database of its own, and how tests talk to it.

use std::{ffi::OsString, path::Path};

use contracts::{Fact, envelope::Envelope};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Binary, Text},
};
use diesel_async::RunQueryDsl;
use offer_catalog::{Addresses, OfferCatalog, Settings};
use process::{Runtime, Service};
use prost::Message as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use settings::Source;
use tempfile::TempDir;
use test_kit::TestDatabase;

pub const OPERATOR_TOKEN: &str = "operator-token-of-the-tests-0123456789";
pub const PEPPER: &str = "pepper-of-the-tests";
/// 32 bytes of base64url.
pub const CREDENTIAL_KEYS: &str = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
pub const SEALING_KEYS: &str = "3:HwAeAR0CHAMbBBoFGQYYBxcIFgkVChQLEwwSDRENEA8";

/// A running catalog.
pub struct Catalog {
    pub settings: Settings,
    pub runtime: Runtime,
    pub url: String,
    pub client: reqwest::Client,
    /// Where the files of creatives lie.
    pub creatives: TempDir,
    // Last: nothing may be connected to it when it is dropped.
    pub database: TestDatabase,
}

/// What the API answered.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub etag: Option<String>,
    pub cache_control: Option<String>,
    pub is_replayed: bool,
    pub retry_after: Option<u64>,
    pub body: Value,
}

impl Answer {
    /// Reads an answer whole.
    pub async fn of(response: reqwest::Response) -> Self {
        let header = |name: &str| Some(response.headers().get(name)?.to_str().expect("text").to_owned());
        let (etag, cache_control) = (header("etag"), header("cache-control"));
        let is_replayed = header("idempotent-replayed").is_some();
        let retry_after = header("retry-after").map(|seconds| seconds.parse().expect("seconds"));
        let status = response.status();
        let bytes = response.bytes().await.expect("a body");
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).expect("JSON") };
        Self { status, etag, cache_control, is_replayed, retry_after, body }
    }

    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }

    /// The body of a problem with this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        self.body
    }

    /// The fields that a problem names.
    #[track_caller]
    pub fn fields(self, status: u16, code: &str) -> Vec<String> {
        let body = self.problem(status, code);
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }
}

/// The text of a field.
#[track_caller]
pub fn text(body: &Value, pointer: &str) -> String {
    let value = body.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {body}"));
    value.as_str().unwrap_or_else(|| panic!("{pointer} is no text in {body}")).to_owned()
}

impl Catalog {
    /// Without a broker: what is told stays in the outbox, where tests read it.
    pub async fn start() -> Self {
        Self::start_with(&[("BUS__URL", "amqp://127.0.0.1:1".to_owned())]).await
    }

    pub async fn start_with(variables: &[(&str, String)]) -> Self {
        let database = test_kit::database("offer-catalog", offer_catalog::migrate).await;
        let creatives = tempfile::tempdir().expect("a folder");
        let settings = settings_of(&database, creatives.path(), variables);
        let runtime = Runtime::new();
        let client = test_kit::http_client();
        let Addresses { http, .. } = offer_catalog::start(&settings, &runtime).expect("a catalog");
        Self { settings, runtime, url: format!("http://{http}"), client, creatives, database }
    }

    /// Stops it and starts it again over the same database with other settings.
    pub async fn restart_with(self, variables: &[(&str, String)]) -> Self {
        let Self { runtime, client, creatives, database, .. } = self;
        runtime.supervisor.drain(std::time::Duration::from_secs(20)).await.expect("it stops");
        let settings = settings_of(&database, creatives.path(), variables);
        let runtime = Runtime::new();
        let Addresses { http, .. } = offer_catalog::start(&settings, &runtime).expect("a catalog");
        Self { settings, runtime, url: format!("http://{http}"), client, creatives, database }
    }

    pub async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        self.call_with(method, path, token, body, &[]).await
    }

    pub async fn call_with(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}/api/v1{path}", self.url));
        if !token.is_empty() {
            request = request.header("authorization", format!("ApiToken {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().await.expect("an answer")).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, token, None).await
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.call(Method::POST, path, token, Some(body)).await
    }

    pub async fn put(&self, path: &str, token: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, token, Some(body)).await
    }

    /// A tenant with this domain; answers its owner's token.
    pub async fn tenant(&self, domain: &str) -> String {
        let body = json!({"domain": domain, "timeZone": "America/New_York", "mediaSources": ["gokart_int"]});
        let created = self.post("/tenants", OPERATOR_TOKEN, body).await.ok();
        text(&created, "/ownerToken/apiToken")
    }

    /// An advertiser; answers its id.
    pub async fn advertiser(&self, token: &str) -> String {
        text(&self.post("/advertisers", token, json!({"name": "Golfin"})).await.ok(), "/advertiserId")
    }

    /// A publisher; answers its id.
    pub async fn publisher(&self, token: &str) -> String {
        let body = json!({
            "name": "Rewardville",
            "postback": {"urlTemplate": "https://r.example/pb?c={pub_click_id}&id={conversion_id}"},
        });
        text(&self.post("/publishers", token, body).await.ok(), "/publisherId")
    }

    /// The guide's offer, created; answers its id.
    pub async fn offer(&self, token: &str) -> String {
        let advertiser = self.advertiser(token).await;
        let draft = self.post("/offers", token, golfin(&advertiser)).await.ok();
        let id = text(&draft, "/offerId");
        self.post(&format!("/offers/{id}/create"), token, json!({})).await.ok();
        id
    }

    /// Every row of every table, a line each; texts inside of `bytea` stay readable.
    pub async fn stored(&self) -> String {
        #[derive(QueryableByName)]
        struct Line {
            #[diesel(sql_type = Text)]
            line: String,
        }

        let mut admin = self.database.admin().await;
        sql_query("SET bytea_output = 'escape'").execute(&mut admin).await.expect("a setting");
        let tables = "SELECT format('%I', tablename) AS line FROM pg_tables WHERE schemaname = 'public'";
        let mut stored = String::new();
        for Line { line: table } in sql_query(tables).load(&mut admin).await.expect("tables") {
            let rows: Vec<Line> = sql_query(format!("SELECT t::text AS line FROM {table} AS t"))
                .load(&mut admin)
                .await
                .expect("rows");
            for row in rows {
                stored.extend([row.line.as_str(), "\n"]);
            }
        }
        stored
    }

    /// Every fact of one kind that was told so far, in order.
    pub async fn facts<F: Fact>(&self) -> Vec<F> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Binary)]
            envelope: Vec<u8>,
        }

        let mut admin = self.database.admin().await;
        let rows: Vec<Row> =
            sql_query("SELECT envelope FROM outbox ORDER BY position").load(&mut admin).await.expect("rows");
        rows.into_iter()
            .map(|row| Envelope::decode(row.envelope.as_slice()).expect("an envelope"))
            .filter(|envelope| envelope.fact == F::NAME)
            .map(|envelope| contracts::open(&envelope).expect("the fact"))
            .collect()
    }
}

pub fn settings_of(database: &TestDatabase, creatives: &Path, variables: &[(&str, String)]) -> Settings {
    let source =
        Source { defaults: OfferCatalog::DEFAULTS, env_prefix: OfferCatalog::ENV_PREFIX, file: None };
    let own = [
        ("HTTP__LISTEN", "127.0.0.1:0".to_owned()),
        ("ADMIN__LISTEN", "127.0.0.1:0".to_owned()),
        ("DATABASE__URL", database.app_url()),
        ("DATABASE__POOL_SIZE", "4".to_owned()),
        ("AUTH__TOKEN_PEPPER", PEPPER.to_owned()),
        ("AUTH__CACHE_MS", "0".to_owned()),
        ("OPERATOR__TOKEN", OPERATOR_TOKEN.to_owned()),
        ("CREDENTIALS__KEYS", CREDENTIAL_KEYS.to_owned()),
        ("SEALING__KEYS", SEALING_KEYS.to_owned()),
        ("PUBLIC__POSTBACK_BASE_URL", "https://api.{domain}.getgokart.ai".to_owned()),
        ("PUBLIC__TRACKING_BASE_URL", "http://127.0.0.1:8081".to_owned()),
        ("PUBLIC__CREATIVES_BASE_URL", crate::pictures::BASE.to_owned()),
        ("CREATIVES__FOLDER", creatives.display().to_string()),
    ];
    let environment = own.iter().chain(variables).map(|(name, value)| {
        (OsString::from(format!("{}__{name}", OfferCatalog::ENV_PREFIX)), OsString::from(value))
    });
    settings::load_from(&source, environment).expect("settings").settings
}

/// The guide's own offer: part 5.
pub fn golfin(advertiser: &str) -> Value {
    json!({
        "offerType": "MultiEvent",
        "trackingSystem": "AppsFlyer",
        "advertiserId": advertiser,
        "name": "Golfin iOS",
        "trackingSystemLink": "https://app.appsflyer.com/id123456789?pid=gokart_int",
        "headline": "Play golf, earn coins",
        "shortDescription": "Install Golfin and reach level 10.",
        "categories": ["Golf", "Sports"],
        "creatives": [{"order": 1, "url": "https://cdn.example/golfin.png"}],
        "budget": {"total": "5000.00"},
        "currency": "USD",
        "launchDate": "2999-01-01",
        "gender": "All",
        "ageRanges": ["18+"],
        "platforms": ["IOS"],
        "countries": ["US", "ZA", "AU"],
        "events": [
            {"eventId": "Install", "name": "Install", "sequenceNumber": 1, "pendingTime": 0,
             "revenue": "2.00", "payout": "1.00"},
            {"eventId": "level_10", "name": "Reach Level 10", "sequenceNumber": 2, "pendingTime": 0,
             "revenue": "5.00", "payout": "3.00", "reward": 500},
            {"eventId": "af_purchase", "name": "Purchase", "sequenceNumber": null, "pendingTime": 7,
             "revenue": {"model": "Percent", "percent": "20"},
             "payout": {"model": "RevenueShare", "percent": "70"}}
        ]
    })
}
