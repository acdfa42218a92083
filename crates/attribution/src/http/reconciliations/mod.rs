//! `/api/v1/reconciliations`: AppsFlyer's report beside what came here.

mod body;
mod get_reconciliation;
mod list_reconciliations;
mod reconcile;
mod stream_lines;
mod stream_redrive;
mod table;

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

pub use reconcile::BODY;
pub(super) use reconcile::problems;

use crate::flows::reconcile::Reconciler;

pub(super) fn documented(config: &mut ServiceConfig<'_>) {
    config
        .service(reconcile::reconcile)
        .service(list_reconciliations::list_reconciliations)
        .service(get_reconciliation::get_reconciliation)
        .service(stream_lines::stream_lines)
        .service(stream_redrive::stream_redrive);
}

/// What its handlers work with.
pub(super) fn data(reconciler: Reconciler) -> web::Data<Reconciler> {
    web::Data::new(reconciler)
}
