//! Tenants.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, QueryableByName, Selectable,
    SelectableHelper, sql_query,
    sql_types::{Bool, Text},
};
use diesel_async::RunQueryDsl;
use kernel::TenantId;
use serde_json::Value;
use uuid::Uuid;

use super::{Conn, convert, schema::tenants::dsl};
use crate::domain::{
    records::Tenant,
    tenant::{TenantDomain, TenantProfile},
};

const TABLE: &str = "tenants";

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::tenants, check_for_backend(diesel::pg::Pg))]
struct Row {
    tenant_id: Uuid,
    domain: String,
    display_name: String,
    time_zone: String,
    default_currency: String,
    media_sources: Vec<String>,
    revision: i64,
    created_at: DateTime<Utc>,
    rates: Value,
}

impl TryFrom<Row> for Tenant {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let currency = row.default_currency.parse();
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            domain: TenantDomain::accepted(row.domain),
            profile: TenantProfile {
                display_name: row.display_name,
                time_zone: row.time_zone,
                default_currency: currency
                    .map_err(|_no_code| convert::broken(TABLE, "default_currency", "is no currency"))?,
                media_sources: row.media_sources,
            },
            rates: convert::document(row.rates, TABLE, "rates")?,
            revision: convert::revision(row.revision, TABLE)?,
            created_at: convert::from_sql(row.created_at),
        })
    }
}

/// Adds a tenant; `false` when its domain is taken.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert(conn: &mut Conn, tenant: &Tenant) -> QueryResult<bool> {
    let inserted = diesel::insert_into(dsl::tenants)
        .values((
            dsl::tenant_id.eq(tenant.tenant_id.as_uuid()),
            dsl::domain.eq(tenant.domain.as_str()),
            dsl::display_name.eq(&tenant.profile.display_name),
            dsl::time_zone.eq(&tenant.profile.time_zone),
            dsl::default_currency.eq(tenant.profile.default_currency.code()),
            dsl::media_sources.eq(&tenant.profile.media_sources),
            dsl::revision.eq(convert::revision_to_sql(tenant.revision)),
            dsl::created_at.eq(convert::to_sql(tenant.created_at)),
            dsl::rates.eq(convert::to_document(&tenant.rates)?),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted == 1)
}

/// A tenant by its id.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(conn: &mut Conn, tenant: TenantId) -> QueryResult<Option<Tenant>> {
    let row: Option<Row> = dsl::tenants
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(Tenant::try_from).transpose()
}

/// A tenant, locked until the transaction ends.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock(conn: &mut Conn, tenant: TenantId) -> QueryResult<Option<Tenant>> {
    let row: Option<Row> = dsl::tenants
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .select(Row::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(Tenant::try_from).transpose()
}

/// Writes what can change of a tenant.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save(conn: &mut Conn, tenant: &Tenant) -> QueryResult<()> {
    diesel::update(dsl::tenants)
        .filter(dsl::tenant_id.eq(tenant.tenant_id.as_uuid()))
        .set((
            dsl::display_name.eq(&tenant.profile.display_name),
            dsl::time_zone.eq(&tenant.profile.time_zone),
            dsl::default_currency.eq(tenant.profile.default_currency.code()),
            dsl::media_sources.eq(&tenant.profile.media_sources),
            dsl::rates.eq(convert::to_document(&tenant.rates)?),
            dsl::revision.eq(convert::revision_to_sql(tenant.revision)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// The tenants after `after` in the order of their ids, for a full publication: not scoped by a tenant.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn after(conn: &mut Conn, after: Option<TenantId>, limit: i64) -> QueryResult<Vec<Tenant>> {
    let after = after.map_or_else(Uuid::nil, TenantId::as_uuid);
    let rows: Vec<Row> = dsl::tenants
        .filter(dsl::tenant_id.gt(after))
        .order(dsl::tenant_id)
        .limit(limit)
        .select(Row::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

/// Whether PostgreSQL knows a time zone by this IANA name: statements are cut by it there.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn is_time_zone(conn: &mut Conn, name: &str) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Known {
        #[diesel(sql_type = Bool)]
        known: bool,
    }

    // PostgreSQL also lists `posix/…` and abbreviations; people mean a region and a city, or UTC.
    let select = sql_query(
        "SELECT EXISTS (SELECT FROM pg_timezone_names
            WHERE name = $1 AND (name LIKE '%/%' OR name = 'UTC') AND name NOT LIKE 'posix/%') AS known",
    );
    let found: Known = select.bind::<Text, _>(name).get_result(conn).await?;
    Ok(found.known)
}
