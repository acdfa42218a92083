//! Statements: drawn from the ledger, fixed when their period is closed, corrected and paid by transfers of later moments.

mod close;
mod correct;
mod draw;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{PublisherId, TenantId};
use postgres_kit::{DbError, Pool, Snapshot, transact};
use uuid::Uuid;

pub use self::{
    close::{CloseError, Closing, close},
    correct::{Adjustment, CorrectError, Payment, adjust, pay},
};
pub use crate::store::{
    periods::PeriodRow,
    statement_rows::{AdjustmentRow, LineRow},
};
use crate::{
    domain::{
        ledger::{Account, AccountKind},
        statements::{Month, Movements, Statement, StatementId, statement_id},
    },
    store::{
        periods,
        statement_rows::{self, StatementRow, Which},
        statements,
    },
};

/// Whose statements a reader may see.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// The tenant.
    pub tenant: TenantId,
    /// One publisher's only, and never an advertiser's.
    pub publisher: Option<PublisherId>,
}

/// When a statement was paid, and with which reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// By the database's clock.
    pub at: chrono::DateTime<chrono::Utc>,
    /// Such as the bank's.
    pub reference: String,
}

/// A statement as people see it.
#[derive(Debug, Clone)]
pub struct View {
    /// Its id; the same before and after its period is closed.
    pub id: StatementId,
    /// Over which month.
    pub month: Month,
    /// Of which account.
    pub account: Account,
    /// The publisher's or advertiser's name, of a closed period as it was then; empty when payout knew none.
    pub party_name: String,
    /// Whether its period is closed. While it is not, the figures are those of this moment.
    pub is_closed: bool,
    /// Its figures.
    pub figures: Statement,
    /// Absent while it was not paid.
    pub settled: Option<Settled>,
}

/// A statement with everything in it.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The figures.
    pub view: View,
    /// By offer and event.
    pub lines: Vec<LineRow>,
    /// What people added within its period.
    pub adjustments: Vec<AdjustmentRow>,
}

/// Which statements a list is to hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Of one period.
    pub month: Option<Month>,
    /// Of publishers only, or of advertisers only.
    pub kind: Option<AccountKind>,
    /// Of one party.
    pub party: Option<Uuid>,
    /// Skipped.
    pub offset: i64,
    /// Taken.
    pub limit: i64,
}

/// The periods of a tenant, newest first.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn list_periods(pool: &Pool, tenant: TenantId) -> Result<Vec<PeriodRow>, DbError> {
    Ok(periods::all(&*pool.get().await?, tenant).await?)
}

/// A page of statements, newest period first, and how many there are in all. Those of open periods are drawn for the occasion.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn list(pool: &Pool, scope: Scope, filter: Filter) -> Result<(Vec<View>, u64), DbError> {
    let Some(filter) = within(scope, filter) else { return Ok((Vec::new(), 0)) };
    transact(pool, Snapshot, async |connection| Ok::<_, DbError>(page(connection, scope, filter).await?))
        .await
}

async fn page(
    connection: &mut AsyncPgConnection,
    scope: Scope,
    filter: Filter,
) -> QueryResult<(Vec<View>, u64)> {
    let mut open = draw::open(connection, scope.tenant, filter.party, filter.month).await?;
    open.retain(|view| {
        filter.kind.is_none_or(|kind| view.account.kind == kind)
            && filter.month.is_none_or(|month| view.month == month)
    });
    let open_count = i64::try_from(open.len()).unwrap_or(i64::MAX);
    let which = Which { id: None, month: filter.month, kind: filter.kind, party: filter.party };
    let skip = usize::try_from(filter.offset).unwrap_or(usize::MAX);
    let take = usize::try_from(filter.limit).unwrap_or_default();
    let mut page: Vec<View> = open.into_iter().skip(skip).take(take).collect();
    let left = filter.limit.saturating_sub(i64::try_from(page.len()).unwrap_or(i64::MAX));
    let offset = filter.offset.saturating_sub(open_count).max(0);
    let (rows, closed_count) =
        statement_rows::closed(connection, scope.tenant, which, (offset, left.max(0))).await?;
    for row in rows {
        page.push(read(scope.tenant, row)?);
    }
    let total = open_count.saturating_add(closed_count);
    Ok((page, u64::try_from(total).unwrap_or_default()))
}

