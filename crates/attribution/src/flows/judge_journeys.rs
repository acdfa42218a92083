//! Judges journeys that this transaction holds: load what their verdicts depend on, decide, write what is new, tell.
//! Every step does for all journeys at once; the number of statements does not depend on their number.
//!
//! Statements that do not need each other's answers are sent together: the server works on one while this process writes
//! down the next, so that neither waits for the other. It answers them in their order, so the first error is the cause.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{Stamp, tracker::ClickRecorded};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use futures_util::join;
use kernel::{CredentialId, FactId, OfferId, ReceiptId, TenantId, Timestamp};
use postgres_kit::{
    all,
    outbox::{self, Outgoing},
};
use prost::Message;
use telemetry::TraceContext;

use super::{Attributor, claim_first_steps, facets::facets, spans::Spans};
use crate::{
    domain::{
        Changes, Click, Code, Conversion, ConversionChange, Credential, Held, JourneyInputs, JourneyVerdict,
        Known, KnownDecision, Offer, SettledOnce, Slot, Stamped, diff, judge,
    },
    facts::{self, KnownOffer, Received, Told},
    store::{
        JourneyKey, catalog,
        conversions::{self, KnownConversion},
        decisions::{self, DecisionRow},
        first_steps::FirstClicks,
        inconsistent,
        journeys::{self, LockedJourney, WaitRow},
        named,
        payout::{self, SaidByPayout},
        postbacks::{self, KnownPostbacks, PostbackRow},
    },
};

/// What is to be judged in one transaction.
#[derive(Debug, Default)]
pub(super) struct Docket<'a> {
    /// The journeys, locked.
    pub(super) journeys: Vec<LockedJourney>,
    /// Their stored postbacks, when somebody has looked already; none: still to be loaded.
    pub(super) known: Option<KnownPostbacks>,
    /// Postbacks that have just come.
    pub(super) fresh: BTreeMap<JourneyKey, Vec<&'a Received>>,
    /// To be kept raw, whatever becomes of them.
    pub(super) raw: Vec<&'a Received>,
    /// When the oldest postback of this batch was received; none: no postback has come.
    pub(super) oldest: Option<Timestamp>,
    /// How far input has been seen; none: as far as a journey's own stamps say.
    pub(super) horizon: Option<Timestamp>,
    /// Decisions that need no journey, to be written with the others.
    pub(super) decided: Vec<DecisionRow>,
}

/// Everything the verdicts depend on, loaded.
#[derive(Debug, Default)]
pub(super) struct Files {
    postbacks: KnownPostbacks,
    conversions: BTreeMap<JourneyKey, Vec<KnownConversion>>,
    payout: BTreeMap<JourneyKey, SaidByPayout>,
    pub(super) clicks: BTreeMap<JourneyKey, (Click, ClickRecorded)>,
    pub(super) first_clicks: BTreeMap<JourneyKey, FirstClicks>,
    pub(super) offers: BTreeMap<(TenantId, OfferId), KnownOffer>,
    credentials: BTreeMap<TenantId, BTreeMap<CredentialId, Credential>>,
    nothing_known: Offer,
    no_credentials: BTreeMap<CredentialId, Credential>,
}

/// A journey as the rules look at it, and what was committed of it.
pub(super) struct Case<'a> {
    pub(super) inputs: JourneyInputs<'a>,
    pub(super) horizon: Timestamp,
    pub(super) before: Known,
    postbacks: BTreeMap<ReceiptId, (Stamped, TraceContext)>,
}

/// One journey, judged.
pub(super) struct Judged {
    pub(super) key: JourneyKey,
    horizon: Timestamp,
    postbacks: BTreeMap<ReceiptId, (Stamped, TraceContext)>,
    pub(super) verdict: JourneyVerdict,
    changes: Changes,
}

