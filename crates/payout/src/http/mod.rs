//! The API under `/api/v1`, one endpoint a file: read the question, ask one flow, write its answer. A publisher's token sees
//! its own conversions and never what the advertiser pays.

mod bulk_statuses;
mod decide_conversion;
mod deliveries;
mod error;
mod get_conversion;
mod get_exposure;
mod get_offer_limits;
mod get_publisher_health;
mod idempotency_key;
mod json;
mod list_balances;
mod list_conversions;
mod list_transfers;
mod openapi;
mod period;
mod raise_budget;
mod reason_code;
mod replays;
mod resume_endpoint;
mod send_test;
mod statements;

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
use crate::flows::{deliver::Bounds, replays::Replayer, send_test::Tester};

/// What the handlers need.
#[derive(Clone)]
pub struct Api {
    /// Payout's database.
    pub pool: Pool,
    /// Names the facts that follow from what people decide.
    pub ids: Arc<dyn IdSource>,
    /// Has deliveries told again.
    pub replayer: Replayer,
    /// Tries endpoints out.
    pub tester: Tester,
    /// What publishers that ask for nothing else are sent.
    pub bounds: Bounds,
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
        .service(get_publisher_health::get_publisher_health)
        .service(resume_endpoint::resume_endpoint)
        .service(statements::list_periods::list_periods)
        .service(statements::close_period::close_period)
        .service(statements::list_statements::list_statements)
        .service(statements::get_statement::get_statement)
        .service(statements::export_statement::export_statement)
        .service(statements::print_statement::print_statement)
        .service(statements::adjust_statement::adjust_statement)
        .service(statements::pay_statement::pay_statement)
        .service(get_exposure::get_exposure)
        .configure(bulk_statuses::documented);
    deliveries::documented(config);
    replays::documented(config);
    config.service(send_test::send_test);
}
