//! The read model of the catalog: facts as they came, the highest version of each wins, of equal ones the last.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{
    catalog::{CredentialChanged, OfferChanged, OfferStatus, OfferVersionCreated, TenantChanged},
    envelope::Envelope,
};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Integer, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{CredentialId, OfferId, TenantId};
use postgres_kit::kept;
use prost::Message;
use uuid::Uuid;

use crate::{
    domain::{Credential, TenantFacts},
    facts::{self, KnownOffer, Rates},
};

/// Facts by what they are about, each with its version: the newest of each.
pub type Newest<K> = BTreeMap<K, (i64, Vec<u8>)>;

/// What one batch of facts says, the newest of each.
#[derive(Debug, Default)]
pub struct CatalogRows {
    /// By tenant: version and fact.
    pub tenants: Newest<TenantId>,
    /// By credential: version and fact.
    pub credentials: Newest<(TenantId, CredentialId)>,
    /// By offer: revision and fact.
    pub offers: Newest<(TenantId, OfferId)>,
    /// By offer and version.
    pub versions: BTreeMap<(TenantId, OfferId, i32), Vec<u8>>,
}

/// Keeps the newer of two; of the same version the one that was said last.
pub fn keep_newest<K: Ord>(rows: &mut Newest<K>, key: K, version: i64, item: &Envelope) {
    let known = rows.entry(key).or_insert((i64::MIN, Vec::new()));
    if known.0 <= version {
        *known = (version, item.body.to_vec());
    }
}

/// What changed: which open journeys have to be judged again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Offers with a new version.
    pub offers: BTreeSet<(TenantId, OfferId)>,
    /// Tenants with a changed credential.
    pub tenants: BTreeSet<TenantId>,
}

#[derive(QueryableByName)]
struct TenantKey {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
}

#[derive(QueryableByName)]
struct OfferKey {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
}

/// Saves what is newer than what is there, or says something else under the same version: that is how
/// `offer-catalog republish` repairs a row. Tells what changed.
///
/// # Errors
/// The database's.
pub async fn save(connection: &mut AsyncPgConnection, rows: &CatalogRows) -> QueryResult<Changed> {
    save_tenants(connection, rows).await?;
    save_offers(connection, rows).await?;
    Ok(Changed {
        offers: save_versions(connection, rows).await?,
        tenants: save_credentials(connection, rows).await?,
    })
}

async fn save_tenants(connection: &mut AsyncPgConnection, rows: &CatalogRows) -> QueryResult<()> {
    if rows.tenants.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = rows.tenants.keys().map(|tenant| tenant.as_uuid()).collect();
    let versions: Vec<i64> = rows.tenants.values().map(|(version, _)| *version).collect();
    let facts: Vec<&[u8]> = rows.tenants.values().map(|(_, fact)| fact.as_slice()).collect();
    let upsert = sql_query(
        "INSERT INTO tenants (tenant_id, version, fact) SELECT * FROM unnest($1, $2, $3)
        ON CONFLICT (tenant_id) DO UPDATE SET version = excluded.version, fact = excluded.fact
        WHERE tenants.version <= excluded.version AND tenants.fact IS DISTINCT FROM excluded.fact",
    )
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(versions)
    .bind::<Array<Binary>, _>(facts);
    kept(upsert).execute(connection).await.map(drop)
}