impl Attributor {
    pub(super) async fn judge_journeys(
        &self,
        connection: &mut AsyncPgConnection,
        mut docket: Docket<'_>,
        spans: &Spans,
    ) -> QueryResult<()> {
        let connection: &AsyncPgConnection = connection;
        let mut files = load(connection, &mut docket).await?;
        let Docket { journeys, fresh, raw, oldest, horizon, mut decided, .. } = docket;
        let fresh_of = |journey: &LockedJourney| fresh.get(&journey.key).map_or(&[][..], Vec::as_slice);
        // The server keeps them while this process judges.
        let ((), mut judged) = all(join!(postbacks::keep_raw(connection, &raw), async {
            let judge = |journey| self.judge_one(&files, journey, fresh_of(journey), horizon).transpose();
            journeys.iter().filter_map(judge).collect::<QueryResult<Vec<Judged>>>()
        }))?;
        // Who finds another of its member's clicks first after all is judged again, knowing it.
        let late = claim_first_steps::claim(connection, &mut files, &judged).await?;
        for one in judged.iter_mut().filter(|one| late.contains(&one.key)) {
            let Some(journey) = journeys.iter().find(|journey| journey.key == one.key) else { continue };
            if let Some(again) = self.judge_one(&files, journey, fresh_of(journey), horizon)? {
                *one = again;
            }
        }
        decided.extend(judged.iter().flat_map(|one| one.decisions(&files)));
        let outgoing =
            judged.iter().flat_map(|one| self.tell(one, &files, oldest, spans)).collect::<Vec<_>>();
        for decision in &decided {
            self.meters.decided(decision.code);
            spans.decided(decision.receipt, decision.code);
            alarm(decision);
        }
        save(connection, &judged, &decided, &outgoing).await
    }

    fn judge_one(
        &self,
        files: &Files,
        journey: &LockedJourney,
        fresh: &[&Received],
        horizon: Option<Timestamp>,
    ) -> QueryResult<Option<Judged>> {
        let Some(case) = self.case(files, journey, fresh, horizon)? else { return Ok(None) };
        let verdict = judge(&case.inputs, case.horizon);
        let changes = diff(&case.before, &verdict);
        let Case { horizon, postbacks, .. } = case;
        Ok(Some(Judged { key: journey.key, horizon, postbacks, verdict, changes }))
    }

    /// `None` for a journey without postbacks: a click alone means nothing yet.
    pub(super) fn case<'a>(
        &self,
        files: &'a Files,
        journey: &LockedJourney,
        fresh: &[&Received],
        horizon: Option<Timestamp>,
    ) -> QueryResult<Option<Case<'a>>> {
        let (tenant, click_id) = journey.key;
        let known = files.postbacks.get(&journey.key).map(Vec::as_slice).unwrap_or_default();
        let mut postbacks: BTreeMap<ReceiptId, (Stamped, TraceContext)> = fresh
            .iter()
            .map(|one| (one.stamped.receipt, (one.stamped.clone(), one.context.clone())))
            .collect();
        // What is known wins: its rules may have settled something.
        postbacks.extend(
            known.iter().map(|one| (one.stamped.receipt, (one.stamped.clone(), one.context.clone()))),
        );
        let Some(latest) = postbacks.values().map(|(stamped, _)| stamped.received_at).max() else {
            return Ok(None);
        };
        let horizon = [horizon, journey.horizon].into_iter().flatten().fold(latest, Timestamp::max);
        let told = files.conversions.get(&journey.key).map(Vec::as_slice).unwrap_or_default();
        let click = files.clicks.get(&journey.key).map(|(click, _)| click);
        let nothing_said = SaidByPayout::default();
        let said = files.payout.get(&journey.key).unwrap_or(&nothing_said);
        let offer = click.and_then(|click| files.offers.get(&(tenant, click.offer)));
        let inputs = JourneyInputs {
            tenant,
            click_id,
            // A known click needs no check.
            click_id_is_ours: click.is_some() || signing::click::is_ours(&self.keyring, tenant, click_id),
            click: click.cloned(),
            postbacks: postbacks.values().map(|(stamped, _)| stamped.clone()).collect(),
            offer: offer.map_or(&files.nothing_known, |offer| &offer.rules),
            credentials: files.credentials.get(&tenant).unwrap_or(&files.no_credentials),
            held: held(journey.key, told, said)?,
            people: said.people.clone(),
            first_clicks: files.first_clicks.get(&journey.key).cloned().unwrap_or_default(),
            replayed: journey.replayed.clone(),
            dated_by: None,
        };
        let before = Known {
            decisions: known.iter().map(|one| (one.stamped.receipt, one.decision)).collect(),
            conversions: told
                .iter()
                .map(|(revision, conversion)| (conversion.id, (*revision, conversion.clone())))
                .collect(),
        };
        Ok(Some(Case { inputs, horizon, before, postbacks }))
    }

    fn tell(
        &self,
        judged: &Judged,
        files: &Files,
        oldest: Option<Timestamp>,
        spans: &Spans,
    ) -> Vec<Outgoing> {
        let (tenant, _) = judged.key;
        let Some((click, message)) = files.clicks.get(&judged.key) else { return Vec::new() };
        let Some(offer) = files.offers.get(&(tenant, click.offer)) else { return Vec::new() };
        let decisions_heard = files.payout.get(&judged.key).map_or(0, |said| said.people.len());
        let changed = judged.changes.conversions.iter();
        changed
            .filter_map(|(revision, change, conversion)| {
                let (holder, context) = judged.postbacks.get(&conversion.holder)?;
                let told = Told {
                    tenant,
                    click: message,
                    offer,
                    holder: &holder.claims,
                    conversion,
                    revision: *revision,
                    oldest_input_at: oldest,
                    decisions_heard,
                };
                Some(self.outgoing(*change, &told, &spans.context_of(conversion.holder, context)))
            })
            .collect()
    }

    fn outgoing(&self, change: ConversionChange, told: &Told<'_>, context: &TraceContext) -> Outgoing {
        self.meters.told(change);
        let fact_id = FactId::from_uuid(self.ids.uuid_v7());
        let stamp = Stamp {
            fact_id,
            tenant: Some(told.tenant),
            recorded_at: self.clock.now(),
            traceparent: context.traceparent.clone(),
            tracestate: context.tracestate.clone(),
        };
        let (exchange, routing_key, envelope) = facts::tell(change, told, stamp);
        Outgoing {
            fact_id,
            exchange: String::from(exchange),
            routing_key: String::from(routing_key),
            envelope: envelope.encode_to_vec(),
        }
    }
}

