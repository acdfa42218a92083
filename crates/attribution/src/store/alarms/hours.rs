//! The look-out's turn, and hours as they stood when they were over.

use chrono::{DateTime, Utc};
use diesel::{
    OptionalExtension as _, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::{OfferId, TenantId, Timestamp};
use postgres_kit::kept;
use uuid::Uuid;

use crate::domain::alarms::{HISTORY_DAYS, Past, Recent, Subject, Tally};
use crate::store::moment::to_sql;

/// A turn that was taken; its row is locked until the transaction ends.
#[derive(Debug, Clone, Copy, QueryableByName)]
pub struct Turn {
    /// The database's time.
    #[diesel(sql_type = Timestamptz)]
    pub now: DateTime<Utc>,
    /// Hours before this one were counted.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub counted_until: Option<DateTime<Utc>>,
}

/// Takes a turn; none while somebody else looks, or has within the period.
///
/// # Errors
/// The database's.
pub async fn take_turn(connection: &mut AsyncPgConnection, period_ms: i32) -> QueryResult<Option<Turn>> {
    let take = sql_query(
        "UPDATE alarm_watch SET looked_at = clock_timestamp()
        FROM (SELECT is_the_one FROM alarm_watch
            WHERE looked_at <= clock_timestamp() - $1 * interval '1 millisecond' FOR UPDATE SKIP LOCKED) AS free
        WHERE alarm_watch.is_the_one = free.is_the_one
        RETURNING looked_at AS now, counted_until",
    )
    .bind::<Integer, _>(period_ms);
    kept(take).get_result(connection).await.optional()
}

/// Sums by kind of codes, of rows that have `code` and `postbacks`. The lists of codes are those of `AlarmKind::codes`; a test
/// says so.
macro_rules! tallies {
    () => {
        "sum(postbacks)::bigint AS postbacks,
        coalesce(sum(postbacks) FILTER (WHERE code IN ('UNMAPPED_EVENT')), 0)::bigint AS unmapped,
        coalesce(sum(postbacks) FILTER (WHERE code IN ('WAITING_SEQUENCE', 'REJECTED_SEQUENCE', 'REJECTED_TOO_FAST')), 0)::bigint
            AS out_of_order,
        coalesce(sum(postbacks) FILTER (WHERE code IN ('DUPLICATE', 'CONFLICT')), 0)::bigint AS duplicate,
        coalesce(sum(postbacks) FILTER (WHERE code IN ('UNATTRIBUTED_PRIVACY')), 0)::bigint AS privacy"
    };
}

/// Rollups with what is not folded yet, tenant by tenant through their keys, of the hours `[$1, $2)`.
macro_rules! counted {
    () => {
        "tenants CROSS JOIN LATERAL (
            SELECT hour, offer_id, event_id, code, postbacks FROM rollups
            WHERE rollups.tenant_id = tenants.tenant_id AND hour >= $1 AND hour < $2
            UNION ALL
            SELECT hour, offer_id, event_id, code, postbacks FROM rollup_deltas
            WHERE rollup_deltas.tenant_id = tenants.tenant_id AND hour >= $1 AND hour < $2
        ) AS counted"
    };
}

/// An event is a thing with a name, of an offer that is known; and its Event ID in the whole tenant, whatever the offer.
macro_rules! subjects {
    () => {
        "event_id <> '' GROUP BY GROUPING SETS ((tenant_id, hour, offer_id, event_id), (tenant_id, hour, event_id))
        HAVING sum(postbacks) > 0
            AND (grouping(offer_id) = 1 OR offer_id <> '00000000-0000-0000-0000-000000000000')"
    };
}

/// Keeps the hours of `[from, until)` as they stand now; one that is kept already stays as it was.
///
/// # Errors
/// The database's.
pub async fn keep_hours(
    connection: &mut AsyncPgConnection,
    from: Timestamp,
    until: Timestamp,
) -> QueryResult<()> {
    let keep = sql_query(concat!(
        "INSERT INTO alarm_hours
            (tenant_id, hour, offer_id, event_id, postbacks, unmapped, out_of_order, duplicate, privacy)
        SELECT tenant_id, hour, coalesce(offer_id, '00000000-0000-0000-0000-000000000000'), event_id, ",
        tallies!(),
        " FROM ",
        counted!(),
        " WHERE ",
        subjects!(),
        " ON CONFLICT DO NOTHING"
    ))
    .bind::<Timestamptz, _>(to_sql(from))
    .bind::<Timestamptz, _>(to_sql(until));
    kept(keep).execute(connection).await?;
    let note = sql_query("UPDATE alarm_watch SET counted_until = $1").bind::<Timestamptz, _>(to_sql(until));
    kept(note).execute(connection).await.map(drop)
}

#[derive(QueryableByName)]
#[expect(clippy::struct_field_names, reason = "they are the table's columns")]
pub(super) struct SubjectRow {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    offer_id: Uuid,
    #[diesel(sql_type = Text)]
    event_id: String,
}

impl From<SubjectRow> for Subject {
    fn from(row: SubjectRow) -> Self {
        Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            offer: (!row.offer_id.is_nil()).then(|| OfferId::from_uuid(row.offer_id)),
            event_id: row.event_id,
        }
    }
}

#[derive(QueryableByName)]
struct TallyRow {
    #[diesel(sql_type = BigInt)]
    postbacks: i64,
    #[diesel(sql_type = BigInt)]
    unmapped: i64,
    #[diesel(sql_type = BigInt)]
    out_of_order: i64,
    #[diesel(sql_type = BigInt)]
    duplicate: i64,
    #[diesel(sql_type = BigInt)]
    privacy: i64,
}

