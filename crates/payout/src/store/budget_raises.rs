//! Every raise of a budget: the audit, and who to ask while the catalog does not have it.

use std::collections::BTreeMap;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, Currency, Timestamp, TokenId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{
    column::{Moment, from_sql, revision_from_sql, revision_to_sql},
    conversions::Key,
};
use crate::domain::limits::{Budgets, OfferKey, Raises};

/// A raise that was made.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    /// Of which offer.
    pub offer: OfferKey,
    /// Its number among the offer's raises.
    pub number: u64,
    /// The offer's.
    pub currency: Currency,
    /// The bounds that counted before.
    pub before: Budgets,
    /// Those that were asked for.
    pub to: Budgets,
    /// What is raised with it.
    pub raises: Raises,
}

/// Who raised, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raiser {
    /// The conversion that it was for.
    pub conversion: ConversionId,
    /// Whose token.
    pub token: TokenId,
    /// As the decision says.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Writes a raise down, with the decision that was just made on `conversion`.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(connection: &mut AsyncPgConnection, made: &Made, conversion: Key) -> QueryResult<()> {
    let Made { offer: (tenant, offer), number, currency, before, to, raises: _ } = made;
    let insert = sql_query(
        "INSERT INTO budget_raises (tenant_id, offer_id, number, conversion_id, status_revision, currency,
            total_micros, daily_micros, total_before_micros, daily_before_micros)
        SELECT tenant_id, $2, $3, conversion_id, status_revision, $5, $6, $7, $8, $9
        FROM conversions WHERE tenant_id = $1 AND conversion_id = $4",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(offer.as_uuid())
    .bind::<BigInt, _>(revision_to_sql(*number))
    .bind::<SqlUuid, _>(conversion.1.as_uuid())
    .bind::<Text, _>(currency.to_string())
    .bind::<Nullable<BigInt>, _>(to.total.map(|bound| bound.0))
    .bind::<Nullable<BigInt>, _>(to.daily.map(|bound| bound.0))
    .bind::<Nullable<BigInt>, _>(before.total.map(|bound| bound.0))
    .bind::<Nullable<BigInt>, _>(before.daily.map(|bound| bound.0));
    kept(insert).execute(connection).await.map(drop)
}

/// Who made these raises of an offer, by their numbers.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn raisers(
    connection: &mut AsyncPgConnection,
    (tenant, offer): OfferKey,
    numbers: &[u64],
) -> QueryResult<BTreeMap<u64, Raiser>> {
    let select = sql_query(
        "SELECT number, conversion_id, token_id, reason, raised_at
        FROM budget_raises JOIN conversion_decisions USING (tenant_id, conversion_id, status_revision)
        WHERE tenant_id = $1 AND offer_id = $2 AND number = ANY($3)",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(offer.as_uuid())
    .bind::<Array<BigInt>, _>(numbers.iter().copied().map(revision_to_sql).collect::<Vec<_>>());
    let rows: Vec<Row> = kept(select).load(connection).await?;
    let raisers = rows.into_iter().map(|row| {
        let raiser = Raiser {
            conversion: ConversionId::from_uuid(row.conversion_id),
            token: TokenId::from_uuid(row.token_id),
            reason: row.reason,
            at: from_sql(row.raised_at),
        };
        (revision_from_sql(row.number), raiser)
    });
    Ok(raisers.collect())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    token_id: Uuid,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Timestamptz)]
    raised_at: Moment,
}
