//! One stream of the live feed: what it missed, then what comes, and a sign of life.

use std::{sync::Arc, time::Duration};

use actix_web::web::Bytes;
use http_kit::auth::Standing;
use kernel::{TenantId, Timestamp};
use serde_json::json;
use telemetry::chain;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{list_postbacks::PostbackLine, live_postbacks::id, written};
use crate::flows::live::{LiveStory, Looking, Position, RESUME_SECONDS, Told, Wanted};

/// A proxy takes a silent connection for dead, most after a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a stream asks whether its token is still in force; with `auth.cache_ms` (2 s) it ends within some seconds.
const TOKEN_CHECK: Duration = Duration::from_secs(2);
/// A reader that is so far behind when its queue runs over does not keep up: it may come back with the last id it has.
const BEHIND_SECONDS: i64 = 60;
/// How long a browser waits before it connects again.
const BEGINNING: &str = "retry: 3000\n: live\n\n";
/// Events written at once.
const EVENTS_AT_ONCE: usize = 64;

/// A stream.
pub(super) struct Live {
    tenant: TenantId,
    wanted: Wanted,
    looking: Looking,
    standing: Standing,
    stage: Stage,
    /// The last id that was written.
    last: Position,
    checks: Interval,
    heartbeats: Interval,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Nothing was said.
    New(Option<Position>),
    /// It is not yet known from where on it will be told.
    Joining(Option<Position>),
    /// Reads what it missed, up to where it joined.
    CatchingUp { joined: Position },
    /// Says what it is told.
    Following,
    /// All is said.
    Ended,
}

/// Why it ends from here.
#[derive(Debug, Clone, Copy)]
enum End {
    Stopping,
    Token,
    Behind,
    Unavailable,
}

/// What a stream waits for.
enum Turn {
    End(End),
    Check,
    Told(Told),
    /// More came than its queue holds.
    Overflow,
    Heartbeat,
}

impl Live {
    pub(super) fn new(
        tenant: TenantId,
        wanted: Wanted,
        last: Option<Position>,
        looking: Looking,
        standing: Standing,
    ) -> Self {
        Self {
            tenant,
            wanted,
            looking,
            standing,
            stage: Stage::New(last),
            last: last.unwrap_or(Position::before(Timestamp::from_micros(0))),
            checks: every(TOKEN_CHECK),
            heartbeats: every(HEARTBEAT),
        }
    }

    /// The next piece, and the stream after it.
    pub(super) async fn next(mut self) -> Option<(Result<Bytes, actix_web::Error>, Self)> {
        let text = match self.stage {
            Stage::New(last) => {
                self.stage = Stage::Joining(last);
                BEGINNING.to_owned()
            }
            Stage::CatchingUp { joined } => self.catch_up(joined).await,
            Stage::Joining(_) | Stage::Following => self.follow().await,
            Stage::Ended => return None,
        };
        self.heartbeats.reset();
        Some((Ok(Bytes::from(text)), self))
    }

    /// Until there is something to say.
    async fn follow(&mut self) -> String {
        loop {
            match self.turn().await {
                Turn::End(end) => return self.end(end),
                Turn::Check => {
                    let caller = self.standing.caller().await;
                    match caller.and_then(|caller| caller.require_read_tenant()) {
                        Err(problem) if problem.status().is_client_error() => return self.end(End::Token),
                        // Tokens that can not be looked up now have not been revoked either: nothing comes in meanwhile.
                        Ok(()) | Err(_) => {}
                    }
                }
                Turn::Told(Told::Joined(from)) => {
                    if let Some(text) = self.join(from) {
                        return text;
                    }
                }
                Turn::Told(Told::Decided(live)) => return self.decided(&live),
                Turn::Overflow => {
                    if let Some(text) = self.read_on() {
                        return text;
                    }
                }
                Turn::Heartbeat => return self.heartbeat(),
            }
        }
    }

    async fn turn(&mut self) -> Turn {
        let stopping = self.looking.feed().stopping();
        tokio::select! {
            biased;
            () = stopping.cancelled() => Turn::End(End::Stopping),
            _ = self.checks.tick() => Turn::Check,
            told = self.looking.next() => told.map_or(Turn::Overflow, Turn::Told),
            _ = self.heartbeats.tick() => Turn::Heartbeat,
        }
    }