async fn save_credentials(
    connection: &mut AsyncPgConnection,
    rows: &CatalogRows,
) -> QueryResult<BTreeSet<TenantId>> {
    if rows.credentials.is_empty() {
        return Ok(BTreeSet::new());
    }
    let tenants: Vec<Uuid> = rows.credentials.keys().map(|(tenant, _)| tenant.as_uuid()).collect();
    let ids: Vec<Uuid> = rows.credentials.keys().map(|(_, credential)| credential.as_uuid()).collect();
    let versions: Vec<i64> = rows.credentials.values().map(|(version, _)| *version).collect();
    let facts: Vec<&[u8]> = rows.credentials.values().map(|(_, fact)| fact.as_slice()).collect();
    let upsert = sql_query(
        "INSERT INTO credentials (tenant_id, credential_id, version, fact) SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (tenant_id, credential_id) DO UPDATE SET version = excluded.version, fact = excluded.fact
        WHERE credentials.version <= excluded.version AND credentials.fact IS DISTINCT FROM excluded.fact
        RETURNING tenant_id",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(versions)
    .bind::<Array<Binary>, _>(facts);
    let changed: Vec<TenantKey> = kept(upsert).load(connection).await?;
    Ok(changed.into_iter().map(|row| TenantId::from_uuid(row.tenant_id)).collect())
}

async fn save_offers(connection: &mut AsyncPgConnection, rows: &CatalogRows) -> QueryResult<()> {
    if rows.offers.is_empty() {
        return Ok(());
    }
    let tenants: Vec<Uuid> = rows.offers.keys().map(|(tenant, _)| tenant.as_uuid()).collect();
    let ids: Vec<Uuid> = rows.offers.keys().map(|(_, offer)| offer.as_uuid()).collect();
    let revisions: Vec<i64> = rows.offers.values().map(|(revision, _)| *revision).collect();
    let facts: Vec<&[u8]> = rows.offers.values().map(|(_, fact)| fact.as_slice()).collect();
    let upsert = sql_query(
        "INSERT INTO offers (tenant_id, offer_id, revision, fact) SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (tenant_id, offer_id) DO UPDATE SET revision = excluded.revision, fact = excluded.fact
        WHERE offers.revision <= excluded.revision AND offers.fact IS DISTINCT FROM excluded.fact",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<BigInt>, _>(revisions)
    .bind::<Array<Binary>, _>(facts);
    kept(upsert).execute(connection).await.map(drop)
}

async fn save_versions(
    connection: &mut AsyncPgConnection,
    rows: &CatalogRows,
) -> QueryResult<BTreeSet<(TenantId, OfferId)>> {
    if rows.versions.is_empty() {
        return Ok(BTreeSet::new());
    }
    let tenants: Vec<Uuid> = rows.versions.keys().map(|(tenant, _, _)| tenant.as_uuid()).collect();
    let ids: Vec<Uuid> = rows.versions.keys().map(|(_, offer, _)| offer.as_uuid()).collect();
    let versions: Vec<i32> = rows.versions.keys().map(|(_, _, version)| *version).collect();
    let facts: Vec<&[u8]> = rows.versions.values().map(Vec::as_slice).collect();
    let insert = sql_query(
        "INSERT INTO offer_versions (tenant_id, offer_id, version, fact) SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (tenant_id, offer_id, version) DO UPDATE SET fact = excluded.fact
        WHERE offer_versions.fact IS DISTINCT FROM excluded.fact
        RETURNING tenant_id, offer_id",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(ids)
    .bind::<Array<Integer>, _>(versions)
    .bind::<Array<Binary>, _>(facts);
    let added: Vec<OfferKey> = kept(insert).load(connection).await?;
    let key = |row: OfferKey| (TenantId::from_uuid(row.tenant_id), OfferId::from_uuid(row.offer_id));
    Ok(added.into_iter().map(key).collect())
}

#[derive(QueryableByName)]
struct FactRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Binary)]
    fact: Vec<u8>,
}

/// The credentials that are known here, of those asked for.
///
/// # Errors
/// The database's.
pub async fn load_credentials(
    mut connection: &AsyncPgConnection,
    keys: &BTreeSet<(TenantId, CredentialId)>,
) -> QueryResult<BTreeMap<TenantId, BTreeMap<CredentialId, Credential>>> {
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) =
        keys.iter().map(|(tenant, credential)| (tenant.as_uuid(), credential.as_uuid())).unzip();
    let select = sql_query(
        "SELECT tenant_id, credential_id AS id, fact FROM credentials
        JOIN unnest($1, $2) AS wanted (tenant_id, credential_id) USING (tenant_id, credential_id)",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(ids);
    let rows: Vec<FactRow> = kept(select).load(&mut connection).await?;
    let mut found: BTreeMap<TenantId, BTreeMap<CredentialId, Credential>> = BTreeMap::new();
    for row in rows {
        let fact = CredentialChanged::decode(row.fact.as_slice());
        let read = readable(fact, |fact| facts::credential(&fact), "credential", row.id);
        if let Some(credential) = read {
            let tenant = found.entry(TenantId::from_uuid(row.tenant_id)).or_default();
            tenant.insert(CredentialId::from_uuid(row.id), credential);
        }
    }
    Ok(found)
}

