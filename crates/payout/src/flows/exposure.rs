//! What is Pending, when it matures, and what it will probably come to.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{Micros, OfferId, PublisherId, TenantId};
use postgres_kit::{DbError, Pool, Snapshot, transact};
use uuid::Uuid;

use crate::{
    domain::exposure::{Calendar, Loss, SAMPLE_DAYS, Sample, floor_expected, loss},
    store::{self, exposure, tenants},
};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Whose.
    pub tenant: TenantId,
    /// One publisher's only.
    pub publisher: Option<PublisherId>,
    /// One offer's only.
    pub offer: Option<OfferId>,
    /// Skipped.
    pub offset: i64,
    /// Taken.
    pub limit: i64,
}

/// Pending conversions of one publisher, offer, day and currency.
#[derive(Debug, Clone)]
pub struct Line {
    /// Who earns.
    pub publisher: Uuid,
    /// The offer.
    pub offer: Uuid,
    /// The day on which they mature, in the tenant's zone: today for what is due; `None` for what is on review.
    pub due_on: Option<NaiveDate>,
    /// Of the amounts, ISO 4217.
    pub currency: String,
    /// How many.
    pub pending: i64,
    /// What publishers earn if all become Success.
    pub payout: Micros,
    /// What the advertiser owes then.
    pub revenue: Micros,
    /// The share that is expected to be lost.
    pub loss: Loss,
    /// The payout without it.
    pub expected_payout: Micros,
    /// The revenue without it.
    pub expected_revenue: Micros,
}

/// A page of lines, soonest first, and how many there are in all.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn exposure(pool: &Pool, asked: Asked) -> Result<(Vec<Line>, u64), DbError> {
    transact(pool, Snapshot, async |connection| Ok(forecast(connection, asked).await?)).await
}

async fn forecast(connection: &mut AsyncPgConnection, asked: Asked) -> QueryResult<(Vec<Line>, u64)> {
    let zone = tenants::zone(connection, asked.tenant).await?;
    let calendar = Calendar::from(store::now(connection).await?, zone);
    let days = calendar.beginnings.as_slice();
    let of = (asked.publisher, asked.offer);
    let rows = exposure::pending(connection, asked.tenant, days, of, (asked.offset, asked.limit)).await?;
    let total = match rows.first() {
        Some(row) => row.total,
        None if asked.offset == 0 => 0,
        // Beyond the last page: the first one knows.
        None => {
            let first = exposure::pending(connection, asked.tenant, days, of, (0, 1)).await?;
            first.first().map(|row| row.total).unwrap_or_default()
        }
    };
    let decided = exposure::decided(connection, asked.tenant, SAMPLE_DAYS).await?;
    let count = |rows: i64| u64::try_from(rows).unwrap_or_default();
    let samples: HashMap<Uuid, Sample> = decided
        .iter()
        .map(|row| (row.offer_id, Sample { decided: count(row.decided), lost: count(row.lost) }))
        .collect();
    let all = samples.values().fold(Sample::default(), |sum, sample| Sample {
        decided: sum.decided.saturating_add(sample.decided),
        lost: sum.lost.saturating_add(sample.lost),
    });
    let lines = rows.into_iter().map(|row| {
        let loss = loss(samples.get(&row.offer_id).copied().unwrap_or_default(), all);
        let (payout, revenue) = (Micros(row.payout_micros), Micros(row.revenue_micros));
        Line {
            publisher: row.publisher_id,
            offer: row.offer_id,
            due_on: row.days_begun.map(|begun| calendar.day(u64::try_from(begun).unwrap_or_default())),
            currency: row.currency,
            pending: row.pending,
            payout,
            revenue,
            loss,
            expected_payout: floor_expected(payout, loss.share),
            expected_revenue: floor_expected(revenue, loss.share),
        }
    });
    Ok((lines.collect(), count(total)))
}
