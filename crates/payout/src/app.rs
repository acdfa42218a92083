//! The wiring: the only place that knows every part.

use std::{io::Write as _, net::SocketAddr, sync::Arc};

use ::bus::{
    Bus,
    house::{PAYOUT_CATALOG, PAYOUT_CONVERSIONS, PAYOUT_PEOPLE},
};
use actix_web::web;
use anyhow::Context as _;
use clap::Subcommand;
use hand_over::BusSink;
use http_kit::{
    Server,
    auth::{Grant, LookupError, TokenAuth},
    client::Client,
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
    bus::{INPUT_HEARD, OnCatalogFact, OnConversionVerdict, OnInputHeard, OnPersonErased, topology},
    flows::{
        bulk::keep_applying,
        deliver::{Deliverer, Sender},
        follow_limits::keep_following,
        input_lag::InputLag,
        price_again::keep_pricing,
        release_holds::Releaser,
        replays::{Replayer, keep_replaying},
        retain::keep_retaining,
        send_test::Tester,
        verify_ledger::{Findings, keep_proving, verify_ledger},
        watch_endpoints::keep_watching,
        watch_reviews::keep_counting,
    },
    http::{self, Api},
    metrics::Metrics,
    settings::Settings,
    store::{APPEND_ONLY, MIGRATIONS},
};

/// How long handled facts are remembered: far beyond the longest time a broker could keep one.
const INBOX_AGE: std::time::Duration = std::time::Duration::from_hours(24 * 35);

/// Publishers are told from here, not by these facts: who follows them, such as a budget's end, does not notice so little. Whoever
/// hears them has a fifth of the batches that it had with 20 ms.
const OUTBOX_REST: std::time::Duration = std::time::Duration::from_millis(100);

/// The service.
pub struct Payout;

/// Payout's own commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// What could not be handled: look at it, send it on its way again, delete it
    #[command(subcommand)]
    DeadItems(DeadItemsCommand),
    /// Proves the ledger: debits equal credits, balances are the fold of their rows, every conversion's entries are what its
    /// status says, every statement and checkpoint is the fold of its period. Fails when anything differs.
    VerifyLedger,
}

impl Service for Payout {
    const NAME: &'static str = "payout";
    const DEFAULTS: &'static str = include_str!("../settings.default.toml");
    const ENV_PREFIX: &'static str = "PAYOUT";

    type Settings = Settings;
    type Command = Command;

    async fn serve(settings: Settings, runtime: Runtime) -> anyhow::Result<()> {
        start(&settings, &runtime).map(drop)
    }

    async fn migrate(settings: Settings) -> anyhow::Result<()> {
        Ok(migrate(settings.database).await?)
    }

    async fn command(command: Command, settings: Settings, _runtime: Runtime) -> anyhow::Result<()> {
        match command {
            Command::DeadItems(command) => {
                let pool = postgres_kit::pool(&settings.database)?;
                let answer = dead_items::run(command, &pool).await?;
                Ok(writeln!(std::io::stdout(), "{answer}")?)
            }
            Command::VerifyLedger => {
                let findings = verify(&settings.database).await?;
                report(&findings)?;
                anyhow::ensure!(findings.difference_count == 0, "the ledger differs from itself");
                Ok(())
            }
        }
    }

    fn openapi() -> Option<String> {
        http::openapi().ok()
    }
}

