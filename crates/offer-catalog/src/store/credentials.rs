//! Postback credentials and their generations.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, Selectable, SelectableHelper,
    dsl::sql, pg::Pg, sql_types::BigInt,
};
use diesel_async::RunQueryDsl;
use kernel::{AdvertiserId, CredentialId, TenantId};
use uuid::Uuid;

use super::{
    Conn, convert,
    schema::{credential_generations::dsl as generations, credentials::dsl},
    slice,
};
use crate::domain::{
    credential::Generation,
    listing::{Slice, Sort, Window},
    records::{Credential, IssuedGeneration},
};

const TABLE: &str = "credentials";
const GENERATIONS: &str = "credential_generations";

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::credentials, check_for_backend(Pg))]
struct Row {
    tenant_id: Uuid,
    credential_id: Uuid,
    advertiser_id: Option<Uuid>,
    revision: i64,
    created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = super::schema::credential_generations, check_for_backend(Pg))]
struct GenerationRow {
    credential_id: Uuid,
    generation: i32,
    key_id: i32,
    nonce: Vec<u8>,
    issued_at: DateTime<Utc>,
    valid_until: Option<DateTime<Utc>>,
}

impl TryFrom<GenerationRow> for IssuedGeneration {
    type Error = diesel::result::Error;

    fn try_from(row: GenerationRow) -> QueryResult<Self> {
        Ok(Self {
            generation: Generation {
                number: convert::small(row.generation, GENERATIONS, "generation")?,
                issued_at: convert::from_sql(row.issued_at),
                valid_until: row.valid_until.map(convert::from_sql),
            },
            key_id: convert::small(row.key_id, GENERATIONS, "key_id")?,
            nonce: row
                .nonce
                .try_into()
                .map_err(|_other_length| convert::broken(GENERATIONS, "nonce", "is not 4 bytes"))?,
        })
    }
}

/// Adds a credential with its generations.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn insert(conn: &mut Conn, credential: &Credential) -> QueryResult<()> {
    diesel::insert_into(dsl::credentials)
        .values((
            dsl::tenant_id.eq(credential.tenant_id.as_uuid()),
            dsl::credential_id.eq(credential.credential_id.as_uuid()),
            dsl::advertiser_id.eq(credential.advertiser_id.map(AdvertiserId::as_uuid)),
            dsl::revision.eq(convert::revision_to_sql(credential.revision)),
            dsl::created_at.eq(convert::to_sql(credential.created_at)),
        ))
        .execute(conn)
        .await?;
    save_generations(conn, credential).await
}

/// Writes a rotation or revocation of a locked credential.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn save(conn: &mut Conn, credential: &Credential) -> QueryResult<()> {
    diesel::update(dsl::credentials)
        .filter(dsl::tenant_id.eq(credential.tenant_id.as_uuid()))
        .filter(dsl::credential_id.eq(credential.credential_id.as_uuid()))
        .set(dsl::revision.eq(convert::revision_to_sql(credential.revision)))
        .execute(conn)
        .await?;
    save_generations(conn, credential).await
}

/// Oldest first, one statement each: the index of the current one looks at every row as it is written.
async fn save_generations(conn: &mut Conn, credential: &Credential) -> QueryResult<()> {
    for issued in &credential.generations {
        let until = issued.generation.valid_until.map(convert::to_sql);
        diesel::insert_into(generations::credential_generations)
            .values((
                generations::tenant_id.eq(credential.tenant_id.as_uuid()),
                generations::credential_id.eq(credential.credential_id.as_uuid()),
                generations::generation.eq(i32::from(issued.generation.number)),
                generations::key_id.eq(i32::from(issued.key_id)),
                generations::nonce.eq(issued.nonce.as_slice()),
                generations::issued_at.eq(convert::to_sql(issued.generation.issued_at)),
                generations::valid_until.eq(until),
            ))
            .on_conflict((generations::tenant_id, generations::credential_id, generations::generation))
            .do_update()
            .set(generations::valid_until.eq(until))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// One credential of a tenant.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn find(conn: &mut Conn, tenant: TenantId, id: CredentialId) -> QueryResult<Option<Credential>> {
    let row: Option<Row> = dsl::credentials
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::credential_id.eq(id.as_uuid()))
        .select(Row::as_select())
        .first(conn)
        .await
        .optional()?;
    Ok(with_generations(conn, row.into_iter().collect()).await?.pop())
}

