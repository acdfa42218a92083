//! `/api/v1/deliveries`: the delivery log. It keeps no value of a request: who reads it learns no secret.

mod body;
mod cursor;
mod get_delivery;
mod list_deliveries;

pub(super) use self::list_deliveries::problems;

use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn documented(config: &mut ServiceConfig<'_>) {
    config.service(list_deliveries::list_deliveries).service(get_delivery::get_delivery);
}
