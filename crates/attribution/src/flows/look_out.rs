//! Looks out for events that need somebody's eyes, once a period in one of the replicas.
//!
//! A look is one transaction with a fixed number of statements: turn → hours that are over → last hours → alarms that stand →
//! offers in question → what is raised and what is over → outbox. Once an hour the pasts are read anew; between, they are
//! remembered here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::Duration,
};

use contracts::Stamp;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{FactId, OfferId, TenantId, Timestamp};
use postgres_kit::{
    DbError, Retries, Snapshot,
    outbox::{self, Outgoing},
    transact,
};
use process::Supervisor;
use prost::Message as _;
use telemetry::chain;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Attributor;
use crate::{
    domain::alarms::{
        AlarmChange, AlarmKind, Cleared, HISTORY_DAYS, Hour, OpenAlarm, Past, Recent, Subject, USUAL_DAYS,
        WINDOW_HOURS, hour_of, look, start_of,
    },
    facts,
    store::{
        alarms::{self, StoredAlarm, Wanted},
        catalog,
    },
};

/// An hour is over when this has passed since: its last postbacks have been decided then.
const SETTLE_SECONDS: i64 = 120;
/// Hours that one look counts: a start after long leave catches up in some looks instead of one endless statement.
const COUNT_HOURS: i64 = 24;
/// Events that are watched, those with the most postbacks first: their pasts take some 50 MB here at most.
const WATCHED_EVENTS: i64 = 5_000;
/// Postbacks of past below which nothing is ever said of an event; the models ask for as many and more.
const PAST_POSTBACKS_MIN: i64 = 100;
/// Days for which alarms that are over are listed: as raw postbacks, a month's statement is argued about in the two after it.
const CLEARED_DAYS: i32 = 92;

/// What is remembered between looks.
#[derive(Debug, Default)]
struct Book {
    /// Of hours before this one.
    until: Hour,
    pasts: BTreeMap<Subject, Past>,
}

/// What a look found.
#[derive(Debug, Default)]
struct Look {
    /// Pasts that were read anew.
    book: Option<Book>,
    raised: Vec<StoredAlarm>,
    cleared: usize,
}

/// Starts the task.
pub fn look_out(attributor: &Attributor, period: Duration, supervisor: &Supervisor) {
    supervisor.spawn("alarms", keep_looking(attributor.clone(), period, supervisor.soft()));
}

async fn keep_looking(attributor: Attributor, period: Duration, soft: CancellationToken) {
    let mut book = Book::default();
    loop {
        tokio::select! {
            () = soft.cancelled() => return,
            () = tokio::time::sleep(period) => {}
        }
        // Of what still stands in the queue nothing can be said.
        if attributor.calm.load(Ordering::Acquire) {
            match attributor.look(&book, period).await {
                Ok(look) => {
                    attributor.report_look(&look);
                    if let Some(read) = look.book {
                        book = read;
                    }
                }
                Err(error) => tracing::warn!(
                    error = chain(&error),
                    "a look for alarms failed; the next one tries again"
                ),
            }
        }
        match attributor.open_alarms().await {
            Ok(open) => attributor.meters.open_alarms(&open),
            Err(error) => tracing::debug!(error = chain(&error), "alarms can not be counted"),
        }
    }
}

impl Attributor {
    /// A tenant's alarms, the latest raised first, and how many there are in all.
    ///
    /// # Errors
    /// The database's.
    pub async fn alarms(&self, listing: &alarms::Listing) -> Result<(Vec<StoredAlarm>, u64), DbError> {
        transact(&self.pool, Snapshot, async |connection| Ok(alarms::list(connection, listing).await?)).await
    }

    async fn open_alarms(&self) -> Result<Vec<(AlarmKind, i64)>, DbError> {
        let mut connection = self.pool.get().await?;
        Ok(alarms::count_open(&mut connection).await?)
    }

    fn report_look(&self, look: &Look) {
        for StoredAlarm { subject, alarm, .. } in &look.raised {
            let kind = alarm.finding.kind;
            self.meters.alarm_raised(kind);
            tracing::warn!(
                tenant.id = %subject.tenant,
                offer.id = subject.offer.map(tracing::field::display),
                event.id = ?subject.event_id,
                alarm.id = %alarm.id,
                kind = kind.as_str(),
                postbacks = alarm.finding.window.postbacks,
                matching = alarm.finding.window.matching,
                "an alarm is raised"
            );
        }
        if look.cleared > 0 {
            tracing::info!(alarms = look.cleared, "alarms are over");
        }
    }

