//! Scheduled changes. Writers hold the lock of their offer.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, QueryableByName, Selectable,
    SelectableHelper,
    dsl::now,
    sql_query,
    sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{OfferEventId, OfferId, TenantId, TokenId};
use serde_json::Value;
use uuid::Uuid;

use super::{Conn, convert, schema::scheduled_changes::dsl, slice};
use crate::domain::{
    listing::{Slice, Window},
    schedule::{ChangeStatus, ScheduledChange},
};

const TABLE: &str = "scheduled_changes";

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::scheduled_changes, check_for_backend(diesel::pg::Pg))]
struct Row {
    tenant_id: Uuid,
    change_id: Uuid,
    offer_id: Uuid,
    offer_event_id: Uuid,
    value: Value,
    due_at: DateTime<Utc>,
    status: String,
    reason: Option<String>,
    version: Option<i32>,
    scheduled_by: Uuid,
    created_at: DateTime<Utc>,
    settled_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for ScheduledChange {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let version = row.version.map(|version| convert::small(version, TABLE, "version"));
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            change_id: row.change_id,
            offer_id: OfferId::from_uuid(row.offer_id),
            offer_event_id: OfferEventId::from_uuid(row.offer_event_id),
            term: convert::document(row.value, TABLE, "value")?,
            due_at: convert::from_sql(row.due_at),
            status: ChangeStatus::parse(&row.status)
                .ok_or_else(|| convert::broken(TABLE, "status", "is no status"))?,
            reason: row.reason,
            version: version.transpose()?,
            scheduled_by: TokenId::from_uuid(row.scheduled_by),
            created_at: convert::from_sql(row.created_at),
            settled_at: row.settled_at.map(convert::from_sql),
        })
    }
}

