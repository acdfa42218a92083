//! Publishers and the places where they want to hear.

use std::collections::HashMap;

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{EndpointId, OfferEventId, OfferId, PublisherId, TenantId, Timestamp};
use postgres_kit::{kept, text::without_nul};
use uuid::Uuid;

use super::{
    column::{column, revision_to_sql, to_sql},
    endpoint_conditions,
};
use crate::domain::{
    postback::{Endpoint, Scope},
    standing::Told,
};

/// How an endpoint is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The rendered template, without a body.
    Get,
    /// The rendered template, with the conversion as JSON.
    PostJson,
}

impl Method {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::PostJson => "post_json",
        }
    }
}

/// A sealed secret and, for the older of two, until when it is still used.
#[derive(Debug, Clone)]
pub struct OldSecret {
    /// Sealed.
    pub sealed: Vec<u8>,
    /// First moment at which it is not used any more.
    pub until: Timestamp,
}

/// An endpoint as the catalog describes it.
#[derive(Debug, Clone)]
pub struct EndpointRow {
    /// What a decision needs of it.
    pub endpoint: Endpoint,
    /// How it is called.
    pub method: Method,
    /// Where.
    pub url_template: String,
    /// Sealed.
    pub signing_secret: Option<Vec<u8>>,
    /// During a rotation.
    pub old_signing_secret: Option<OldSecret>,
    /// A header of the publisher's own, with its sealed value.
    pub custom_header: Option<(String, Vec<u8>)>,
    /// Whether it is to be called.
    pub active: bool,
}

/// A publisher as the catalog describes it.
#[derive(Debug, Clone)]
pub struct Publisher {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: PublisherId,
    /// Counts its changes; a lower one is ignored.
    pub version: u64,
    /// For people.
    pub name: String,
    /// Whether it may do business.
    pub active: bool,
    /// Deliveries at a time.
    pub max_concurrency: Option<i32>,
    /// Deliveries a second.
    pub max_per_second: Option<i32>,
    /// All its endpoints.
    pub endpoints: Vec<EndpointRow>,
}

/// Writes a publisher with its endpoints unless a newer version is there.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn apply(connection: &mut AsyncPgConnection, publisher: &Publisher) -> QueryResult<()> {
    let upsert = sql_query(
        "INSERT INTO publishers (tenant_id, publisher_id, version, name, active, max_concurrency, max_per_second)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (tenant_id, publisher_id) DO UPDATE SET
            version = excluded.version, name = excluded.name, active = excluded.active,
            max_concurrency = excluded.max_concurrency, max_per_second = excluded.max_per_second
        WHERE publishers.version <= excluded.version",
    )
    .bind::<SqlUuid, _>(publisher.tenant.as_uuid())
    .bind::<SqlUuid, _>(publisher.id.as_uuid())
    .bind::<BigInt, _>(revision_to_sql(publisher.version))
    .bind::<Text, _>(without_nul(&publisher.name))
    .bind::<Bool, _>(publisher.active)
    .bind::<Nullable<Integer>, _>(publisher.max_concurrency)
    .bind::<Nullable<Integer>, _>(publisher.max_per_second);
    if kept(upsert).execute(connection).await? == 0 {
        return Ok(());
    }
    let switch_off =
        sql_query("UPDATE postback_endpoints SET active = false WHERE tenant_id = $1 AND publisher_id = $2")
            .bind::<SqlUuid, _>(publisher.tenant.as_uuid())
            .bind::<SqlUuid, _>(publisher.id.as_uuid());
    kept(switch_off).execute(connection).await?;
    endpoint_conditions::refresh_moved(connection, publisher).await?;
    write_endpoints(connection, publisher).await
}

