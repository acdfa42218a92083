//! The API under `/api/v1`, one endpoint a file: read the question, ask one flow, write its answer. A publisher's token sees
//! its own conversions and never what the advertiser pays.

mod bulk_statuses;
mod decide_conversion;
mod error;
mod get_conversion;
mod get_offer_limits;
mod json;
mod list_balances;
mod list_conversions;
mod list_transfers;
mod openapi;

use std::sync::Arc;

use actix_web::web;
use http_kit::auth::TokenAuth;
use kernel::IdSource;
use postgres_kit::Pool;
use utoipa_actix_web::service_config::ServiceConfig;

pub use self::{
    bulk_statuses::BODY as BULK_BODY,
    openapi::{ABOUT, openapi},
};

/// What the handlers need.
#[derive(Clone)]
pub struct Api {
    /// Payout's database.
    pub pool: Pool,
    /// Names the facts that follow from what people decide.
    pub ids: Arc<dyn IdSource>,
}

/// Registers the API.
pub fn routes(
    api: web::Data<Api>,
    tokens: web::Data<TokenAuth>,
) -> impl Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static {
    move |config| {
        config.app_data(api.clone()).app_data(tokens.clone());
        documented(config);
    }
}

/// Every endpoint, in the order of the document.
fn documented(config: &mut ServiceConfig<'_>) {
    config
        .service(list_conversions::list_conversions)
        .service(get_conversion::get_conversion)
        .service(decide_conversion::decide_conversion)
        .service(list_balances::list_balances)
        .service(list_transfers::list_transfers)
        .service(get_offer_limits::get_offer_limits)
        .configure(bulk_statuses::documented);
}
