//! The wiring: the only place that knows every part.

use std::sync::Arc;

use actix_web::web;
use anyhow::Context;
use process::{NoCommand, Runtime, Service};
use signing::Keyring;

use crate::{
    bus::{OnCredentialGenerations, QUEUE, UseTeller, topology},
    domain::{BaseDomain, CallerRanges},
    flows::{Callers, GenerationSet, Receiver, Refusals, UsedCredentials},
    http::{self, Door, FrontDoor},
    settings::Settings,
};

/// The service.
pub struct Ingest;

impl Service for Ingest {
    const NAME: &'static str = "ingest";
    const DEFAULTS: &'static str = include_str!("../settings.default.toml");
    const ENV_PREFIX: &'static str = "INGEST";

    type Settings = Settings;
    type Command = NoCommand;

    async fn serve(settings: Settings, runtime: Runtime) -> anyhow::Result<()> {
        let Runtime { supervisor, readiness, clock, ids } = runtime;
        let keyring = Keyring::parse(&settings.credentials.keys).context("reading credentials.keys")?;
        let generations = GenerationSet::open(&settings.credentials.generations_file);

        let bus = ::bus::Bus::start_with(&settings.bus, &settings.spool, Self::NAME, topology(), &supervisor);
        bus.report_to(readiness.condition("broker_or_spool"));
        bus.consume(QUEUE, OnCredentialGenerations { generations: generations.clone() })?;

        let refusals = Refusals::new();
        refusals.keep_watching(settings.refusals.rule(), Arc::clone(&clock), &supervisor);
        let used = UsedCredentials::new();
        let teller = UseTeller {
            used: used.clone(),
            publisher: bus.publisher(),
            clock: Arc::clone(&clock),
            ids: Arc::clone(&ids),
        };
        teller.start(&supervisor);

        let receiver = Receiver {
            keyring: Arc::new(keyring),
            base_domain: BaseDomain::new(&settings.door.base_domain),
            generations,
            used,
            refusals,
            callers: Callers::new(CallerRanges::new(settings.door.appsflyer_ranges)),
            publisher: bus.publisher(),
            clock,
            ids,
        };
        let door = web::Data::new(Door::new(
            receiver,
            settings.door.retry_after_seconds,
            settings.door.caller_ip_header,
        ));

        http_kit::Server::new("appsflyer", &settings.http)
            .access_log(http_kit::AccessLog::Debug)
            .listen_behind(&supervisor, FrontDoor(door.clone().into_inner()), http::routes(door))?;
        // Last: whoever asks whether it is ready may call it next.
        http_kit::admin::listen(&settings.admin, &readiness, &supervisor)?;
        Ok(())
    }

    async fn migrate(_settings: Settings) -> anyhow::Result<()> {
        tracing::info!("ingest has no database: nothing to migrate");
        Ok(())
    }

    fn openapi() -> Option<String> {
        http::openapi().ok()
    }
}
