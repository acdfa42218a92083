//! An order is written down.

use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, sql_query,
    sql_types::{Array, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, OfferId, PublisherId, TenantId, Timestamp, TokenId};
use postgres_kit::kept;
use uuid::Uuid;

use crate::{domain::Code, store::moment::to_sql};

/// Postbacks of an offer and a period of receipt.
#[derive(Debug, Clone)]
pub struct Period {
    /// The offer.
    pub offer: OfferId,
    /// From then on.
    pub from: Timestamp,
    /// Until before then.
    pub until: Timestamp,
    /// Of this publisher only.
    pub publisher: Option<PublisherId>,
    /// Reported with this Event ID only.
    pub event_id: Option<String>,
    /// Decided so only.
    pub code: Option<Code>,
}

/// Which journeys.
#[derive(Debug, Clone)]
pub enum Selection {
    /// Those of which any postback is in it.
    Period(Period),
    /// These; of that offer only, when one is said.
    Clicks(Vec<ClickId>, Option<OfferId>),
}

/// An order.
#[derive(Debug, Clone)]
pub struct NewReplay {
    /// Whose.
    pub tenant: TenantId,
    /// Its id.
    pub id: Uuid,
    /// Who orders it.
    pub token: TokenId,
    /// Writes nothing but its report.
    pub dry_run: bool,
    /// `recorded`, `newest`, `version` or `draft`.
    pub terms: &'static str,
    /// The version that is meant.
    pub version: Option<i32>,
    /// The draft, as its fact.
    pub draft: Option<Vec<u8>>,
    /// Which journeys.
    pub selection: Selection,
}

/// Writes it down: from now on it is worked on.
///
/// # Errors
/// The database's.
pub async fn order(connection: &mut AsyncPgConnection, new: &NewReplay) -> QueryResult<()> {
    let (period, clicks, offer) = match &new.selection {
        Selection::Period(period) => (Some(period), None, Some(period.offer)),
        Selection::Clicks(clicks, offer) => {
            (None, Some(clicks.iter().map(|click| click.as_uuid()).collect::<Vec<Uuid>>()), *offer)
        }
    };
    let time =
        |of: fn(&Period) -> Timestamp| -> Option<DateTime<Utc>> { period.map(|period| to_sql(of(period))) };
    let insert = sql_query(
        "INSERT INTO replays (tenant_id, replay_id, token_id, dry_run, terms, version, draft, offer_id, publisher_id,
            event_id, code, received_from, received_until, clicks)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind::<SqlUuid, _>(new.tenant.as_uuid())
    .bind::<SqlUuid, _>(new.id)
    .bind::<SqlUuid, _>(new.token.as_uuid())
    .bind::<Bool, _>(new.dry_run)
    .bind::<Text, _>(new.terms)
    .bind::<Nullable<Integer>, _>(new.version)
    .bind::<Nullable<Binary>, _>(new.draft.as_deref())
    .bind::<Nullable<SqlUuid>, _>(offer.map(OfferId::as_uuid))
    .bind::<Nullable<SqlUuid>, _>(period.and_then(|period| period.publisher).map(PublisherId::as_uuid))
    .bind::<Nullable<Text>, _>(period.and_then(|period| period.event_id.as_deref()))
    .bind::<Nullable<Text>, _>(period.and_then(|period| period.code).map(Code::as_str))
    .bind::<Nullable<Timestamptz>, _>(time(|period| period.from))
    .bind::<Nullable<Timestamptz>, _>(time(|period| period.until))
    .bind::<Nullable<Array<SqlUuid>>, _>(clicks);
    kept(insert).execute(connection).await.map(drop)
}
