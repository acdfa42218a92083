//! The wiring: the only place that knows every part.

use std::{io::Write as _, sync::Arc};

use ::bus::{Bus, Topology};
use actix_web::web;
use anyhow::Context;
use clap::Subcommand;
use hand_over::BusSink;
use http_kit::auth::{Grant, TokenAuth};
use postgres_kit::{
    Grants, Pool,
    dead_items::{self, DeadItemsCommand},
    inbox,
    outbox::Relay,
    tokens,
};
use process::{Runtime, Service};
use signing::Keyring;

use crate::{
    bus::{OnCatalog, OnClicks, OnPayout, OnPostbacks},
    flows::{
        self, Attributor, CATALOG, CLICKS, PAYOUT, POSTBACKS, StoryReader, live::Feed, reconcile::Reconciler,
        replay::Replayer,
    },
    http,
    settings::Settings,
    store::MIGRATIONS,
};

/// The service.
pub struct Attribution;

/// Commands beyond those every service has.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// What could not be handled: look at it, send it on its way again, delete it
    #[command(subcommand)]
    DeadItems(DeadItemsCommand),
    /// Count the rollups anew from the decisions that are kept; nobody judges while a day is counted
    RebuildRollups,
}

impl Service for Attribution {
    const NAME: &'static str = "attribution";
    const DEFAULTS: &'static str = include_str!("../settings.default.toml");
    const ENV_PREFIX: &'static str = "ATTRIBUTION";

    type Settings = Settings;
    type Command = Command;

    async fn serve(settings: Settings, runtime: Runtime) -> anyhow::Result<()> {
        let Runtime { supervisor, readiness, clock, ids } = runtime;
        let keyring = Keyring::parse(&settings.clicks.keys).context("reading clicks.keys")?;
        let pool = postgres_kit::pool(&settings.database)?;

        let bus = Bus::start(&settings.bus, Self::NAME, Topology::house(), &supervisor);
        bus.report_to(readiness.condition("broker"));
        Relay::run(pool.clone(), BusSink(bus.clone()), &supervisor);
        inbox::keep_swept(pool.clone(), settings.judging.inbox_age(), &supervisor);

        let attributor = Attributor::new(pool.clone(), keyring, Arc::clone(&clock), Arc::clone(&ids));
        let connection = bus.clone();
        flows::tend(
            &attributor,
            settings.judging.tending(settings.retention),
            move || connection.is_connected(),
            &supervisor,
        );
        flows::look_out(&attributor, settings.alarms.period(), &supervisor);
        bus.consume(CATALOG, OnCatalog(attributor.clone()))?;
        bus.consume(CLICKS, OnClicks(attributor.clone()))?;
        bus.consume(PAYOUT, OnPayout(attributor.clone()))?;
        bus.consume(POSTBACKS, OnPostbacks(attributor.clone()))?;

        let auth = TokenAuth::new(&settings.auth, Arc::clone(&clock), token_lookup(pool.clone()));
        let reconciler = Reconciler::new(pool.clone(), ids);
        reconciler.run(&supervisor);
        let replayer = Replayer::new(attributor.clone());
        replayer.run(&supervisor);
        let feed = Feed::run(pool.clone(), &supervisor);
        let api = http::Api { reader: StoryReader::new(pool), attributor, reconciler, replayer, feed, clock };
        http_kit::Server::new("api", &settings.http)
            .documented(http::ABOUT)
            .bodies(&[http::REPORT_BODY])
            .listen(&supervisor, http::routes(web::Data::new(auth), web::Data::new(api)))?;
        // Last: whoever asks whether it is ready may call it next.
        http_kit::admin::listen(&settings.admin, &readiness, &supervisor)?;
        Ok(())
    }

    async fn migrate(settings: Settings) -> anyhow::Result<()> {
        postgres_kit::migrate(&settings.database, MIGRATIONS, Grants::default()).await?;
        Ok(())
    }

    async fn command(command: Command, settings: Settings, _runtime: Runtime) -> anyhow::Result<()> {
        match command {
            Command::DeadItems(command) => {
                let pool = postgres_kit::pool(&settings.database)?;
                let answer = dead_items::run(command, &pool).await?;
                Ok(writeln!(std::io::stdout(), "{answer}")?)
            }
            Command::RebuildRollups => {
                let rows = flows::rebuild_rollups(&postgres_kit::pool(&settings.database)?).await?;
                tracing::info!(rows, "rollups counted anew");
                Ok(())
            }
        }
    }

    fn openapi() -> Option<String> {
        http::openapi().ok()
    }
}

/// Tokens come from this service's own copy of the catalog's.
fn token_lookup(
    pool: Pool,
) -> impl Fn(
    [u8; 32],
) -> futures_util::future::BoxFuture<'static, Result<Option<Grant>, http_kit::auth::LookupError>>
+ Send
+ Sync
+ 'static {
    move |hash| {
        let pool = pool.clone();
        Box::pin(async move {
            let mut connection = pool.get().await?;
            let found = tokens::find(&mut connection, &hash).await?;
            // Expiry is the caller's to judge, by its own clock.
            Ok(found.filter(|token| !token.revoked).map(|token| Grant {
                principal: kernel::Principal {
                    tenant: token.tenant_id,
                    token: token.token_id,
                    role: token.role,
                    publisher: token.publisher_id,
                    scopes: token.scopes,
                },
                expires_at: token.expires_at,
            }))
        })
    }
}
