//! Every row a flow wrote, inserted again bare: no broker, no decisions, no reads, no locks, no updates.
//!
//! A recording run (not measured) has a trigger on every table that keeps each written row with its transaction. The dump
//! holds every row once, in its last state, in the transaction that wrote that state; an outbox row, too, although the flow
//! deletes it again. The replay inserts them into empty tables `LIKE … INCLUDING ALL`: same columns, same indexes, same
//! checks, same database, the same rows in the same transactions, one `INSERT … SELECT FROM unnest(…)` a table and
//! transaction, values in PostgreSQL's binary format as they were dumped, one connection, prepared statements. Foreign
//! keys, triggers and partitions are left out: all of that only makes the replay faster.

use std::{
    collections::BTreeMap,
    error::Error,
    time::{Duration, Instant},
};

use anyhow::Context;
use bytes::BytesMut;
use tokio_postgres::{
    Client, Statement,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::machine::{CpuMeter, CpuUse};

/// Every row of a flow, by transaction.
#[derive(Debug, Default)]
pub struct Recording {
    tables: Vec<Table>,
    /// In the order in which they began: for each, the tables it wrote.
    transactions: Vec<Vec<Write>>,
    /// Rows of all transactions.
    pub rows: u64,
}

#[derive(Debug)]
struct Table {
    name: String,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: String,
    sql_type: String,
    /// Arrays of arrays would be flattened: such a column travels as text.
    is_array: bool,
}

/// Rows for one table, a binary array for each column.
#[derive(Debug)]
struct Write {
    table: usize,
    columns: Vec<Raw>,
}

/// A value in PostgreSQL's binary format, whatever its type.
#[derive(Debug, Clone)]
struct Raw(Vec<u8>);

/// Starts recording in the database of `admin`.
///
/// # Errors
/// The server's.
pub async fn record(admin: &Client) -> anyhow::Result<()> {
    admin.batch_execute("CREATE SCHEMA bench_recorded; CREATE SEQUENCE bench_recorded.written").await?;
    for table in tables(admin).await? {
        let name = &table.name;
        let columns = table.list(|column| column.name.clone());
        let new = table.list(|column| format!("NEW.{}", column.name));
        admin
            .batch_execute(&format!(
                "CREATE TABLE bench_recorded.{name} AS
                    SELECT 0::bigint AS bench_order, 0::bigint AS bench_transaction, {columns}
                    FROM public.{name} WITH NO DATA;
                CREATE FUNCTION bench_recorded.keep_{name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
                BEGIN
                    INSERT INTO bench_recorded.{name}
                    SELECT nextval('bench_recorded.written'), txid_current(), {new};
                    RETURN NULL;
                END $$;
                CREATE TRIGGER bench_keep AFTER INSERT OR UPDATE ON public.{name}
                    FOR EACH ROW EXECUTE FUNCTION bench_recorded.keep_{name}()"
            ))
            .await
            .with_context(|| format!("recording {name}"))?;
    }
    Ok(())
}

impl Recording {
    /// Reads what was recorded in the database of `admin`.
    ///
    /// # Errors
    /// The server's.
    pub async fn dump(admin: &Client) -> anyhow::Result<Self> {
        let tables = tables(admin).await?;
        let mut recording = Self::default();
        let mut transactions: BTreeMap<i64, Vec<Write>> = BTreeMap::new();
        for (position, table) in tables.iter().enumerate() {
            let query = format!(
                "SELECT bench_transaction, count(*), {} FROM (
                    SELECT DISTINCT ON ({key}) * FROM bench_recorded.{name} ORDER BY {key}, bench_order DESC
                ) AS last GROUP BY bench_transaction",
                table.list(|column| {
                    let as_text = if column.is_array { "::text" } else { "" };
                    format!("array_agg({}{as_text} ORDER BY bench_order)", column.name)
                }),
                key = primary_key(admin, &table.name).await?,
                name = table.name,
            );
            for row in admin.query(&query, &[]).await.with_context(|| format!("dumping {}", table.name))? {
                let (transaction, rows): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
                let columns =
                    (2..row.len()).map(|at| row.try_get::<_, Raw>(at)).collect::<Result<Vec<_>, _>>()?;
                recording.rows += u64::try_from(rows)?;
                transactions.entry(transaction).or_default().push(Write { table: position, columns });
            }
        }
        recording.tables = tables;
        recording.transactions = transactions.into_values().collect();
        Ok(recording)
    }

    /// What is in it, for people.
    pub fn words(&self, events: u64) -> String {
        format!(
            "{:.1} rows an event in {} transactions ({})",
            self.rows as f64 / events as f64,
            self.transactions.len(),
            self.rows_by_table()
        )
    }

    fn rows_by_table(&self) -> String {
        let mut written: Vec<&str> = self
            .transactions
            .iter()
            .flatten()
            .filter_map(|write| self.tables.get(write.table))
            .map(|table| table.name.as_str())
            .collect();
        written.sort_unstable();
        written.dedup();
        written.join(", ")
    }
}

/// Inserts all of it into empty copies of the tables, and says how long that took and what it cost.
///
/// # Errors
/// The server's.
pub async fn replay(
    admin: &Client,
    recording: &Recording,
    meter: &CpuMeter,
) -> anyhow::Result<(Duration, CpuUse)> {
    admin.batch_execute("DROP SCHEMA IF EXISTS bench_bare CASCADE; CREATE SCHEMA bench_bare").await?;
    let mut statements = Vec::with_capacity(recording.tables.len());
    for table in &recording.tables {
        let name = &table.name;
        admin
            .batch_execute(&format!("CREATE TABLE bench_bare.{name} (LIKE public.{name} INCLUDING ALL)"))
            .await?;
        statements.push(table.insert(admin).await?);
    }
    admin.batch_execute("CHECKPOINT").await?;

    let (start, before) = (Instant::now(), meter.read());
    for transaction in &recording.transactions {
        admin.batch_execute("BEGIN").await?;
        for write in transaction {
            let values: Vec<&(dyn ToSql + Sync)> = write.columns.iter().map(|column| column as _).collect();
            if let Some(statement) = statements.get(write.table) {
                admin.execute(statement, &values).await?;
            }
        }
        admin.batch_execute("COMMIT").await?;
    }
    let (wall, cpu) = (start.elapsed(), meter.since(&before));

    let mut found = 0;
    for table in &recording.tables {
        found +=
            crate::database::count(admin, &format!("SELECT count(*) FROM bench_bare.{}", table.name)).await?;
    }
    anyhow::ensure!(found == recording.rows, "{found} rows were inserted instead of {}", recording.rows);
    Ok((wall, cpu))
}

impl Table {
    fn list(&self, word: impl Fn(&Column) -> String) -> String {
        self.columns.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    async fn insert(&self, admin: &Client) -> anyhow::Result<Statement> {
        let parameters = self
            .columns
            .iter()
            .zip(1..)
            .map(|(column, number)| {
                let kind = if column.is_array { "text" } else { &column.sql_type };
                format!("${number}::{kind}[]")
            })
            .collect::<Vec<_>>()
            .join(", ");
        let values = self
            .columns
            .iter()
            .enumerate()
            .map(
                |(at, column)| {
                    if column.is_array { format!("c{at}::{}", column.sql_type) } else { format!("c{at}") }
                },
            )
            .collect::<Vec<_>>()
            .join(", ");
        let names = (0..self.columns.len()).map(|at| format!("c{at}")).collect::<Vec<_>>().join(", ");
        let insert = format!(
            "INSERT INTO bench_bare.{} ({}) OVERRIDING SYSTEM VALUE SELECT {values} FROM unnest({parameters}) AS given ({names})",
            self.name,
            self.list(|column| column.name.clone()),
        );
        admin.prepare(&insert).await.with_context(|| insert)
    }
}

/// The service's tables; a partitioned one is one table. Generated columns are left out.
async fn tables(admin: &Client) -> anyhow::Result<Vec<Table>> {
    let columns = admin
        .query(
            "SELECT c.relname::text, quote_ident(a.attname), format_type(a.atttypid, NULL), t.typcategory = 'A'
            FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
            JOIN pg_type t ON t.oid = a.atttypid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND c.relname NOT LIKE '\\_\\_%'
            ORDER BY c.relname, a.attnum",
            &[],
        )
        .await?;
    let mut tables: Vec<Table> = Vec::new();
    for row in columns {
        let name: String = row.try_get(0)?;
        let column = Column { name: row.try_get(1)?, sql_type: row.try_get(2)?, is_array: row.try_get(3)? };
        match tables.last_mut().filter(|table| table.name == name) {
            Some(table) => table.columns.push(column),
            None => tables.push(Table { name, columns: vec![column] }),
        }
    }
    Ok(tables)
}

async fn primary_key(admin: &Client, table: &str) -> anyhow::Result<String> {
    let row = admin
        .query_one(
            "SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.position)
            FROM pg_index i
            CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE i.indrelid = ('public.' || quote_ident($1))::regclass AND i.indisprimary",
            &[&table],
        )
        .await?;
    row.try_get::<_, Option<String>>(0)?.with_context(|| format!("{table} has no primary key"))
}

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }
}

impl ToSql for Raw {
    fn to_sql(&self, _kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(_kind: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
