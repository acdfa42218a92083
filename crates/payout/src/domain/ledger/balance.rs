//! A balance is the fold of its account's rows. The store's view says the same in SQL; `payout verify-ledger` and the tests
//! compare the two.

use std::collections::BTreeMap;

use super::{
    account::{Account, AccountId},
    transfer::{Kind, Transfer},
};

/// Pending and posted sums of one side of an account, in micros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Reserved, neither posted nor voided.
    pub pending: i128,
    /// Posted.
    pub posted: i128,
}

impl Sums {
    fn take(&mut self, kind: Kind, amount: i128) {
        let (pending, posted) = match kind {
            Kind::Pending => (amount, 0),
            Kind::Post => (amount.saturating_neg(), amount),
            Kind::Void => (amount.saturating_neg(), 0),
            Kind::Posted | Kind::Reversal => (0, amount),
        };
        self.pending = self.pending.saturating_add(pending);
        self.posted = self.posted.saturating_add(posted);
    }
}

impl Sums {
    fn plus(self, other: Self) -> Self {
        Self {
            pending: self.pending.saturating_add(other.pending),
            posted: self.posted.saturating_add(other.posted),
        }
    }
}

/// Both sides of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Debits.
    pub debits: Sums,
    /// Credits.
    pub credits: Sums,
}

impl Balance {
    /// What both come to.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { debits: self.debits.plus(other.debits), credits: self.credits.plus(other.credits) }
    }
}

/// The balances of accounts, folded row by row.
#[derive(Debug, Clone, Default)]
pub struct Balances(BTreeMap<AccountId, (Account, Balance)>);

impl Balances {
    /// Takes one more row.
    pub fn add(&mut self, transfer: &Transfer) {
        let amount = i128::from(transfer.amount.0);
        self.of(transfer.debit).debits.take(transfer.kind, amount);
        self.of(transfer.credit).credits.take(transfer.kind, amount);
    }

    /// The balance of an account; zero for one that no row touched.
    #[must_use]
    pub fn get(&self, account: AccountId) -> Balance {
        self.0.get(&account).map(|(_, balance)| *balance).unwrap_or_default()
    }

    /// Every account that a row touched.
    pub fn iter(&self) -> impl Iterator<Item = &(Account, Balance)> {
        self.0.values()
    }

    fn of(&mut self, account: Account) -> &mut Balance {
        &mut self.0.entry(account.id()).or_insert((account, Balance::default())).1
    }
}

/// The balance of every account that the transfers touch.
#[must_use]
pub fn fold<'a>(transfers: impl IntoIterator<Item = &'a Transfer>) -> Balances {
    let mut balances = Balances::default();
    transfers.into_iter().for_each(|transfer| balances.add(transfer));
    balances
}
