//! Budgets that people raised at payout become the offer's own: as a person's change of the budget does, with the next version and
//! in the log of who changed what.
//!
//! An ended offer takes it, too, though nobody could save it any more: its journeys go on counting, and somebody approved one. The
//! linter is not asked, for the money is promised; what it warns of because of the raise stands in the log.

use std::collections::BTreeSet;

use kernel::{Currency, FactId, OfferId};
use postgres_kit::{DbError, Failure, Retries, inbox, transact};
use serde_json::json;

use super::{
    Catalog, FlowError,
    create_offer::tell_version_again,
    write::{Change, States},
};
use crate::{
    domain::{
        acceptance::judge,
        audit::{Actor, AuditAction},
        budget_raise::BudgetRaise,
        lint::Finding,
        records::Offer,
        status::OfferStatus,
    },
    store::{Conn, offer_raises, offers},
};

/// The queue on which raises are heard, and the name under which they are claimed.
pub const CONSUMER: &str = bus::house::CATALOG_RAISES;

/// Why a raise was not taken over.
#[derive(Debug, thiserror::Error)]
pub enum RaiseError {
    /// Payout heard of an offer that this catalog does not have: its database is older than what it told.
    #[error("offer {0} is not in this catalog, or a draft: was the database restored from an older backup?")]
    NoOffer(OfferId),
    /// Money of two currencies is not compared.
    #[error("the raise is not in {0}, the currency of offer {1}")]
    Currency(Currency, OfferId),
    /// The database did not take it, or our own data are not as they should be.
    #[error("taking a raised budget over")]
    Flow(#[from] FlowError),
}

impl From<DbError> for RaiseError {
    fn from(error: DbError) -> Self {
        Self::Flow(error.into())
    }
}

impl From<diesel::result::Error> for RaiseError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Flow(error.into())
    }
}

impl Failure for RaiseError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Flow(error) => error.database(),
            Self::NoOffer(_) | Self::Currency(..) => None,
        }
    }
}

impl Catalog {
    /// Takes raises over, each once however often it comes, in whatever order. They are acts of people, so they are few: each has a
    /// transaction of its own, and nobody holds two offers.
    ///
    /// # Errors
    /// [`RaiseError`] of the first that could not be taken over; those before it were, and are not again.
    pub async fn take_raises(&self, batch: &[(FactId, BudgetRaise)]) -> Result<(), RaiseError> {
        let mut in_order: Vec<&(FactId, BudgetRaise)> = batch.iter().collect();
        in_order.sort_by_key(|(_, raise)| (raise.tenant, raise.offer, raise.number));
        for (fact, raise) in in_order {
            transact(self.pool(), Retries::default(), async |conn| {
                let is_new = inbox::claim(conn, CONSUMER, &[*fact]).await?.contains(fact);
                if is_new { self.take_raise(conn, raise).await } else { Ok(()) }
            })
            .await?;
        }
        Ok(())
    }

    async fn take_raise(&self, conn: &mut Conn, raise: &BudgetRaise) -> Result<(), RaiseError> {
        let before = offers::lock(conn, raise.tenant, raise.offer).await?;
        let before = before.filter(|offer| offer.state.status != OfferStatus::Draft);
        let before = before.ok_or(RaiseError::NoOffer(raise.offer))?;
        if let Some(currency) = before.fields.currency.filter(|_| !raise.is_in_currency_of(&before.fields)) {
            return Err(RaiseError::Currency(currency, raise.offer));
        }
        let known = offer_raises::find(conn, raise.tenant, raise.offer).await?;
        let (fields, raises) = raise.on(&before.fields, known);
        let mut after = Offer { fields, ..before.clone() };
        let is_changed = after.fields != before.fields;
        let warnings =
            if is_changed { self.new_warnings(conn, &before, &mut after).await? } else { Vec::new() };
        let change = Change::new(self.ids(), raise.tenant, Actor::Token(raise.token), self.now());
        let states = logged(raise, &before, &after, &warnings)?;
        change.audit(conn, AuditAction::OfferBudgetRaised, raise.offer.as_uuid(), states).await?;
        if raises != known {
            offer_raises::save(conn, raise.tenant, raise.offer, raises).await?;
        }
        if is_changed {
            after.revision = before.revision.next();
            after.updated_at = change.at;
            self.write_version(conn, &change, &before, &mut after).await?;
        } else if raises != known {
            // It was that high already. Payout waits to hear that its raise is here.
            tell_version_again(conn, &change, &after, raises).await?;
        }
        Ok(())
    }

    /// What the linter warns of because of the raise. Nobody is there to be asked whether it is meant.
    async fn new_warnings(
        &self,
        conn: &mut Conn,
        before: &Offer,
        after: &mut Offer,
    ) -> Result<Vec<Finding>, FlowError> {
        let known = self.findings(conn, before).await?;
        let judged = judge(&self.findings(conn, after).await?, &before.accepted, &known, &BTreeSet::new());
        after.accepted = judged.accepted;
        Ok(judged.open)
    }
}

/// A raise for the log: what the budgets were and are, and why.
fn logged(
    raise: &BudgetRaise,
    before: &Offer,
    after: &Offer,
    warnings: &[Finding],
) -> Result<States, FlowError> {
    let budgets = |offer: &Offer| json!({ "totalBudget": offer.fields.total_budget, "dailyBudget": offer.fields.daily_budget });
    let mut state = budgets(after);
    if let Some(state) = state.as_object_mut() {
        state.insert(String::from("reason"), json!(raise.reason));
        state.insert(String::from("conversionId"), json!(raise.conversion));
        state.insert(String::from("raisedAtMicros"), json!(raise.at));
        if !warnings.is_empty() {
            state.insert(String::from("warnings"), json!(warnings));
        }
    }
    States::changed(&budgets(before), &state)
}
