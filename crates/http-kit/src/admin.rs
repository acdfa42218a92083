//! The port of the operator: `/livez`, `/readyz`, `/metrics`. Never on the port that the world sees.
//!
//! Liveness says only that the process answers. It must not depend on a broker or database: restarting us does not
//! heal them, and restarting all replicas at once makes an outage of ours out of an outage of theirs. Readiness does
//! depend on them and names what is missing. This server outlives the others: a drain can be watched.

use std::net::SocketAddr;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header::ContentType},
    web,
};
use process::{Readiness, Supervisor};
use serde::{Deserialize, Serialize};
use settings::{Problems, Validate};

use crate::{
    http_settings::HttpSettings,
    root_span::AccessLog,
    server::{ListenError, Server},
};

/// The `[admin]` section of a service's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminSettings {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
}

impl Default for AdminSettings {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9090)) }
    }
}

impl Validate for AdminSettings {
    fn validate(&self, _: &mut Problems) {}
}

/// Starts the admin server under the supervisor and returns the bound address.
///
/// # Errors
/// [`ListenError`] when the address cannot be bound.
pub fn listen(
    settings: &AdminSettings,
    readiness: &Readiness,
    supervisor: &Supervisor,
) -> Result<SocketAddr, ListenError> {
    let http = HttpSettings {
        listen: settings.listen,
        // Probes and a scraper: one thread, few connections, no bodies.
        workers: 1,
        max_connections: 64,
        backlog: 64,
        body_limit_bytes: 1_024,
        uri_limit_bytes: 1_024,
        stop_seconds: 1,
        ..HttpSettings::default()
    };
    let readiness = web::Data::new(readiness.clone());
    Server::new("admin", &http).access_log(AccessLog::Debug).until_the_end().listen(
        supervisor,
        move |config| {
            config
                .app_data(readiness.clone())
                .route("/livez", web::get().to(livez))
                .route("/readyz", web::get().to(readyz))
                .route("/metrics", web::get().to(metrics));
        },
    )
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::plaintext()).body("alive\n")
}

#[derive(Serialize)]
struct ReadyBody {
    ready: bool,
    /// The conditions that are not met: what an operator looks for first.
    missing: Vec<&'static str>,
    conditions: Vec<ConditionBody>,
}

#[derive(Serialize)]
struct ConditionBody {
    name: &'static str,
    met: bool,
}

async fn readyz(readiness: web::Data<Readiness>) -> HttpResponse {
    let ready = readiness.is_ready();
    let conditions: Vec<_> =
        readiness.explain().into_iter().map(|(name, met)| ConditionBody { name, met }).collect();
    let missing =
        conditions.iter().filter(|condition| !condition.met).map(|condition| condition.name).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).json(ReadyBody { ready, missing, conditions })
}

async fn metrics() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(telemetry::prometheus_text())
}
