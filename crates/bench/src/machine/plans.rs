//! What PostgreSQL did for a service: every statement with the plan it really ran by and the pages that this touched, from
//! `auto_explain` in the server's log. So no statement is forgotten, and none is explained with other values than its own.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio_postgres::Client;

use super::cpu::parent_of;

const SETTINGS: [(&str, &str); 6] = [
    ("session_preload_libraries", "auto_explain"),
    ("auto_explain.log_min_duration", "0"),
    ("auto_explain.log_analyze", "on"),
    ("auto_explain.log_buffers", "on"),
    // Reading the clock at every row would be most of what is measured.
    ("auto_explain.log_timing", "off"),
    ("auto_explain.log_format", "json"),
];

/// A statement, in all its runs.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    /// How often it ran.
    pub runs: u64,
    /// Pages of one run, of tables and indexes together: the most.
    pub pages_most: u64,
    /// Pages of all runs.
    pub pages: u64,
    /// How it comes to rows of tables, in words.
    pub ways: BTreeSet<String>,
    /// Tables that it reads whole.
    pub scanned: BTreeSet<String>,
    /// Tables that it touches.
    pub tables: BTreeSet<String>,
}

/// All statements of one database, from now on.
#[derive(Debug)]
pub struct Plans {
    database: String,
    log: String,
    from: i64,
}

impl Plans {
    /// Has sessions explain what they do, those that begin from now on.
    ///
    /// # Errors
    /// The server's; when its log is no file.
    pub async fn watch(admin: &Client) -> anyhow::Result<Self> {
        let backend: i32 = admin.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
        let server = parent_of(u32::try_from(backend)?).context("PostgreSQL is on this machine")?;
        let log =
            std::fs::read_link(format!("/proc/{server}/fd/2")).context("PostgreSQL's standard error")?;
        let log = log.to_str().context("a name of a file")?.to_owned();
        let database: String = admin.query_one("SELECT current_database()::text", &[]).await?.try_get(0)?;
        // What a library brings can only be set when it is there.
        admin.batch_execute("LOAD 'auto_explain'").await?;
        for (name, value) in SETTINGS {
            admin.batch_execute(&format!("ALTER DATABASE \"{database}\" SET {name} = '{value}'")).await?;
        }
        let from = size(admin, &log).await?;
        Ok(Self { database, log, from })
    }

    /// What was done since, by the text of the statements.
    ///
    /// # Errors
    /// The server's; when the log holds no plan.
    pub async fn read(&mut self, admin: &Client) -> anyhow::Result<BTreeMap<String, Statement>> {
        let until = size(admin, &self.log).await?;
        let text = "SELECT pg_read_file($1, $2, $3)";
        let text: String =
            admin.query_one(text, &[&self.log, &self.from, &(until - self.from)]).await?.try_get(0)?;
        self.from = until;
        let mut statements: BTreeMap<String, Statement> = BTreeMap::new();
        let here = format!("@{} ", self.database);
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if !(line.contains(&here) && line.contains("LOG:  duration:") && line.ends_with("plan:")) {
                continue;
            }
            let mut json = String::new();
            while let Some(more) = lines.next_if(|line| line.starts_with('\t')) {
                json.push_str(more.trim_start_matches('\t'));
                json.push('\n');
            }
            // The file may end in the middle of the last one.
            let Ok(entry) = serde_json::from_str::<Value>(&json) else { continue };
            let words: Vec<&str> =
                entry["Query Text"].as_str().unwrap_or_default().split_whitespace().collect();
            statements.entry(words.join(" ")).or_default().add(&entry["Plan"]);
        }
        ensure!(!statements.is_empty(), "no plan of {} in PostgreSQL's log", self.database);
        Ok(statements)
    }

    /// Sessions that begin from now on explain nothing.
    ///
    /// # Errors
    /// The server's.
    pub async fn end(self, admin: &Client) -> anyhow::Result<()> {
        for (name, _) in SETTINGS {
            admin.batch_execute(&format!("ALTER DATABASE \"{}\" RESET {name}", self.database)).await?;
        }
        Ok(())
    }
}

async fn size(admin: &Client, file: &str) -> anyhow::Result<i64> {
    Ok(admin.query_one("SELECT size FROM pg_stat_file($1)", &[&file]).await?.try_get(0)?)
}

impl Statement {
    fn add(&mut self, plan: &Value) {
        let of = |name: &str| plan[name].as_u64().unwrap_or_default();
        let pages = of("Shared Hit Blocks") + of("Shared Read Blocks");
        self.runs += 1;
        self.pages += pages;
        self.pages_most = self.pages_most.max(pages);
        self.walk(plan);
    }

    fn walk(&mut self, node: &Value) {
        let text = |name: &str| node[name].as_str();
        let kind = text("Node Type").unwrap_or_default();
        if let Some(table) = text("Relation Name") {
            self.tables.insert(table.to_owned());
            if kind == "Seq Scan" {
                self.scanned.insert(table.to_owned());
            }
            if kind != "ModifyTable" {
                let by =
                    text("Index Name").map_or_else(|| table.to_owned(), |index| format!("{table}.{index}"));
                self.ways.insert(format!("{kind} {by}"));
            }
        } else if let Some(index) = text("Index Name") {
            self.ways.insert(format!("{kind} {index}"));
        }
        node["Plans"].as_array().into_iter().flatten().for_each(|inner| self.walk(inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_says_how_it_comes_to_its_rows() {
        let plan = serde_json::json!({
            "Node Type": "Limit", "Shared Hit Blocks": 7, "Shared Read Blocks": 2, "Plans": [
                {"Node Type": "Index Scan", "Relation Name": "conversions", "Index Name": "conversions_held"},
                {"Node Type": "Seq Scan", "Relation Name": "publishers"},
            ]
        });
        let mut statement = Statement::default();
        statement.add(&plan);
        statement.add(&plan);
        assert_eq!((statement.runs, statement.pages, statement.pages_most), (2, 18, 9));
        let ways: Vec<_> = statement.ways.iter().map(String::as_str).collect();
        assert_eq!(ways, ["Index Scan conversions.conversions_held", "Seq Scan publishers"]);
        assert_eq!(statement.scanned, BTreeSet::from([String::from("publishers")]));
    }
}