impl Judged {
    fn decisions<'a>(&'a self, files: &'a Files) -> impl Iterator<Item = DecisionRow> + 'a {
        let (tenant, click) = self.key;
        let known_click = files.clicks.get(&self.key);
        let offer = known_click.and_then(|(click, _)| files.offers.get(&(tenant, click.offer)));
        self.changes.decisions.iter().filter_map(move |change| {
            let (stamped, _) = self.postbacks.get(&change.decision.receipt)?;
            Some(DecisionRow {
                tenant,
                received_at: stamped.received_at,
                receipt: stamped.receipt,
                click: Some(click),
                revision: change.revision,
                code: change.decision.code,
                trace: change.decision.trace.clone(),
                facets: facets(&stamped.claims, known_click, offer),
            })
        })
    }

    fn verdicts(&self) -> impl Iterator<Item = (JourneyKey, u64, &Conversion)> {
        self.changes.conversions.iter().map(|(revision, _, conversion)| (self.key, *revision, conversion))
    }

    const fn waits(&self) -> WaitRow {
        WaitRow { key: self.key, horizon: self.horizon, waits: self.verdict.waits }
    }

    fn postback_rows(&self) -> impl Iterator<Item = PostbackRow<'_>> {
        let decided = self.changes.decisions.iter().map(|change| {
            let decision = &change.decision;
            (
                decision.receipt,
                KnownDecision { code: decision.code, revision: change.revision, settled: decision.settled },
            )
        });
        let settled = self.changes.settled.iter().map(|(receipt, decision)| (*receipt, *decision));
        decided.chain(settled).filter_map(|(receipt, decision)| {
            let (stamped, context) = self.postbacks.get(&receipt)?;
            Some(PostbackRow {
                key: self.key,
                stamped,
                settled: decision.settled,
                code: decision.code,
                revision: decision.revision,
                context,
            })
        })
    }
}

