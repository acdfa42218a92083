//! One step of one order.

use std::collections::BTreeSet;

use contracts::catalog::OfferVersionCreated;
use diesel::{QueryResult, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use postgres_kit::{DbError, Retries, transact};
use prost::Message as _;

use super::{
    Replayer,
    reckon::{self, Compared},
};
use crate::{
    domain::{
        Conversion, judge,
        replay::{self, Worth, compare},
    },
    facts::{self, KnownOffer, Rates},
    flows::{
        judge_carefully::is_its_own_fault,
        judge_journeys::{Case, Docket, Files, load},
        spans::Spans,
    },
    store::{
        self, JourneyKey, catalog, inconsistent,
        journeys::{self, LockedJourney},
        replays::{self, Claimed, Step},
    },
};

/// Postbacks that are looked at in one step of selecting.
const STEP_POSTBACKS: i64 = 5_000;
/// Journeys of one step of a dry run: nobody waits for it.
const STEP_DRY: u16 = 200;
/// Journeys of one step for real: their postbacks wait for it.
const STEP_REAL: u16 = 50;
/// Journeys of one order at most: its report has to be read by somebody.
const JOURNEYS_MAX: i64 = 500_000;
/// What an order for more says.
const TOO_MANY: &str = "it is about more than 500000 journeys: order it for shorter periods";

/// What becomes of a journey that can not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// It stops its step.
    Together,
    /// It is alone in its step.
    Singly,
    /// It is passed over.
    Not,
}

/// Whether the order only looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It does.
    Dry,
    /// It changes what stands.
    Real,
}

/// What a step is judged by.
struct Judging {
    rates: Rates,
    /// The draft: for the rules and as its fact.
    draft: Option<KnownOffer>,
}

impl Replayer {
    /// One step of one order of each kind; whether there was anything to do.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn step(&self) -> Result<bool, DbError> {
        let dry = self.step_of(Kind::Dry).await?;
        Ok(self.step_of(Kind::Real).await? || dry)
    }

    async fn step_of(&self, kind: Kind) -> Result<bool, DbError> {
        let stepped = self.step_in_one(kind, Care::Together).await;
        let Err(DbError::Query(error)) = &stepped else { return stepped };
        if !is_its_own_fault(error) {
            return stepped;
        }
        // One at a time now, so that the one that can not be read is passed over alone.
        match self.step_in_one(kind, Care::Singly).await {
            Err(DbError::Query(error)) if is_its_own_fault(&error) => {
                let error = telemetry::chain(&error);
                tracing::error!(error, "a journey can not be judged and is not replayed");
                self.step_in_one(kind, Care::Not).await
            }
            stepped => stepped,
        }
    }

    async fn step_in_one(&self, kind: Kind, care: Care) -> Result<bool, DbError> {
        transact(&self.attributor.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(self.take_step(connection, kind, care).await?)
        })
        .await
    }

    async fn take_step(
        &self,
        connection: &mut AsyncPgConnection,
        kind: Kind,
        care: Care,
    ) -> QueryResult<bool> {
        match kind {
            // From one snapshot: a journey that is judged meanwhile is seen whole, as it was before.
            Kind::Dry => {
                sql_query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(connection).await?;
                postgres_kit::plan_by_index(connection).await?;
            }
            Kind::Real => store::hold_catalog(connection).await?,
        }
        let Some(claimed) = replays::claim_next(connection, kind == Kind::Dry).await? else {
            return Ok(false);
        };
        if !claimed.is_selected {
            replays::select(connection, &claimed, STEP_POSTBACKS).await?;
            return Ok(true);
        }
        if claimed.selected > JOURNEYS_MAX {
            replays::fail(connection, &claimed, TOO_MANY).await?;
            return Ok(true);
        }
        let limit = match (care, kind) {
            (Care::Singly | Care::Not, _) => 1,
            (Care::Together, Kind::Dry) => STEP_DRY,
            (Care::Together, Kind::Real) => STEP_REAL,
        };
        let keys = replays::next_clicks(connection, &claimed, limit).await?;
        let Some(last) = keys.last().map(|(_, click)| click.as_uuid()) else {
            replays::finish(connection, &claimed).await?;
            return Ok(true);
        };
        let judged = keys.len();
        let passed_over = if care == Care::Not {
            judged
        } else {
            self.replay(connection, &claimed, &keys).await?;
            0
        };
        replays::step_done(connection, &claimed, Step { last, judged, passed_over }).await?;
        Ok(true)
    }

    async fn replay(
        &self,
        connection: &mut AsyncPgConnection,
        claimed: &Claimed,
        keys: &BTreeSet<JourneyKey>,
    ) -> QueryResult<()> {
        let journeys = if claimed.dry_run {
            journeys::read(connection, keys).await?
        } else {
            journeys::lock(connection, keys).await?
        };
        let mut docket = Docket { journeys, ..Docket::default() };
        let files = load(connection, &mut docket).await?;
        let judging = judging(connection, claimed).await?;
        let mut compared = Vec::with_capacity(docket.journeys.len());
        let mut marks = Vec::new();
        for journey in &docket.journeys {
            let Some(case) = self.attributor.case(&files, journey, &[], None)? else { continue };
            let version = version_of(claimed, &case, &judging);
            compared.push(compare_one(journey, &case, &files, &judging, version));
            marks.extend(version.map(|version| (journey.key, version)));
        }
        reckon::save(connection, claimed, &compared).await?;
        if claimed.dry_run {
            return Ok(());
        }
        journeys::save_replayed(connection, &marks).await?;
        // Read again as they are now, with what they are to be judged by.
        let journeys = journeys::lock(connection, keys).await?;
        let docket = Docket { journeys, ..Docket::default() };
        self.attributor.judge_journeys(connection, docket, &Spans::default()).await
    }
}

