//! What is to be told and ends without another attempt: its endpoint is switched off, or has not been there for as long as a whole
//! schedule takes.

use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Double, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use postgres_kit::kept;
use telemetry::TraceContext;

use super::{
    column::column,
    deliveries::{End, Ended, EndedRow, EndpointKey},
};

/// Why deliveries end without another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Their endpoint is switched off: what is due is stopped.
    SwitchedOff,
    /// Their endpoint is left alone, and they have been due for so many seconds: they are exhausted.
    LeftAlone(u32),
}

impl Why {
    const fn end(self) -> End {
        match self {
            Self::SwitchedOff => End::Stopped,
            Self::LeftAlone(_) => End::Exhausted,
        }
    }

    fn due_for_seconds(self) -> f64 {
        match self {
            Self::SwitchedOff => 0.0,
            Self::LeftAlone(seconds) => f64::from(seconds),
        }
    }
}

/// Ends up to so many deliveries of these endpoints that are due, the longest due ones first, and returns each with its trace. No
/// attempt was made, so none is counted. That an earlier one was answered 410 is not why one is stopped.
///
/// # Errors
/// diesel's, when the statement fails.
pub async fn end(
    mut connection: &AsyncPgConnection,
    endpoints: &[EndpointKey],
    why: Why,
    limit: u16,
) -> QueryResult<Vec<(Ended, TraceContext)>> {
    let update = sql_query(
        "WITH waiting AS MATERIALIZED (
            SELECT due.tenant_id, due.delivery_id
            FROM unnest($1, $2) AS off (tenant_id, endpoint_id)
            CROSS JOIN LATERAL (
                SELECT deliveries.tenant_id, delivery_id FROM deliveries
                WHERE deliveries.tenant_id = off.tenant_id AND deliveries.endpoint_id = off.endpoint_id
                    AND state = 'waiting' AND due_at <= now() - make_interval(secs => $5)
                    AND coalesce(leased_until, '-infinity') <= now()
                ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
            ) AS due
            LIMIT $3
        ), over AS (
            UPDATE deliveries SET state = $4, due_at = NULL, lease = NULL, leased_until = NULL, ended_at = now(),
                ends = ends + 1, last_http_status = CASE WHEN $4 = 'stopped' THEN nullif(last_http_status, 410) ELSE last_http_status END
            FROM waiting
            WHERE deliveries.tenant_id = waiting.tenant_id AND deliveries.delivery_id = waiting.delivery_id
            RETURNING deliveries.*
        )
        SELECT tenant_id, delivery_id, conversion_id, over.status_revision, endpoint_id, over.publisher_id, state, attempts,
            ends, last_http_status, superseded_by, conversions.traceparent, conversions.tracestate
        FROM over JOIN conversions USING (tenant_id, conversion_id)",
    )
    .bind::<Array<SqlUuid>, _>(column(endpoints, |(tenant, _)| tenant.as_uuid()))
    .bind::<Array<SqlUuid>, _>(column(endpoints, |(_, endpoint)| endpoint.as_uuid()))
    .bind::<BigInt, _>(i64::from(limit))
    .bind::<Text, _>(why.end().word())
    .bind::<Double, _>(why.due_for_seconds());
    let rows: Vec<Row> = kept(update).load(&mut connection).await?;
    rows.into_iter().map(Row::read).collect()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(embed)]
    ended: EndedRow,
    #[diesel(sql_type = Text)]
    traceparent: String,
    #[diesel(sql_type = Text)]
    tracestate: String,
}

impl Row {
    fn read(self) -> QueryResult<(Ended, TraceContext)> {
        let trace = TraceContext { traceparent: self.traceparent, tracestate: self.tracestate };
        Ok((Ended::try_from(self.ended)?, trace))
    }
}