async fn write_endpoints(connection: &mut AsyncPgConnection, publisher: &Publisher) -> QueryResult<()> {
    let rows = publisher.endpoints.as_slice();
    let tells = |told: Told| column(rows, |row| row.endpoint.statuses.contains(&told));
    let upsert = sql_query(
        "INSERT INTO postback_endpoints (
            tenant_id, publisher_id, endpoint_id, offer_id, offer_event_id, method, url_template, tells_pending,
            tells_success, tells_rejected, also_global, signing_secret, old_signing_secret, old_secret_until,
            custom_header_name, custom_header_value, active)
        SELECT $1, $2, * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        ON CONFLICT (tenant_id, endpoint_id) DO UPDATE SET
            offer_id = excluded.offer_id, offer_event_id = excluded.offer_event_id, method = excluded.method,
            url_template = excluded.url_template, tells_pending = excluded.tells_pending,
            tells_success = excluded.tells_success, tells_rejected = excluded.tells_rejected,
            also_global = excluded.also_global, signing_secret = excluded.signing_secret,
            old_signing_secret = excluded.old_signing_secret, old_secret_until = excluded.old_secret_until,
            custom_header_name = excluded.custom_header_name, custom_header_value = excluded.custom_header_value,
            active = excluded.active
        WHERE postback_endpoints.publisher_id = excluded.publisher_id",
    )
    .bind::<SqlUuid, _>(publisher.tenant.as_uuid())
    .bind::<SqlUuid, _>(publisher.id.as_uuid())
    .bind::<Array<SqlUuid>, _>(column(rows, |row| row.endpoint.id.as_uuid()))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| scope_to_sql(row.endpoint.scope).0))
    .bind::<Array<Nullable<SqlUuid>>, _>(column(rows, |row| scope_to_sql(row.endpoint.scope).1))
    .bind::<Array<Text>, _>(column(rows, |row| row.method.word()))
    .bind::<Array<Text>, _>(column(rows, |row| without_nul(&row.url_template)))
    .bind::<Array<Bool>, _>(tells(Told::Pending))
    .bind::<Array<Bool>, _>(tells(Told::Success))
    .bind::<Array<Bool>, _>(tells(Told::Rejected))
    .bind::<Array<Bool>, _>(column(rows, |row| row.endpoint.also_global))
    .bind::<Array<Nullable<Binary>>, _>(column(rows, |row| row.signing_secret.as_deref()))
    .bind::<Array<Nullable<Binary>>, _>(column(rows, |row| old(row).map(|secret| secret.sealed.as_slice())))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(rows, |row| old(row).map(|secret| to_sql(secret.until))))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |row| row.custom_header.as_ref().map(|(name, _)| name.as_str())))
    .bind::<Array<Nullable<Binary>>, _>(column(rows, |row| {
        row.custom_header.as_ref().map(|(_, value)| value.as_slice())
    }))
    .bind::<Array<Bool>, _>(column(rows, |row| row.active && publisher.active));
    kept(upsert).execute(connection).await.map(drop)
}

const fn old(row: &EndpointRow) -> Option<&OldSecret> {
    row.old_signing_secret.as_ref()
}

fn scope_to_sql(scope: Scope) -> (Option<Uuid>, Option<Uuid>) {
    match scope {
        Scope::Global => (None, None),
        Scope::Offer(offer) => (Some(offer.as_uuid()), None),
        Scope::Event(offer, event) => (Some(offer.as_uuid()), Some(event.as_uuid())),
    }
}

/// Active endpoints by publisher; of one that is known and has none, an empty list.
pub type EndpointsByPublisher = HashMap<(TenantId, PublisherId), Vec<Endpoint>>;

/// The active endpoints of those of these publishers that are known. One statement: whoever is known has its endpoints here.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn endpoints_of(
    mut connection: &AsyncPgConnection,
    publishers: &[(TenantId, PublisherId)],
) -> QueryResult<EndpointsByPublisher> {
    let select = sql_query(
        "SELECT publishers.tenant_id, publishers.publisher_id, endpoint_id, offer_id, offer_event_id,
            coalesce(tells_pending, false) AS tells_pending, coalesce(tells_success, false) AS tells_success,
            coalesce(tells_rejected, false) AS tells_rejected, coalesce(also_global, false) AS also_global
        FROM unnest($1, $2) AS wanted (tenant_id, publisher_id)
        JOIN publishers USING (tenant_id, publisher_id)
        LEFT JOIN postback_endpoints AS endpoints ON endpoints.tenant_id = publishers.tenant_id
            AND endpoints.publisher_id = publishers.publisher_id AND endpoints.active
        ORDER BY publishers.tenant_id, publishers.publisher_id, endpoint_id",
    )
    .bind::<Array<SqlUuid>, _>(column(publishers, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(publishers, |(_, publisher)| publisher.as_uuid()));
    let rows: Vec<Row> = kept(select).load(&mut connection).await?;
    let mut endpoints = EndpointsByPublisher::new();
    for row in rows {
        let publisher = (TenantId::from_uuid(row.tenant_id), PublisherId::from_uuid(row.publisher_id));
        endpoints.entry(publisher).or_default().extend(row.endpoint());
    }
    Ok(endpoints)
}

#[derive(QueryableByName)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of the table")]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    publisher_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    endpoint_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    offer_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    offer_event_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    tells_pending: bool,
    #[diesel(sql_type = Bool)]
    tells_success: bool,
    #[diesel(sql_type = Bool)]
    tells_rejected: bool,
    #[diesel(sql_type = Bool)]
    also_global: bool,
}

impl Row {
    /// Absent when the publisher has none.
    fn endpoint(self) -> Option<Endpoint> {
        let row = self;
        let scope =
            match (row.offer_id.map(OfferId::from_uuid), row.offer_event_id.map(OfferEventId::from_uuid)) {
                (Some(offer), Some(event)) => Scope::Event(offer, event),
                (Some(offer), None) => Scope::Offer(offer),
                // An event without an offer can not be in the table.
                (None, None | Some(_)) => Scope::Global,
            };
        let statuses = [
            (row.tells_pending, Told::Pending),
            (row.tells_success, Told::Success),
            (row.tells_rejected, Told::Rejected),
        ];
        Some(Endpoint {
            id: EndpointId::from_uuid(row.endpoint_id?),
            scope,
            statuses: statuses.into_iter().filter(|(tells, _)| *tells).map(|(_, told)| told).collect(),
            also_global: row.also_global,
        })
    }
}
