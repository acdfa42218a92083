//! What payout says of budgets. Written in batches of many tenants at once; read with the offers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{OfferId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use super::{Conn, convert};
use crate::domain::budget::{Budget, ToldBudget};

/// Saves the states of budgets, unless a newer one is known. One of the same version with another content replaces it, so that
/// telling it again can repair. Triggers carry the change into the partner feeds.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn save(conn: &mut Conn, told: &BTreeMap<(TenantId, OfferId), ToldBudget>) -> QueryResult<()> {
    let tenants: Vec<Uuid> = told.keys().map(|(tenant, _)| tenant.as_uuid()).collect();
    let offers: Vec<Uuid> = told.keys().map(|(_, offer)| offer.as_uuid()).collect();
    // Waits for whoever shares one of them: the trigger must see the offer's line in its feed, or the sharing this state.
    let lock = sql_query(
        "SELECT offer_id FROM offers JOIN unnest($1, $2) AS told (tenant_id, offer_id) USING (tenant_id, offer_id)
        ORDER BY tenant_id, offer_id FOR KEY SHARE OF offers",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<SqlUuid>, _>(&offers);
    kept(lock).execute(conn).await?;

    let resumes: Vec<Option<DateTime<Utc>>> =
        told.values().map(|told| resumes_at(told.budget).map(convert::to_sql)).collect();
    let query = sql_query(
        "INSERT INTO offer_budgets AS known (tenant_id, offer_id, version, is_spent, resumes_at)
        SELECT * FROM unnest($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id, offer_id) DO UPDATE
            SET version = excluded.version, is_spent = excluded.is_spent, resumes_at = excluded.resumes_at
            WHERE known.version <= excluded.version
                AND (known.version, known.is_spent, known.resumes_at)
                    IS DISTINCT FROM (excluded.version, excluded.is_spent, excluded.resumes_at)",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<SqlUuid>, _>(&offers)
    .bind::<Array<BigInt>, _>(told.values().map(|told| told.version).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(told.values().map(|told| told.budget != Budget::Open).collect::<Vec<_>>())
    .bind::<Array<Nullable<Timestamptz>>, _>(resumes);
    kept(query).execute(conn).await.map(drop)
}

const fn resumes_at(budget: Budget) -> Option<Timestamp> {
    match budget {
        Budget::SpentUntil(resumes_at) => Some(resumes_at),
        Budget::Open | Budget::Spent => None,
    }
}
