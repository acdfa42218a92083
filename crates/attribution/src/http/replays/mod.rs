//! `/api/v1/replays`: stored journeys, judged again under chosen terms.

mod body;
mod get_replay;
mod list_replays;
mod order_body;
mod order_replay;
mod stream_differences;

use actix_web::web;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) use order_replay::problems;

use crate::flows::replay::Replayer;

pub(super) fn documented(config: &mut ServiceConfig<'_>) {
    config
        .service(order_replay::order_replay)
        .service(list_replays::list_replays)
        .service(get_replay::get_replay)
        .service(stream_differences::stream_differences);
}

/// What its handlers work with.
pub(super) fn data(replayer: Replayer) -> web::Data<Replayer> {
    web::Data::new(replayer)
}