    /// From here on it is told everything; what came before is to be read when the caller had been here.
    fn join(&mut self, from: Position) -> Option<String> {
        let Stage::Joining(last) = self.stage else { return None };
        let oldest = Position::before(from.at.saturating_add_seconds(RESUME_SECONDS.saturating_neg()));
        match last {
            Some(last) if last < oldest => {
                self.last = oldest;
                self.stage = Stage::CatchingUp { joined: from };
                let data = json!({ "from": written(last.at), "until": written(oldest.at) });
                Some(event("gap", oldest, &data.to_string()))
            }
            Some(last) if last < from => {
                self.stage = Stage::CatchingUp { joined: from };
                Some(": what was missed\n\n".to_owned())
            }
            // Whoever has seen more than this process has told is not told it twice.
            Some(_) => {
                self.stage = Stage::Following;
                None
            }
            None => {
                self.last = from;
                self.stage = Stage::Following;
                // Whoever leaves before the first event can come back to it.
                Some(format!("id: {}\n\n", id(from)))
            }
        }
    }

    /// More was decided at once than its queue holds: it takes what is left from the database, at the reader's pace, and then
    /// joins again. Not a reader who falls ever further behind.
    fn read_on(&mut self) -> Option<String> {
        let behind = self.looking.feed().told_until().micros_since(self.last.at);
        if behind > BEHIND_SECONDS.saturating_mul(1_000_000) {
            return Some(self.end(End::Behind));
        }
        match self.looking.feed().look_on(self.tenant, self.wanted.clone()) {
            Ok(looking) => {
                self.looking = looking;
                self.stage = Stage::Joining(Some(self.last));
                None
            }
            Err(_full) => Some(self.end(End::Behind)),
        }
    }

    /// A page of what was missed.
    async fn catch_up(&mut self, joined: Position) -> String {
        if self.looking.feed().stopping().is_cancelled() {
            return self.end(End::Stopping);
        }
        let page = match self.looking.feed().between(self.tenant, self.last, joined).await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "what a stream of the live feed missed can not be read"
                );
                return self.end(End::Unavailable);
            }
        };
        let Some(end) = page.last().map(|live| live.position) else {
            self.last = joined;
            self.stage = Stage::Following;
            return format!("id: {}\n\n", id(joined));
        };
        let mut text = String::new();
        for live in page.iter().filter(|live| self.wanted.takes(live)) {
            text.push_str(&line(live));
        }
        self.last = end;
        if text.is_empty() {
            text = format!("id: {}\n\n", id(end));
        }
        text
    }

    /// This one, and what stands in the queue behind it.
    fn decided(&mut self, first: &Arc<LiveStory>) -> String {
        let mut text = String::new();
        self.say(first, &mut text);
        for _ in 1..EVENTS_AT_ONCE {
            let Some(Told::Decided(live)) = self.looking.try_next() else { break };
            self.say(&live, &mut text);
        }
        text
    }

    fn say(&mut self, live: &LiveStory, text: &mut String) {
        if live.position > self.last {
            self.last = live.position;
            text.push_str(&line(live));
        }
    }

    /// With an id, so that whoever comes back need not ask for all the silence again.
    fn heartbeat(&mut self) -> String {
        // Asked before the queue: what has been told until then stands in it, or was said.
        let told_until = Position::before(self.looking.feed().told_until());
        if matches!(self.stage, Stage::Joining(_)) {
            return ": waiting for the database\n\n".to_owned();
        }
        match self.looking.try_next() {
            Some(Told::Decided(live)) => self.decided(&live),
            Some(Told::Joined(_)) | None => {
                self.last = self.last.max(told_until);
                format!(": still here\nid: {}\n\n", id(self.last))
            }
        }
    }

    fn end(&mut self, end: End) -> String {
        self.stage = Stage::Ended;
        let reason = match end {
            End::Stopping => "stopping",
            End::Token => "token",
            End::Behind => "behind",
            End::Unavailable => "unavailable",
        };
        format!("event: end\ndata: {}\n\n", json!({ "reason": reason }))
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

fn line(live: &LiveStory) -> String {
    // A struct of strings and numbers can be written as JSON.
    let body = serde_json::to_string(&PostbackLine::from(live.story.clone())).unwrap_or_default();
    event("decision", live.position, &body)
}

fn event(name: &str, position: Position, data: &str) -> String {
    format!("id: {}\nevent: {name}\ndata: {data}\n\n", id(position))
}
