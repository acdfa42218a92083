//! What the databases say. Stories and drills believe tables and queues, never our own metrics.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::{Client, NoTls, types::ToSql};
use uuid::Uuid;

use crate::{process::ServiceName, stack::Stack};

/// Connections of the superuser to every database of a stack.
pub struct Truth {
    offer_catalog: Client,
    tracker: Client,
    attribution: Client,
    payout: Client,
}

/// The money of one tenant and currency, as the fold of its ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Books {
    /// What advertisers owe: posted, in micros.
    pub receivable: i64,
    /// What publishers have earned.
    pub payable: i64,
    /// What stays.
    pub margin: i64,
    /// All debits minus all credits, posted and pending: always 0.
    pub imbalance: i64,
    /// What is reserved and neither posted nor voided: debits pending.
    pub reserved: i64,
}

impl Truth {
    /// Connects to the databases of a stack.
    pub async fn of(stack: &Stack) -> Self {
        let connect = async |service| connect(&stack.database(service).admin_url()).await;
        Self {
            offer_catalog: connect(ServiceName::OfferCatalog).await,
            tracker: connect(ServiceName::Tracker).await,
            attribution: connect(ServiceName::Attribution).await,
            payout: connect(ServiceName::Payout).await,
        }
    }

    /// The current decision's code of each receipt.
    pub async fn decisions(&self) -> BTreeMap<Uuid, String> {
        let rows =
            query(&self.attribution, "SELECT receipt, code FROM decisions WHERE is_current", &[]).await;
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    fn all(&self) -> [&Client; 4] {
        [&self.offer_catalog, &self.tracker, &self.attribution, &self.payout]
    }

    /// The clicks that attribution has heard of.
    pub async fn clicks(&self) -> BTreeSet<Uuid> {
        let rows =
            query(&self.attribution, "SELECT click_id FROM journeys WHERE click IS NOT NULL", &[]).await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The advertisers that the catalog holds.
    pub async fn advertisers(&self) -> BTreeSet<Uuid> {
        let rows = query(&self.offer_catalog, "SELECT advertiser_id FROM advertisers", &[]).await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// One number that the catalog's database answers with.
    pub async fn of_catalog(&self, sql: &str) -> i64 {
        query(&self.offer_catalog, sql, &[]).await[0].get(0)
    }

    /// How many offers the tracker has heard of.
    pub async fn offers_of_tracker(&self) -> i64 {
        query(&self.tracker, "SELECT count(*) FROM offers", &[]).await[0].get(0)
    }

    /// The ids of all conversions.
    pub async fn conversion_ids(&self) -> BTreeSet<Uuid> {
        let rows = query(&self.payout, "SELECT conversion_id FROM conversions", &[]).await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// How often each code is a current decision.
    pub async fn codes(&self) -> BTreeMap<String, usize> {
        let mut codes = BTreeMap::new();
        for code in self.decisions().await.into_values() {
            *codes.entry(code).or_default() += 1;
        }
        codes
    }

    /// Receipts with more or fewer than one current decision: always none.
    pub async fn undecided_or_doubled(&self) -> Vec<Uuid> {
        let rows = query(
            &self.attribution,
            "SELECT postbacks.receipt FROM postbacks LEFT JOIN decisions
                 ON decisions.receipt = postbacks.receipt AND decisions.is_current
             GROUP BY postbacks.receipt HAVING count(decisions.receipt) <> 1",
            &[],
        )
        .await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Raw postbacks that attribution keeps, as text.
    pub async fn raw_queries(&self) -> Vec<String> {
        let rows = query(&self.attribution, "SELECT convert_from(query, 'UTF8') FROM postbacks", &[]).await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The versions of an offer in attribution's read model: each fact as it keeps it, by its number.
    pub async fn offer_versions(&self, offer: Uuid) -> BTreeMap<i32, Vec<u8>> {
        let select = "SELECT version, fact FROM offer_versions WHERE offer_id = $1";
        let rows = query(&self.attribution, select, &[&offer]).await;
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// What applies at once of an offer in attribution's read model, as it keeps it.
    pub async fn offer(&self, offer: Uuid) -> Option<Vec<u8>> {
        let rows = query(&self.attribution, "SELECT fact FROM offers WHERE offer_id = $1", &[&offer]).await;
        rows.first().map(|row| row.get(0))
    }

    /// The verdicts on a click's conversions, each as payout was told last and keeps it.
    pub async fn verdicts(&self, click: Uuid) -> Vec<Vec<u8>> {
        let rows =
            query(&self.payout, "SELECT verdict FROM conversions WHERE gk_click_id = $1", &[&click]).await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Conversions by status.
    pub async fn conversions(&self) -> BTreeMap<String, usize> {
        let rows = query(&self.payout, "SELECT status, count(*) FROM conversions GROUP BY status", &[]).await;
        rows.iter().map(|row| (row.get(0), usize::try_from(row.get::<_, i64>(1)).expect("a count"))).collect()
    }

    /// Deliveries by state.
    pub async fn deliveries(&self) -> BTreeMap<String, usize> {
        let rows = query(&self.payout, "SELECT state, count(*) FROM deliveries GROUP BY state", &[]).await;
        rows.iter().map(|row| (row.get(0), usize::try_from(row.get::<_, i64>(1)).expect("a count"))).collect()
    }

    /// Ledger transfers.
    pub async fn transfers(&self) -> i64 {
        query(&self.payout, "SELECT count(*) FROM ledger_transfers", &[]).await[0].get(0)
    }

    /// The books in a currency, over all tenants.
    pub async fn books(&self, currency: &str) -> Books {
        let rows = query(
            &self.payout,
            "SELECT
                coalesce(sum(debits_posted - credits_posted) FILTER (WHERE kind = 'advertiser_receivable'), 0)::bigint,
                coalesce(sum(credits_posted - debits_posted) FILTER (WHERE kind = 'publisher_payable'), 0)::bigint,
                coalesce(sum(credits_posted - debits_posted) FILTER (WHERE kind = 'margin'), 0)::bigint,
                coalesce(sum(debits_posted + debits_pending - credits_posted - credits_pending), 0)::bigint,
                coalesce(sum(debits_pending), 0)::bigint
             FROM ledger_balances WHERE currency = $1",
            &[&currency],
        )
        .await;
        let row = &rows[0];
        Books {
            receivable: row.get(0),
            payable: row.get(1),
            margin: row.get(2),
            imbalance: row.get(3),
            reserved: row.get(4),
        }
    }

    /// Facts that wait in any outbox.
    pub async fn outboxes(&self) -> i64 {
        self.count_in_all("outbox").await
    }

    /// Buried items, of all services.
    pub async fn buried(&self) -> i64 {
        self.count_in_all("dead_items").await
    }

    async fn count_in_all(&self, table: &str) -> i64 {
        let mut counted = 0;
        for client in self.all() {
            counted += query(client, &format!("SELECT count(*) FROM {table}"), &[]).await[0].get::<_, i64>(0);
        }
        counted
    }

    /// Everything in every table of every database, as text: where a secret could have been written down.
    pub async fn everything(&self) -> String {
        let mut text = String::new();
        for client in self.all() {
            text.push_str(&dump(client).await);
        }
        text
    }

    /// Every row of one table of a service's database, as text; but for payout's notes of how much it sent a publisher in the
    /// last second, and of when it heard rates and priced with them, which no fact tells.
    pub async fn rows(&self, service: ServiceName, table: &str) -> BTreeSet<String> {
        let select = format!(
            "SELECT (to_jsonb(t) - ARRAY['bucket_empty_at', 'rates_at', 'priced_at'])::text FROM {table} AS t"
        );
        let rows = query(self.of_service(service), &select, &[]).await;
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Empties tables of a service's database, as an accident would.
    pub async fn lose(&self, service: ServiceName, tables: &[&str]) {
        let statement = format!("TRUNCATE {} CASCADE", tables.join(", "));
        self.of_service(service).batch_execute(&statement).await.expect("tables of the test");
    }

    fn of_service(&self, service: ServiceName) -> &Client {
        match service {
            ServiceName::OfferCatalog => &self.offer_catalog,
            ServiceName::Tracker => &self.tracker,
            ServiceName::Attribution => &self.attribution,
            ServiceName::Payout => &self.payout,
            ServiceName::Ingest => panic!("ingest has no database"),
        }
    }

    /// Changes payout's database by hand, as time or an operator would.
    pub async fn in_payout(&self, sql: &str) -> u64 {
        self.payout.execute(sql, &[]).await.expect("a statement of the test")
    }
}

async fn dump(client: &Client) -> String {
    let mut text = String::new();
    // Bytes as the text they mostly are: in hexadecimal no word would be found.
    client.batch_execute("SET bytea_output = 'escape'").await.expect("a setting of the connection");
    let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'";
    for table in query(client, tables, &[]).await {
        let table: String = table.get(0);
        for row in query(client, &format!("SELECT t::text FROM {table} AS t"), &[]).await {
            text.push_str(row.get(0));
            text.push('\n');
        }
    }
    text
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the database is there");
    // Ends with the client, or with the server: then the next query tells.
    tokio::spawn(async move { connection.await.ok() });
    client
}

async fn query(client: &Client, sql: &str, values: &[&(dyn ToSql + Sync)]) -> Vec<tokio_postgres::Row> {
    client.query(sql, values).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}
