//! Advertisers.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, PgTextExpressionMethods, QueryDsl, QueryResult, Queryable,
    Selectable, SelectableHelper, pg::Pg,
};
use diesel_async::RunQueryDsl;
use kernel::{AdvertiserId, Micros, Money, TenantId};
use uuid::Uuid;

use super::{Conn, containing, convert, schema::advertisers::dsl, slice};
use crate::domain::{
    listing::{PartnerFilter, Slice, Sort, SortKey, Window},
    partner::AdvertiserFields,
    records::Advertiser,
};

const TABLE: &str = "advertisers";

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::advertisers, check_for_backend(Pg))]
struct Row {
    tenant_id: Uuid,
    advertiser_id: Uuid,
    name: String,
    active: bool,
    review_window_days: Option<i32>,
    budget_micros: Option<i64>,
    budget_currency: Option<String>,
    revision: i64,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Advertiser {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let total_budget = match (row.budget_micros, row.budget_currency) {
            (Some(micros), Some(code)) => {
                let currency = code.parse();
                let currency = currency
                    .map_err(|_no_code| convert::broken(TABLE, "budget_currency", "is no currency"))?;
                Some(Money::new(Micros(micros), currency))
            }
            _ => None,
        };
        let days = row.review_window_days.map(|days| convert::small(days, TABLE, "review_window_days"));
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            advertiser_id: AdvertiserId::from_uuid(row.advertiser_id),
            fields: AdvertiserFields { name: row.name, review_window_days: days.transpose()?, total_budget },
            active: row.active,
            revision: convert::revision(row.revision, TABLE)?,
            created_at: convert::from_sql(row.created_at),
        })
    }
}

/// Adds an advertiser.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert(conn: &mut Conn, advertiser: &Advertiser) -> QueryResult<()> {
    let budget = advertiser.fields.total_budget;
    diesel::insert_into(dsl::advertisers)
        .values((
            dsl::tenant_id.eq(advertiser.tenant_id.as_uuid()),
            dsl::advertiser_id.eq(advertiser.advertiser_id.as_uuid()),
            dsl::name.eq(&advertiser.fields.name),
            dsl::active.eq(advertiser.active),
            dsl::review_window_days.eq(advertiser.fields.review_window_days.map(i32::from)),
            dsl::budget_micros.eq(budget.map(|budget| budget.amount.0)),
            dsl::budget_currency.eq(budget.map(|budget| String::from(budget.currency.code()))),
            dsl::revision.eq(convert::revision_to_sql(advertiser.revision)),
            dsl::created_at.eq(convert::to_sql(advertiser.created_at)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// One advertiser of a tenant.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(
    conn: &mut Conn,
    tenant: TenantId,
    advertiser: AdvertiserId,
) -> QueryResult<Option<Advertiser>> {
    let row: Option<Row> = dsl::advertisers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::advertiser_id.eq(advertiser.as_uuid()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(Advertiser::try_from).transpose()
}

/// An advertiser, locked until the transaction ends.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock(
    conn: &mut Conn,
    tenant: TenantId,
    advertiser: AdvertiserId,
) -> QueryResult<Option<Advertiser>> {
    let row: Option<Row> = dsl::advertisers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::advertiser_id.eq(advertiser.as_uuid()))
        .select(Row::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(Advertiser::try_from).transpose()
}

/// Writes what can change of an advertiser.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save(conn: &mut Conn, advertiser: &Advertiser) -> QueryResult<()> {
    let budget = advertiser.fields.total_budget;
    diesel::update(dsl::advertisers)
        .filter(dsl::tenant_id.eq(advertiser.tenant_id.as_uuid()))
        .filter(dsl::advertiser_id.eq(advertiser.advertiser_id.as_uuid()))
        .set((
            dsl::name.eq(&advertiser.fields.name),
            dsl::review_window_days.eq(advertiser.fields.review_window_days.map(i32::from)),
            dsl::budget_micros.eq(budget.map(|budget| budget.amount.0)),
            dsl::budget_currency.eq(budget.map(|budget| String::from(budget.currency.code()))),
            dsl::revision.eq(convert::revision_to_sql(advertiser.revision)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// A page of a tenant's advertisers.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    filter: &PartnerFilter,
    sort: Sort,
    window: Window,
) -> QueryResult<Slice<Advertiser>> {
    let matching = || {
        let mut query = dsl::advertisers.filter(dsl::tenant_id.eq(tenant.as_uuid())).into_boxed::<Pg>();
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
            matching().order((dsl::name.asc(), dsl::advertiser_id.asc()))
        }
        (SortKey::Name | SortKey::UpdatedAt, true) => {
            matching().order((dsl::name.desc(), dsl::advertiser_id.desc()))
        }
        (SortKey::CreatedAt, false) => matching().order((dsl::created_at.asc(), dsl::advertiser_id.asc())),
        (SortKey::CreatedAt, true) => matching().order((dsl::created_at.desc(), dsl::advertiser_id.desc())),
    };
    let rows: Vec<Row> =
        query.select(Row::as_select()).offset(window.offset).limit(window.limit).load(conn).await?;
    let total = matching().count().get_result(conn).await?;
    let items = rows.into_iter().map(Advertiser::try_from).collect::<QueryResult<_>>()?;
    Ok(slice(items, total))
}

/// Every advertiser of a tenant, for a full publication.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn all(conn: &mut Conn, tenant: TenantId) -> QueryResult<Vec<Advertiser>> {
    let rows: Vec<Row> = dsl::advertisers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .select(Row::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(Advertiser::try_from).collect()
}