impl From<TallyRow> for Tally {
    fn from(row: TallyRow) -> Self {
        Self {
            postbacks: row.postbacks,
            unmapped: row.unmapped,
            out_of_order: row.out_of_order,
            duplicate: row.duplicate,
            privacy: row.privacy,
        }
    }
}

/// Which pasts are worth a look.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Hours from then on.
    pub from: Timestamp,
    /// What is usual: from then on,
    pub usual_from: Timestamp,
    /// and before then.
    pub usual_until: Timestamp,
    /// With at least so many postbacks.
    pub postbacks_min: i64,
    /// At most so many, those with the most postbacks.
    pub limit: i64,
}

/// The pasts of events. Reads all hours that are kept: once an hour is enough.
///
/// # Errors
/// The database's.
pub async fn pasts(connection: &mut AsyncPgConnection, wanted: Wanted) -> QueryResult<Vec<(Subject, Past)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        subject: SubjectRow,
        #[diesel(embed)]
        usual: TallyRow,
        #[diesel(sql_type = Array<BigInt>)]
        hours: Vec<i64>,
        #[diesel(sql_type = Array<BigInt>)]
        counts: Vec<i64>,
    }
    let read = sql_query(
        "SELECT tenant_id, offer_id, event_id,
            array_agg((extract(epoch FROM hour) / 3600)::bigint ORDER BY hour) AS hours,
            array_agg(postbacks ORDER BY hour) AS counts,
            coalesce(sum(postbacks) FILTER (WHERE hour >= $2 AND hour < $3), 0)::bigint AS postbacks,
            coalesce(sum(unmapped) FILTER (WHERE hour >= $2 AND hour < $3), 0)::bigint AS unmapped,
            coalesce(sum(out_of_order) FILTER (WHERE hour >= $2 AND hour < $3), 0)::bigint AS out_of_order,
            coalesce(sum(duplicate) FILTER (WHERE hour >= $2 AND hour < $3), 0)::bigint AS duplicate,
            coalesce(sum(privacy) FILTER (WHERE hour >= $2 AND hour < $3), 0)::bigint AS privacy
        FROM alarm_hours WHERE hour >= $1
        GROUP BY tenant_id, offer_id, event_id HAVING sum(alarm_hours.postbacks) >= $4
        ORDER BY sum(alarm_hours.postbacks) DESC, tenant_id, offer_id, event_id LIMIT $5",
    )
    .bind::<Timestamptz, _>(to_sql(wanted.from))
    .bind::<Timestamptz, _>(to_sql(wanted.usual_from))
    .bind::<Timestamptz, _>(to_sql(wanted.usual_until))
    .bind::<BigInt, _>(wanted.postbacks_min)
    .bind::<BigInt, _>(wanted.limit);
    let rows: Vec<Row> = read.load(connection).await?;
    let past = |row: Row| {
        let hours = row.hours.into_iter().zip(row.counts).collect();
        (Subject::from(row.subject), Past { hours, usual: row.usual.into() })
    };
    Ok(rows.into_iter().map(past).collect())
}

/// What came in the hours of `[from, until)`, exactly, of every event.
///
/// # Errors
/// The database's.
pub async fn recent(
    connection: &mut AsyncPgConnection,
    from: Timestamp,
    until: Timestamp,
) -> QueryResult<Vec<(Subject, Recent)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(embed)]
        subject: SubjectRow,
        #[diesel(embed)]
        tally: TallyRow,
        #[diesel(sql_type = BigInt)]
        last: i64,
    }
    let read = sql_query(concat!(
        "SELECT tenant_id, offer_id, event_id, (extract(epoch FROM max(hour)) / 3600)::bigint AS last,
            sum(postbacks)::bigint AS postbacks, sum(unmapped)::bigint AS unmapped,
            sum(out_of_order)::bigint AS out_of_order, sum(duplicate)::bigint AS duplicate, sum(privacy)::bigint AS privacy
        FROM (
            SELECT tenant_id, hour, coalesce(offer_id, '00000000-0000-0000-0000-000000000000') AS offer_id, event_id, ",
        tallies!(),
        " FROM ",
        counted!(),
        " WHERE ",
        subjects!(),
        ") AS hours GROUP BY tenant_id, offer_id, event_id"
    ))
    .bind::<Timestamptz, _>(to_sql(from))
    .bind::<Timestamptz, _>(to_sql(until));
    let rows: Vec<Row> = kept(read).load(connection).await?;
    let read = |row: Row| (row.subject.into(), Recent { last: Some(row.last), tally: row.tally.into() });
    Ok(rows.into_iter().map(read).collect())
}

/// Forgets hours that are too old to say anything, and alarms that have been over for so many days.
///
/// # Errors
/// The database's.
pub async fn forget(connection: &mut AsyncPgConnection, cleared_days: i32) -> QueryResult<()> {
    let hours = sql_query("DELETE FROM alarm_hours WHERE hour < now() - make_interval(days => $1)")
        .bind::<Integer, _>(i32::try_from(HISTORY_DAYS).unwrap_or(i32::MAX));
    kept(hours).execute(connection).await?;
    let alarms = sql_query("DELETE FROM alarms WHERE cleared_at < now() - make_interval(days => $1)")
        .bind::<Integer, _>(cleared_days);
    kept(alarms).execute(connection).await.map(drop)
}

#[cfg(test)]
mod tests {
    use crate::domain::alarms::AlarmKind;

    #[test]
    fn the_statements_count_the_codes_of_the_kinds() {
        for kind in AlarmKind::SHARES {
            let quoted: Vec<String> = kind.codes().iter().map(|code| format!("'{code}'")).collect();
            let list = format!("code IN ({})", quoted.join(", "));
            assert!(tallies!().contains(&list), "{list}");
        }
    }
}
