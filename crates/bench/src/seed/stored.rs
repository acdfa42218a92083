//! A past: rows that a service wrote itself for a few, copied in its database as often as a large past needs. Every copy has
//! ids, keys and times of its own, as if it had been worked off then; what is copied is whatever the service wrote.

use std::pin::pin;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::SinkExt as _;
use kernel::ClickId;
use tokio_postgres::Client;

/// What attribution keeps of a journey.
const TABLES: [&str; 7] =
    ["journeys", "journey_postbacks", "conversions", "first_steps", "postbacks", "decisions", "inbox"];
/// Days of the past over which copies are spread, a partition each.
pub const DAYS: u64 = 10;
const DAY_MILLIS: u64 = 86_400_000;
/// Copies made in one statement.
const AT_ONCE: u64 = 50;
/// Click ids in one part of a COPY.
const PART: usize = 10_000;

/// Where copies lie in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Evenly over [`DAYS`] days that end today.
    Days,
    /// Within minutes before.
    Minutes,
    /// The same, more than a week earlier: whatever waits for its click has waited for long enough.
    LastWeek,
}

impl Spread {
    /// How many milliseconds copy `number`, an SQL expression, lies before what it is a copy of.
    fn shift(self) -> String {
        match self {
            Self::Days => format!("(number % {DAYS}) * {DAY_MILLIS} + number / {DAYS} + 1"),
            Self::Minutes => String::from("number / 1000 + 1"),
            Self::LastWeek => format!("8 * {DAY_MILLIS} + number / 1000 + 1"),
        }
    }
}

/// Copies every journey of attribution's database so many times.
///
/// # Errors
/// The server's.
pub async fn copy_journeys(admin: &Client, copies: u64, spread: Spread) -> anyhow::Result<()> {
    prepare(admin).await?;
    admin
        .batch_execute(&format!(
            "CREATE TABLE bench_copies AS
                SELECT number, NULL::uuid AS new_click, {} AS shift FROM generate_series(1, {copies}) AS number",
            spread.shift()
        ))
        .await?;
    copy(admin, copies, AT_ONCE, "true").await
}

/// Copies the one journey of `original` under each of these click ids, which come in by COPY.
///
/// # Errors
/// The server's.
pub async fn copy_journey(
    admin: &Client,
    original: ClickId,
    clicks: impl ExactSizeIterator<Item = ClickId>,
    spread: Spread,
) -> anyhow::Result<()> {
    prepare(admin).await?;
    admin
        .batch_execute(&format!(
            "CREATE TABLE bench_copies (number bigint, new_click uuid,
                shift bigint GENERATED ALWAYS AS ({}) STORED)",
            spread.shift()
        ))
        .await?;
    let copies = clicks.len() as u64;
    let mut sink = pin!(admin.copy_in("COPY bench_copies (number, new_click) FROM STDIN").await?);
    let mut lines = (1_u64..).zip(clicks).map(|(number, click)| format!("{number}\t{click}\n"));
    loop {
        let part: String = lines.by_ref().take(PART).collect();
        if part.is_empty() {
            break;
        }
        sink.send(Bytes::from(part)).await?;
    }
    sink.finish().await?;
    let of = |column: &str| format!("{column} = '{original}'");
    copy(admin, copies, 50_000, &of("click_id")).await
}

async fn prepare(admin: &Client) -> anyhow::Result<()> {
    admin
        .batch_execute(
            "DROP TABLE IF EXISTS bench_copies;
            -- Keeps an id's place in time, which is what indexes see of it, and makes the rest another's.
            CREATE OR REPLACE FUNCTION bench_copy(id uuid, number bigint, shift bigint) RETURNS uuid
                LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
                SELECT (lpad(to_hex(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint - shift), 12, '0')
                    || substr(md5(id::text || '.' || number), 13))::uuid
            $$",
        )
        .await?;
    let mut days = String::new();
    for back in 2..=DAYS {
        for table in ["postbacks", "decisions"] {
            days.push_str(&format!(
                "SELECT format('CREATE TABLE IF NOT EXISTS {table}_%s PARTITION OF {table} FOR VALUES FROM (%L) TO (%L)',
                    to_char(day, 'YYYYMMDD'), timezone('UTC', day::timestamp), timezone('UTC', (day + 1)::timestamp))
                FROM (SELECT timezone('UTC', now())::date - {back} AS day) AS days UNION ALL "
            ));
        }
    }
    let days = days.trim_end_matches(" UNION ALL ").to_owned();
    for row in admin.query(&days, &[]).await? {
        admin.batch_execute(row.try_get::<_, &str>(0)?).await?;
    }
    Ok(())
}

async fn copy(admin: &Client, copies: u64, at_once: u64, which: &str) -> anyhow::Result<()> {
    let mut inserts = Vec::new();
    for table in TABLES {
        // The receipts of a journey are what its postbacks were claimed under.
        let which = match table {
            "inbox" if which != "true" => {
                format!("fact_id IN (SELECT receipt FROM journey_postbacks WHERE {which})")
            }
            _ => which.to_owned(),
        };
        admin
            .batch_execute(&format!("CREATE TEMP TABLE bench_{table} AS SELECT * FROM {table} WHERE {which}"))
            .await?;
        inserts.push(insert(admin, table).await?);
    }
    let mut from = 1;
    while from <= copies {
        let until = from + at_once;
        let statements: Vec<String> = inserts
            .iter()
            .map(|insert| format!("{insert} WHERE number >= {from} AND number < {until}"))
            .collect();
        admin.batch_execute(&statements.join(";")).await.context("copying journeys")?;
        from = until;
    }
    for table in TABLES {
        admin.batch_execute(&format!("DROP TABLE bench_{table}")).await?;
    }
    admin.batch_execute("DROP TABLE bench_copies").await?;
    Ok(())
}

async fn insert(admin: &Client, table: &str) -> anyhow::Result<String> {
    let query = "SELECT column_name::text, data_type::text FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position";
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for row in admin.query(query, &[&table]).await? {
        let (name, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        values.push(match (name.as_str(), kind.as_str()) {
            ("click_id", _) => String::from("coalesce(new_click, bench_copy(one.click_id, number, shift))"),
            ("receipt" | "fact_id", _) => format!("bench_copy(one.{name}, number, shift)"),
            ("conversion_id", "uuid") => String::from("md5(one.conversion_id::text || '.' || number)::uuid"),
            ("member", "bytea") => String::from("sha256(one.member || number::text::bytea)"),
            ("conversion_id" | "member_id" | "pub_click_id", _) => format!("one.{name} || '.' || number"),
            (_, "timestamp with time zone") => format!("one.{name} - shift * interval '1 millisecond'"),
            _ => format!("one.{name}"),
        });
        names.push(name);
    }
    Ok(format!(
        "INSERT INTO {table} ({}) SELECT {} FROM bench_copies, bench_{table} AS one",
        names.join(", "),
        values.join(", ")
    ))
}
