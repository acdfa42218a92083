//! Every step of a conversion beside a second implementation that shares no rule with this one (`crates/payout-oracle`), on
//! random histories: verdicts in any order and with any amount, people's decisions, rates that change, time.

#![expect(clippy::arithmetic_side_effects, reason = "sums of a test, far from any end")]

mod cases;

use std::collections::HashMap;

use kernel::{Currency, Timestamp};
use payout_oracle as oracle;
use proptest::prelude::*;
use rstest::rstest;
use terms::{Breakdown, Priced, Rate};

use self::cases::{CURRENCIES, Case, Happening, any_case, code};
use super::{
    conversion::{self, Cause, Change, Conversion, Settlement},
    ledger::{AccountKind, Kind, Transfer},
    limits::{Desk, RateOf},
    reason_codes,
    standing::{Actor, Decision, Standing, Status, Told, Word},
};

/// A conversion, everything that was written into the ledger about it, and what its publisher knows.
struct Run {
    conversion: Option<Conversion>,
    desk: Desk,
    transfers: Vec<Transfer>,
    told: (u8, Option<i64>),
    /// So says the newest verdict.
    is_qualified: bool,
    /// A rejection before it that the newest verdict has not heard of.
    unheard: Option<Cause>,
    /// Of each currency into the terms'.
    rates: HashMap<Currency, Rate>,
}

impl Run {
    fn take(&mut self, change: Change) {
        self.transfers.extend(change.transfers);
        if change.is_told {
            let payout = change.conversion.money.map(|money| money.payout.0);
            self.told = match change.conversion.standing.status.told() {
                None => (0, None),
                Some(Told::Pending) => (1, payout),
                Some(Told::Success) => (2, payout),
                Some(Told::Rejected) => (3, None),
            };
        }
        self.conversion = Some(change.conversion);
    }

    /// Whether it was news.
    fn step(&mut self, case: &Case, happening: &Happening, now: Timestamp) -> bool {
        let rates = self.rates.clone();
        let rate = |from: Currency, to: Currency| rates.get(&from).copied().filter(|_| to == case.currency);
        match happening {
            Happening::Verdict(verdict) => {
                let current = self.conversion.as_ref();
                let said = case.verdict(verdict);
                match conversion::on_verdict(current, &said, verdict.unheard, &rate, &mut self.desk, now) {
                    Settlement::Stale => return false,
                    Settlement::Silent(conversion) => self.conversion = Some(conversion),
                    Settlement::Changed(change) => self.take(change),
                }
                self.is_qualified = said.word == Word::Qualified;
                self.unheard = verdict.unheard;
                true
            }
            Happening::Decision(decision) => {
                let Some(current) = &self.conversion else { return false };
                let priced = priced(current, *decision, case, &rate);
                let (asked, why) = ((*decision, priced), "why");
                let decided = conversion::on_decision(current, asked, why, &rate, &mut self.desk, now);
                decided.map(|change| self.take(change)).is_ok()
            }
            Happening::Rates(rates) => {
                let known = CURRENCIES.iter().zip(rates);
                let known = known.filter_map(|(from, parts)| Some((code(from), Rate::from_e12((*parts)?)?)));
                self.rates = known.collect();
                self.look(now)
            }
            Happening::Pricing => {
                let said = (&case.terms(), self.unheard);
                let current = self.conversion.as_ref();
                let priced = current
                    .and_then(|current| conversion::on_rate(current, said, &rate, &mut self.desk, now, now));
                if let Some(change) = priced {
                    self.take(change);
                }
                self.look(now)
            }
            Happening::Held(why) => {
                self.unheard = Some(*why);
                let current = self.conversion.as_ref();
                let held = current.and_then(|current| conversion::on_rejected_before(current, *why));
                if let Some(change) = held {
                    self.take(change);
                }
                self.look(now)
            }
            Happening::LetGo => {
                self.unheard = None;
                let current = self.conversion.as_ref();
                let is_qualified = self.is_qualified;
                let let_go =
                    current.and_then(|current| conversion::on_restored_before(current, is_qualified, None));
                if let Some(change) = let_go {
                    self.take(change);
                }
                self.look(now)
            }
            Happening::Time => self.look(now),
        }
    }

    /// Time releases what is due.
    fn look(&mut self, now: Timestamp) -> bool {
        let due = self.conversion.as_ref().and_then(|current| conversion::on_due(current, now));
        if let Some(change) = due {
            self.take(change);
        }
        true
    }

    /// What the rows add up to, by the words of the ledger's own description and without its fold.
    fn books(&self) -> oracle::Books {
        let mut books = oracle::Books::default();
        for transfer in &self.transfers {
            let amount = i128::from(transfer.amount.0);
            for (account, sign) in [(transfer.credit, 1), (transfer.debit, -1)] {
                let place = match account.kind {
                    AccountKind::AdvertiserReceivable => 0,
                    AccountKind::PublisherPayable => 1,
                    AccountKind::Margin => 2,
                    AccountKind::Settled => panic!("a conversion by itself pays nobody"),
                };
                let (pending, posted) = match transfer.kind {
                    Kind::Pending => (amount, 0),
                    Kind::Post => (-amount, amount),
                    Kind::Void => (-amount, 0),
                    Kind::Posted | Kind::Reversal => (0, amount),
                };
                books.pending[place] += sign * pending;
                books.posted[place] += sign * posted;
            }
        }
        books
    }

