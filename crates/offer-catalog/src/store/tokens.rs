//! API tokens: what people see of them here, what is checked at the door in the kit's `api_tokens`.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper,
    pg::Pg,
};
use diesel_async::RunQueryDsl;
use kernel::{PublisherId, Role, Scope, Scopes, TenantId, TokenId, UserId};
use postgres_kit::tokens::TokenRow;
use uuid::Uuid;

use super::{Conn, convert, schema::issued_tokens::dsl, slice};
use crate::domain::{
    listing::{Slice, Sort, TokenFilter, Window},
    records::Token,
};

const TABLE: &str = "issued_tokens";

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::issued_tokens, check_for_backend(Pg))]
struct Row {
    tenant_id: Uuid,
    token_id: Uuid,
    label: String,
    token_hash: Vec<u8>,
    role: String,
    publisher_id: Option<Uuid>,
    expires_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    revision: i64,
    created_at: DateTime<Utc>,
    user_id: Option<Uuid>,
    scopes: Option<Vec<String>>,
    last_used_at: Option<DateTime<Utc>>,
    suspended_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Token {
    type Error = diesel::result::Error;

    fn try_from(row: Row) -> QueryResult<Self> {
        let hash = row.token_hash.try_into();
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            token_id: TokenId::from_uuid(row.token_id),
            label: row.label,
            user_id: row.user_id.map(UserId::from_uuid),
            hash: hash.map_err(|_wrong_length| convert::broken(TABLE, "token_hash", "is not 32 bytes"))?,
            role: Role::parse(&row.role).ok_or_else(|| convert::broken(TABLE, "role", "is no role"))?,
            publisher_id: row.publisher_id.map(PublisherId::from_uuid),
            scopes: row.scopes.map_or(Scopes::FULL, |words| read_scopes(&words)),
            expires_at: row.expires_at.map(convert::from_sql),
            revoked_at: row.revoked_at.map(convert::from_sql),
            suspended_at: row.suspended_at.map(convert::from_sql),
            last_used_at: row.last_used_at.map(convert::from_sql),
            revision: convert::revision(row.revision, TABLE)?,
            created_at: convert::from_sql(row.created_at),
        })
    }
}

/// Adds a token.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn insert(conn: &mut Conn, token: &Token) -> QueryResult<()> {
    diesel::insert_into(dsl::issued_tokens)
        .values((
            dsl::tenant_id.eq(token.tenant_id.as_uuid()),
            dsl::token_id.eq(token.token_id.as_uuid()),
            dsl::label.eq(&token.label),
            dsl::token_hash.eq(token.hash.as_slice()),
            dsl::role.eq(token.role.as_str()),
            dsl::publisher_id.eq(token.publisher_id.map(PublisherId::as_uuid)),
            dsl::expires_at.eq(token.expires_at.map(convert::to_sql)),
            dsl::revoked_at.eq(token.revoked_at.map(convert::to_sql)),
            dsl::revision.eq(convert::revision_to_sql(token.revision)),
            dsl::created_at.eq(convert::to_sql(token.created_at)),
            dsl::user_id.eq(token.user_id.map(UserId::as_uuid)),
            dsl::scopes.eq(written_scopes(token.scopes)),
        ))
        .execute(conn)
        .await?;
    open_or_close(conn, token).await
}

/// Writes what can change of a token.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn save(conn: &mut Conn, token: &Token) -> QueryResult<()> {
    diesel::update(dsl::issued_tokens)
        .filter(dsl::tenant_id.eq(token.tenant_id.as_uuid()))
        .filter(dsl::token_id.eq(token.token_id.as_uuid()))
        .set((
            dsl::role.eq(token.role.as_str()),
            dsl::publisher_id.eq(token.publisher_id.map(PublisherId::as_uuid)),
            dsl::revoked_at.eq(token.revoked_at.map(convert::to_sql)),
            dsl::suspended_at.eq(token.suspended_at.map(convert::to_sql)),
            dsl::revision.eq(convert::revision_to_sql(token.revision)),
        ))
        .execute(conn)
        .await?;
    open_or_close(conn, token).await
}

/// A token, locked until the transaction ends.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock(conn: &mut Conn, tenant: TenantId, token: TokenId) -> QueryResult<Option<Token>> {
    let row: Option<Row> = dsl::issued_tokens
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::token_id.eq(token.as_uuid()))
        .select(Row::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()?;
    row.map(Token::try_from).transpose()
}

/// The tokens of a user, locked until the transaction ends, in the order of the key.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_of_user(conn: &mut Conn, tenant: TenantId, user: UserId) -> QueryResult<Vec<Token>> {
    let rows: Vec<Row> = dsl::issued_tokens
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::user_id.eq(user.as_uuid()))
        .select(Row::as_select())
        .order(dsl::token_id)
        .for_update()
        .load(conn)
        .await?;
    rows.into_iter().map(Token::try_from).collect()
}

/// The tokens that see one publisher, locked until the transaction ends, in the order of the key.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock_of_publisher(
    conn: &mut Conn,
    tenant: TenantId,
    publisher: PublisherId,
) -> QueryResult<Vec<Token>> {
    let rows: Vec<Row> = dsl::issued_tokens
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::publisher_id.eq(publisher.as_uuid()))
        .select(Row::as_select())
        .order(dsl::token_id)
        .for_update()
        .load(conn)
        .await?;
    rows.into_iter().map(Token::try_from).collect()
}

/// A page of a tenant's tokens.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    filter: TokenFilter,
    sort: Sort,
    window: Window,
) -> QueryResult<Slice<Token>> {
    let matching = || {
        let mut query = dsl::issued_tokens.filter(dsl::tenant_id.eq(tenant.as_uuid())).into_boxed::<Pg>();
        if let Some(role) = filter.role {
            query = query.filter(dsl::role.eq(role.as_str()));
        }
        if let Some(publisher) = filter.publisher {
            query = query.filter(dsl::publisher_id.eq(publisher.as_uuid()));
        }
        query
    };
    let query = if sort.is_descending {
        matching().order((dsl::created_at.desc(), dsl::token_id.asc()))
    } else {
        matching().order((dsl::created_at.asc(), dsl::token_id.desc()))
    };
    let rows: Vec<Row> =
        query.select(Row::as_select()).offset(window.offset).limit(window.limit).load(conn).await?;
    let total = matching().count().get_result(conn).await?;
    let items = rows.into_iter().map(Token::try_from).collect::<QueryResult<_>>()?;
    Ok(slice(items, total))
}

/// Every token of a tenant, for a full publication.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn all(conn: &mut Conn, tenant: TenantId) -> QueryResult<Vec<Token>> {
    let rows: Vec<Row> = dsl::issued_tokens
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .select(Row::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(Token::try_from).collect()
}

async fn open_or_close(conn: &mut Conn, token: &Token) -> QueryResult<()> {
    let row = TokenRow {
        tenant_id: token.tenant_id,
        token_id: token.token_id,
        token_hash: token.hash,
        role: token.role,
        publisher_id: token.publisher_id,
        expires_at: token.expires_at,
        revoked: token.closed_at().is_some(),
        scopes: token.scopes,
        version: convert::revision_to_sql(token.revision),
    };
    postgres_kit::tokens::apply(conn, &[row]).await
}

/// `None` is everything.
fn written_scopes(scopes: Scopes) -> Option<Vec<&'static str>> {
    (scopes != Scopes::FULL).then(|| scopes.iter().map(Scope::as_str).collect())
}

/// A word that this release does not know opens nothing.
fn read_scopes(words: &[String]) -> Scopes {
    words.iter().filter_map(|word| Scope::parse(word)).collect()
}
