//! Offers and their shares. Versions are in [`offer_versions`](super::offer_versions), lists in
//! [`offer_list`](super::offer_list).

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, QueryResult, Queryable,
    Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::{AdvertiserId, LinkId, OfferId, PublisherId, TenantId};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Conn, convert,
    schema::{offer_budgets, offer_shares, offers, offers::dsl},
};
use crate::domain::{
    acceptance::Accepted,
    budget::Budget,
    records::Offer,
    status::{OfferState, OfferStatus, Share},
};

const TABLE: &str = "offers";

#[derive(Queryable, Selectable)]
#[diesel(table_name = offers, check_for_backend(diesel::pg::Pg))]
struct Row {
    tenant_id: Uuid,
    offer_id: Uuid,
    status: String,
    newest_version: i32,
    fields: Value,
    event_stops: Value,
    cloned_from: Option<Uuid>,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    accepted_warnings: Vec<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = offer_shares, check_for_backend(diesel::pg::Pg))]
struct ShareRow {
    publisher_id: Uuid,
    link_id: Uuid,
    shared_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = offer_budgets, check_for_backend(diesel::pg::Pg))]
struct BudgetRow {
    is_spent: bool,
    resumes_at: Option<DateTime<Utc>>,
}

impl From<BudgetRow> for Budget {
    fn from(row: BudgetRow) -> Self {
        match row.resumes_at {
            _ if !row.is_spent => Self::Open,
            None => Self::Spent,
            Some(resumes_at) => Self::SpentUntil(convert::from_sql(resumes_at)),
        }
    }
}

/// An offer's row with its share and what payout said of its budget.
type Rows = (Row, Option<ShareRow>, Option<BudgetRow>);

fn offer((row, share, budget): Rows) -> QueryResult<Offer> {
    let share = share.map(|share| Share {
        publisher_id: PublisherId::from_uuid(share.publisher_id),
        link_id: LinkId::from_uuid(share.link_id),
        shared_at: convert::from_sql(share.shared_at),
    });
    Ok(Offer {
        tenant_id: TenantId::from_uuid(row.tenant_id),
        offer_id: OfferId::from_uuid(row.offer_id),
        state: OfferState {
            status: OfferStatus::parse(&row.status)
                .ok_or_else(|| convert::broken(TABLE, "status", "is no status"))?,
            newest_version: convert::small(row.newest_version, TABLE, "newest_version")?,
            share,
            event_stops: convert::document(row.event_stops, TABLE, "event_stops")?,
            cloned_from: row.cloned_from.map(OfferId::from_uuid),
        },
        fields: convert::document(row.fields, TABLE, "fields")?,
        accepted: Accepted::stored(row.accepted_warnings),
        budget: budget.map(Budget::from).unwrap_or_default(),
        revision: convert::revision(row.revision, TABLE)?,
        created_at: convert::from_sql(row.created_at),
        updated_at: convert::from_sql(row.updated_at),
    })
}