/// One credential of a tenant, locked until the transaction ends.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn lock(conn: &mut Conn, tenant: TenantId, id: CredentialId) -> QueryResult<Option<Credential>> {
    let row: Option<Row> = dsl::credentials
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .filter(dsl::credential_id.eq(id.as_uuid()))
        .select(Row::as_select())
        .for_update()
        .first(conn)
        .await
        .optional()?;
    Ok(with_generations(conn, row.into_iter().collect()).await?.pop())
}

/// A page of a tenant's credentials; of one advertiser when it is given.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    advertiser: Option<AdvertiserId>,
    sort: Sort,
    window: Window,
) -> QueryResult<Slice<Credential>> {
    let matching = || {
        let query = dsl::credentials.filter(dsl::tenant_id.eq(tenant.as_uuid())).into_boxed::<Pg>();
        match advertiser {
            Some(advertiser) => query.filter(dsl::advertiser_id.eq(advertiser.as_uuid())),
            None => query,
        }
    };
    let query = if sort.is_descending {
        matching().order((dsl::created_at.desc(), dsl::credential_id.asc()))
    } else {
        matching().order((dsl::created_at.asc(), dsl::credential_id.desc()))
    };
    let rows: Vec<Row> =
        query.select(Row::as_select()).offset(window.offset).limit(window.limit).load(conn).await?;
    let total = matching().count().get_result(conn).await?;
    Ok(slice(with_generations(conn, rows).await?, total))
}

/// Every credential of a tenant, for a full publication.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn all(conn: &mut Conn, tenant: TenantId) -> QueryResult<Vec<Credential>> {
    let rows: Vec<Row> = dsl::credentials
        .filter(dsl::tenant_id.eq(tenant.as_uuid()))
        .select(Row::as_select())
        .load(conn)
        .await?;
    with_generations(conn, rows).await
}

/// Every credential of every tenant of which a generation ended or will end, and the version of the whole set: the sum of
/// all revisions, which grows by one with every change. Read both in one snapshot.
///
/// # Errors
/// diesel's, when a statement fails.
pub async fn ending(conn: &mut Conn) -> QueryResult<(u64, Vec<Credential>)> {
    let changes: i64 =
        dsl::credentials.select(sql::<BigInt>("coalesce(sum(revision), 0)::bigint")).get_result(conn).await?;
    let ended = generations::credential_generations
        .filter(generations::valid_until.is_not_null())
        .select(generations::credential_id);
    let rows: Vec<Row> = dsl::credentials
        .filter(dsl::credential_id.eq_any(ended))
        .order((dsl::tenant_id, dsl::credential_id))
        .select(Row::as_select())
        .load(conn)
        .await?;
    Ok((u64::try_from(changes).unwrap_or_default(), with_generations(conn, rows).await?))
}

async fn with_generations(conn: &mut Conn, rows: Vec<Row>) -> QueryResult<Vec<Credential>> {
    let tenants: Vec<Uuid> = rows.iter().map(|row| row.tenant_id).collect();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.credential_id).collect();
    let found: Vec<GenerationRow> = generations::credential_generations
        .filter(generations::tenant_id.eq_any(tenants))
        .filter(generations::credential_id.eq_any(ids))
        .order(generations::generation)
        .select(GenerationRow::as_select())
        .load(conn)
        .await?;
    let mut of_credential: BTreeMap<Uuid, Vec<IssuedGeneration>> = BTreeMap::new();
    for row in found {
        of_credential.entry(row.credential_id).or_default().push(row.try_into()?);
    }
    rows.into_iter()
        .map(|row| {
            Ok(Credential {
                tenant_id: TenantId::from_uuid(row.tenant_id),
                credential_id: CredentialId::from_uuid(row.credential_id),
                advertiser_id: row.advertiser_id.map(AdvertiserId::from_uuid),
                generations: of_credential.remove(&row.credential_id).unwrap_or_default(),
                revision: convert::revision(row.revision, TABLE)?,
                created_at: convert::from_sql(row.created_at),
            })
        })
        .collect()
}