    async fn look(&self, book: &Book, period: Duration) -> Result<Look, DbError> {
        let period = i32::try_from(period.as_millis()).unwrap_or(i32::MAX);
        transact(&self.pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(self.look_in(connection, book, period).await?)
        })
        .await
    }

    async fn look_in(
        &self,
        connection: &mut AsyncPgConnection,
        book: &Book,
        period: i32,
    ) -> QueryResult<Look> {
        let Some(turn) = alarms::take_turn(connection, period).await? else { return Ok(Look::default()) };
        let now = Timestamp::from_micros(turn.now.timestamp_micros());
        // Hours before this one are over.
        let over = hour_of(now.saturating_add_seconds(SETTLE_SECONDS.saturating_neg()));
        let oldest = over.saturating_sub(HISTORY_DAYS.saturating_mul(24));
        let counted = turn
            .counted_until
            .map_or(oldest, |until| hour_of(Timestamp::from_micros(until.timestamp_micros())).max(oldest));
        if counted < over {
            let until = over.min(counted.saturating_add(COUNT_HOURS));
            alarms::keep_hours(connection, start_of(counted), start_of(until)).await?;
            alarms::forget(connection, CLEARED_DAYS).await?;
            if until < over {
                return Ok(Look::default());
            }
        }
        let window = over.saturating_sub(WINDOW_HOURS);
        // Hours that were counted just now are not in it, whatever it says.
        let read = if book.until == over && counted == over {
            None
        } else {
            Some(read_book(connection, over, window).await?)
        };
        let pasts = &read.as_ref().unwrap_or(book).pasts;
        let recent = alarms::recent(connection, start_of(window), start_of(hour_of(now).saturating_add(1)));
        let recent: BTreeMap<Subject, Recent> = recent.await?.into_iter().collect();
        let mut open: BTreeMap<Subject, Vec<StoredAlarm>> = BTreeMap::new();
        for stored in alarms::open(connection).await? {
            open.entry(stored.subject.clone()).or_default().push(stored);
        }

        let changes = Changes { pasts, recent: &recent, open: &open, window: start_of(window), now };
        let found = changes.of(|_every_offer| true);
        let questions: BTreeSet<(TenantId, OfferId)> = found
            .iter()
            .filter(|(_, change)| matches!(change, AlarmChange::Raise(one) if one.kind == AlarmKind::Silence))
            .map(|(subject, _)| *subject)
            .chain(open.iter().filter(|(_, of_it)| of_it.iter().any(is_silence)).map(|(subject, _)| subject))
            .filter_map(|subject| Some((subject.tenant, subject.offer?)))
            .collect();
        let on = offers_that_are_on(connection, &questions, now).await?;
        let found = changes.of(|offer| !questions.contains(offer) || on.contains(offer));
        let (raised, cleared) = self.save(connection, &open, found, now).await?;
        Ok(Look { book: read, raised, cleared })
    }

    async fn save(
        &self,
        connection: &mut AsyncPgConnection,
        open: &BTreeMap<Subject, Vec<StoredAlarm>>,
        found: Vec<(&Subject, AlarmChange)>,
        now: Timestamp,
    ) -> QueryResult<(Vec<StoredAlarm>, usize)> {
        let (mut raised, mut over): (Vec<StoredAlarm>, Vec<(&StoredAlarm, Cleared)>) =
            (Vec::new(), Vec::new());
        for (subject, change) in found {
            match change {
                AlarmChange::Raise(finding) => raised.push(StoredAlarm {
                    subject: subject.clone(),
                    alarm: OpenAlarm { id: self.ids.uuid_v7(), raised_at: now, finding },
                    cleared_at: None,
                    cleared_because: None,
                }),
                AlarmChange::Clear(id, because) => {
                    let standing = open.get(subject).into_iter().flatten();
                    over.extend(
                        standing.filter(|stored| stored.alarm.id == id).map(|stored| (stored, because)),
                    );
                }
            }
        }
        let mut told = Vec::new();
        if !raised.is_empty() {
            let new: BTreeSet<Uuid> = alarms::raise(connection, &raised).await?.into_iter().collect();
            raised.retain(|stored| new.contains(&stored.alarm.id));
            told.extend(raised.iter().map(|stored| {
                self.outgoing_alarm(stored.subject.tenant, now, |stamp| {
                    facts::alarm_raised((&stored.subject, &stored.alarm), stamp)
                })
            }));
        }
        if !over.is_empty() {
            let ended: BTreeSet<Uuid> = alarms::clear(connection, now, &over).await?.into_iter().collect();
            over.retain(|(stored, _)| ended.contains(&stored.alarm.id));
            told.extend(over.iter().map(|(stored, because)| {
                self.outgoing_alarm(stored.subject.tenant, now, |stamp| {
                    facts::alarm_cleared((&stored.subject, &stored.alarm), (now, *because), stamp)
                })
            }));
        }
        if !told.is_empty() {
            outbox::add(connection, &told).await?;
        }
        Ok((raised, over.len()))
    }

    fn outgoing_alarm(
        &self,
        tenant: TenantId,
        recorded_at: Timestamp,
        tell: impl FnOnce(Stamp) -> (&'static str, &'static str, contracts::envelope::Envelope),
    ) -> Outgoing {
        let fact_id = FactId::from_uuid(self.ids.uuid_v7());
        let (exchange, routing_key, envelope) = tell(Stamp {
            fact_id,
            tenant: Some(tenant),
            recorded_at,
            traceparent: String::new(),
            tracestate: String::new(),
        });
        Outgoing {
            fact_id,
            exchange: String::from(exchange),
            routing_key: String::from(routing_key),
            envelope: envelope.encode_to_vec(),
        }
    }
}