/// What rule 1 needs of these tenants.
///
/// # Errors
/// The database's.
pub async fn load_tenants(
    connection: &mut AsyncPgConnection,
    tenants: &BTreeSet<TenantId>,
) -> QueryResult<BTreeMap<TenantId, TenantFacts>> {
    if tenants.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Uuid> = tenants.iter().map(|tenant| tenant.as_uuid()).collect();
    let select = sql_query("SELECT tenant_id, tenant_id AS id, fact FROM tenants WHERE tenant_id = ANY($1)")
        .bind::<Array<SqlUuid>, _>(ids);
    let rows: Vec<FactRow> = kept(select).load(connection).await?;
    let read = |row: FactRow| {
        let fact = TenantChanged::decode(row.fact.as_slice());
        let tenant = readable(fact, |fact| Ok(facts::tenant(&fact)), "tenant", row.id)?;
        Some((TenantId::from_uuid(row.tenant_id), tenant))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// A tenant's rate table; empty while the tenant is not known here.
///
/// # Errors
/// The database's.
pub async fn load_rates(connection: &mut AsyncPgConnection, tenant: TenantId) -> QueryResult<Rates> {
    let select = sql_query("SELECT tenant_id, tenant_id AS id, fact FROM tenants WHERE tenant_id = $1")
        .bind::<SqlUuid, _>(tenant.as_uuid());
    let rows: Vec<FactRow> = kept(select).load(connection).await?;
    let read = |row: FactRow| {
        let fact = TenantChanged::decode(row.fact.as_slice());
        readable(fact, |fact| facts::rates(&fact), "tenant", row.id)
    };
    Ok(rows.into_iter().find_map(read).unwrap_or_default())
}

/// The offers that are known here, of those asked for, in all their versions.
///
/// # Errors
/// The database's.
pub async fn load_offers(
    mut connection: &AsyncPgConnection,
    keys: &BTreeSet<(TenantId, OfferId)>,
) -> QueryResult<BTreeMap<(TenantId, OfferId), KnownOffer>> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) =
        keys.iter().map(|(tenant, offer)| (tenant.as_uuid(), offer.as_uuid())).unzip();
    let mut found: BTreeMap<(TenantId, OfferId), KnownOffer> = BTreeMap::new();
    let versions = sql_query(
        "SELECT tenant_id, offer_id AS id, fact FROM offer_versions
        JOIN unnest($1, $2) AS wanted (tenant_id, offer_id) USING (tenant_id, offer_id)",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<SqlUuid>, _>(&ids);
    let rows: Vec<FactRow> = kept(versions).load(&mut connection).await?;
    for row in rows {
        let fact = OfferVersionCreated::decode(row.fact.as_slice());
        let read = readable(fact, |fact| Ok((facts::offer_version(&fact)?, fact)), "offer version", row.id);
        if let Some((rules, message)) = read {
            let key = (TenantId::from_uuid(row.tenant_id), OfferId::from_uuid(row.id));
            let offer = found.entry(key).or_default();
            offer.versions.insert(rules.number, message);
            offer.rules.versions.insert(rules.number, rules);
        }
    }
    let offers = sql_query(
        "SELECT tenant_id, offer_id AS id, fact FROM offers
        JOIN unnest($1, $2) AS wanted (tenant_id, offer_id) USING (tenant_id, offer_id)",
    )
    .bind::<Array<SqlUuid>, _>(&tenants)
    .bind::<Array<SqlUuid>, _>(&ids);
    let rows: Vec<FactRow> = kept(offers).load(&mut connection).await?;
    for row in rows {
        let fact = OfferChanged::decode(row.fact.as_slice());
        if let Some(stops) = readable(fact, |fact| Ok(facts::stops(&fact)), "offer", row.id) {
            let key = (TenantId::from_uuid(row.tenant_id), OfferId::from_uuid(row.id));
            found.entry(key).or_default().rules.stops = stops;
        }
    }
    Ok(found)
}

/// The offers, of those asked for, that bring no new users: paused or ended. What has only versions here is not among them.
///
/// # Errors
/// The database's.
pub async fn resting_offers(
    connection: &mut AsyncPgConnection,
    keys: &BTreeSet<(TenantId, OfferId)>,
) -> QueryResult<BTreeSet<(TenantId, OfferId)>> {
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) =
        keys.iter().map(|(tenant, offer)| (tenant.as_uuid(), offer.as_uuid())).unzip();
    let select = sql_query(
        "SELECT tenant_id, offer_id AS id, fact FROM offers
        JOIN unnest($1, $2) AS wanted (tenant_id, offer_id) USING (tenant_id, offer_id)",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(ids);
    let rows: Vec<FactRow> = kept(select).load(connection).await?;
    let resting = rows.into_iter().filter(|row| {
        let fact = OfferChanged::decode(row.fact.as_slice());
        let is_resting = readable(
            fact,
            |fact| Ok(matches!(fact.status(), OfferStatus::Paused | OfferStatus::Ended)),
            "offer",
            row.id,
        );
        is_resting.unwrap_or_default()
    });
    Ok(resting.map(|row| (TenantId::from_uuid(row.tenant_id), OfferId::from_uuid(row.id))).collect())
}

/// A row that can not be read is reported and left out, as if it had not arrived: one bad row must not stop every
/// batch. Facts are read before they are saved, so this takes a bug or a hand in the database.
fn readable<M, T>(
    decoded: Result<M, prost::DecodeError>,
    read: impl FnOnce(M) -> Result<T, contracts::ContractError>,
    kind: &str,
    id: Uuid,
) -> Option<T> {
    match decoded
        .map_err(|error| telemetry::chain(&error))
        .and_then(|message| read(message).map_err(|error| telemetry::chain(&error)))
    {
        Ok(value) => Some(value),
        Err(error) => {
            tracing::error!(kind, %id, error, "a row of the read model can not be read; run `offer-catalog republish`");
            None
        }
    }
}
