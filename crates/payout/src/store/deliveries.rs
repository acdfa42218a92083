//! Deliveries: what is to be told, to whom, when, and how it ended.

mod claim;
mod claimed;
mod conclude;
mod target;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, DeliveryId, EndpointId, PublisherId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

pub(super) use self::target::TargetRow;
pub use self::{
    claim::{Claim, EndpointShare, Leased, claim},
    claimed::{Claimed, Unreadable, claimed},
    conclude::{Concluded, Next, Outcome, conclude},
    target::Target,
};
use super::{
    column::{column, revision_from_sql, revision_to_sql, unreadable},
    words,
};
use crate::domain::standing::Told;

/// Names a publisher.
pub type PublisherKey = (TenantId, PublisherId);
/// Names an endpoint.
pub type EndpointKey = (TenantId, EndpointId);

/// A delivery to write.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: DeliveryId,
    /// Of which conversion.
    pub conversion: ConversionId,
    /// At which status revision.
    pub revision: u64,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Of which publisher.
    pub publisher: PublisherId,
    /// What is told.
    pub told: Told,
}

/// A delivery that ended, for the fact about it.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: DeliveryId,
    /// Of which conversion.
    pub conversion: ConversionId,
    /// At which status revision.
    pub revision: u64,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Of which publisher.
    pub publisher: PublisherId,
    /// How it ended.
    pub end: End,
    /// How often it has ended by now.
    pub ends: u64,
    /// After how many attempts.
    pub attempts: u32,
    /// What the last one was answered.
    pub last_http_status: Option<u16>,
    /// Whether a newer status has replaced it, however it ended.
    pub is_superseded: bool,
}

/// How a delivery ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// The publisher knows.
    Delivered,
    /// All attempts failed.
    Exhausted,
    /// A newer status replaced it.
    Superseded,
    /// The endpoint is gone or switched off.
    Stopped,
}

impl End {
    const ALL: [Self; 4] = [Self::Delivered, Self::Exhausted, Self::Superseded, Self::Stopped];

    /// The word in tables and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Exhausted => "exhausted",
            Self::Superseded => "superseded",
            Self::Stopped => "stopped",
        }
    }

    pub(super) fn read(word: &str) -> QueryResult<Self> {
        Self::ALL.into_iter().find(|end| end.word() == word).ok_or_else(|| unreadable("state", word))
    }
}

/// Ends what is still to be told of these conversions, because they are at a newer revision now.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn supersede(
    mut connection: &AsyncPgConnection,
    conversions: &[(TenantId, ConversionId, u64)],
) -> QueryResult<Vec<Ended>> {
    if conversions.is_empty() {
        return Ok(Vec::new());
    }
    let update = sql_query(
        "UPDATE deliveries SET state = 'superseded', due_at = NULL, ended_at = now(), superseded_by = newer.revision,
            ends = ends + 1
        FROM unnest($1, $2, $3) AS newer (tenant_id, conversion_id, revision)
        WHERE deliveries.tenant_id = newer.tenant_id AND deliveries.conversion_id = newer.conversion_id
            AND state = 'waiting' AND status_revision < newer.revision
        RETURNING deliveries.tenant_id, delivery_id, deliveries.conversion_id, status_revision, endpoint_id,
            publisher_id, state, attempts, ends, last_http_status, superseded_by",
    )
    .bind::<Array<SqlUuid>, _>(column(conversions, |(tenant, _, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(conversions, |(_, conversion, _)| conversion.as_uuid()))
    .bind::<Array<BigInt>, _>(column(conversions, |(_, _, revision)| revision_to_sql(*revision)));
    let rows: Vec<EndedRow> = kept(update).load(&mut connection).await?;
    rows.into_iter().map(Ended::try_from).collect()
}

/// Adds deliveries. One waits while an older telling of its conversion to its endpoint is under way, however many were
/// replaced between the two: whatever is told last is the newest.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(mut connection: &AsyncPgConnection, rows: &[NewDelivery]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let insert = sql_query(
        "INSERT INTO deliveries (
            tenant_id, delivery_id, conversion_id, status_revision, endpoint_id, publisher_id, told, state, due_at)
        SELECT tenant_id, delivery_id, conversion_id, revision, endpoint_id, publisher_id, told, 'waiting',
            greatest(now(), (
                SELECT max(leased_until) FROM deliveries AS older
                WHERE older.tenant_id = new.tenant_id AND older.conversion_id = new.conversion_id
                    AND older.endpoint_id = new.endpoint_id AND older.lease IS NOT NULL))
        FROM unnest($1, $2, $3, $4, $5, $6, $7)
            AS new (tenant_id, delivery_id, conversion_id, revision, endpoint_id, publisher_id, told)",
    )
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.id.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.conversion.as_uuid()))
    .bind::<Array<BigInt>, _>(column(rows, |row| revision_to_sql(row.revision)))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.endpoint.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.publisher.as_uuid()))
    .bind::<Array<Text>, _>(column(rows, |row| words::told(row.told)));
    kept(insert).execute(&mut connection).await.map(drop)
}

#[derive(QueryableByName)]
pub(super) struct EndedRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    delivery_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
    #[diesel(sql_type = BigInt)]
    status_revision: i64,
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    publisher_id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = BigInt)]
    ends: i64,
    #[diesel(sql_type = Nullable<Integer>)]
    last_http_status: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    superseded_by: Option<i64>,
}

impl TryFrom<EndedRow> for Ended {
    type Error = diesel::result::Error;

    fn try_from(row: EndedRow) -> QueryResult<Self> {
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            id: DeliveryId::from_uuid(row.delivery_id),
            conversion: ConversionId::from_uuid(row.conversion_id),
            revision: revision_from_sql(row.status_revision),
            endpoint: EndpointId::from_uuid(row.endpoint_id),
            publisher: PublisherId::from_uuid(row.publisher_id),
            end: End::read(&row.state)?,
            ends: revision_from_sql(row.ends),
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            last_http_status: row.last_http_status.and_then(|status| u16::try_from(status).ok()),
            is_superseded: row.superseded_by.is_some(),
        })
    }
}