/// Adds a change.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert(conn: &mut Conn, change: &ScheduledChange) -> QueryResult<()> {
    diesel::insert_into(dsl::scheduled_changes)
        .values((
            dsl::tenant_id.eq(change.tenant_id.as_uuid()),
            dsl::change_id.eq(change.change_id),
            dsl::offer_id.eq(change.offer_id.as_uuid()),
            dsl::offer_event_id.eq(change.offer_event_id.as_uuid()),
            dsl::field.eq(change.term.field().as_str()),
            dsl::value.eq(convert::to_document(&change.term)?),
            dsl::due_at.eq(convert::to_sql(change.due_at)),
            dsl::status.eq(change.status.as_str()),
            dsl::scheduled_by.eq(change.scheduled_by.as_uuid()),
            dsl::created_at.eq(convert::to_sql(change.created_at)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Writes how a change ended.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn settle(conn: &mut Conn, change: &ScheduledChange) -> QueryResult<()> {
    diesel::update(dsl::scheduled_changes)
        .filter(dsl::tenant_id.eq(change.tenant_id.as_uuid()))
        .filter(dsl::change_id.eq(change.change_id))
        .set((
            dsl::status.eq(change.status.as_str()),
            dsl::reason.eq(&change.reason),
            dsl::version.eq(change.version.map(|version| i32::try_from(version).unwrap_or(i32::MAX))),
            dsl::settled_at.eq(change.settled_at.map(convert::to_sql)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// One change of an offer.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(
    conn: &mut Conn,
    tenant: TenantId,
    offer: OfferId,
    change: Uuid,
) -> QueryResult<Option<ScheduledChange>> {
    let row: Option<Row> = dsl::scheduled_changes
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.eq(offer.as_uuid()))
        .filter(dsl::change_id.eq(change))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(ScheduledChange::try_from).transpose()
}

/// The pending changes of an offer, the earliest first.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn pending(conn: &mut Conn, tenant: TenantId, offer: OfferId) -> QueryResult<Vec<ScheduledChange>> {
    let rows: Vec<Row> = dsl::scheduled_changes
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.eq(offer.as_uuid()))
        .filter(dsl::status.eq(ChangeStatus::Pending.as_str()))
        .order((dsl::due_at, dsl::change_id))
        .select(Row::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(ScheduledChange::try_from).collect()
}

/// Of these, what is due by the database's clock, locked.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn due(conn: &mut Conn, tenant: TenantId, offer: OfferId) -> QueryResult<Vec<ScheduledChange>> {
    let rows: Vec<Row> = dsl::scheduled_changes
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.eq(offer.as_uuid()))
        .filter(dsl::status.eq(ChangeStatus::Pending.as_str()))
        .filter(dsl::due_at.le(now))
        .order((dsl::due_at, dsl::change_id))
        .select(Row::as_select())
        .for_update()
        .load(conn)
        .await?;
    rows.into_iter().map(ScheduledChange::try_from).collect()
}

/// A change that was given up, as far as it could be read.
#[derive(Debug, Clone, QueryableByName)]
pub struct GivenUp {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub change_id: Uuid,
    /// Who asked for it.
    #[diesel(sql_type = SqlUuid)]
    pub scheduled_by: Uuid,
}

/// Ends what is the longest due of an offer as Failed. Reads neither the offer nor what was to change: either may be what is
/// broken.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn give_up(
    conn: &mut Conn,
    tenant: TenantId,
    offer: OfferId,
    reason: &str,
) -> QueryResult<Vec<GivenUp>> {
    sql_query(
        "UPDATE scheduled_changes SET status = 'Failed', reason = $3, settled_at = now()
        WHERE tenant_id = $1 AND offer_id = $2 AND status = 'Pending' AND due_at = (
            SELECT min(due_at) FROM scheduled_changes
            WHERE tenant_id = $1 AND offer_id = $2 AND status = 'Pending' AND due_at <= now()
        )
        RETURNING change_id, scheduled_by",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<SqlUuid, _>(offer.as_uuid())
    .bind::<Text, _>(reason)
    .load(conn)
    .await
}

/// A page of an offer's changes, the latest due first.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    offer: OfferId,
    status: Option<ChangeStatus>,
    window: Window,
) -> QueryResult<Slice<ScheduledChange>> {
    let of_offer = || {
        let query = dsl::scheduled_changes
            .filter(dsl::tenant_id.eq(tenant.as_uuid()))
            .filter(dsl::offer_id.eq(offer.as_uuid()))
            .into_boxed::<diesel::pg::Pg>();
        if let Some(status) = status { query.filter(dsl::status.eq(status.as_str())) } else { query }
    };
    let rows: Vec<Row> = of_offer()
        .select(Row::as_select())
        .order((dsl::due_at.desc(), dsl::change_id))
        .offset(window.offset)
        .limit(window.limit)
        .load(conn)
        .await?;
    let total = of_offer().count().get_result(conn).await?;
    let items = rows.into_iter().map(ScheduledChange::try_from).collect::<QueryResult<_>>()?;
    Ok(slice(items, total))
}

/// Some of the offers of all tenants that have something due, the longest overdue first. Nothing is locked: whoever takes
/// one looks again.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn due_offers(conn: &mut Conn, limit: i64) -> QueryResult<Vec<(TenantId, OfferId)>> {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(sql_type = SqlUuid)]
        tenant_id: Uuid,
        #[diesel(sql_type = SqlUuid)]
        offer_id: Uuid,
    }

    let rows: Vec<Due> = sql_query(
        "SELECT tenant_id, offer_id FROM scheduled_changes
        WHERE status = 'Pending' AND due_at <= now()
        GROUP BY tenant_id, offer_id ORDER BY min(due_at), tenant_id, offer_id LIMIT $1",
    )
    .bind::<BigInt, _>(limit)
    .load(conn)
    .await?;
    let key = |row: Due| (TenantId::from_uuid(row.tenant_id), OfferId::from_uuid(row.offer_id));
    Ok(rows.into_iter().map(key).collect())
}

/// For how many seconds the change of any tenant that is the longest overdue has waited; 0 when none is due.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn overdue_seconds(conn: &mut Conn) -> QueryResult<i64> {
    #[derive(QueryableByName)]
    struct Overdue {
        #[diesel(sql_type = Nullable<BigInt>)]
        seconds: Option<i64>,
    }

    let found: Overdue = sql_query(
        "SELECT extract(epoch FROM now() - min(due_at))::bigint AS seconds FROM scheduled_changes
        WHERE status = 'Pending' AND due_at <= now()",
    )
    .get_result(conn)
    .await?;
    Ok(found.seconds.unwrap_or_default())
}
