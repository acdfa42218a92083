//! The wiring: the only place that knows every part.

use std::{sync::Arc, time::Duration};

use ::bus::{Topology, house::TRACKER_CATALOG};
use actix_web::web;
use anyhow::Context;
use postgres_kit::{Grants, notify};
use process::{NoCommand, Runtime, Service};
use signing::Keyring;

use crate::{
    bus::OnCatalog,
    flows::{self, CountryFile, DoubleTaps, OfferBook, Recorder},
    http::{self, Door, FrontDoor, Manners},
    settings::Settings,
    store::{CHANGED_CHANNEL, MIGRATIONS},
};

/// The service.
pub struct Tracker;

impl Service for Tracker {
    const NAME: &'static str = "tracker";
    const DEFAULTS: &'static str = include_str!("../settings.default.toml");
    const ENV_PREFIX: &'static str = "TRACKER";

    type Settings = Settings;
    type Command = NoCommand;

    async fn serve(settings: Settings, runtime: Runtime) -> anyhow::Result<()> {
        let Runtime { supervisor, readiness, clock, ids } = runtime;
        let keyring = Keyring::parse(&settings.clicks.keys).context("reading clicks.keys")?;
        let pool = postgres_kit::pool(&settings.database)?;

        let country_header = settings.country.header_name().context("reading country.header")?;

        let book = OfferBook::default();
        let changes = notify::listen(&pool, CHANGED_CHANNEL, &supervisor);
        let offers = readiness.condition("offers");
        if !settings.offers.file.as_os_str().is_empty() {
            let (file, pause) = (settings.offers.file, Duration::from_millis(settings.offers.save_after_ms));
            // Before the database is asked: what it says is newer.
            let (recalled, from) = (book.clone(), file.clone());
            let is_recalled = tokio::task::spawn_blocking(move || flows::recall_offers(&recalled, &from));
            offers.set(is_recalled.await.unwrap_or(false));
            supervisor.spawn_support("keep offers", flows::keep_offers(book.clone(), file, pause));
        }
        supervisor.spawn_support(
            "follow offers",
            flows::follow_offers(book.clone(), pool.clone(), changes, offers),
        );

        let bus = ::bus::Bus::start_with(
            &settings.bus,
            &settings.spool,
            Self::NAME,
            Topology::house(),
            &supervisor,
        );
        bus.report_to(readiness.condition("broker_or_spool"));
        bus.consume(TRACKER_CATALOG, OnCatalog { pool })?;

        let countries = CountryFile::default();
        if !settings.country.file.as_os_str().is_empty() {
            let look_again = Duration::from_millis(settings.country.look_again_ms);
            let following = flows::follow_countries(countries.clone(), settings.country.file, look_again);
            supervisor.spawn_support("follow countries", following);
        }
        let keyring = Arc::new(keyring);
        let recorder = Recorder { book, countries, taps: DoubleTaps::default(), keyring, clock, ids };
        let manners = Manners {
            retry_after_seconds: settings.door.retry_after_seconds,
            caller_ip_header: settings.door.caller_ip_header,
            country_header,
        };
        let door = web::Data::new(Door::new(recorder, bus.publisher(), manners));

        http_kit::Server::new("clicks", &settings.http)
            .access_log(http_kit::AccessLog::Debug)
            .listen_behind(&supervisor, FrontDoor(door.clone().into_inner()), http::routes(door))?;
        // Last: whoever asks whether it is ready may call it next.
        http_kit::admin::listen(&settings.admin, &readiness, &supervisor)?;
        Ok(())
    }

    async fn migrate(settings: Settings) -> anyhow::Result<()> {
        postgres_kit::migrate(&settings.database, MIGRATIONS, Grants::default()).await?;
        Ok(())
    }

    fn openapi() -> Option<String> {
        http::openapi().ok()
    }
}