/// One statement, whole; `None` when the caller may not know of it.
///
/// # Errors
/// [`DbError`] when the database can not say.
pub async fn get(pool: &Pool, scope: Scope, id: StatementId) -> Result<Option<Whole>, DbError> {
    transact(pool, Snapshot, async |connection| Ok::<_, DbError>(whole(connection, scope, id).await?)).await
}

async fn whole(
    connection: &mut AsyncPgConnection,
    scope: Scope,
    id: StatementId,
) -> QueryResult<Option<Whole>> {
    let Some(view) = find(connection, scope, id).await? else { return Ok(None) };
    let account = view.account.id();
    let lines = if view.is_closed {
        statement_rows::lines(connection, scope.tenant, id).await?
    } else {
        let drawn = statements::draw_lines(connection, scope.tenant, view.month, Some(account)).await?;
        drawn.into_iter().map(draw::named).collect()
    };
    let adjustments = statement_rows::adjustments(connection, scope.tenant, account, view.month).await?;
    Ok(Some(Whole { view, lines, adjustments }))
}

/// A statement by its id: of a closed period, or, since ids are computed, of an open one.
async fn find(
    connection: &mut AsyncPgConnection,
    scope: Scope,
    id: StatementId,
) -> QueryResult<Option<View>> {
    let Some(filter) = within(scope, Filter::default()) else { return Ok(None) };
    let which = Which { id: Some(id), month: None, kind: filter.kind, party: filter.party };
    let (rows, _) = statement_rows::closed(connection, scope.tenant, which, (0, 1)).await?;
    if let Some(row) = rows.into_iter().next() {
        return read(scope.tenant, row).map(Some);
    }
    let accounts = statements::party_accounts(connection, scope.tenant, filter.party).await?;
    let periods = periods::all(connection, scope.tenant).await?;
    let months = || periods.iter().filter(|row| row.closed_at.is_none()).map(PeriodRow::month);
    let found = accounts
        .iter()
        .filter(|row| filter.kind.is_none_or(|kind| row.account.kind == kind))
        .find_map(|row| {
            months().find(|month| statement_id(&row.account, *month) == id).map(|month| (row.account, month))
        });
    let Some((account, month)) = found else { return Ok(None) };
    let open = draw::open(connection, scope.tenant, Some(account.party), Some(month)).await?;
    Ok(open.into_iter().find(|view| view.id == id))
}

/// The filter within what the caller may see; `None` when that is nothing.
fn within(scope: Scope, filter: Filter) -> Option<Filter> {
    let Some(publisher) = scope.publisher else { return Some(filter) };
    let own = publisher.as_uuid();
    let is_own = filter.party.is_none_or(|party| party == own)
        && filter.kind.is_none_or(|kind| kind == AccountKind::PublisherPayable);
    is_own.then_some(Filter { party: Some(own), kind: Some(AccountKind::PublisherPayable), ..filter })
}

fn read(tenant: TenantId, row: StatementRow) -> QueryResult<View> {
    let account = row.account(tenant)?;
    Ok(View {
        id: StatementId(row.statement_id),
        month: Month::of_day(row.period),
        account,
        is_closed: true,
        figures: Statement {
            opening: i128::from(row.opening_micros),
            movements: Movements {
                earned: i128::from(row.earned_micros),
                reversed: i128::from(row.reversed_micros),
                adjusted: i128::from(row.adjusted_micros),
                paid: i128::from(row.paid_micros),
            },
            closing: i128::from(row.closing_micros),
            carried_in: i128::from(row.carried_in_micros),
            due: i128::from(row.due_micros),
            carried_out: i128::from(row.carried_out_micros),
        },
        settled: row.settled_at.zip(row.settled_reference).map(|(at, reference)| Settled { at, reference }),
        party_name: row.party_name,
    })
}
