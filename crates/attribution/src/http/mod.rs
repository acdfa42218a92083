//! The API: why a postback was decided as it was, and a click's whole journey.

mod codes;
mod count_postbacks;
mod decision_body;
mod draft;
mod get_erasure;
mod get_journey;
mod get_postback;
mod get_redrive;
mod list_alarms;
mod list_erasures;
mod list_parked;
mod list_postbacks;
mod list_quarantine;
mod live_postbacks;
mod live_stream;
mod order_erasure;
mod payout_body;
mod period;
mod reconciliations;
mod redrive;
mod replays;
mod simulate;

use std::{fmt, sync::Arc};

use actix_web::web;
use http_kit::{
    Problem,
    auth::TokenAuth,
    openapi::{self, About, Parameter, Said},
};
use kernel::Clock;
use postgres_kit::DbError;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::flows::{Attributor, StoryReader, live::Feed, reconcile::Reconciler, replay::Replayer};

pub use reconciliations::BODY as REPORT_BODY;

/// What a caller waits before trying again when the database is away.
const RETRY_AFTER_SECONDS: u32 = 5;

/// What the handlers work with.
#[derive(Clone)]
pub struct Api {
    /// Reads postbacks and journeys.
    pub reader: StoryReader,
    /// Takes orders: to forget a person, to have a group judged again.
    pub attributor: Attributor,
    /// Compares AppsFlyer's reports with what came.
    pub reconciler: Reconciler,
    /// Judges stored journeys again.
    pub replayer: Replayer,
    /// Tells of decisions as they are made.
    pub feed: Feed,
    /// The time, for the default period of lists.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Api {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Api")
    }
}

/// Registers the API.
pub fn routes(
    auth: web::Data<TokenAuth>,
    api: web::Data<Api>,
) -> impl Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static {
    move |config| {
        config
            .app_data(auth.clone())
            .app_data(reconciliations::data(api.reconciler.clone()))
            .app_data(replays::data(api.replayer.clone()))
            .app_data(api.clone());
        documented(config);
    }
}

fn documented(config: &mut ServiceConfig<'_>) {
    config
        .service(list_postbacks::list_postbacks)
        .service(live_postbacks::live_postbacks)
        .service(get_postback::get_postback)
        .service(get_journey::get_journey)
        .service(count_postbacks::count_postbacks)
        .service(list_quarantine::list_quarantine)
        .service(redrive::redrive)
        .service(get_redrive::get_redrive)
        .service(list_parked::list_parked)
        .service(list_alarms::list_alarms)
        .service(simulate::simulate)
        .service(order_erasure::order_erasure)
        .service(list_erasures::list_erasures)
        .service(get_erasure::get_erasure);
    reconciliations::documented(config);
    replays::documented(config);
}

/// What the document says of the service beside its operations.
pub const ABOUT: About = About {
    tags: &[
        ("postbacks", "What AppsFlyer reported, and what was made of it, rule by rule."),
        ("journeys", "A click's whole life."),
        ("quarantine", "What stands because of how something is set up, what waits, and judging it again."),
        ("alarms", "Events that need somebody's eyes."),
        ("what-if", "What would have been decided and earned under terms that nobody has saved."),
        ("erasures", "Forgetting a person."),
        ("Reconciliation", "AppsFlyer's own report beside what came here."),
        ("Replay", "Stored journeys judged again, under their own terms or chosen ones."),
    ],
    parameters: &[
        Parameter {
            name: "receipt",
            description: "The receipt that was answered to AppsFlyer.",
            example: "019a2b6e-5d0e-7cc1-a3a8-6f2f5b8f2c11",
            names: "postback",
        },
        Parameter {
            name: "gk_click_id",
            description: "The click's id.",
            example: "0198c7a2-5b1e-8c4e-9d5a-0f4b8a3c2d1e",
            names: "journey",
        },
        Parameter {
            name: "erasure_id",
            description: "The order's id.",
            example: "019a2c11-0f4e-7d20-9a00-6b1d8c7e5f42",
            names: "erasure",
        },
        Parameter {
            name: "redrive_id",
            description: "As ordering it answered.",
            example: "019a2c00-1c3d-7a10-8b00-5d2c7a9e4f61",
            names: "redrive",
        },
        Parameter {
            name: "offer_id",
            description: "An offer's id.",
            example: "0194a3c0-0000-7000-8000-000000000001",
            names: "offer",
        },
        Parameter {
            name: "publisher_id",
            description: "A publisher's id.",
            example: "0193a1f0-0000-7000-8000-000000000002",
            names: "publisher",
        },
        Parameter {
            name: "pub_click_id",
            description: "The publisher's id of a click.",
            example: "their-click-7",
            names: "",
        },
        Parameter {
            name: "event_id",
            description: "An Event ID as reported.",
            example: "level_10",
            names: "",
        },
        Parameter {
            name: "received_until",
            description: "A moment.",
            example: "2026-12-03T00:00:00Z",
            names: "",
        },
        Parameter {
            name: "reconciliation_id",
            description: "As answered when the report was sent.",
            example: "01935b2e-7a10-7c4e-8f00-3d2b5a6c7d8e",
            names: "reconciliation",
        },
        Parameter {
            name: "replay_id",
            description: "As ordering it answered.",
            example: "019abf10-7a10-7c4e-8f00-3d2b5a6c7d8e",
            names: "replay",
        },
    ],
    problems,
    ..About::new(
        "GoKart attribution",
        env!("CARGO_PKG_VERSION"),
        "What every postback means, and the rules that led there.",
    )
};

/// Problems as the document shows them.
fn problems() -> Vec<Said> {
    let mut all = reconciliations::problems();
    all.extend(replays::problems());
    all.push(Said::by("simulate", Problem::not_found("journey")));
    all.extend(live_postbacks::problems().map(|problem| Said::by("live_postbacks", problem)));
    let periods = ["list_postbacks", "count_postbacks", "list_quarantine"];
    all.extend(periods.map(|operation| Said::by(operation, period::contradiction())));
    all
}

/// The OpenAPI document.
///
/// # Errors
/// When it can not be written as JSON: a bug of a schema.
pub fn openapi() -> Result<String, serde_json::Error> {
    openapi::json(&ABOUT, documented)
}

/// The database is away, or a statement failed.
fn unavailable(error: DbError) -> Problem {
    Problem::unavailable("the journeys can not be read at the moment", RETRY_AFTER_SECONDS).because(error)
}

/// A stored moment as the API writes it.
fn written_sql(moment: chrono::DateTime<chrono::Utc>) -> String {
    moment.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// A moment as the API writes it.
fn written(moment: kernel::Timestamp) -> String {
    chrono::DateTime::from_timestamp_micros(moment.as_micros()).map_or_else(String::new, written_sql)
}
