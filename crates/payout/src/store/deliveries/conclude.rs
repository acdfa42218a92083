//! What attempts came to.

use std::collections::HashSet;

use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{DeliveryId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{End, Ended, EndedRow};
use crate::store::column::column;

/// How an attempt left its delivery.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub id: DeliveryId,
    /// Under which lease.
    pub lease: Uuid,
    /// Its number, from 1.
    pub number: u16,
    /// What it was answered.
    pub http_status: Option<u16>,
    /// What follows.
    pub next: Next,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing more.
    End(End),
    /// Another attempt, so many milliseconds from now.
    AgainIn(u64),
}

/// What came of recording attempts.
#[derive(Debug, Clone)]
pub struct Concluded {
    /// Those that were recorded: their lease was still theirs.
    pub recorded: HashSet<DeliveryId>,
    /// Those of them that are over.
    pub ended: Vec<Ended>,
}

/// Writes what attempts came to, each under its lease, and returns which were, and which ended by it. One that was superseded
/// while it was sent keeps that end, unless it was delivered after all.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn conclude(connection: &mut AsyncPgConnection, outcomes: &[Outcome]) -> QueryResult<Concluded> {
    let update = sql_query(
        "UPDATE deliveries SET
            attempts = done.number, last_http_status = done.http_status, lease = NULL, leased_until = NULL,
            state = CASE WHEN deliveries.state = 'waiting' OR done.state = 'delivered' THEN done.state ELSE deliveries.state END,
            ends = ends + CASE WHEN done.state = 'delivered' OR deliveries.state = 'waiting' AND done.state <> 'waiting'
                THEN 1 ELSE 0 END,
            due_at = CASE WHEN deliveries.state = 'waiting' AND done.state = 'waiting'
                THEN now() + make_interval(secs => done.again_in_ms / 1000.0) END,
            ended_at = CASE WHEN deliveries.state = 'waiting' AND done.state = 'waiting' THEN NULL ELSE coalesce(deliveries.ended_at, now()) END
        FROM unnest($1, $2, $3, $4, $5, $6, $7)
            AS done (tenant_id, delivery_id, lease, number, http_status, state, again_in_ms)
        WHERE deliveries.tenant_id = done.tenant_id AND deliveries.delivery_id = done.delivery_id
            AND deliveries.lease = done.lease
        RETURNING deliveries.tenant_id, deliveries.delivery_id, conversion_id, status_revision, endpoint_id,
            publisher_id, deliveries.state, attempts, ends, last_http_status, superseded_by",
    )
    .bind::<Array<SqlUuid>, _>(column(outcomes, |row| row.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(outcomes, |row| row.id.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(outcomes, |row| row.lease))
    .bind::<Array<Integer>, _>(column(outcomes, |row| i32::from(row.number)))
    .bind::<Array<Nullable<Integer>>, _>(column(outcomes, |row| row.http_status.map(i32::from)))
    .bind::<Array<Text>, _>(column(outcomes, |row| match row.next {
        Next::End(end) => end.word(),
        Next::AgainIn(_) => "waiting",
    }))
    .bind::<Array<Nullable<BigInt>>, _>(column(outcomes, |row| match row.next {
        Next::End(_) => None,
        Next::AgainIn(ms) => i64::try_from(ms).ok(),
    }));
    let rows: Vec<EndedRow> = kept(update).load(connection).await?;
    let recorded = rows.iter().map(|row| DeliveryId::from_uuid(row.delivery_id)).collect();
    let ended = rows.into_iter().filter(|row| row.state != "waiting").map(Ended::try_from);
    Ok(Concluded { recorded, ended: ended.collect::<QueryResult<_>>()? })
}
