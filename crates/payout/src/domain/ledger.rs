//! Double entry, in two phases: what the ledger must hold of a conversion, and the transfers that bring it there.
//!
//! | account | grows on the side of | means |
//! |---|---|---|
//! | advertiser receivable | debit | what an advertiser owes |
//! | publisher payable | credit | what a publisher has earned |
//! | margin | credit | what stays with the tenant |
//! | settled | credit | what was paid to publishers, less what advertisers paid |
//!
//! A conversion is up to three flows: receivable → payable, receivable → margin, and, where a person accepted a payout
//! above the revenue, margin → payable. Pending reserves them, Success posts them, Rejected voids them, a reversal posts
//! the opposite. A statement's adjustment or payment is posted at once. Rows are only ever added. A zero amount makes no transfer.

mod account;
mod balance;
mod transfer;

use kernel::{Micros, TransferId};
use terms::Breakdown;

pub(crate) use account::derive;
pub use account::{Account, AccountId, AccountKind};
pub use balance::{Balance, Balances, Sums, fold};
pub use transfer::{Flow, Kind, Transfer, transfer_id};

use super::conversion::Subject;

/// What the ledger holds of a conversion. `since` is the status revision of the entries, which names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Books {
    /// Nothing, or everything was voided or reversed.
    Empty,
    /// Pending transfers that were neither posted nor voided.
    Reserved {
        /// When they were made.
        since: u64,
    },
    /// Posted transfers that were not reversed.
    Posted {
        /// When they were posted.
        since: u64,
    },
}

/// What the ledger holds, and of how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What kind of entries.
    pub books: Books,
    /// The money they were made from.
    pub money: Option<Breakdown>,
}

/// What the ledger shall hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Nothing.
    Nothing,
    /// A reservation of this.
    Reserve(Breakdown),
    /// This, posted.
    Post(Breakdown),
}

/// The transfers to add, and what the books hold then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// In the order of their flows.
    pub transfers: Vec<Transfer>,
    /// After them.
    pub books: Books,
}

/// The transfers that bring the books of a conversion from what they hold to what they shall hold, in one revision.
#[must_use]
pub fn enter(subject: &Subject, revision: u64, held: Held, goal: Goal) -> Entry {
    let before = held.money;
    let is = |money: Breakdown| before.is_some_and(|before| is_same_money(&before, &money));
    let resolve = |kind, since| {
        before.map(|money| flows(subject, &money).map(|flow| flow.resolve(kind, since, revision)))
    };
    let open = |kind, money: Breakdown| Some(flows(subject, &money).map(|flow| flow.open(kind, revision)));
    let reserved = Books::Reserved { since: revision };
    let posted = Books::Posted { since: revision };
    let (first, second, books) = match (held.books, goal) {
        (Books::Empty, Goal::Nothing) => (None, None, Books::Empty),
        (Books::Empty, Goal::Reserve(money)) => (None, open(Kind::Pending, money), reserved),
        (Books::Empty, Goal::Post(money)) => (None, open(Kind::Posted, money), posted),
        (Books::Reserved { since }, Goal::Nothing) => (resolve(Kind::Void, since), None, Books::Empty),
        (Books::Reserved { .. }, Goal::Reserve(money)) | (Books::Posted { .. }, Goal::Post(money))
            if is(money) =>
        {
            (None, None, held.books)
        }
        (Books::Reserved { since }, Goal::Reserve(money)) => {
            (resolve(Kind::Void, since), open(Kind::Pending, money), reserved)
        }
        (Books::Reserved { since }, Goal::Post(money)) if is(money) => {
            (resolve(Kind::Post, since), None, posted)
        }
        (Books::Reserved { since }, Goal::Post(money)) => {
            (resolve(Kind::Void, since), open(Kind::Posted, money), posted)
        }
        (Books::Posted { since }, Goal::Nothing) => (resolve(Kind::Reversal, since), None, Books::Empty),
        (Books::Posted { since }, Goal::Reserve(money)) => {
            (resolve(Kind::Reversal, since), open(Kind::Pending, money), reserved)
        }
        (Books::Posted { since }, Goal::Post(money)) => {
            (resolve(Kind::Reversal, since), open(Kind::Posted, money), posted)
        }
    };
    let transfers =
        first.into_iter().chain(second).flatten().filter(|transfer| transfer.amount.0 > 0).collect();
    Entry { transfers, books }
}

const fn is_same_money(one: &Breakdown, other: &Breakdown) -> bool {
    one.revenue.0 == other.revenue.0 && one.payout.0 == other.payout.0
}

/// One flow of money between two accounts, before it is a transfer.
struct Leg {
    subject: Subject,
    flow: Flow,
    debit: Account,
    credit: Account,
    amount: Micros,
}

impl Leg {
    fn id(&self, revision: u64, kind: Kind) -> TransferId {
        transfer_id(self.subject.tenant, self.subject.conversion, revision, self.flow, kind)
    }

    fn open(self, kind: Kind, revision: u64) -> Transfer {
        let id = self.id(revision, kind);
        Transfer {
            id,
            kind,
            flow: self.flow,
            pending: None,
            debit: self.debit,
            credit: self.credit,
            amount: self.amount,
            revision,
        }
    }

    fn resolve(self, kind: Kind, since: u64, revision: u64) -> Transfer {
        let pending = match kind {
            Kind::Post | Kind::Void => Some(self.id(since, Kind::Pending)),
            Kind::Pending | Kind::Posted | Kind::Reversal => None,
        };
        let opened = self.open(kind, revision);
        let (debit, credit) = match kind {
            Kind::Reversal => (opened.credit, opened.debit),
            Kind::Pending | Kind::Post | Kind::Void | Kind::Posted => (opened.debit, opened.credit),
        };
        Transfer { pending, debit, credit, ..opened }
    }
}

fn flows(subject: &Subject, money: &Breakdown) -> [Leg; 3] {
    let receivable = Account::receivable(subject.tenant, money.currency, subject.advertiser);
    let payable = Account::payable(subject.tenant, money.currency, subject.publisher);
    let margin = Account::margin(subject.tenant, money.currency);
    let loss = money.margin.0.saturating_neg();
    let leg = |flow, debit, credit, amount| Leg { subject: *subject, flow, debit, credit, amount };
    [
        leg(Flow::Payable, receivable, payable, money.payout.min(money.revenue)),
        leg(Flow::Margin, receivable, margin, money.margin.max(Micros::ZERO)),
        leg(Flow::Loss, margin, payable, Micros(loss.max(0))),
    ]
}