/// The rates, and the draft when there is one.
async fn judging(connection: &mut AsyncPgConnection, claimed: &Claimed) -> QueryResult<Judging> {
    let rates = catalog::load_rates(connection, claimed.tenant).await?;
    let wrong = || inconsistent("replays", "draft", claimed.id);
    let draft = match &claimed.draft {
        None => None,
        Some(fact) => {
            let fact = OfferVersionCreated::decode(fact.as_slice()).map_err(|_undecodable| wrong())?;
            let version = facts::offer_version(&fact).map_err(|_unreadable| wrong())?;
            let mut offer = KnownOffer::default();
            offer.rules.versions.insert(version.number, version);
            offer.versions.insert(fact.version, fact);
            Some(offer)
        }
    };
    Ok(Judging { rates, draft })
}

/// The version whose terms are chosen for a journey; none: its own.
fn version_of(claimed: &Claimed, case: &Case<'_>, judging: &Judging) -> Option<u32> {
    if let Some(draft) = &judging.draft {
        return draft.rules.versions.keys().next().copied();
    }
    let known = &case.inputs.offer.versions;
    match claimed.terms.as_str() {
        "recorded" => None,
        _ => claimed
            .version
            .or_else(|| known.keys().next_back().copied())
            .filter(|one| known.contains_key(one)),
    }
}

fn compare_one(
    journey: &LockedJourney,
    case: &Case<'_>,
    files: &Files,
    judging: &Judging,
    version: Option<u32>,
) -> Compared {
    let inputs = &case.inputs;
    let own = judge(inputs, case.horizon);
    let (under, after) = match version {
        None => (own.clone(), own),
        Some(version) => {
            let offer = judging.draft.as_ref().map_or(inputs.offer, |draft| &draft.rules);
            let chosen = crate::domain::JourneyInputs { offer, ..inputs.clone() };
            let under = replay::under(&chosen, &own, version, case.horizon);
            let after = replay::add(own, under.clone(), &inputs.held);
            (under, after)
        }
    };
    let click = files.clicks.get(&journey.key).map(|(click, _)| click);
    let saved = click.and_then(|click| files.offers.get(&(journey.key.0, click.offer)));
    let worth_of = |conversion: &Conversion| worth_of(conversion, saved, judging);
    let report = compare(&case.before, &under, &after, worth_of);
    let events = inputs.postbacks.iter().filter_map(|postback| {
        let claims = &postback.claims;
        let named = claims.event_ids.as_slice().first().or(claims.event_name.as_ref())?;
        Some((postback.receipt, named.clone()))
    });
    Compared {
        click: journey.key.1,
        publisher: click.map(|click| click.publisher.as_uuid()),
        report,
        events: events.collect(),
    }
}

fn worth_of(conversion: &Conversion, saved: Option<&KnownOffer>, judging: &Judging) -> Worth {
    let draft = judging.draft.as_ref().filter(|draft| draft.versions.contains_key(&conversion.terms.version));
    let money = draft.or(saved).and_then(|offer| offer.money(conversion.event, conversion.terms));
    let terms = money.and_then(facts::money_terms);
    replay::worth(terms.as_ref(), conversion, |from, to| judging.rates.find(from, to))
}
