//! Which apps use which generations. Written in batches of many tenants at once, read for one tenant.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, SmallInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use kernel::{CredentialId, TenantId};
use postgres_kit::kept;
use uuid::Uuid;

use super::{Conn, convert};
use crate::domain::credential_use::{APPS_SHOWN_MAX, AppUse, GenerationKey, Use, UsesByGeneration};

const TABLE: &str = "credential_uses";

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    credential_id: Uuid,
    #[diesel(sql_type = Integer)]
    generation: i32,
}

impl TryFrom<KeyRow> for GenerationKey {
    type Error = diesel::result::Error;

    fn try_from(row: KeyRow) -> QueryResult<Self> {
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            credential: CredentialId::from_uuid(row.credential_id),
            number: convert::small(row.generation, TABLE, "generation")?,
        })
    }
}

/// Keys as columns, for `unnest`.
#[derive(Default)]
struct Columns {
    tenants: Vec<Uuid>,
    credentials: Vec<Uuid>,
    generations: Vec<i32>,
}

impl<'a> FromIterator<&'a GenerationKey> for Columns {
    fn from_iter<I: IntoIterator<Item = &'a GenerationKey>>(keys: I) -> Self {
        let mut columns = Self::default();
        for key in keys {
            columns.tenants.push(key.tenant.as_uuid());
            columns.credentials.push(key.credential.as_uuid());
            columns.generations.push(i32::from(key.number));
        }
        columns
    }
}

/// Locks those of `keys` that were ever issued, in the order of their keys, and returns them. Until the transaction ends nobody
/// else adds uses to them.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn lock(conn: &mut Conn, keys: &BTreeSet<GenerationKey>) -> QueryResult<BTreeSet<GenerationKey>> {
    let columns: Columns = keys.iter().collect();
    let query = sql_query(
        "SELECT tenant_id, credential_id, generation
        FROM credential_generations
        JOIN unnest($1, $2, $3) AS told (tenant_id, credential_id, generation)
            USING (tenant_id, credential_id, generation)
        ORDER BY tenant_id, credential_id, generation
        FOR NO KEY UPDATE OF credential_generations",
    )
    .bind::<Array<SqlUuid>, _>(columns.tenants)
    .bind::<Array<SqlUuid>, _>(columns.credentials)
    .bind::<Array<Integer>, _>(columns.generations);
    let rows: Vec<KeyRow> = kept(query).load(conn).await?;
    rows.into_iter().map(GenerationKey::try_from).collect()
}

#[derive(QueryableByName)]
struct AppRow {
    #[diesel(embed)]
    key: KeyRow,
    #[diesel(sql_type = Text)]
    app_id: String,
}

/// The apps that have a row, of each of `keys`.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn apps(
    conn: &mut Conn,
    keys: &BTreeSet<GenerationKey>,
) -> QueryResult<BTreeMap<GenerationKey, BTreeSet<String>>> {
    let columns: Columns = keys.iter().collect();
    let query = sql_query(
        "SELECT tenant_id, credential_id, generation, app_id
        FROM credential_uses
        JOIN unnest($1, $2, $3) AS told (tenant_id, credential_id, generation)
            USING (tenant_id, credential_id, generation)",
    )
    .bind::<Array<SqlUuid>, _>(columns.tenants)
    .bind::<Array<SqlUuid>, _>(columns.credentials)
    .bind::<Array<Integer>, _>(columns.generations);
    let rows: Vec<AppRow> = kept(query).load(conn).await?;
    let mut apps: BTreeMap<GenerationKey, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        apps.entry(row.key.try_into()?).or_default().insert(row.app_id);
    }
    Ok(apps)
}

/// Adds uses, one row for each generation and app.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn add(conn: &mut Conn, uses: &BTreeMap<(GenerationKey, &str), Use>) -> QueryResult<()> {
    let columns: Columns = uses.keys().map(|(key, _)| key).collect();
    let moments = |pick: fn(&Use) -> kernel::Timestamp| -> Vec<DateTime<Utc>> {
        uses.values().map(|how| convert::to_sql(pick(how))).collect()
    };
    let query = sql_query(
        "INSERT INTO credential_uses AS known
            (tenant_id, credential_id, generation, app_id, first_used_at, last_used_at, uses)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (tenant_id, credential_id, generation, app_id) DO UPDATE SET
            first_used_at = least(known.first_used_at, excluded.first_used_at),
            last_used_at = greatest(known.last_used_at, excluded.last_used_at),
            uses = least(known.uses::numeric + excluded.uses, 9223372036854775807)::bigint",
    )
    .bind::<Array<SqlUuid>, _>(columns.tenants)
    .bind::<Array<SqlUuid>, _>(columns.credentials)
    .bind::<Array<Integer>, _>(columns.generations)
    .bind::<Array<Text>, _>(uses.keys().map(|(_, app_id)| *app_id).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(moments(|how| how.first))
    .bind::<Array<Timestamptz>, _>(moments(|how| how.last))
    .bind::<Array<BigInt>, _>(uses.values().map(|how| how.times).collect::<Vec<_>>());
    kept(query).execute(conn).await.map(drop)
}

#[derive(QueryableByName)]
struct UseRow {
    #[diesel(embed)]
    app: AppRow,
    #[diesel(sql_type = Timestamptz)]
    first_used_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    last_used_at: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    uses: i64,
}

/// The uses of a tenant's credentials, of each generation those apps that used it last.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn of_credentials(
    conn: &mut Conn,
    tenant: TenantId,
    credentials: &[CredentialId],
) -> QueryResult<BTreeMap<CredentialId, UsesByGeneration>> {
    let ids: Vec<Uuid> = credentials.iter().map(|id| id.as_uuid()).collect();
    let rows: Vec<UseRow> = sql_query(
        "SELECT tenant_id, credential_id, generation, app_id, first_used_at, last_used_at, uses FROM (
            SELECT *, row_number() OVER (
                PARTITION BY credential_id, generation ORDER BY last_used_at DESC, app_id
            ) AS place
            FROM credential_uses WHERE tenant_id = $1 AND credential_id = ANY($2)
        ) AS ordered
        WHERE place <= $3
        ORDER BY credential_id, generation, place",
    )
    .bind::<SqlUuid, _>(tenant.as_uuid())
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<SmallInt, _>(i16::try_from(APPS_SHOWN_MAX).unwrap_or(i16::MAX))
    .load(conn)
    .await?;
    let mut uses: BTreeMap<CredentialId, UsesByGeneration> = BTreeMap::new();
    for row in rows {
        let key = GenerationKey::try_from(row.app.key)?;
        let how = Use {
            first: convert::from_sql(row.first_used_at),
            last: convert::from_sql(row.last_used_at),
            times: row.uses,
        };
        let of_credential = uses.entry(key.credential).or_default();
        of_credential.entry(key.number).or_default().push(AppUse { app_id: row.app.app_id, how });
    }
    Ok(uses)
}
