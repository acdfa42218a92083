//! Lays the lines of some clicks beside their journeys.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{ClickId, ConversionId, ReceiptId};
use postgres_kit::{DbError, Retries, transact};

use super::Reconciler;
use crate::{
    domain::reconcile::{Payment, Reached, ReportRow, outcome, pair},
    store::{
        conversions,
        postbacks::{self, KnownPostback},
        reconciliations::{self, Claimed, ComparedLine},
    },
};

/// Clicks of one transaction.
const STEP_CLICKS: i64 = 500;
/// Lines of one transaction. A click with more is gone through in several, each on its own: no person's click has so many.
const STEP_LINES: usize = 50_000;

impl Reconciler {
    /// Compares the lines of the next clicks of one report, in one transaction; whether there was anything to do.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn step(&self) -> Result<bool, DbError> {
        transact(&self.pool, Retries::default(), async |connection| Ok::<_, DbError>(step(connection).await?))
            .await
    }
}

async fn step(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    postgres_kit::plan_by_index(connection).await?;
    let Some(claimed) = reconciliations::claim_next(connection).await? else { return Ok(false) };
    let clicks = reconciliations::next_clicks(connection, &claimed, STEP_CLICKS).await?;
    let Some(last) = clicks.last().copied() else {
        reconciliations::finish(connection, &claimed).await?;
        return Ok(true);
    };
    let limit = i64::try_from(STEP_LINES).unwrap_or(i64::MAX);
    let lines = reconciliations::lines_of(connection, &claimed, &clicks, limit).await?;
    // The last click may have more lines than were read: then it comes again.
    let done = match lines.last().filter(|_| lines.len() >= STEP_LINES) {
        None => Some(last),
        Some(cut) => clicks.iter().rfind(|click| **click < cut.click).copied().or(claimed.after),
    };
    let journeys = Journeys::load(connection, &claimed, &clicks).await?;
    let mut by_click: BTreeMap<ClickId, Vec<ReportRow>> = BTreeMap::new();
    for line in lines {
        by_click.entry(line.click).or_default().push(line.row);
    }
    let tolerance = Duration::from_secs(u64::from(claimed.tolerance_seconds));
    let compared: Vec<ComparedLine> =
        by_click.iter().flat_map(|(click, rows)| journeys.compare(*click, rows, tolerance)).collect();
    reconciliations::save_outcomes(connection, &claimed, &compared).await?;
    reconciliations::move_on(connection, &claimed, done, compared.len()).await?;
    Ok(true)
}

/// What came of some clicks, and what became of it.
struct Journeys {
    postbacks: BTreeMap<ClickId, Vec<KnownPostback>>,
    held: BTreeMap<ReceiptId, ConversionId>,
    payments: BTreeMap<ConversionId, Payment>,
}

impl Journeys {
    async fn load(
        connection: &mut AsyncPgConnection,
        claimed: &Claimed,
        clicks: &[ClickId],
    ) -> QueryResult<Self> {
        let tenant = claimed.tenant;
        let keys: BTreeSet<_> = clicks.iter().map(|click| (tenant, *click)).collect();
        let postbacks = postbacks::load_of_journeys(connection, &keys).await?;
        let conversions = conversions::load_of_journeys(connection, &keys).await?;
        let held = conversions.values().flatten().map(|(_, conversion)| (conversion.holder, conversion.id));
        Ok(Self {
            postbacks: postbacks.into_iter().map(|((_, click), known)| (click, known)).collect(),
            held: held.collect(),
            payments: reconciliations::payments_of(connection, tenant, clicks).await?,
        })
    }

    fn compare(&self, click: ClickId, rows: &[ReportRow], tolerance: Duration) -> Vec<ComparedLine> {
        let known = self.postbacks.get(&click).map(Vec::as_slice).unwrap_or_default();
        let reached: Vec<Reached> = known.iter().map(|postback| self.reached(postback)).collect();
        let pairs = pair(rows, &reached, tolerance);
        rows.iter()
            .zip(pairs)
            .map(|(row, place)| {
                let reached = place.and_then(|place| reached.get(place));
                ComparedLine {
                    line: row.line,
                    outcome: outcome(row, reached),
                    conversion: reached.and_then(|one| self.held.get(&one.receipt)).copied(),
                }
            })
            .collect()
    }

    fn reached(&self, postback: &KnownPostback) -> Reached {
        let (stamped, claims) = (&postback.stamped, &postback.stamped.claims);
        let conversion = self.held.get(&stamped.receipt);
        Reached {
            receipt: stamped.receipt,
            received_at: stamped.received_at,
            event_ids: claims.event_ids.clone(),
            event_name: claims.event_name.clone(),
            event_time: claims.event_time,
            conversion_id: claims.conversion_id.clone(),
            amount: claims.amount,
            currency: claims.currency,
            code: postback.decision.code,
            payment: conversion.and_then(|id| self.payments.get(id)).cloned(),
        }
    }
}
