//! The user's door.

mod door;
mod front_door;
mod glance;
mod page;
mod redirect_click;

use actix_web::web;
use http_kit::{
    Problem,
    openapi::{self, About, Said},
};
use utoipa_actix_web::service_config::ServiceConfig;

pub use door::{Door, Manners};
pub use front_door::FrontDoor;

/// Registers the door.
pub fn routes(door: web::Data<Door>) -> impl Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static {
    move |config| {
        config.app_data(door.clone());
        documented(config);
    }
}

fn documented(config: &mut ServiceConfig<'_>) {
    config.service(redirect_click::redirect_click);
}

/// What the document says beside its operations. It is printed, not served: this door is for users who follow a link, and
/// whatever else is asked of it is answered as a link that leads nowhere.
const ABOUT: About = About {
    tags: &[("Clicks", "What users follow.")],
    problems: || {
        let unavailable = Problem::unavailable("the click could not be recorded; try again", 1);
        vec![Said::by("redirect_click", unavailable.clone()), Said::by("redirect_click_head", unavailable)]
    },
    ..About::new(
        "GoKart tracker",
        env!("CARGO_PKG_VERSION"),
        "Turns a publisher's click into a redirect to the advertiser, written down before it is answered.",
    )
};

/// The OpenAPI document.
///
/// # Errors
/// When it can not be written as JSON: a bug of a schema.
pub fn openapi() -> Result<String, serde_json::Error> {
    openapi::json(&ABOUT, documented)
}
