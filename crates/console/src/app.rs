//! The wiring: the only place that knows every part.

use std::{net::SocketAddr, sync::Arc};

use actix_web::web;
use process::{NoCommand, Runtime, Service};

use crate::{
    http::{self, Desk},
    services::Services,
    sessions::Sessions,
    settings::Settings,
};

/// The service.
pub struct Console;

impl Service for Console {
    const NAME: &'static str = "console";
    const DEFAULTS: &'static str = include_str!("../settings.default.toml");
    const ENV_PREFIX: &'static str = "CONSOLE";

    type Settings = Settings;
    type Command = NoCommand;

    async fn serve(settings: Settings, runtime: Runtime) -> anyhow::Result<()> {
        start(&settings, &runtime)?;
        // Last: whoever asks whether it is ready may call it next.
        http_kit::admin::listen(&settings.admin, &runtime.readiness, &runtime.supervisor)?;
        Ok(())
    }

    async fn migrate(_settings: Settings) -> anyhow::Result<()> {
        tracing::info!("console has no database: nothing to migrate");
        Ok(())
    }
}

/// Serves the pages and returns where.
///
/// Readiness waits for no other service: a page that says who does not answer is worth more than none.
///
/// # Errors
/// When the address can not be bound, or the client of the other services not be built.
pub fn start(settings: &Settings, runtime: &Runtime) -> anyhow::Result<SocketAddr> {
    let services = Services::new(&settings.services)?;
    let sessions =
        Sessions::new(Arc::clone(&runtime.clock), Arc::clone(&runtime.ids), settings.session.minutes);
    let desk = web::Data::new(Desk { services, sessions, secure_cookie: settings.session.secure_cookie });
    let address =
        http_kit::Server::new("pages", &settings.http).listen(&runtime.supervisor, http::routes(desk))?;
    Ok(address)
}
