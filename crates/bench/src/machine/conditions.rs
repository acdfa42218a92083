//! Conditions without which a figure is worth nothing: asserted, printed, never assumed.

use test_kit::{Namespace, Nodes};

use super::cpu::{cores, parent_of};
use crate::database;

/// The servers of the local stack as they were found.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// Process that started all of PostgreSQL's.
    pub postgres_pid: u32,
    /// The broker's process.
    pub rabbitmq_pid: u32,
    /// A line for people.
    pub words: String,
}

impl Conditions {
    /// Looks at both servers.
    ///
    /// # Errors
    /// When PostgreSQL would forget a commit, or a server does not answer.
    pub async fn check(nodes: &Nodes) -> anyhow::Result<Self> {
        let client = database::connect(&nodes.admin_url("postgres")).await?;
        database::assert_durable(&client).await?;
        let postgres_version = database::show(&client, "server_version").await?;
        let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)?;
        // While this session's own process is still there.
        let postgres_pid = parent_of(u32::try_from(backend)?)
            .ok_or_else(|| anyhow::anyhow!("PostgreSQL's processes are not on this machine"))?;
        drop(client);

        let rabbitmq_pid = nodes.rabbitmqctl(&["eval", "os:getpid()."]);
        let rabbitmq_version = nodes.rabbitmqctl(&["version"]);
        let words = format!(
            "{} cores · PostgreSQL {postgres_version}: fsync, synchronous_commit and full_page_writes are on · RabbitMQ {}: \
             quorum queues, persistent messages",
            cores(),
            rabbitmq_version.lines().last().unwrap_or_default().trim(),
        );
        Ok(Self { postgres_pid, rabbitmq_pid: rabbitmq_pid.trim().trim_matches('"').parse()?, words })
    }
}

/// # Errors
/// When a queue of the namespace is not a durable quorum queue, or `queue` (its name in code) is not there.
pub fn assert_quorum(nodes: &Nodes, namespace: &Namespace, queue: &str) -> anyhow::Result<()> {
    let listed =
        nodes.rabbitmqctl(&["list_queues", "--quiet", "--no-table-headers", "name", "type", "durable"]);
    let wanted = namespace.of(queue);
    let row = listed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .find(|columns| columns.first() == Some(&wanted.as_str()));
    match row.as_deref() {
        Some([_name, kind, durable]) if kind.ends_with("quorum") && *durable == "true" => Ok(()),
        Some(other) => anyhow::bail!("{queue} is not a durable quorum queue: {other:?}"),
        None => anyhow::bail!("{queue} does not exist"),
    }
}
