//! One account over one period.

use kernel::{Currency, TenantId, TransferId};
use uuid::Uuid;

use super::{due::floor_to_minor, period::Month};
use crate::domain::ledger::{Account, AccountId, AccountKind, Flow, Kind, derive};

/// Names a statement: computed from its period and account, so an open period's has one, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId(pub Uuid);

/// What moved an account within a period, in micros on the side on which it grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Movements {
    /// Posted for conversions.
    pub earned: i128,
    /// Taken back from what was posted; at least 0.
    pub reversed: i128,
    /// Added by people; below 0 when they took something off.
    pub adjusted: i128,
    /// Settled; at least 0.
    pub paid: i128,
}

/// An account at the beginning of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    /// Its posted balance.
    pub balance: i128,
    /// What earlier statements have left.
    pub carried: i128,
}

/// The figures of a statement, in micros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// The posted balance before.
    pub opening: i128,
    /// What moved it.
    pub movements: Movements,
    /// The posted balance after.
    pub closing: i128,
    /// What earlier statements have left.
    pub carried_in: i128,
    /// What is asked for.
    pub due: i128,
    /// What the next statement begins with.
    pub carried_out: i128,
}

impl Movements {
    /// Takes one more transfer. What is only reserved, or touches another account, moves nothing.
    pub fn take(
        &mut self,
        account: &Account,
        debit: AccountId,
        credit: AccountId,
        what: (Flow, Kind),
        amount: i128,
    ) {
        let (flow, kind) = what;
        if matches!(kind, Kind::Pending | Kind::Void) {
            return;
        }
        let (grows_on, other) = match account.kind {
            AccountKind::AdvertiserReceivable => (debit, credit),
            AccountKind::PublisherPayable | AccountKind::Margin | AccountKind::Settled => (credit, debit),
        };
        let id = account.id();
        let signed = match (grows_on == id, other == id) {
            (true, _) => amount,
            (false, true) => amount.saturating_neg(),
            (false, false) => return,
        };
        match (flow, kind) {
            (Flow::Adjustment, _) => self.adjusted = self.adjusted.saturating_add(signed),
            (Flow::Settlement, _) => self.paid = self.paid.saturating_sub(signed),
            (_, Kind::Reversal) => self.reversed = self.reversed.saturating_sub(signed),
            _ => self.earned = self.earned.saturating_add(signed),
        }
    }

    /// What the statement is about, without payments.
    #[must_use]
    pub fn net(&self) -> i128 {
        self.earned.saturating_sub(self.reversed).saturating_add(self.adjusted)
    }
}

impl Statement {
    /// The account at the beginning of the next period.
    #[must_use]
    pub const fn after(&self) -> Before {
        Before { balance: self.closing, carried: self.carried_out }
    }
}

/// The statement of an account over a period; `None` when there is nothing to say.
#[must_use]
pub fn draw(before: Before, movements: Movements, currency: Currency) -> Option<Statement> {
    if before == Before::default() && movements == Movements::default() {
        return None;
    }
    let settled = floor_to_minor(before.carried.saturating_add(movements.net()), currency);
    Some(Statement {
        opening: before.balance,
        movements,
        closing: before.balance.saturating_add(movements.net()).saturating_sub(movements.paid),
        carried_in: before.carried,
        due: settled.due,
        carried_out: settled.carried,
    })
}

/// Whether an account gets statements: a publisher's or an advertiser's.
#[must_use]
pub const fn is_of_party(kind: AccountKind) -> bool {
    matches!(kind, AccountKind::AdvertiserReceivable | AccountKind::PublisherPayable)
}

/// The id of the statement of an account over a month.
#[must_use]
pub fn statement_id(account: &Account, month: Month) -> StatementId {
    StatementId(derive("gokart statement 1", &[account.id().0.as_bytes(), month.to_string().as_bytes()]))
}

/// The id of the transfer that an adjustment makes. The reference, chosen by who asks, makes the same one come out again.
#[must_use]
pub fn adjustment_id(tenant: TenantId, statement: StatementId, reference: &str) -> TransferId {
    of_statement("gokart adjustment 1", tenant, statement, reference)
}

/// The id of the transfer that paying a statement makes: there is only one.
#[must_use]
pub fn payment_id(tenant: TenantId, statement: StatementId) -> TransferId {
    of_statement("gokart settlement 1", tenant, statement, "")
}

fn of_statement(label: &str, tenant: TenantId, statement: StatementId, reference: &str) -> TransferId {
    let tenant = tenant.as_uuid();
    TransferId::from_uuid(derive(label, &[tenant.as_bytes(), statement.0.as_bytes(), reference.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USD: Currency = Currency::USD;

    fn earned(micros: i128) -> Movements {
        Movements { earned: micros, ..Movements::default() }
    }

    #[test]
    fn a_reversal_after_payment_is_owed_and_taken_off_what_comes_next() {
        let october = draw(Before::default(), earned(10_005_000), USD).unwrap();
        assert_eq!((october.due, october.carried_out, october.closing), (10_000_000, 5_000, 10_005_000));
        // Paid in November, where 4.00 of it are taken back and nothing is earned.
        let movements = Movements { reversed: 4_000_000, paid: october.due, ..Movements::default() };
        let november = draw(october.after(), movements, USD).unwrap();
        assert_eq!((november.due, november.carried_out, november.closing), (0, -3_995_000, -3_995_000));
        let december = draw(november.after(), earned(6_000_000), USD).unwrap();
        assert_eq!((december.due, december.carried_out), (2_000_000, 5_000));
    }

    #[test]
    fn nothing_is_said_about_nothing() {
        assert_eq!(draw(Before::default(), Movements::default(), USD), None);
        // A debt is, also when the balance happens to be 0.
        let owing = Before { balance: 0, carried: -5 };
        assert!(draw(owing, Movements::default(), USD).is_some());
    }
}
