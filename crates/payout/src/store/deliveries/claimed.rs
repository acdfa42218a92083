//! What an attempt needs: what is told, by whom it came, how and where.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ConversionId, DeliveryId, EndpointId, Micros, Money, PublisherId, TenantId};
use postgres_kit::kept;
use telemetry::TraceContext;
use uuid::Uuid;

use super::{
    EndpointKey,
    claim::Leased,
    target::{Target, TargetRow},
};
use crate::{
    domain::standing::Told,
    store::{
        column::{currency_from_sql, revision_from_sql},
        words,
    },
};

/// Everything needed to tell one status to one endpoint.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: DeliveryId,
    /// Of which conversion.
    pub conversion: ConversionId,
    /// At which status revision.
    pub revision: u64,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Of which publisher.
    pub publisher: PublisherId,
    /// What is told.
    pub told: Told,
    /// Attempts before this one.
    pub attempts: u16,
    /// Of these, attempts of schedules that are over: a replay begins a new one.
    pub attempts_before: u16,
    /// How often its endpoint had started afresh by now.
    pub starts: i64,
    /// What the conversion's reason was at that revision.
    pub reason: String,
    /// What the publisher earned at that revision.
    pub payout: Option<Money>,
    /// Points for the publisher's user.
    pub reward_points: i64,
    /// The encoded verdict.
    pub verdict: Vec<u8>,
    /// The trace of the postback behind it.
    pub trace: TraceContext,
    /// How and where.
    pub target: Target,
}

/// A claimed delivery whose rows this release can not read. Its attempt has failed before it began.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: DeliveryId,
    /// To which endpoint.
    pub endpoint: EndpointId,
    /// Of which publisher.
    pub publisher: PublisherId,
    /// Attempts before this one.
    pub attempts: u16,
    /// Of these, attempts of schedules that are over.
    pub attempts_before: u16,
    /// How often its endpoint had started afresh by now.
    pub starts: i64,
    /// Which column, and what it holds.
    pub why: String,
    /// The trace of the postback behind it.
    pub trace: TraceContext,
}

/// Everything that attempts at these need. What can not be read is handed out as such, or one such row would stop everybody's.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn claimed(
    connection: &AsyncPgConnection,
    leased: Vec<Leased>,
) -> QueryResult<Vec<Result<Claimed, Box<Unreadable>>>> {
    let keys: BTreeSet<EndpointKey> = leased.iter().map(|leased| leased.whose().1).collect();
    let endpoints = endpoints(connection, &keys).await?;
    let claimed = leased.into_iter().filter_map(|leased| {
        let endpoint = endpoints.get(&leased.whose().1)?;
        Some(leased.read(endpoint))
    });
    Ok(claimed.collect())
}

async fn endpoints(
    mut connection: &AsyncPgConnection,
    keys: &BTreeSet<EndpointKey>,
) -> QueryResult<BTreeMap<EndpointKey, EndpointRow>> {
    let (tenants, ids): (Vec<Uuid>, Vec<Uuid>) =
        keys.iter().map(|(tenant, endpoint)| (tenant.as_uuid(), endpoint.as_uuid())).unzip();
    let select = sql_query(
        "SELECT endpoints.tenant_id, endpoints.endpoint_id, active, method, url_template, signing_secret,
            CASE WHEN old_secret_until > now() THEN old_signing_secret END AS old_signing_secret,
            custom_header_name, custom_header_value, coalesce(conditions.starts, 0) AS starts
        FROM unnest($1, $2) AS wanted (tenant_id, endpoint_id)
        JOIN postback_endpoints AS endpoints USING (tenant_id, endpoint_id)
        LEFT JOIN endpoint_conditions AS conditions USING (tenant_id, endpoint_id)",
    )
    .bind::<Array<SqlUuid>, _>(tenants)
    .bind::<Array<SqlUuid>, _>(ids);
    let rows: Vec<EndpointRow> = kept(select).load(&mut connection).await?;
    let key =
        |row: &EndpointRow| (TenantId::from_uuid(row.tenant_id), EndpointId::from_uuid(row.endpoint_id));
    Ok(rows.into_iter().map(|row| (key(&row), row)).collect())
}

#[derive(QueryableByName)]
struct EndpointRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    #[diesel(embed)]
    target: TargetRow,
    #[diesel(sql_type = BigInt)]
    starts: i64,
}

impl Leased {
    fn read(self, endpoint: &EndpointRow) -> Result<Claimed, Box<Unreadable>> {
        let mut unreadable = Box::new(Unreadable {
            tenant: TenantId::from_uuid(self.tenant_id),
            id: DeliveryId::from_uuid(self.delivery_id),
            endpoint: EndpointId::from_uuid(self.endpoint_id),
            publisher: PublisherId::from_uuid(self.publisher_id),
            attempts: u16::try_from(self.attempts).unwrap_or(u16::MAX),
            attempts_before: u16::try_from(self.attempts_before).unwrap_or(u16::MAX),
            starts: endpoint.starts,
            why: String::new(),
            trace: TraceContext {
                traceparent: self.traceparent.clone(),
                tracestate: self.tracestate.clone(),
            },
        });
        self.claimed(endpoint).map_err(|error| {
            unreadable.why = error.to_string();
            unreadable
        })
    }

    fn claimed(self, endpoint: &EndpointRow) -> QueryResult<Claimed> {
        let payout = match (self.payout_micros, &self.currency) {
            (Some(micros), Some(code)) => Some(Money::new(Micros(micros), currency_from_sql(code)?)),
            (None, _) | (_, None) => None,
        };
        Ok(Claimed {
            tenant: TenantId::from_uuid(self.tenant_id),
            id: DeliveryId::from_uuid(self.delivery_id),
            conversion: ConversionId::from_uuid(self.conversion_id),
            revision: revision_from_sql(self.status_revision),
            endpoint: EndpointId::from_uuid(self.endpoint_id),
            publisher: PublisherId::from_uuid(self.publisher_id),
            told: words::read_told(&self.told)?,
            attempts: u16::try_from(self.attempts).unwrap_or(u16::MAX),
            attempts_before: u16::try_from(self.attempts_before).unwrap_or(u16::MAX),
            starts: endpoint.starts,
            reason: self.reason,
            payout,
            reward_points: self.reward_points,
            verdict: self.verdict,
            trace: TraceContext { traceparent: self.traceparent, tracestate: self.tracestate },
            target: endpoint.target.read()?,
        })
    }
}
