//! Publishers and their endpoints.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, PgTextExpressionMethods, QueryDsl, QueryResult, Queryable,
    Selectable, SelectableHelper, pg::Pg,
};
use diesel_async::RunQueryDsl;
use kernel::{EndpointId, OfferEventId, OfferId, PublisherId, TenantId, Timestamp};
use uuid::Uuid;

use super::{
    Conn, containing, convert,
    schema::{publisher_endpoints::dsl as endpoints, publishers::dsl},
    slice,
};
use crate::domain::{
    custom_header::{CustomHeader, HeaderName},
    listing::{PartnerFilter, Slice, Sort, SortKey, Window},
    partner::{EndpointFields, EndpointScope, Pace, PostbackMethod, PublisherFields, ToldStatus},
    records::{Endpoint, OldSecret, Publisher},
};

const TABLE: &str = "publishers";
const ENDPOINTS: &str = "publisher_endpoints";

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::publishers, check_for_backend(Pg))]
struct Row {
    tenant_id: Uuid,
    publisher_id: Uuid,
    name: String,
    active: bool,
    revision: i64,
    created_at: DateTime<Utc>,
    max_concurrency: Option<i32>,
    max_per_second: Option<i32>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::publisher_endpoints, check_for_backend(Pg))]
struct EndpointRow {
    endpoint_id: Uuid,
    publisher_id: Uuid,
    method: String,
    url_template: String,
    statuses: Vec<String>,
    sealed_secret: Vec<u8>,
    active: bool,
    offer_id: Option<Uuid>,
    offer_event_id: Option<Uuid>,
    also_global: bool,
    old_sealed_secret: Option<Vec<u8>>,
    old_secret_until: Option<DateTime<Utc>>,
    custom_header_name: Option<String>,
    custom_header_sealed_value: Option<Vec<u8>>,
}

impl TryFrom<EndpointRow> for Endpoint {
    type Error = diesel::result::Error;

    fn try_from(row: EndpointRow) -> QueryResult<Self> {
        let status = |word: &String| {
            ToldStatus::parse(word).ok_or_else(|| convert::broken(ENDPOINTS, "statuses", "holds no status"))
        };
        Ok(Self {
            endpoint_id: EndpointId::from_uuid(row.endpoint_id),
            scope: scope(row.offer_id, row.offer_event_id),
            fields: EndpointFields {
                method: PostbackMethod::parse(&row.method)
                    .ok_or_else(|| convert::broken(ENDPOINTS, "method", "is no method"))?,
                url_template: row.url_template,
                statuses: row.statuses.iter().map(status).collect::<QueryResult<_>>()?,
                also_global: row.also_global,
            },
            sealed_secret: row.sealed_secret,
            old_secret: row
                .old_sealed_secret
                .zip(row.old_secret_until)
                .map(|(sealed, until)| OldSecret { sealed, until: convert::from_sql(until) }),
            custom_header: row
                .custom_header_name
                .zip(row.custom_header_sealed_value)
                .map(|(name, sealed_value)| CustomHeader { name: HeaderName::stored(name), sealed_value }),
            active: row.active,
        })
    }
}

fn scope(offer: Option<Uuid>, event: Option<Uuid>) -> EndpointScope {
    let offer = offer.map(OfferId::from_uuid);
    match (offer, event.map(OfferEventId::from_uuid)) {
        (None, _) => EndpointScope::Global,
        (Some(offer), None) => EndpointScope::Offer(offer),
        (Some(offer), Some(event)) => EndpointScope::Event(offer, event),
    }
}

fn publisher(row: Row, endpoints: Vec<Endpoint>) -> QueryResult<Publisher> {
    let bound = |count: Option<i32>, name| count.map(|count| convert::small(count, TABLE, name)).transpose();
    let pace = Pace {
        max_concurrency: bound(row.max_concurrency, "max_concurrency")?,
        max_per_second: bound(row.max_per_second, "max_per_second")?,
    };
    Ok(Publisher {
        tenant_id: TenantId::from_uuid(row.tenant_id),
        publisher_id: PublisherId::from_uuid(row.publisher_id),
        fields: PublisherFields { name: row.name, pace },
        endpoints,
        active: row.active,
        revision: convert::revision(row.revision, TABLE)?,
        created_at: convert::from_sql(row.created_at),
    })
}

