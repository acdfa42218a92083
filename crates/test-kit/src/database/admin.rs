//! The superuser's connection to the cluster.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::nodes::Nodes;

/// A session of the superuser; its locks end with it.
pub(super) struct Admin {
    connection: AsyncPgConnection,
}

impl Admin {
    pub(super) async fn connect(nodes: &Nodes) -> Self {
        let connection = AsyncPgConnection::establish(&nodes.admin_url("postgres"))
            .await
            .unwrap_or_else(|error| panic!("PostgreSQL does not answer: {error}; run `make nodes`"));
        Self { connection }
    }

    pub(super) async fn run(&mut self, statement: &str) {
        self.connection.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// For what somebody else may be doing at the same moment.
    pub(super) async fn try_run(&mut self, statement: &str) -> bool {
        self.connection.batch_execute(statement).await.is_ok()
    }

    pub(super) async fn exists(&mut self, database: &str) -> bool {
        let found: Count = sql_query("SELECT count(*) AS count FROM pg_database WHERE datname = $1")
            .bind::<Text, _>(database)
            .get_result(&mut self.connection)
            .await
            .expect("a count");
        found.count > 0
    }

    /// Databases of tests that nobody uses and that are older than `hours`.
    pub(super) async fn abandoned(&mut self, hours: i32) -> Vec<String> {
        let names: Vec<Name> = sql_query(format!(
            "SELECT datname::text AS name FROM pg_database
            WHERE (datname LIKE 'test\\_%' OR datname LIKE 'template\\_%' OR datname LIKE 'making\\_%')
              AND (pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification
                  < now() - interval '{hours} hours'
              AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE datid = oid)"
        ))
        .load(&mut self.connection)
        .await
        .expect("names");
        names.into_iter().map(|row| row.name).collect()
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}
