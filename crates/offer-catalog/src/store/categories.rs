//! The categories that a tenant has agreed on.

use diesel::{ExpressionMethods, QueryDsl, QueryResult};
use diesel_async::RunQueryDsl;
use kernel::{TenantId, Timestamp};

use super::{Conn, convert, schema::categories::dsl};

/// Adds a category; `false` when it is there, in whatever case.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert(conn: &mut Conn, tenant: TenantId, name: &str, at: Timestamp) -> QueryResult<bool> {
    let inserted = diesel::insert_into(dsl::categories)
        .values((
            dsl::tenant_id.eq(tenant.as_uuid()),
            dsl::name.eq(name),
            dsl::added_at.eq(convert::to_sql(at)),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted == 1)
}

/// All categories of a tenant, by name.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn all(conn: &mut Conn, tenant: TenantId) -> QueryResult<Vec<String>> {
    dsl::categories
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .select(dsl::name)
        .order(dsl::name)
        .load(conn)
        .await
}
