//! AppsFlyer's door.

mod door;
mod front_door;
mod receive_postback;

use actix_web::web;
use http_kit::{
    Problem,
    openapi::{self, About, Said},
};
use utoipa_actix_web::service_config::ServiceConfig;

pub use door::Door;
pub use front_door::FrontDoor;

/// Registers the door.
pub fn routes(door: web::Data<Door>) -> impl Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static {
    move |config| {
        config.app_data(door.clone());
        documented(config);
    }
}

fn documented(config: &mut ServiceConfig<'_>) {
    config.service(receive_postback::receive_postback);
}

/// What the document says beside its operations. It is printed, not served: this door is for AppsFlyer alone, and whoever
/// tries other paths learns nothing.
const ABOUT: About = About {
    tags: &[("Postbacks", "What AppsFlyer calls.")],
    problems: || {
        let refused = || Problem::not_found("postback address");
        let unavailable = || Problem::unavailable("the postback was not taken; send it again", 1);
        ["receive_postback", "receive_postback_post"]
            .into_iter()
            .flat_map(|operation| [Said::by(operation, refused()), Said::by(operation, unavailable())])
            .collect()
    },
    ..About::new(
        "GoKart ingest",
        env!("CARGO_PKG_VERSION"),
        "Takes AppsFlyer's postbacks. A 200 means that the postback is on disk in a quorum queue.",
    )
};

/// The OpenAPI document.
///
/// # Errors
/// When it can not be written as JSON: a bug of a schema.
pub fn openapi() -> Result<String, serde_json::Error> {
    openapi::json(&ABOUT, documented)
}