    /// What the rules say themselves is in the list of codes; verdicts bring one of their own.
    fn code_is_known(&self) -> bool {
        let code = self.conversion.as_ref().map_or("", |known| known.reason.code.as_str());
        code.is_empty() || code == cases::SAID || reason_codes::parse(code).is_some()
    }

    fn seen(&self) -> (oracle::Status, Option<oracle::Money>) {
        let status = self.conversion.as_ref().map_or(Status::Unreached, |known| known.standing.status);
        let money = self.conversion.as_ref().and_then(|known| known.money);
        let money = money.map(|money| oracle::Money { revenue: money.revenue.0, payout: money.payout.0 });
        (translated(status), money)
    }
}

/// What a person is shown to be worth what nobody could price before; as the flow of decisions has it.
fn priced(current: &Conversion, decision: Decision, case: &Case, rate: RateOf<'_>) -> Option<Breakdown> {
    if decision == Decision::Reject || current.money.is_some() {
        return None;
    }
    match terms::price(&case.terms(), &current.reported, rate) {
        Priced::Money(money) => Some(money),
        Priced::Review { .. } => None,
    }
}

fn translated(status: Status) -> oracle::Status {
    match status {
        Status::Unreached => oracle::Status::Unreached,
        Status::Pending => oracle::Status::Pending,
        Status::OnReview => oracle::Status::OnReview,
        Status::Success => oracle::Status::Success,
        Status::Flagged => oracle::Status::Flagged,
        Status::Rejected => oracle::Status::Rejected,
        Status::Reversed => oracle::Status::Reversed,
    }
}

/// More of them: `PROOF_CASES=100000`.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROOF_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    ProptestConfig { cases, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn both_implementations_agree_after_every_step(case in any_case()) {
        let mut run = Run {
            conversion: None,
            desk: case.desk(),
            transfers: Vec::new(),
            told: (0, None),
            is_qualified: false,
            unheard: None,
            rates: HashMap::new(),
        };
        let mut second = oracle::Conversion::default();
        for (number, (happening, now)) in case.happenings().enumerate() {
            let done = run.step(&case, happening, now);
            let expected = second.step(&case.step(happening), now.as_micros());
            prop_assert_eq!(done, expected, "step {}: {:?}", number, happening);
            prop_assert_eq!(run.seen(), (second.status, second.money), "step {}: {:?}", number, happening);
            prop_assert_eq!(run.books(), second.books(), "step {}: {:?}", number, happening);
            prop_assert_eq!(run.told, second.told(), "step {}: {:?}", number, happening);
            prop_assert!(run.code_is_known(), "step {}: {:?}", number, happening);
            let is_earned = matches!(second.status, oracle::Status::Success | oracle::Status::Flagged);
            prop_assert!(!is_earned || second.money.is_some(), "step {}: earned, and nobody knows what", number);
            for sums in [second.books().pending, second.books().posted] {
                prop_assert_eq!(sums.iter().sum::<i128>(), 0);
            }
        }
    }
}

const STATUSES: [Status; 7] = [
    Status::Unreached,
    Status::Pending,
    Status::OnReview,
    Status::Success,
    Status::Flagged,
    Status::Rejected,
    Status::Reversed,
];

/// Of the 28 pairs of status and decision, these are the ones that there are.
const LEGAL: [(Status, Decision, Status); 11] = [
    (Status::Pending, Decision::Approve, Status::Success),
    (Status::Pending, Decision::Reject, Status::Rejected),
    (Status::OnReview, Decision::Approve, Status::Success),
    (Status::OnReview, Decision::Reject, Status::Rejected),
    (Status::OnReview, Decision::ClearReview, Status::Pending),
    (Status::Success, Decision::Reject, Status::Reversed),
    (Status::Flagged, Decision::Approve, Status::Success),
    (Status::Flagged, Decision::ClearReview, Status::Success),
    (Status::Flagged, Decision::Reject, Status::Reversed),
    (Status::Rejected, Decision::Restore, Status::Success),
    (Status::Reversed, Decision::Restore, Status::Success),
];

#[rstest]
#[case(Actor::Time)]
#[case(Actor::Verdict)]
#[case(Actor::Person)]
#[case(Actor::Limit)]
fn every_other_decision_is_illegal_whoever_put_it_there(#[case] by: Actor) {
    for status in STATUSES {
        for decision in Decision::ALL {
            let to = LEGAL.iter().find(|(from, asked, _)| (*from, *asked) == (status, decision));
            let after = Standing { status, by }.decided(decision);
            let expected = to.map(|(.., status)| Standing { status: *status, by: Actor::Person });
            assert_eq!(after.ok(), expected, "{status:?}, {decision:?}");
            if let Err(illegal) = after {
                assert_eq!((illegal.from, illegal.decision), (status, decision));
            }
        }
    }
}
