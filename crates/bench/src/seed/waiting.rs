//! Pending holds and waiting retries by the million: rows that payout wrote itself, copied by COPY in its database. Every
//! copy has ids and times of its own.

use std::pin::pin;

use anyhow::{Context as _, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_postgres::Client;

use crate::database;

/// What became of copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// Their pending time goes on, and each has a retry that is due later.
    Yes,
    /// They are released and told: the same rows without anything that waits.
    No,
}

/// How a column is copied: as an SQL expression of `one`, the row that is copied, of `nth`, and of `place`, the endpoint.
type Column<'a> = (&'a str, &'a str);

/// Makes `copies` of the one Pending conversion, with its history and its ledger rows, and as many deliveries with their last
/// attempt, of all endpoints in turn.
///
/// # Errors
/// The server's; when there is no Pending conversion, or no delivery that was tried.
pub async fn copy_waiting(url: &str, copies: u64, waits: Waits) -> anyhow::Result<()> {
    let (from, into) = (database::connect(url).await?, database::connect(url).await?);
    from.batch_execute(
        "CREATE TABLE bench_places AS
            SELECT tenant_id, endpoint_id, publisher_id, row_number() OVER (ORDER BY endpoint_id) - 1 AS place
            FROM postback_endpoints;
        CREATE TABLE bench_conversion AS
            SELECT * FROM conversions WHERE status = 'pending' ORDER BY conversion_id LIMIT 1;
        CREATE TABLE bench_delivery AS
            SELECT deliveries.* FROM deliveries JOIN delivery_attempts USING (tenant_id, delivery_id)
            ORDER BY delivery_id LIMIT 1;
        CREATE TABLE bench_history AS
            SELECT * FROM conversion_history WHERE conversion_id IN (SELECT conversion_id FROM bench_conversion);
        CREATE TABLE bench_transfers AS
            SELECT * FROM ledger_transfers WHERE conversion_id IN (SELECT conversion_id FROM bench_conversion);
        CREATE TABLE bench_attempt AS
            SELECT * FROM delivery_attempts WHERE delivery_id IN (SELECT delivery_id FROM bench_delivery);
        -- The same name makes the same id in every table, spread as evenly as payout's own.
        CREATE FUNCTION bench_name(what text, nth bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
            SELECT md5(what || '.' || nth)::uuid
        $$",
    )
    .await?;
    for table in ["bench_conversion", "bench_delivery"] {
        let found = database::count(&from, &format!("SELECT count(*) FROM {table}")).await?;
        ensure!(found == 1, "nothing to copy in {table}");
    }

    let waiting = waits == Waits::Yes;
    let (status, books) = if waiting { ("'pending'", "'reserved'") } else { ("'success'", "'posted'") };
    let conversion: &[Column<'_>] = &[
        ("conversion_id", "bench_name('conversion', nth)"),
        ("gk_click_id", "bench_name('click', nth)"),
        ("publisher_id", "place.publisher_id"),
        ("received_at", "one.received_at - interval '1 hour' - nth * interval '1 millisecond'"),
        ("hold_ends_at", "now() + interval '1 day' + (nth::bigint * 7919 % 2592000) * interval '1 second'"),
        ("status", status),
        ("books", books),
    ];
    let of_conversion: &[Column<'_>] = &[("conversion_id", "bench_name('conversion', nth)")];
    let transfer: &[Column<'_>] = &[
        ("conversion_id", "bench_name('conversion', nth)"),
        ("transfer_id", "bench_name(one.transfer_id::text, nth)"),
        ("kind", if waiting { "one.kind" } else { "'posted'" }),
    ];
    let delivery: &[Column<'_>] = &[
        ("delivery_id", "bench_name('delivery', nth)"),
        ("conversion_id", "bench_name('conversion', nth)"),
        ("endpoint_id", "place.endpoint_id"),
        ("publisher_id", "place.publisher_id"),
        ("state", if waiting { "'waiting'" } else { "'delivered'" }),
        ("attempts", if waiting { "3" } else { "1" }),
        ("ends", if waiting { "0" } else { "1" }),
        ("last_http_status", if waiting { "503" } else { "200" }),
        // Within a day, as the schedule's later attempts are.
        (
            "due_at",
            if waiting { "now() + interval '2 hours' + (nth % 79200) * interval '1 second'" } else { "NULL" },
        ),
        ("ended_at", if waiting { "NULL" } else { "one.ended_at" }),
    ];
    let attempt: &[Column<'_>] = &[
        ("delivery_id", "bench_name('delivery', nth)"),
        ("endpoint_id", "place.endpoint_id"),
        ("number", if waiting { "3" } else { "1" }),
        ("http_status", if waiting { "503" } else { "200" }),
    ];
    let tables = [
        ("conversions", "bench_conversion", conversion),
        ("conversion_history", "bench_history", of_conversion),
        ("ledger_transfers", "bench_transfers", transfer),
        ("deliveries", "bench_delivery", delivery),
        ("delivery_attempts", "bench_attempt", attempt),
    ];
    for (table, original, columns) in tables {
        copy(&from, &into, copies, (table, original), columns)
            .await
            .with_context(|| format!("copying rows of {table}"))?;
    }
    from.batch_execute(
        "DROP TABLE bench_places, bench_conversion, bench_delivery, bench_history, bench_transfers, bench_attempt;
        DROP FUNCTION bench_name",
    )
    .await?;
    Ok(())
}

/// Out of one connection into the other, in PostgreSQL's binary format.
async fn copy(
    from: &Client,
    into: &Client,
    copies: u64,
    (table, original): (&str, &str),
    columns: &[Column<'_>],
) -> anyhow::Result<()> {
    let query = "SELECT quote_ident(column_name), column_name::text, udt_name::text FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position";
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for row in from.query(query, &[&table]).await? {
        let (quoted, name, kind): (String, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let value = columns
            .iter()
            .find(|(column, _)| *column == name)
            .map_or_else(|| format!("one.{quoted}"), |(_, value)| format!("({value})::{kind}"));
        names.push(quoted);
        values.push(value);
    }
    let out = format!(
        "COPY (SELECT {} FROM generate_series(1, {copies}) AS nth
            JOIN bench_places AS place ON place.place = nth % (SELECT count(*) FROM bench_places)
            CROSS JOIN {original} AS one) TO STDOUT (FORMAT binary)",
        values.join(", ")
    );
    let mut rows = pin!(from.copy_out(&out).await?);
    let take = format!("COPY {table} ({}) FROM STDIN (FORMAT binary)", names.join(", "));
    let mut sink = pin!(into.copy_in(&take).await?);
    while let Some(part) = rows.next().await {
        sink.feed(part?).await?;
    }
    sink.finish().await?;
    Ok(())
}
