//! The user's door.

mod door;
mod front_door;
mod glance;
mod page;
mod redirect_click;

use actix_web::web;
use http_kit::openapi::{self, About};
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

/// The OpenAPI document.
///
/// # Errors
/// When it can not be written as JSON: a bug of a schema.
pub fn openapi() -> Result<String, serde_json::Error> {
    openapi::json(
        About {
            title: "GoKart tracker",
            version: env!("CARGO_PKG_VERSION"),
            description: "Turns a publisher's click into a redirect to the advertiser, written down before it is answered.",
        },
        documented,
    )
}
