//! Which raises that people made at payout are in offers' budgets. Few offers have any.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult};
use diesel_async::RunQueryDsl;
use kernel::{OfferId, TenantId};

use super::{Conn, convert, schema::offer_raises::dsl};
use crate::domain::budget_raise::RaisesTaken;

const TABLE: &str = "offer_raises";

/// Those of an offer.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(conn: &mut Conn, tenant: TenantId, offer: OfferId) -> QueryResult<RaisesTaken> {
    let row: Option<(i64, i64)> = dsl::offer_raises
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::offer_id.eq(offer.as_uuid()))
        .select((dsl::total_raise, dsl::daily_raise))
        .first(conn)
        .await
        .optional()?;
    let Some((total, daily)) = row else { return Ok(RaisesTaken::default()) };
    let number = |number: i64, column| {
        u64::try_from(number).map_err(|_negative| convert::broken(TABLE, column, "is negative"))
    };
    Ok(RaisesTaken { total: number(total, "total_raise")?, daily: number(daily, "daily_raise")? })
}

/// Writes those of a locked offer.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save(conn: &mut Conn, tenant: TenantId, offer: OfferId, raises: RaisesTaken) -> QueryResult<()> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let numbers = (dsl::total_raise.eq(number(raises.total)), dsl::daily_raise.eq(number(raises.daily)));
    diesel::insert_into(dsl::offer_raises)
        .values((dsl::tenant_id.eq(tenant.as_uuid()), dsl::offer_id.eq(offer.as_uuid()), numbers))
        .on_conflict((dsl::tenant_id, dsl::offer_id))
        .do_update()
        .set(numbers)
        .execute(conn)
        .await
        .map(drop)
}
