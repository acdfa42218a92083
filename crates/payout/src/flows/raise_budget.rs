//! A person raises an offer's budgets in the call that decides on a conversion of it. The raise is made first, in the same
//! transaction, so that the decision meets the new bounds; a decision that is refused takes it back with everything else.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::IdSource;
use postgres_kit::outbox;

use super::{counting, decide::Asked, facts};
use crate::{
    domain::limits::{Budgets, NotRaised, Period},
    store::{
        self, budget_raises,
        budget_raises::Made,
        decisions,
        offers::{self, Locked},
    },
};

/// What became of a raise.
#[derive(Debug)]
pub(super) enum Raising {
    /// It is made.
    Made(Made),
    /// There is no such conversion, or the limits of its offer are not known here yet.
    Unknown,
    /// These budgets can not be raised to that; nothing has changed.
    Refused(Vec<(Period, NotRaised)>),
}

/// Locks the offer of a conversion and raises its budgets.
pub(super) async fn raise(
    connection: &mut AsyncPgConnection,
    asked: &Asked,
    to: Budgets,
) -> QueryResult<Raising> {
    let known = decisions::known(connection, &[asked.key()]).await?;
    let Some(known) = known.get(&asked.key()) else { return Ok(Raising::Unknown) };
    let key = (asked.tenant, known.offer);
    let locked = counting::lock(connection, [key].into()).await?;
    let Some(Locked { said, raises, .. }) = locked.get(&key) else { return Ok(Raising::Unknown) };
    let bounds = said.raised(raises);
    let why_not = bounds.why_not_raised(to);
    if !why_not.is_empty() {
        return Ok(Raising::Refused(why_not));
    }
    let number = raises.next_number(store::now(connection).await?);
    let raises = raises.raised(number, to);
    offers::save_raises(connection, &[(key, raises)]).await?;
    let before = Budgets { total: bounds.total, daily: bounds.daily };
    Ok(Raising::Made(Made { offer: key, number, currency: bounds.currency, before, to, raises }))
}

/// Writes down who raised and why, and tells the catalog: the decision is made.
pub(super) async fn record(
    connection: &mut AsyncPgConnection,
    ids: &dyn IdSource,
    asked: &Asked,
    made: &Made,
) -> QueryResult<()> {
    budget_raises::add(connection, made, asked.key()).await?;
    let now = store::now(connection).await?;
    outbox::add(connection, &[facts::budget_raised(ids, now, made, asked)]).await
}
