//! The conversions of clicks, as far as a decision on one of them needs to know the others.

use contracts::attribution::ConversionVerdict;
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, Binary, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{ClickId, ConversionId, TenantId};
use postgres_kit::kept;
use prost::Message as _;
use uuid::Uuid;

use super::{
    column::{column, unreadable},
    conversions::Key,
    words,
};
use crate::domain::{conversion::Step, standing::Status};

/// Names a journey.
pub type ClickKey = (TenantId, ClickId);

/// A conversion in its journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Which.
    pub key: Key,
    /// Of which click.
    pub click: ClickId,
    /// Where in the sequence.
    pub step: Step,
    /// Where it is.
    pub status: Status,
}

/// Every conversion of these clicks that somebody sees, as it stands.
///
/// # Errors
/// diesel's, when the statement fails or a stored verdict does not decode.
pub async fn of_clicks(connection: &mut AsyncPgConnection, clicks: &[ClickKey]) -> QueryResult<Vec<Placed>> {
    if clicks.is_empty() {
        return Ok(Vec::new());
    }
    let select = sql_query(
        "SELECT tenant_id, conversion_id, gk_click_id, event_id, status, verdict FROM conversions
        JOIN unnest($1, $2) AS wanted (tenant_id, gk_click_id) USING (tenant_id, gk_click_id)
        WHERE status <> 'unreached'",
    )
    .bind::<Array<SqlUuid>, _>(column(clicks, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(clicks, |(_, click)| click.as_uuid()));
    let rows: Vec<Row> = kept(select).load(connection).await?;
    rows.into_iter().map(Row::read).collect()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    conversion_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    gk_click_id: Uuid,
    #[diesel(sql_type = Text)]
    event_id: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Binary)]
    verdict: Vec<u8>,
}

impl Row {
    fn read(self) -> QueryResult<Placed> {
        let verdict = ConversionVerdict::decode(self.verdict.as_slice())
            .map_err(|error| unreadable("verdict", &error.to_string()))?;
        Ok(Placed {
            key: (TenantId::from_uuid(self.tenant_id), ConversionId::from_uuid(self.conversion_id)),
            click: ClickId::from_uuid(self.gk_click_id),
            step: Step { event_id: self.event_id, number: verdict.sequence_number },
            status: words::read_status(&self.status)?,
        })
    }
}