/// Everything that a look looks at.
struct Changes<'a> {
    pasts: &'a BTreeMap<Subject, Past>,
    recent: &'a BTreeMap<Subject, Recent>,
    open: &'a BTreeMap<Subject, Vec<StoredAlarm>>,
    window: Timestamp,
    now: Timestamp,
}

impl<'a> Changes<'a> {
    /// What is new, given which offers are on.
    fn of(&self, is_on: impl Fn(&(TenantId, OfferId)) -> bool) -> Vec<(&'a Subject, AlarmChange)> {
        let unknown = Past::default();
        let subjects: BTreeSet<&'a Subject> = self.pasts.keys().chain(self.open.keys()).collect();
        let mut found = Vec::new();
        for subject in subjects {
            let past = self.pasts.get(subject).unwrap_or(&unknown);
            let recent = self.recent.get(subject).copied().unwrap_or_default();
            let standing = self.open.get(subject).into_iter().flatten();
            let standing: Vec<OpenAlarm> = standing.map(|stored| stored.alarm.clone()).collect();
            let is_on = subject.offer.is_none_or(|offer| is_on(&(subject.tenant, offer)));
            let changes = look(subject, past, recent, &standing, is_on, (self.window, self.now));
            found.extend(changes.into_iter().map(|change| (subject, change)));
        }
        found
    }
}

fn is_silence(stored: &StoredAlarm) -> bool {
    stored.alarm.finding.kind == AlarmKind::Silence
}

async fn read_book(connection: &mut AsyncPgConnection, over: Hour, window: Hour) -> QueryResult<Book> {
    let back = |from: Hour, days: i64| start_of(from.saturating_sub(days.saturating_mul(24)));
    let wanted = Wanted {
        from: back(over, HISTORY_DAYS),
        usual_from: back(window, USUAL_DAYS),
        usual_until: start_of(window),
        postbacks_min: PAST_POSTBACKS_MIN,
        limit: WATCHED_EVENTS,
    };
    let pasts: BTreeMap<Subject, Past> = alarms::pasts(connection, wanted).await?.into_iter().collect();
    if i64::try_from(pasts.len()).unwrap_or(i64::MAX) >= WATCHED_EVENTS {
        tracing::warn!(events = WATCHED_EVENTS, "there are more events than are watched for alarms");
    }
    Ok(Book { until: over, pasts })
}

/// Those of which events are expected now: ready, within their dates, new events not stopped. A paused one brings no new
/// users, so what it still brings fades.
async fn offers_that_are_on(
    connection: &mut AsyncPgConnection,
    questions: &BTreeSet<(TenantId, OfferId)>,
    now: Timestamp,
) -> QueryResult<BTreeSet<(TenantId, OfferId)>> {
    let known = catalog::load_offers(connection, questions).await?;
    let resting = catalog::resting_offers(connection, questions).await?;
    let is_on = |key: &(TenantId, OfferId)| {
        let Some(offer) = known.get(key) else { return false };
        let newest = offer.rules.versions.values().next_back();
        newest.is_some_and(|version| version.dates.contains(now))
            && !offer.rules.is_stopped_at(now)
            && !resting.contains(key)
    };
    Ok(questions.iter().copied().filter(is_on).collect())
}