/// Writes all that is new.
async fn save(
    connection: &AsyncPgConnection,
    judged: &[Judged],
    decided: &[DecisionRow],
    outgoing: &[Outgoing],
) -> QueryResult<()> {
    let rows: Vec<PostbackRow<'_>> = judged.iter().flat_map(Judged::postback_rows).collect();
    let verdicts: Vec<(JourneyKey, u64, &Conversion)> = judged.iter().flat_map(Judged::verdicts).collect();
    let waits: Vec<WaitRow> = judged.iter().map(Judged::waits).collect();
    let ((), (), (), (), ()) = all(join!(
        postbacks::save_of_journeys(connection, &rows),
        decisions::save(connection, decided),
        conversions::save(connection, &verdicts),
        journeys::save_waits(connection, &waits),
        outbox::add(connection, outgoing),
    ))?;
    Ok(())
}

/// A postback under a credential that was not valid may be an attack or a mistake in the set-up; both want eyes.
fn alarm(decision: &DecisionRow) {
    if decision.code == Code::RejectedCredential {
        tracing::warn!(
            tenant.id = %decision.tenant,
            receipt = %decision.receipt,
            "a postback came in under a credential that was not valid for it"
        );
    }
}

fn held(key: JourneyKey, told: &[KnownConversion], said: &SaidByPayout) -> QueryResult<BTreeMap<Slot, Held>> {
    let holder = |(_, conversion): &KnownConversion| {
        let slot = conversion.slot().ok_or_else(|| inconsistent("conversions", "verdict", named(key)))?;
        let amount_closed = said.settled.contains(&conversion.id);
        let Conversion { holder, amount_from, terms, .. } = *conversion;
        Ok((slot, Held { holder, amount_from, amount_closed, terms }))
    };
    told.iter().map(holder).collect()
}

pub(super) async fn load(connection: &AsyncPgConnection, docket: &mut Docket<'_>) -> QueryResult<Files> {
    let keys: BTreeSet<JourneyKey> = docket.journeys.iter().map(|journey| journey.key).collect();
    if keys.is_empty() {
        return Ok(Files::default());
    }
    let postbacks = match docket.known.take() {
        Some(known) => known,
        None => postbacks::load_of_journeys(connection, &keys).await?,
    };
    // Most clicks are never followed by anything: what has no postback needs nothing more.
    let stirred: BTreeSet<JourneyKey> = keys
        .into_iter()
        .filter(|key| postbacks.contains_key(key) || docket.fresh.contains_key(key))
        .collect();
    if stirred.is_empty() {
        return Ok(Files::default());
    }
    let mut clicks = BTreeMap::new();
    for journey in docket.journeys.iter().filter(|journey| stirred.contains(&journey.key)) {
        if let Some(fact) = &journey.click {
            clicks.insert(journey.key, read_click(journey.key, fact)?);
        }
    }
    let wanted_offers = clicks.iter().map(|((tenant, _), (click, _))| (*tenant, click.offer)).collect();
    let unsettled = postbacks.iter().flat_map(|((tenant, _), known)| {
        let stamped = known.iter().map(|one| &one.stamped);
        stamped.filter(|one| one.settled.fit == SettledOnce::NotYet).map(|one| (*tenant, one.credential))
    });
    let fresh = docket.fresh.values().flatten().map(|one| (one.tenant, one.stamped.credential));
    let wanted_credentials = unsettled.chain(fresh).collect();
    let (conversions, payout, offers, credentials, first_clicks) = all(join!(
        conversions::load_of_journeys(connection, &stirred),
        payout::load_of_journeys(connection, &stirred),
        catalog::load_offers(connection, &wanted_offers),
        catalog::load_credentials(connection, &wanted_credentials),
        claim_first_steps::load(connection, &clicks),
    ))?;
    Ok(Files {
        postbacks,
        conversions,
        payout,
        clicks,
        first_clicks,
        offers,
        credentials,
        ..Files::default()
    })
}

fn read_click(key: JourneyKey, fact: &[u8]) -> QueryResult<(Click, ClickRecorded)> {
    let wrong = || inconsistent("journeys", "click", named(key));
    let message = ClickRecorded::decode(fact).map_err(|_undecodable| wrong())?;
    let click = facts::click(&message).map_err(|_unreadable| wrong())?;
    Ok((click, message))
}
