//! The wiring: the only place that knows every part.

use std::{io::Write as _, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::web;
use anyhow::Context as _;
use bus::{Bus, Topology};
use clap::Subcommand;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use hand_over::BusSink;
use http_kit::{
    Server,
    auth::{Grant, LookupError, OperatorAuth, TokenAuth},
};
use kernel::Clock;
use postgres_kit::{
    DatabaseSettings, DbError, Grants, MigrateError, Pool,
    dead_items::{self, DeadItemsCommand},
    outbox::Relay,
    tokens,
};
use process::{Runtime, Service};
use signing::Keyring;

use crate::{
    bus::{OnBudgetRaised, OnBudgetStateChanged, OnCredentialUsed, broadcast_generations},
    domain::public_url::PublicBase,
    flows::{BUDGETS, CREDENTIAL_USES, Catalog, CatalogParts, RAISES, TokenUses},
    http,
    settings::{CreativeSettings, CreativeStore, Settings},
    store::creative_files::{Bucket, CreativeFiles},
};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
/// What was once true of an offer, a share or a person's act stays true.
const APPEND_ONLY: [&str; 6] =
    ["offer_versions", "offer_events", "offer_event_names", "offer_shares", "creatives", "audit_log"];

/// How long handled facts are remembered: far beyond the longest time a broker could keep one.
const INBOX_AGE: Duration = Duration::from_hours(24 * 35);

/// The service.
pub struct OfferCatalog;

/// Commands beyond those every service has.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// What could not be handled: look at it, send it on its way again, delete it
    #[command(subcommand)]
    DeadItems(DeadItemsCommand),
    /// Write every current fact into the outbox again, for a consumer that is new or lost its read model
    Republish,
}

impl Service for OfferCatalog {
    const NAME: &'static str = "offer-catalog";
    const DEFAULTS: &'static str = include_str!("../settings.default.toml");
    const ENV_PREFIX: &'static str = "OFFER_CATALOG";

    type Settings = Settings;
    type Command = Command;

    async fn serve(settings: Settings, runtime: Runtime) -> anyhow::Result<()> {
        start(&settings, &runtime).map(drop)
    }

    async fn migrate(settings: Settings) -> anyhow::Result<()> {
        Ok(migrate(settings.database).await?)
    }

    async fn command(command: Command, settings: Settings, runtime: Runtime) -> anyhow::Result<()> {
        match command {
            Command::DeadItems(command) => {
                let pool = postgres_kit::pool(&settings.database)?;
                let answer = dead_items::run(command, &pool).await?;
                Ok(writeln!(std::io::stdout(), "{answer}")?)
            }
            Command::Republish => {
                let pool = postgres_kit::pool(&settings.database)?;
                let told = catalog(&settings, &runtime, pool)?.republish().await?;
                tracing::info!(facts.count = told, "every current fact is in the outbox again");
                Ok(())
            }
        }
    }

    fn openapi() -> Option<String> {
        http::openapi().ok()
    }
}

/// Where a started catalog listens.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The API.
    pub http: SocketAddr,
    /// The operator's port.
    pub admin: SocketAddr,
}

