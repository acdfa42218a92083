//! Users.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper,
};
use diesel_async::RunQueryDsl;
use kernel::{PublisherId, Role, TenantId, UserId};
use uuid::Uuid;

use super::{Conn, convert, schema::users::dsl, slice};
use crate::domain::{
    listing::{Slice, Window},
    records::User,
    user::UserFields,
};

const TABLE: &str = "users";

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::users, check_for_backend(diesel::pg::Pg))]
struct Row {
    tenant_id: Uuid,
    user_id: Uuid,
    name: String,
    email: Option<String>,
    role: String,
    publisher_id: Option<Uuid>,
    active: bool,
    revision: i64,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for User {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            user_id: UserId::from_uuid(row.user_id),
            fields: UserFields {
                name: row.name,
                email: row.email,
                role: Role::parse(&row.role).ok_or_else(|| convert::broken(TABLE, "role", "is no role"))?,
                publisher_id: row.publisher_id.map(PublisherId::from_uuid),
            },
            active: row.active,
            revision: convert::revision(row.revision, TABLE)?,
            created_at: convert::from_sql(row.created_at),
        })
    }
}

/// Adds a user.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn insert(conn: &mut Conn, user: &User) -> QueryResult<()> {
    diesel::insert_into(dsl::users)
        .values((
            dsl::tenant_id.eq(user.tenant_id.as_uuid()),
            dsl::user_id.eq(user.user_id.as_uuid()),
            dsl::name.eq(&user.fields.name),
            dsl::email.eq(&user.fields.email),
            dsl::role.eq(user.fields.role.as_str()),
            dsl::publisher_id.eq(user.fields.publisher_id.map(PublisherId::as_uuid)),
            dsl::active.eq(user.active),
            dsl::revision.eq(convert::revision_to_sql(user.revision)),
            dsl::created_at.eq(convert::to_sql(user.created_at)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// Writes what can change of a user.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn save(conn: &mut Conn, user: &User) -> QueryResult<()> {
    diesel::update(dsl::users)
        .filter(dsl::tenant_id.eq(user.tenant_id.as_uuid()))
        .filter(dsl::user_id.eq(user.user_id.as_uuid()))
        .set((
            dsl::name.eq(&user.fields.name),
            dsl::email.eq(&user.fields.email),
            dsl::role.eq(user.fields.role.as_str()),
            dsl::publisher_id.eq(user.fields.publisher_id.map(PublisherId::as_uuid)),
            dsl::active.eq(user.active),
            dsl::revision.eq(convert::revision_to_sql(user.revision)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// One user of a tenant.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn find(conn: &mut Conn, tenant: TenantId, user: UserId) -> QueryResult<Option<User>> {
    let row: Option<Row> = dsl::users
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::user_id.eq(user.as_uuid()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    row.map(User::try_from).transpose()
}

/// A user, locked until the transaction ends.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock(conn: &mut Conn, tenant: TenantId, user: UserId) -> QueryResult<Option<User>> {
    let row: Option<Row> = dsl::users
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::user_id.eq(user.as_uuid()))
        .select(Row::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    row.map(User::try_from).transpose()
}

/// A page of a tenant's users, by name.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(conn: &mut Conn, tenant: TenantId, window: Window) -> QueryResult<Slice<User>> {
    let own = dsl::users.filter(dsl::tenant_id.eq(tenant.as_uuid()));
    let rows: Vec<Row> = own
        .select(Row::as_select())
        .order((dsl::name, dsl::user_id))
        .offset(window.offset)
        .limit(window.limit)
        .load(conn)
        .await?;
    let total = own.count().get_result(conn).await?;
    let items = rows.into_iter().map(User::try_from).collect::<QueryResult<_>>()?;
    Ok(slice(items, total))
}

/// How many active owners a tenant has beside this user. Meant for whoever has locked the tenant.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn other_owners(conn: &mut Conn, tenant: TenantId, user: UserId) -> QueryResult<u64> {
    let count: i64 = dsl::users
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::user_id.ne(user.as_uuid()))
        .filter(dsl::active)
        .filter(dsl::role.eq(Role::Owner.as_str()))
        .count()
        .get_result(conn)
        .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}
