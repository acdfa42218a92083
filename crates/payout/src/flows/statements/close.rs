//! Closing a period: nothing lands in it any more, its statements and the checkpoint of all balances are written.

use std::collections::HashMap;

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use kernel::{TenantId, TokenId};
use postgres_kit::{DbError, Failure, Pool, Retries, transact};

use super::draw;
use crate::{
    domain::{
        ledger::AccountId,
        statements::{Month, StatementId},
    },
    failpoints,
    store::{
        periods::{self, PeriodRow},
        statements::{self, NewLine, NewStatement},
    },
};

/// Which period is to be closed, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Closing {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub month: Month,
    /// Whose token.
    pub token: TokenId,
}

/// Why a period was not closed; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// No transfer has ever taken it.
    #[error("there is no such statement period")]
    NotFound,
    /// It still goes on in its zone.
    #[error("the period {month} goes on until {ends_at} ({zone}): close it after that")]
    NotOver {
        /// Which.
        month: Month,
        /// RFC 3339.
        ends_at: String,
        /// The zone it was made in.
        zone: String,
    },
    /// Statements are drawn in their order.
    #[error("the period {0} is not closed yet: close it first")]
    EarlierIsOpen(Month),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for CloseError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for CloseError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotFound | Self::NotOver { .. } | Self::EarlierIsOpen(_) => None,
        }
    }
}

/// Closes a period; one that is closed already stays as it is.
///
/// # Errors
/// [`CloseError`].
pub async fn close(pool: &Pool, asked: Closing) -> Result<PeriodRow, CloseError> {
    let closed =
        transact(pool, Retries::default(), async |connection| carry_out(connection, asked).await).await?;
    failpoints::closed();
    Ok(closed)
}

async fn carry_out(connection: &mut AsyncPgConnection, asked: Closing) -> Result<PeriodRow, CloseError> {
    let Closing { tenant, month, token } = asked;
    // A large month is read whole, and may take longer than a statement may elsewhere.
    connection.batch_execute("SET LOCAL statement_timeout = 0").await?;
    let period = periods::lock_to_close(connection, tenant, month).await?.ok_or(CloseError::NotFound)?;
    if period.closed_at.is_some() {
        return Ok(period);
    }
    if !period.is_over {
        return Err(CloseError::NotOver {
            month,
            ends_at: period.ends_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            zone: period.time_zone,
        });
    }
    let earlier = periods::all(connection, tenant)
        .await?
        .iter()
        .filter(|row| row.closed_at.is_none() && row.month() < month)
        .map(PeriodRow::month)
        .min();
    if let Some(earlier) = earlier {
        return Err(CloseError::EarlierIsOpen(earlier));
    }
    // Whoever posted into it has committed: what is read from here on is all there will ever be.
    let drawn = draw::open(connection, tenant, None, Some(month)).await?;
    let rows: Vec<NewStatement> = drawn
        .into_iter()
        .map(|view| NewStatement {
            id: view.id,
            account: view.account.id(),
            party_name: view.party_name,
            figures: view.figures,
        })
        .collect();
    let by_account: HashMap<AccountId, StatementId> = rows.iter().map(|row| (row.account, row.id)).collect();
    let lines: Vec<NewLine> = statements::draw_lines(connection, tenant, month, None)
        .await?
        .into_iter()
        .filter_map(|line| {
            let statement = by_account.get(&AccountId(line.account_id)).copied()?;
            let named = draw::named(line.clone());
            Some(NewLine { statement, offer_name: named.offer_name, event_name: named.event_name, line })
        })
        .collect();
    statements::add(connection, tenant, month, &rows).await?;
    statements::add_lines(connection, tenant, &lines).await?;
    statements::add_checkpoint(connection, tenant, month).await?;
    tracing::info!(
        tenant.id = %tenant, period = %month, statements = rows.len(), lines = lines.len(),
        "a statement period is closed"
    );
    Ok(periods::close(connection, tenant, month, token).await?)
}