/// Starts everything on the runtime's supervisor and returns where it listens.
///
/// # Errors
/// When an address can not be bound or a setting can not be used. A broker or database that is away is no error.
pub fn start(settings: &Settings, runtime: &Runtime) -> anyhow::Result<Addresses> {
    let Runtime { supervisor, readiness, clock, ids } = runtime;
    let pool = postgres_kit::pool(&settings.database)?;
    let catalog = catalog(settings, runtime, pool.clone())?;

    let bus = Bus::start(&settings.bus, OfferCatalog::NAME, Topology::house(), supervisor);
    Relay::run(pool.clone(), BusSink(bus.clone()), supervisor);
    postgres_kit::inbox::keep_swept(pool.clone(), INBOX_AGE, supervisor);
    bus.consume(CREDENTIAL_USES, OnCredentialUsed { catalog: catalog.clone(), pool: pool.clone() })?;
    bus.consume(RAISES, OnBudgetRaised { catalog: catalog.clone(), pool: pool.clone() })?;
    bus.consume(BUDGETS, OnBudgetStateChanged { catalog: catalog.clone(), pool: pool.clone() })?;
    catalog.keep_forgetting(supervisor);
    catalog.keep_counting(supervisor);
    catalog.keep_applying(Duration::from_millis(settings.schedule.poll_ms), supervisor);
    catalog.keep_importing(Duration::from_millis(settings.import.poll_ms), http::read_row, supervisor);
    let uses = TokenUses::default();
    let save_uses = Duration::from_millis(settings.tokens.save_uses_ms);
    catalog.keep_noting_uses(uses.clone(), save_uses, supervisor);
    let every = Duration::from_secs(settings.credentials.broadcast_seconds);
    broadcast_generations(catalog.clone(), bus.publisher(), Arc::clone(ids), every, supervisor);

    // The broker is no condition: what is saved waits in the outbox, and people can go on working.
    catalog.report_to(readiness.condition("database"), supervisor);

    let operator = OperatorAuth::new(&settings.auth.token_pepper, &settings.operator.token);
    let routes = http::routes(
        web::Data::new(catalog),
        web::Data::new(token_auth(settings, Arc::clone(clock), pool, uses)),
        web::Data::new(operator),
        http::PartnerDoor::new(settings.feed),
    );
    let http = Server::new("api", &settings.http)
        .bodies(&[http::IMPORT_BODY])
        .documented(http::ABOUT)
        .listen(supervisor, routes)?;
    // Last: whoever asks whether it is ready may call it next.
    let admin = http_kit::admin::listen(&settings.admin, readiness, supervisor)?;
    Ok(Addresses { http, admin })
}

/// Brings the catalog's database to this release.
///
/// # Errors
/// Whatever stopped it.
pub async fn migrate(settings: DatabaseSettings) -> Result<(), MigrateError> {
    postgres_kit::migrate(&settings, MIGRATIONS, Grants::append_only(&APPEND_ONLY)).await
}

fn catalog(settings: &Settings, runtime: &Runtime, pool: Pool) -> anyhow::Result<Catalog> {
    let base = |url: &str| {
        PublicBase::parse(url).map_err(|sentence| anyhow::anyhow!("a public base URL {sentence}"))
    };
    Ok(Catalog::new(CatalogParts {
        pool,
        clock: Arc::clone(&runtime.clock),
        ids: Arc::clone(&runtime.ids),
        credential_keys: Keyring::parse(&settings.credentials.keys).context("reading credentials.keys")?,
        sealing_keys: Keyring::parse(&settings.sealing.keys).context("reading sealing.keys")?,
        token_pepper: settings.auth.token_pepper.clone(),
        addresses: settings.postbacks.clone(),
        postback_base: base(&settings.public.postback_base_url)?,
        tracking_base: base(&settings.public.tracking_base_url)?,
        creatives_base: PublicBase::parse_for_all(&settings.public.creatives_base_url)
            .map_err(|sentence| anyhow::anyhow!("public.creatives_base_url {sentence}"))?,
        creative_files: creative_files(&settings.creatives)?,
        decoders: settings.creatives.decoders,
    }))
}

fn creative_files(settings: &CreativeSettings) -> anyhow::Result<CreativeFiles> {
    match settings.store {
        CreativeStore::Folder => CreativeFiles::in_folder(&settings.folder)
            .with_context(|| format!("opening creatives.folder {}", settings.folder.display())),
        CreativeStore::S3 => CreativeFiles::in_bucket(&Bucket {
            name: &settings.s3.bucket,
            region: &settings.s3.region,
            endpoint: &settings.s3.endpoint,
            access_key_id: &settings.s3.access_key_id,
            secret_access_key: &settings.s3.secret_access_key,
        })
        .context("opening the bucket of creatives.s3"),
    }
}

fn token_auth(settings: &Settings, clock: Arc<dyn Clock>, pool: Pool, uses: TokenUses) -> TokenAuth {
    let now = Arc::clone(&clock);
    TokenAuth::new(&settings.auth, clock, move |hash| {
        let (pool, uses, now) = (pool.clone(), uses.clone(), now.now());
        async move {
            let mut connection = pool.get().await.map_err(DbError::from)?;
            let found = tokens::find(&mut connection, &hash).await.map_err(DbError::from)?;
            let grant = found
                .and_then(|row| Some(Grant { principal: row.principal(now)?, expires_at: row.expires_at }));
            if let Some(grant) = &grant {
                uses.note(grant.principal.tenant, grant.principal.token, now);
            }
            Ok::<_, LookupError>(grant)
        }
    })
}
