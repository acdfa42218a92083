//! What people do to a statement: correct it, mark it paid. Both are transfers, posted once, in a period that is open.

use std::collections::BTreeSet;

use diesel_async::AsyncPgConnection;
use kernel::{Micros, TenantId, TokenId, TransferId};
use postgres_kit::{DbError, Failure, Pool, Retries, transact};

use super::{super::save::alarmed, Scope, Settled, View, find};
use crate::{
    domain::{
        ledger::{Account, AccountKind, Flow, Kind, Transfer},
        statements::{Month, StatementId, adjustment_id, payment_id},
    },
    failpoints,
    flows::periods::take,
    store::{
        self,
        ledger::{self, Entry, Source},
        periods::{self, Taken},
        statement_rows::{self, AdjustmentRow, Deed},
    },
};

/// A correction that is asked for.
#[derive(Debug, Clone)]
pub struct Adjustment {
    /// Whose statement.
    pub tenant: TenantId,
    /// Which.
    pub statement: StatementId,
    /// Whose token.
    pub token: TokenId,
    /// By which the same adjustment is known again.
    pub reference: String,
    /// Above 0: the party is owed, or owes, more. Never 0.
    pub amount: Micros,
    /// Why, for the party too.
    pub reason: String,
}

/// A payment that is reported.
#[derive(Debug, Clone)]
pub struct Payment {
    /// Whose statement.
    pub tenant: TenantId,
    /// Which.
    pub statement: StatementId,
    /// Whose token.
    pub token: TokenId,
    /// Such as the bank's.
    pub reference: String,
}

/// Why it was not done; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    /// The tenant has no such statement.
    #[error("there is no such statement")]
    NotFound,
    /// The reference was used for something else.
    #[error("the reference names another adjustment of this statement: {amount} for {reason:?}")]
    Different {
        /// Of the first one.
        amount: Micros,
        /// Of the first one.
        reason: String,
    },
    /// Its period still changes.
    #[error("the period {0} is not closed: what is due is not known yet")]
    PeriodIsOpen(Month),
    /// It asks for nothing.
    #[error("nothing is due by this statement")]
    NothingDue,
    /// It was paid with another reference.
    #[error("the statement was paid already, with the reference {0:?}")]
    Paid(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl From<diesel::result::Error> for CorrectError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Failure for CorrectError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotFound
            | Self::Different { .. }
            | Self::PeriodIsOpen(_)
            | Self::NothingDue
            | Self::Paid(_) => None,
        }
    }
}

/// Adjusts a statement: within its own period while that is open, else in the one that is open now. The same reference with
/// the same content is the same adjustment.
///
/// # Errors
/// [`CorrectError`].
pub async fn adjust(pool: &Pool, asked: &Adjustment) -> Result<AdjustmentRow, CorrectError> {
    transact(pool, Retries::default(), async |connection| carry_out(connection, asked).await).await
}

async fn carry_out(
    connection: &mut AsyncPgConnection,
    asked: &Adjustment,
) -> Result<AdjustmentRow, CorrectError> {
    let tenant = asked.tenant;
    let scope = Scope { tenant, publisher: None };
    let view = find(connection, scope, asked.statement).await?.ok_or(CorrectError::NotFound)?;
    // Said again, it opens no period.
    if let Some(known) =
        statement_rows::adjustment(connection, tenant, asked.statement, &asked.reference).await?
    {
        return the_same(known, asked);
    }
    let taken = period_for(connection, tenant, &view).await?;
    let transfer = adjustment_id(tenant, asked.statement, &asked.reference);
    let deed = Deed {
        statement: asked.statement,
        reference: &asked.reference,
        transfer,
        account: view.account.id(),
        month: taken.get(tenant).unwrap_or(view.month),
        amount: asked.amount.0,
        reason: &asked.reason,
        token: asked.token,
    };
    if statement_rows::add_adjustment(connection, tenant, &deed).await? {
        let margin = Account::margin(tenant, view.account.currency);
        let is_more = asked.amount.0 > 0;
        let to_debit = is_more == (view.account.kind == AccountKind::AdvertiserReceivable);
        let (debit, credit) = if to_debit { (view.account, margin) } else { (margin, view.account) };
        let amount = Micros(asked.amount.0.saturating_abs());
        post(
            connection,
            &taken,
            asked.statement,
            posted(transfer, Flow::Adjustment, (debit, credit), amount),
        )
        .await?;
    }
    let found = statement_rows::adjustment(connection, tenant, asked.statement, &asked.reference)
        .await?
        .ok_or(CorrectError::NotFound)?;
    the_same(found, asked)
}

