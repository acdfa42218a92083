//! Immutable versions, where each event was introduced, and every name an event ever had.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::{OfferEventId, OfferId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Conn, convert,
    schema::{
        offer_event_names::{self, dsl as names},
        offer_events::{self, dsl as events},
        offer_versions::dsl,
    },
    slice,
};
use crate::domain::{
    identity::KnownEvents,
    listing::{Slice, Window},
    records::OfferVersion,
    version::{Introduction, Introductions},
};

const TABLE: &str = "offer_versions";
const EVENTS: &str = "offer_events";

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::offer_versions, check_for_backend(diesel::pg::Pg))]
struct Row {
    tenant_id: Uuid,
    offer_id: Uuid,
    version: i32,
    fields: Value,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for OfferVersion {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            offer_id: OfferId::from_uuid(row.offer_id),
            version: convert::small(row.version, TABLE, "version")?,
            fields: convert::document(row.fields, TABLE, "fields")?,
            created_at: convert::from_sql(row.created_at),
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = offer_events)]
struct NewEvent {
    tenant_id: Uuid,
    offer_id: Uuid,
    offer_event_id: Uuid,
    introduced_in: i32,
    terms: Value,
}

#[derive(Insertable)]
#[diesel(table_name = offer_event_names)]
#[expect(clippy::struct_field_names, reason = "the columns' names")]
struct NewName<'a> {
    tenant_id: Uuid,
    offer_id: Uuid,
    event_id: &'a str,
    offer_event_id: Uuid,
}

/// Adds a version with the events it introduces and the names it uses.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn insert(conn: &mut Conn, version: &OfferVersion, introduced: &Introductions) -> QueryResult<()> {
    let (tenant_id, offer_id) = (version.tenant_id.as_uuid(), version.offer_id.as_uuid());
    diesel::insert_into(dsl::offer_versions)
        .values((
            dsl::tenant_id.eq(tenant_id),
            dsl::offer_id.eq(offer_id),
            dsl::version.eq(to_sql(version.version)),
            dsl::fields.eq(convert::to_document(&version.fields)?),
            dsl::created_at.eq(convert::to_sql(version.created_at)),
        ))
        .execute(conn)
        .await?;
    let new_events = introduced
        .iter()
        .map(|(id, introduction)| {
            Ok(NewEvent {
                tenant_id,
                offer_id,
                offer_event_id: id.as_uuid(),
                introduced_in: to_sql(introduction.in_version),
                terms: convert::to_document(&introduction.terms)?,
            })
        })
        .collect::<QueryResult<Vec<_>>>()?;
    diesel::insert_into(events::offer_events).values(new_events).execute(conn).await?;
    let new_names: Vec<NewName<'_>> = version
        .fields
        .events
        .iter()
        .filter_map(|event| {
            let offer_event_id = event.offer_event_id?.as_uuid();
            Some(NewName { tenant_id, offer_id, event_id: &event.event_id, offer_event_id })
        })
        .collect();
    // A name that is there already is the same event's: `domain::identity` decided that under the offer's lock.
    diesel::insert_into(names::offer_event_names)
        .values(new_names)
        .on_conflict_do_nothing()
        .execute(conn)
        .await
        .map(drop)
}

/// A page of an offer's versions, oldest first.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn page(
    conn: &mut Conn,
    tenant: TenantId,
    offer: OfferId,
    window: Window,
) -> QueryResult<Slice<OfferVersion>> {
    let of_offer = || {
        dsl::offer_versions
            .filter(dsl::tenant_id.eq(tenant.as_uuid()))
            .filter(dsl::offer_id.eq(offer.as_uuid()))
    };
    let rows: Vec<Row> = of_offer()
        .order(dsl::version)
        .select(Row::as_select())
        .offset(window.offset)
        .limit(window.limit)
        .load(conn)
        .await?;
    let total = of_offer().count().get_result(conn).await?;
    let items = rows.into_iter().map(OfferVersion::try_from).collect::<QueryResult<_>>()?;
    Ok(slice(items, total))
}

/// Every version of an offer, oldest first.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn list(conn: &mut Conn, tenant: TenantId, offer: OfferId) -> QueryResult<Vec<OfferVersion>> {
    let rows: Vec<Row> = dsl::offer_versions
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.eq(offer.as_uuid()))
        .order(dsl::version)
        .select(Row::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(OfferVersion::try_from).collect()
}

/// One version of an offer.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(
    conn: &mut Conn,
    tenant: TenantId,
    offer: OfferId,
    version: u32,
) -> QueryResult<Option<OfferVersion>> {
    let row: Option<Row> = dsl::offer_versions
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.eq(offer.as_uuid()))
        .filter(dsl::version.eq(to_sql(version)))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(OfferVersion::try_from).transpose()
}

/// Every event an offer ever had in a version, with its introduction.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn introductions(conn: &mut Conn, tenant: TenantId, offer: OfferId) -> QueryResult<Introductions> {
    let rows: Vec<(Uuid, i32, Value)> = events::offer_events
        .filter(events::tenant_id.eq(tenant.as_uuid()))
        .filter(events::offer_id.eq(offer.as_uuid()))
        .select((events::offer_event_id, events::introduced_in, events::terms))
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|(id, version, terms)| {
            let introduction = Introduction {
                in_version: convert::small(version, EVENTS, "introduced_in")?,
                terms: convert::document(terms, EVENTS, "terms")?,
            };
            Ok((OfferEventId::from_uuid(id), introduction))
        })
        .collect()
}

/// Every name every event of a created offer ever had.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn known_events(conn: &mut Conn, tenant: TenantId, offer: OfferId) -> QueryResult<KnownEvents> {
    let rows: Vec<(String, Uuid)> = names::offer_event_names
        .filter(names::tenant_id.eq(tenant.as_uuid()))
        .filter(names::offer_id.eq(offer.as_uuid()))
        .select((names::event_id, names::offer_event_id))
        .load(conn)
        .await?;
    Ok(KnownEvents::of_versions(rows.into_iter().map(|(name, id)| (name, OfferEventId::from_uuid(id)))))
}

fn to_sql(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}
