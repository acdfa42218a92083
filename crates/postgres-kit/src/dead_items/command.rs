//! `<service> dead-items list | replay | discard`: for the operator, the same in every service that has a relay.

use std::{fmt::Write as _, time::Duration};

use clap::{Args, Subcommand};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use kernel::TenantId;
use uuid::Uuid;

use super::replay::{self, SELECTED, Selection, seconds};
use crate::{DbError, Pool, Retries, transact};

/// What can be done with dead items.
#[derive(Debug, Clone, Subcommand)]
pub enum DeadItemsCommand {
    /// Print them, the oldest first: id, when and how often it was buried, by whom, what it is, whose, and why
    List {
        /// Which of them
        #[command(flatten)]
        which: Which,
        /// Also those that are on their way again
        #[arg(long)]
        replayed: bool,
        /// How many
        #[arg(long, default_value_t = 100)]
        limit: u16,
    },
    /// Send them to their readers again, as they came. Harmless: whoever handled one before knows it. What fails again is
    /// buried again
    Replay {
        /// Which of them
        #[command(flatten)]
        which: Which,
        /// All of them; needed when nothing else says which
        #[arg(long)]
        all: bool,
        /// Also those that are on their way again already
        #[arg(long)]
        again: bool,
    },
    /// Delete them for good
    Discard {
        /// Which; can be given several times
        #[arg(long = "id", required = true)]
        ids: Vec<i64>,
    },
}

/// Which of them.
#[derive(Debug, Clone, Args)]
pub struct Which {
    /// This one only; can be given several times
    #[arg(long = "id")]
    ids: Vec<i64>,
    /// Of this tenant only
    #[arg(long)]
    tenant: Option<Uuid>,
    /// Buried by this consumer only, such as attribution.postbacks
    #[arg(long)]
    consumer: Option<String>,
    /// Of this kind only, such as gokart.ingest.v1.PostbackReceived
    #[arg(long)]
    fact: Option<String>,
    /// Whose reason contains this text
    #[arg(long)]
    reason: Option<String>,
}

impl Which {
    fn says_nothing(&self) -> bool {
        self.ids.is_empty()
            && self.tenant.is_none()
            && self.consumer.is_none()
            && self.fact.is_none()
            && self.reason.is_none()
    }

    fn selection(self, again: bool) -> Selection {
        Selection {
            ids: self.ids,
            tenant: self.tenant.map(TenantId::from_uuid),
            consumer: self.consumer,
            fact: self.fact,
            reason: self.reason,
            older_than: Duration::ZERO,
            again,
        }
    }
}

/// Why the command did nothing more.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Everything would be replayed, and nobody said so.
    #[error("say which: --id, --tenant, --consumer, --fact, --reason, or --all")]
    NothingSelected,
    /// The database's.
    #[error("the database did not do it")]
    Store(#[from] DbError),
}

/// Runs the command and answers what to print.
///
/// # Errors
/// [`CommandError`]. A replay that fails half-way has sent what its sum would say; run it again.
pub async fn run(command: DeadItemsCommand, pool: &Pool) -> Result<String, CommandError> {
    match command {
        DeadItemsCommand::List { which, replayed, limit } => {
            let selection = which.selection(replayed);
            let lines = transact(pool, Retries::default(), async |connection| {
                Ok::<_, DbError>(list(connection, &selection, limit).await?)
            })
            .await?;
            Ok(printed(&lines))
        }
        DeadItemsCommand::Replay { which, all, again } => {
            if which.says_nothing() && !all {
                return Err(CommandError::NothingSelected);
            }
            replay_all(pool, &which.selection(again)).await
        }
        DeadItemsCommand::Discard { ids } => {
            let gone = transact(pool, Retries::default(), async |connection| {
                let delete = sql_query("DELETE FROM dead_items WHERE id = ANY($1)");
                Ok::<_, DbError>(delete.bind::<Array<BigInt>, _>(&ids).execute(connection).await?)
            })
            .await?;
            Ok(format!("{gone} discarded"))
        }
    }
}

async fn replay_all(pool: &Pool, selection: &Selection) -> Result<String, CommandError> {
    let (mut sent, mut stuck, mut after) = (0_usize, 0_usize, None);
    loop {
        let step = transact(pool, Retries::default(), async |connection| {
            Ok::<_, DbError>(replay::replay(connection, selection, after).await?)
        })
        .await?;
        sent = sent.saturating_add(step.sent);
        stuck = stuck.saturating_add(step.without_a_way);
        if step.last.is_none() {
            break;
        }
        after = step.last;
    }
    let mut text = format!("{sent} on their way again");
    if stuck > 0 {
        let _infallible = write!(
            text,
            "\n{stuck} left: too broken to be anybody's, or of a fact this release does not know; `list` shows them"
        );
    }
    Ok(text)
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    consumer: String,
    #[diesel(sql_type = Text)]
    fact: String,
    #[diesel(sql_type = Text)]
    reason: String,
    #[diesel(sql_type = Integer)]
    burials: i32,
    #[diesel(sql_type = Timestamptz)]
    buried_at: chrono::DateTime<chrono::Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    replayed_at: Option<chrono::DateTime<chrono::Utc>>,
}

async fn list(
    connection: &mut AsyncPgConnection,
    selection: &Selection,
    limit: u16,
) -> QueryResult<Vec<Line>> {
    sql_query(format!(
        "SELECT id, tenant_id, consumer, fact, reason, burials, buried_at, replayed_at FROM dead_items
        WHERE {SELECTED} ORDER BY buried_at, id LIMIT $8"
    ))
    .bind::<Array<BigInt>, _>(&selection.ids)
    .bind::<Nullable<SqlUuid>, _>(selection.tenant.map(TenantId::as_uuid))
    .bind::<Nullable<Text>, _>(selection.consumer.as_deref())
    .bind::<Nullable<Text>, _>(selection.fact.as_deref())
    .bind::<Nullable<Text>, _>(selection.reason.as_deref())
    .bind::<BigInt, _>(seconds(selection.older_than))
    .bind::<Bool, _>(selection.again)
    .bind::<BigInt, _>(i64::from(limit))
    .load(connection)
    .await
}

/// One line each; the reason last, for it may be long. Line ends in it would make two items of one.
fn printed(lines: &[Line]) -> String {
    if lines.is_empty() {
        return String::from("nothing is buried");
    }
    let mut text = String::new();
    for line in lines {
        let state = line
            .replayed_at
            .map_or_else(String::new, |at| format!(" (on its way again since {})", at.format("%F %T")));
        let reason = line.reason.replace(['\n', '\r'], " ");
        let _infallible = writeln!(
            text,
            "{} {} x{} {} {} tenant {}{state}: {reason}",
            line.id,
            line.buried_at.format("%F %T"),
            line.burials,
            line.consumer,
            line.fact,
            line.tenant_id,
        );
    }
    text.truncate(text.trim_end().len());
    text
}