/// Adds an offer.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert(conn: &mut Conn, offer: &Offer) -> QueryResult<()> {
    diesel::insert_into(dsl::offers)
        .values((
            dsl::tenant_id.eq(offer.tenant_id.as_uuid()),
            dsl::offer_id.eq(offer.offer_id.as_uuid()),
            dsl::status.eq(offer.state.status.as_str()),
            dsl::newest_version.eq(version_to_sql(offer.state.newest_version)),
            dsl::fields.eq(convert::to_document(&offer.fields)?),
            dsl::name.eq(&offer.fields.name),
            dsl::advertiser_id.eq(offer.fields.advertiser_id.map(AdvertiserId::as_uuid)),
            dsl::event_stops.eq(convert::to_document(&offer.state.event_stops)?),
            dsl::cloned_from.eq(offer.state.cloned_from.map(OfferId::as_uuid)),
            dsl::revision.eq(convert::revision_to_sql(offer.revision)),
            dsl::created_at.eq(convert::to_sql(offer.created_at)),
            dsl::updated_at.eq(convert::to_sql(offer.updated_at)),
            dsl::accepted_warnings.eq(offer.accepted.to_stored()),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Writes a locked offer. Its share is written by [`insert_share`].
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save(conn: &mut Conn, offer: &Offer) -> QueryResult<()> {
    diesel::update(dsl::offers)
        .filter(dsl::tenant_id.eq(offer.tenant_id.as_uuid()))
        .filter(dsl::offer_id.eq(offer.offer_id.as_uuid()))
        .set((
            dsl::status.eq(offer.state.status.as_str()),
            dsl::newest_version.eq(version_to_sql(offer.state.newest_version)),
            dsl::fields.eq(convert::to_document(&offer.fields)?),
            dsl::name.eq(&offer.fields.name),
            dsl::advertiser_id.eq(offer.fields.advertiser_id.map(AdvertiserId::as_uuid)),
            dsl::event_stops.eq(convert::to_document(&offer.state.event_stops)?),
            dsl::revision.eq(convert::revision_to_sql(offer.revision)),
            dsl::updated_at.eq(convert::to_sql(offer.updated_at)),
            dsl::accepted_warnings.eq(offer.accepted.to_stored()),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Binds an offer to a publisher. The table's key makes a second share impossible, whatever the caller believes.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert_share(conn: &mut Conn, offer: &Offer, share: &Share) -> QueryResult<()> {
    use offer_shares::dsl as shares;

    diesel::insert_into(shares::offer_shares)
        .values((
            shares::tenant_id.eq(offer.tenant_id.as_uuid()),
            shares::offer_id.eq(offer.offer_id.as_uuid()),
            shares::publisher_id.eq(share.publisher_id.as_uuid()),
            shares::link_id.eq(share.link_id.as_uuid()),
            shares::shared_at.eq(convert::to_sql(share.shared_at)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// One offer of a tenant.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(conn: &mut Conn, tenant: TenantId, id: OfferId) -> QueryResult<Option<Offer>> {
    let row: Option<Rows> = dsl::offers
        .left_join(joined())
        .left_join(budgeted())
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.eq(id.as_uuid()))
        .select((Row::as_select(), Option::<ShareRow>::as_select(), Option::<BudgetRow>::as_select()))
        .first(conn)
        .await
        .optional()?;
    row.map(offer).transpose()
}

/// One offer of a tenant, locked until the transaction ends.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn lock(conn: &mut Conn, tenant: TenantId, id: OfferId) -> QueryResult<Option<Offer>> {
    // Locked by itself: the share's table is append-only, and an outer join can not be locked.
    let locked: Option<Uuid> = dsl::offers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.eq(id.as_uuid()))
        .select(dsl::offer_id)
        .for_update()
        .first(conn)
        .await
        .optional()?;
    if locked.is_none() { Ok(None) } else { find(conn, tenant, id).await }
}

/// As [`lock`], but `None` as well when somebody else holds it.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn lock_free(conn: &mut Conn, tenant: TenantId, id: OfferId) -> QueryResult<Option<Offer>> {
    let locked: Option<Uuid> = dsl::offers
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.eq(id.as_uuid()))
        .select(dsl::offer_id)
        .for_update()
        .skip_locked()
        .first(conn)
        .await
        .optional()?;
    if locked.is_none() { Ok(None) } else { find(conn, tenant, id).await }
}

/// The created offers of a tenant after `after` in the order of their ids, for a full publication.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn created_after(
    conn: &mut Conn,
    tenant: TenantId,
    after: Option<OfferId>,
    limit: i64,
) -> QueryResult<Vec<Offer>> {
    let rows: Vec<Rows> = dsl::offers
        .left_join(joined())
        .left_join(budgeted())
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.gt(after.map_or_else(Uuid::nil, OfferId::as_uuid)))
        .filter(dsl::newest_version.gt(0))
        .select((Row::as_select(), Option::<ShareRow>::as_select(), Option::<BudgetRow>::as_select()))
        .order(dsl::offer_id)
        .limit(limit)
        .load(conn)
        .await?;
    rows.into_iter().map(offer).collect()
}

/// The created offers of a tenant after `after` that have not ended, in the order of their ids.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn running_after(
    conn: &mut Conn,
    tenant: TenantId,
    after: Option<OfferId>,
    limit: i64,
) -> QueryResult<Vec<Offer>> {
    let rows: Vec<Rows> = dsl::offers
        .left_join(joined())
        .left_join(budgeted())
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.gt(after.map_or_else(Uuid::nil, OfferId::as_uuid)))
        .filter(dsl::newest_version.gt(0))
        .filter(dsl::status.ne(OfferStatus::Ended.as_str()))
        .select((Row::as_select(), Option::<ShareRow>::as_select(), Option::<BudgetRow>::as_select()))
        .order(dsl::offer_id)
        .limit(limit)
        .load(conn)
        .await?;
    rows.into_iter().map(offer).collect()
}

/// Offers of a tenant by their ids, oldest first.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn of_ids(conn: &mut Conn, tenant: TenantId, ids: &[OfferId]) -> QueryResult<Vec<Offer>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows: Vec<Rows> = dsl::offers
        .left_join(joined())
        .left_join(budgeted())
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.eq_any(ids))
        .select((Row::as_select(), Option::<ShareRow>::as_select(), Option::<BudgetRow>::as_select()))
        .order((dsl::created_at, dsl::offer_id))
        .load(conn)
        .await?;
    rows.into_iter().map(offer).collect()
}

#[diesel::dsl::auto_type(no_type_alias)]
fn joined() -> _ {
    offer_shares::table
        .on(offer_shares::tenant_id.eq(offers::tenant_id).and(offer_shares::offer_id.eq(offers::offer_id)))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn budgeted() -> _ {
    offer_budgets::table
        .on(offer_budgets::tenant_id.eq(offers::tenant_id).and(offer_budgets::offer_id.eq(offers::offer_id)))
}

fn version_to_sql(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}
