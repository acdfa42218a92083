//! PostgreSQL as an outsider sees it: the truth is read here, never from a service's own metrics.

use anyhow::{Context, ensure};
use tokio_postgres::{Client, NoTls};

/// A connection whose task ends with it.
///
/// # Errors
/// When the server does not answer.
pub async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.context("connecting to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}

/// One setting as this session has it.
///
/// # Errors
/// The server's.
pub async fn show(client: &Client, setting: &str) -> anyhow::Result<String> {
    Ok(client.query_one(&format!("SHOW {setting}"), &[]).await?.try_get(0)?)
}

/// # Errors
/// When a commit of this session could be lost in a power cut.
pub async fn assert_durable(client: &Client) -> anyhow::Result<()> {
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value = show(client, setting).await?;
        ensure!(value == "on", "{setting} is {value:?}: figures without it would be lies");
    }
    Ok(())
}

/// The one number of a query.
///
/// # Errors
/// The server's.
pub async fn count(client: &Client, query: &str) -> anyhow::Result<u64> {
    let count: i64 = client.query_one(query, &[]).await.with_context(|| query.to_owned())?.try_get(0)?;
    Ok(u64::try_from(count)?)
}

/// Every round begins like this, so that none pays for the writes of the one before and the planner knows the tables.
///
/// # Errors
/// The server's.
pub async fn settle(admin: &Client) -> anyhow::Result<()> {
    admin.batch_execute("VACUUM (ANALYZE)").await?;
    admin.batch_execute("CHECKPOINT").await?;
    Ok(())
}
