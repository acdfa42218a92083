//! The API: why a postback was decided as it was, and a click's whole journey.

mod decision_body;
mod get_journey;
mod get_postback;
mod list_postbacks;
mod reconciliations;

use std::{fmt, sync::Arc};

use actix_web::web;
use http_kit::{
    Problem,
    auth::TokenAuth,
    openapi::{self, About},
};
use kernel::Clock;
use postgres_kit::DbError;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::flows::{StoryReader, reconcile::Reconciler};

pub use reconciliations::BODY as REPORT_BODY;

/// What a caller waits before trying again when the database is away.
const RETRY_AFTER_SECONDS: u32 = 5;

/// What the handlers work with.
#[derive(Clone)]
pub struct Api {
    /// Reads postbacks and journeys.
    pub reader: StoryReader,
    /// Compares AppsFlyer's reports with what came.
    pub reconciler: Reconciler,
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
            .app_data(api.clone());
        documented(config);
    }
}

fn documented(config: &mut ServiceConfig<'_>) {
    config
        .service(list_postbacks::list_postbacks)
        .service(get_postback::get_postback)
        .service(get_journey::get_journey);
    reconciliations::documented(config);
}

/// The OpenAPI document.
///
/// # Errors
/// When it can not be written as JSON: a bug of a schema.
pub fn openapi() -> Result<String, serde_json::Error> {
    openapi::json(
        About {
            title: "GoKart attribution",
            version: env!("CARGO_PKG_VERSION"),
            description: "What every postback means, and the rules that led there.",
        },
        documented,
    )
}

/// The database is away, or a statement failed.
fn unavailable(error: DbError) -> Problem {
    Problem::unavailable("the journeys can not be read at the moment", RETRY_AFTER_SECONDS).because(error)
}

/// A moment as the API writes it.
fn written(moment: kernel::Timestamp) -> String {
    chrono::DateTime::from_timestamp_micros(moment.as_micros())
        .map_or_else(String::new, |time| time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true))
}