/// What the reference names, when that is what was asked for.
fn the_same(found: AdjustmentRow, asked: &Adjustment) -> Result<AdjustmentRow, CorrectError> {
    if found.amount_micros != asked.amount.0 || found.reason != asked.reason {
        return Err(CorrectError::Different { amount: Micros(found.amount_micros), reason: found.reason });
    }
    Ok(found)
}

/// The statement's own period as long as it is open; otherwise that of this moment.
async fn period_for(
    connection: &mut AsyncPgConnection,
    tenant: TenantId,
    view: &View,
) -> Result<Taken, CorrectError> {
    let mut taken = Taken::default();
    if !view.is_closed && periods::lock_open(connection, tenant, view.month).await? {
        taken.add(tenant, view.month);
        return Ok(taken);
    }
    let now = store::now(connection).await?;
    Ok(take(connection, &BTreeSet::from([tenant]), now).await?)
}

/// Posts what a statement asks for: payable → settled, or settled → receivable. However often it is reported, it is posted
/// once.
///
/// # Errors
/// [`CorrectError`].
pub async fn pay(pool: &Pool, asked: &Payment) -> Result<(), CorrectError> {
    transact(pool, Retries::default(), async |connection| settle(connection, asked).await).await?;
    failpoints::paid();
    Ok(())
}

async fn settle(connection: &mut AsyncPgConnection, asked: &Payment) -> Result<(), CorrectError> {
    let tenant = asked.tenant;
    let scope = Scope { tenant, publisher: None };
    let view = find(connection, scope, asked.statement).await?.ok_or(CorrectError::NotFound)?;
    if !view.is_closed {
        return Err(CorrectError::PeriodIsOpen(view.month));
    }
    let amount = i64::try_from(view.figures.due).unwrap_or(i64::MAX);
    if amount == 0 {
        return Err(CorrectError::NothingDue);
    }
    // Said again, it opens no period.
    if let Some(paid) = &view.settled {
        return the_payment(paid, asked);
    }
    let now = store::now(connection).await?;
    let taken = take(connection, &BTreeSet::from([tenant]), now).await?;
    let transfer = payment_id(tenant, asked.statement);
    let deed = Deed {
        statement: asked.statement,
        reference: &asked.reference,
        transfer,
        account: view.account.id(),
        month: taken.get(tenant).unwrap_or(view.month),
        amount,
        reason: "",
        token: asked.token,
    };
    if statement_rows::add_payment(connection, tenant, &deed).await? {
        let settled = Account::settled(tenant, view.account.currency);
        let sides = if view.account.kind == AccountKind::AdvertiserReceivable {
            (settled, view.account)
        } else {
            (view.account, settled)
        };
        let transfer = posted(transfer, Flow::Settlement, sides, Micros(amount));
        return Ok(post(connection, &taken, asked.statement, transfer).await?);
    }
    // Another one was first, perhaps only now.
    let paid = find(connection, scope, asked.statement).await?.and_then(|view| view.settled);
    paid.as_ref().map_or(Ok(()), |paid| the_payment(paid, asked))
}

fn the_payment(paid: &Settled, asked: &Payment) -> Result<(), CorrectError> {
    if paid.reference == asked.reference { Ok(()) } else { Err(CorrectError::Paid(paid.reference.clone())) }
}

fn posted(id: TransferId, flow: Flow, (debit, credit): (Account, Account), amount: Micros) -> Transfer {
    Transfer { id, kind: Kind::Posted, flow, pending: None, debit, credit, amount, revision: 0 }
}

async fn post(
    connection: &mut AsyncPgConnection,
    taken: &Taken,
    statement: StatementId,
    transfer: Transfer,
) -> diesel::QueryResult<()> {
    let entry = Entry { source: Source::Statement(statement), transfer };
    alarmed(ledger::add(connection, &[entry], taken).await)
}
