//! Looks at the database for those who look on.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use postgres_kit::DbError;
use telemetry::chain;

use super::{Feed, PAGE_DECISIONS, Position, RECEIVED_DAYS};
use crate::store::live;

/// Between two looks: with the second that the horizon lies back, a decision is seen in one to two seconds.
const PERIOD: Duration = Duration::from_millis(500);
/// A transaction that is open for longer than this no longer holds the feed up. Every statement has a time-out of seconds.
const HELD_SECONDS_MAX: i32 = 600;

/// Until the soft stop.
pub(super) async fn poll(feed: Feed) {
    loop {
        tokio::select! {
            () = feed.soft.cancelled() => return,
            () = feed.shared.somebody.notified() => {}
        }
        let mut stands_at = None;
        let mut failing = false;
        while feed.hub().len() > 0 {
            match feed.look(&mut stands_at).await {
                Ok(()) => failing = false,
                Err(error) if failing => tracing::debug!(error = chain(&error), "the live feed still stands"),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "the live feed stands until the database answers");
                    failing = true;
                }
            }
            tokio::select! {
                () = feed.soft.cancelled() => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }
}

impl Feed {
    /// Tells everybody what was decided since the position, and moves it. A look that fails half-way goes on there.
    async fn look(&self, stands_at: &mut Option<Position>) -> Result<(), DbError> {
        let mut connection = self.pool.get().await?;
        // A statement of its own, before the one that reads: whatever began before the horizon has ended when that begins.
        let horizon = live::horizon(&mut connection, HELD_SECONDS_MAX).await?;
        let position = stands_at.get_or_insert(Position::before(horizon));
        let tenants = self.hub().join(*position);
        while position.at < horizon {
            let until = Position::before(horizon);
            let page =
                live::decided(&mut connection, &tenants, *position, until, RECEIVED_DAYS, PAGE_DECISIONS)
                    .await?;
            let is_last = i64::try_from(page.len()).unwrap_or(i64::MAX) < PAGE_DECISIONS;
            let next = page.last().map(|live| live.position).filter(|_| !is_last);
            let page: Vec<_> = page.into_iter().map(Arc::new).collect();
            let overflows = self.hub().tell(&page);
            if overflows > 0 {
                self.shared.overflows.add(u64::try_from(overflows).unwrap_or(u64::MAX), &[]);
            }
            *position = next.unwrap_or(until);
            self.shared.told_until.store(position.at.as_micros(), Ordering::Release);
        }
        Ok(())
    }
}