/// Where a started payout listens.
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
    let sender = Arc::new(Sender {
        client: Client::new(&settings.client)?,
        keyring: Keyring::parse(&settings.sealing.keys).context("reading sealing.keys")?,
        clock: Arc::clone(clock),
        ids: Arc::clone(ids),
        metrics: Metrics::new(),
    });
    supervisor.spawn_support("watch endpoints", keep_watching(pool.clone(), sender.metrics.clone()));
    supervisor.spawn_support("watch reviews", keep_counting(pool.clone(), sender.metrics.clone()));

    let bus = Bus::start(&settings.bus, Payout::NAME, topology(), supervisor);
    bus.report_to(readiness.condition("broker"));
    Relay::run_gathering(pool.clone(), BusSink(bus.clone()), OUTBOX_REST, supervisor);
    postgres_kit::inbox::keep_swept(pool.clone(), INBOX_AGE, supervisor);

    bus.consume(PAYOUT_CATALOG, OnCatalogFact { pool: pool.clone(), ids: Arc::clone(ids) })?;
    bus.consume(PAYOUT_PEOPLE, OnPersonErased { pool: pool.clone() })?;
    let metrics = sender.metrics.clone();
    let input = InputLag::new(Arc::clone(clock), ids.as_ref(), settings.holds.quiet_seconds, metrics.clone());
    let on_verdict = OnConversionVerdict { pool: pool.clone(), ids: Arc::clone(ids), input: input.clone() };
    bus.consume(PAYOUT_CONVERSIONS, on_verdict)?;
    bus.consume(INPUT_HEARD, OnInputHeard { input: input.clone() })?;
    let releaser = Releaser {
        pool: pool.clone(),
        ids: Arc::clone(ids),
        input: input.clone(),
        metrics,
        pace: settings.holds.pace(),
    };
    supervisor.spawn_critical("release holds", releaser.run(move || bus.is_connected(), supervisor.soft()));
    let pace = settings.limits.pace();
    supervisor.spawn_critical(
        "follow limits",
        keep_following(pool.clone(), Arc::clone(ids), input.clone(), pace, supervisor.soft()),
    );
    supervisor.spawn_critical(
        "price again",
        keep_pricing(pool.clone(), Arc::clone(ids), input, pace, supervisor.soft()),
    );
    supervisor.spawn_support(
        "remove what is old",
        keep_retaining(pool.clone(), settings.retention.ages(), supervisor.soft()),
    );
    supervisor.spawn_support(
        "prove the ledger",
        keep_proving(pool.clone(), sender.metrics.clone(), settings.ledger.period(), supervisor.soft()),
    );
    supervisor.spawn_critical(
        "apply bulk statuses",
        keep_applying(pool.clone(), Arc::clone(ids), supervisor.soft()),
    );
    Deliverer {
        pool: pool.clone(),
        sender: Arc::clone(&sender),
        bounds: settings.bounds(),
        supervisor: supervisor.clone(),
    }
    .start();
    let metrics = sender.metrics.clone();
    supervisor.spawn_critical(
        "replay deliveries",
        keep_replaying(pool.clone(), metrics.clone(), supervisor.soft()),
    );

    let tokens = token_auth(settings, Arc::clone(clock), pool.clone());
    let api = Api {
        replayer: Replayer { pool: pool.clone(), ids: Arc::clone(ids), metrics },
        tester: Tester { pool: pool.clone(), sender },
        pool,
        ids: Arc::clone(ids),
        bounds: settings.bounds(),
    };
    let routes = http::routes(web::Data::new(api), web::Data::new(tokens));
    let http = Server::new("api", &settings.http)
        .bodies(&[http::BULK_BODY])
        .documented(http::ABOUT)
        .listen(supervisor, routes)?;
    // Last: whoever asks whether it is ready may call it next.
    let admin = http_kit::admin::listen(&settings.admin, readiness, supervisor)?;
    Ok(Addresses { http, admin })
}

/// Brings payout's database to this release.
///
/// # Errors
/// Whatever stopped it.
pub async fn migrate(settings: DatabaseSettings) -> Result<(), MigrateError> {
    postgres_kit::migrate(&settings, MIGRATIONS, Grants::append_only(APPEND_ONLY)).await
}

/// Takes this service's migrations back, for the test that each can be reverted.
///
/// # Errors
/// Whatever stopped it.
pub async fn revert(settings: DatabaseSettings) -> Result<(), MigrateError> {
    postgres_kit::migrate::revert(&settings, MIGRATIONS).await
}

/// Proves the ledger.
///
/// # Errors
/// When the database can not say.
pub async fn verify(settings: &DatabaseSettings) -> anyhow::Result<Findings> {
    let pool = postgres_kit::pool(settings)?;
    Ok(verify_ledger(&pool).await?)
}

/// The proof, for people.
fn report(findings: &Findings) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} transfers between {} accounts, {} statements",
        findings.transfers, findings.accounts, findings.statements
    )?;
    for (currency, (debits, credits)) in &findings.posted {
        let sign = if debits == credits { '=' } else { '≠' };
        writeln!(out, "{currency}: posted debits {debits} {sign} posted credits {credits} (micros)")?;
    }
    for difference in &findings.differences {
        writeln!(out, "DIFFERS: {difference}")?;
    }
    match findings.difference_count {
        0 => writeln!(out, "the ledger is right"),
        1 => writeln!(out, "1 difference"),
        count => writeln!(out, "{count} differences"),
    }
}

fn token_auth(settings: &Settings, clock: Arc<dyn Clock>, pool: Pool) -> TokenAuth {
    let now = Arc::clone(&clock);
    TokenAuth::new(&settings.auth, clock, move |hash| {
        let (pool, now) = (pool.clone(), now.now());
        async move {
            let mut connection = pool.get().await.map_err(DbError::from)?;
            let found = tokens::find(&mut connection, &hash).await.map_err(DbError::from)?;
            let grant = found
                .and_then(|row| Some(Grant { principal: row.principal(now)?, expires_at: row.expires_at }));
            Ok::<_, LookupError>(grant)
        }
    })
}
