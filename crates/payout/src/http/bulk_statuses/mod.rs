//! `/api/v1/bulk-statuses`: statuses of many conversions by a file, in two steps.

mod apply_bulk_status;
mod body;
mod get_bulk_status;
mod list_bulk_statuses;
mod plan_bulk_status;
mod stream_bulk_status_lines;

use http_kit::{Problem, openapi::Said};
use utoipa_actix_web::service_config::ServiceConfig;

pub use plan_bulk_status::BODY;

/// Its endpoints, in the order of the document.
pub(super) fn documented(config: &mut ServiceConfig<'_>) {
    config
        .service(plan_bulk_status::plan_bulk_status)
        .service(list_bulk_statuses::list_bulk_statuses)
        .service(get_bulk_status::get_bulk_status)
        .service(stream_bulk_status_lines::stream_bulk_status_lines)
        .service(apply_bulk_status::apply_bulk_status);
}

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    plan_bulk_status::problems().into_iter().chain(apply_bulk_status::problems()).collect()
}

/// 404.
fn unknown() -> Problem {
    Problem::not_found("bulk status")
}