/// Adds a publisher with its endpoints.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn insert(conn: &mut Conn, publisher: &Publisher) -> QueryResult<()> {
    diesel::insert_into(dsl::publishers)
        .values((
            dsl::tenant_id.eq(publisher.tenant_id.as_uuid()),
            dsl::publisher_id.eq(publisher.publisher_id.as_uuid()),
            dsl::name.eq(&publisher.fields.name),
            dsl::active.eq(publisher.active),
            dsl::revision.eq(convert::revision_to_sql(publisher.revision)),
            dsl::created_at.eq(convert::to_sql(publisher.created_at)),
            dsl::max_concurrency.eq(publisher.fields.pace.max_concurrency.map(i32::from)),
            dsl::max_per_second.eq(publisher.fields.pace.max_per_second.map(i32::from)),
        ))
        .execute(conn)
        .await?;
    for endpoint in &publisher.endpoints {
        insert_endpoint(conn, publisher, endpoint, publisher.created_at).await?;
    }
    Ok(())
}

/// Adds an endpoint of a publisher.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert_endpoint(
    conn: &mut Conn,
    publisher: &Publisher,
    endpoint: &Endpoint,
    at: Timestamp,
) -> QueryResult<()> {
    let statuses: Vec<&str> = endpoint.fields.statuses.iter().map(|status| status.as_str()).collect();
    let header = endpoint.custom_header.as_ref();
    diesel::insert_into(endpoints::publisher_endpoints)
        .values((
            endpoints::tenant_id.eq(publisher.tenant_id.as_uuid()),
            endpoints::endpoint_id.eq(endpoint.endpoint_id.as_uuid()),
            endpoints::publisher_id.eq(publisher.publisher_id.as_uuid()),
            endpoints::method.eq(endpoint.fields.method.as_str()),
            endpoints::url_template.eq(&endpoint.fields.url_template),
            endpoints::statuses.eq(statuses),
            endpoints::sealed_secret.eq(&endpoint.sealed_secret),
            endpoints::active.eq(endpoint.active),
            endpoints::created_at.eq(convert::to_sql(at)),
            endpoints::offer_id.eq(endpoint.scope.offer().map(OfferId::as_uuid)),
            endpoints::offer_event_id.eq(endpoint.scope.event().map(OfferEventId::as_uuid)),
            endpoints::also_global.eq(endpoint.fields.also_global),
            endpoints::custom_header_name.eq(header.map(|header| header.name.as_str())),
            endpoints::custom_header_sealed_value.eq(header.map(|header| &header.sealed_value)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Writes what can change of an endpoint.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save_endpoint(conn: &mut Conn, tenant: TenantId, endpoint: &Endpoint) -> QueryResult<()> {
    let statuses: Vec<&str> = endpoint.fields.statuses.iter().map(|status| status.as_str()).collect();
    let (old, header) = (endpoint.old_secret.as_ref(), endpoint.custom_header.as_ref());
    diesel::update(endpoints::publisher_endpoints)
        .filter(endpoints::tenant_id.eq(tenant.as_uuid()))
        .filter(endpoints::endpoint_id.eq(endpoint.endpoint_id.as_uuid()))
        .set((
            endpoints::method.eq(endpoint.fields.method.as_str()),
            endpoints::url_template.eq(&endpoint.fields.url_template),
            endpoints::statuses.eq(statuses),
            endpoints::also_global.eq(endpoint.fields.also_global),
            endpoints::sealed_secret.eq(&endpoint.sealed_secret),
            endpoints::old_sealed_secret.eq(old.map(|old| &old.sealed)),
            endpoints::old_secret_until.eq(old.map(|old| convert::to_sql(old.until))),
            endpoints::custom_header_name.eq(header.map(|header| header.name.as_str())),
            endpoints::custom_header_sealed_value.eq(header.map(|header| &header.sealed_value)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Takes an endpoint away. What was told there is payout's to remember.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn delete_endpoint(conn: &mut Conn, tenant: TenantId, endpoint: EndpointId) -> QueryResult<()> {
    diesel::delete(endpoints::publisher_endpoints)
        .filter(endpoints::tenant_id.eq(tenant.as_uuid()))
        .filter(endpoints::endpoint_id.eq(endpoint.as_uuid()))
        .execute(conn)
        .await
        .map(drop)
}

/// Writes what can change of a publisher itself.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save(conn: &mut Conn, publisher: &Publisher) -> QueryResult<()> {
    diesel::update(dsl::publishers)
        .filter(dsl::tenant_id.eq(publisher.tenant_id.as_uuid()))
        .filter(dsl::publisher_id.eq(publisher.publisher_id.as_uuid()))
        .set((
            dsl::name.eq(&publisher.fields.name),
            dsl::active.eq(publisher.active),
            dsl::revision.eq(convert::revision_to_sql(publisher.revision)),
            dsl::max_concurrency.eq(publisher.fields.pace.max_concurrency.map(i32::from)),
            dsl::max_per_second.eq(publisher.fields.pace.max_per_second.map(i32::from)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// A publisher, locked until the transaction ends.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn lock(conn: &mut Conn, tenant: TenantId, id: PublisherId) -> QueryResult<Option<Publisher>> {
    let row: Option<Row> = dsl::publishers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::publisher_id.eq(id.as_uuid()))
        .select(Row::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    Ok(with_endpoints(conn, tenant, vec![row]).await?.pop())
}

/// One publisher of a tenant.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn find(conn: &mut Conn, tenant: TenantId, id: PublisherId) -> QueryResult<Option<Publisher>> {
    let row: Option<Row> = dsl::publishers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::publisher_id.eq(id.as_uuid()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    Ok(with_endpoints(conn, tenant, vec![row]).await?.pop())
}

/// A page of a tenant's publishers.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    filter: &PartnerFilter,
    sort: Sort,
    window: Window,
) -> QueryResult<Slice<Publisher>> {
    let matching = || {
        let mut query = dsl::publishers.filter(dsl::tenant_id.eq(tenant.as_uuid())).into_boxed::<Pg>();
        if let Some(name) = &filter.name_contains {
            query = query.filter(dsl::name.ilike(containing(name)));
        }
        if let Some(active) = filter.active {
            query = query.filter(dsl::active.eq(active));
        }
        query
    };
    let query = match (sort.key, sort.is_descending) {
        (SortKey::Name | SortKey::UpdatedAt, false) => {
            matching().order((dsl::name.asc(), dsl::publisher_id.asc()))
        }
        (SortKey::Name | SortKey::UpdatedAt, true) => {
            matching().order((dsl::name.desc(), dsl::publisher_id.desc()))
        }
        (SortKey::CreatedAt, false) => matching().order((dsl::created_at.asc(), dsl::publisher_id.asc())),
        (SortKey::CreatedAt, true) => matching().order((dsl::created_at.desc(), dsl::publisher_id.desc())),
    };
    let rows: Vec<Row> =
        query.select(Row::as_select()).offset(window.offset).limit(window.limit).load(conn).await?;
    let total = matching().count().get_result(conn).await?;
    Ok(slice(with_endpoints(conn, tenant, rows).await?, total))
}

/// Every publisher of a tenant, for a full publication.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn all(conn: &mut Conn, tenant: TenantId) -> QueryResult<Vec<Publisher>> {
    let rows: Vec<Row> = dsl::publishers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .select(Row::as_select())
        .load(conn)
        .await?;
    with_endpoints(conn, tenant, rows).await
}

async fn with_endpoints(conn: &mut Conn, tenant: TenantId, rows: Vec<Row>) -> QueryResult<Vec<Publisher>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.publisher_id).collect();
    let found: Vec<EndpointRow> = endpoints::publisher_endpoints
        .filter(endpoints::tenant_id.eq(tenant.as_uuid()))
        .filter(endpoints::publisher_id.eq_any(ids))
        .select(EndpointRow::as_select())
        .load(conn)
        .await?;
    let mut by_publisher: HashMap<Uuid, Vec<Endpoint>> = HashMap::new();
    for row in found {
        by_publisher.entry(row.publisher_id).or_default().push(Endpoint::try_from(row)?);
    }
    rows.into_iter()
        .map(|row| {
            let mut endpoints = by_publisher.remove(&row.publisher_id).unwrap_or_default();
            endpoints.sort_by_key(|endpoint| (endpoint.scope, endpoint.endpoint_id));
            publisher(row, endpoints)
        })
        .collect()
}
