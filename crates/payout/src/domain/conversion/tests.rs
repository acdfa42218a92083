use std::collections::HashSet;

use kernel::{Bps, Currency};
use proptest::prelude::*;
use terms::{Payout, Rate, Revenue};
use uuid::Uuid;

use super::*;
use crate::domain::{
    ledger::{AccountKind, Balance, fold},
    limits::{Bounds, OverLimit, Usage},
};

const DAY: i64 = 86_400_000_000;
const RECEIVED: Timestamp = Timestamp::from_micros(1_000 * DAY);

fn subject() -> Subject {
    let id = Uuid::from_u128;
    Subject {
        tenant: TenantId::from_uuid(id(1)),
        conversion: ConversionId::from_uuid(id(2)),
        click: ClickId::from_uuid(id(3)),
        advertiser: AdvertiserId::from_uuid(id(4)),
        publisher: PublisherId::from_uuid(id(5)),
        offer: OfferId::from_uuid(id(6)),
        offer_event: OfferEventId::from_uuid(id(7)),
    }
}

fn flat() -> Terms {
    Terms {
        currency: Currency::USD,
        revenue: Revenue::Flat(Micros(3_000_000)),
        payout: Payout::Flat(Micros(2_000_000)),
        reward_points: 10,
    }
}

fn percent() -> Terms {
    Terms {
        revenue: Revenue::PercentOfAmount(Bps(5_000)),
        payout: Payout::ShareOfRevenue(Bps(5_000)),
        ..flat()
    }
}

fn verdict(revision: u64, word: Word) -> Verdict {
    Verdict {
        subject: subject(),
        revision,
        word,
        reason: Reason { code: String::from("CODE"), text: String::from("why") },
        occasion: Occasion {
            event_id: String::from("af_purchase"),
            occurrence: String::from("once"),
            received_at: RECEIVED,
        },
        pending: Days(3),
        terms: flat(),
        number: None,
        decisions_heard: None,
        reverses: false,
        reported: Reported::default(),
        heard_until: Timestamp::from_micros(i64::MAX),
    }
}

fn no_rate(_from: Currency, _to: Currency) -> Option<Rate> {
    None
}

fn days(number: i64) -> Timestamp {
    RECEIVED.saturating_add_micros(number.saturating_mul(DAY))
}

fn changed(settlement: Settlement) -> Change {
    let Settlement::Changed(change) = settlement else { panic!("{settlement:?}") };
    change
}

/// Runs a conversion and keeps its ledger.
struct Run {
    conversion: Option<Conversion>,
    desk: Desk,
    transfers: Vec<Transfer>,
    told: Vec<Told>,
}

impl Default for Run {
    fn default() -> Self {
        Self { conversion: None, desk: without_limits(), transfers: Vec::new(), told: Vec::new() }
    }
}

/// The offer is known and allows everything.
fn without_limits() -> Desk {
    let bounds = Bounds {
        version: 1,
        currency: Currency::USD,
        total: None,
        daily: None,
        least: Micros(1),
        action: OverLimit::Reject,
        caps: Vec::new(),
    };
    Desk::new([((subject().tenant, subject().offer), bounds)].into(), Usage::default())
}

fn on_verdict(current: Option<&Conversion>, verdict: &Verdict, now: Timestamp) -> Settlement {
    super::on_verdict(current, verdict, None, &no_rate, &mut without_limits(), now)
}

impl Run {
    fn verdict(&mut self, verdict: &Verdict, now: Timestamp) {
        match super::on_verdict(self.conversion.as_ref(), verdict, None, &no_rate, &mut self.desk, now) {
            Settlement::Stale => {}
            Settlement::Silent(conversion) => self.conversion = Some(conversion),
            Settlement::Changed(change) => self.take(change),
        }
    }

    fn due(&mut self, now: Timestamp) {
        if let Some(change) = self.conversion.as_ref().and_then(|current| on_due(current, now)) {
            self.take(change);
        }
    }

    fn take(&mut self, change: Change) {
        self.transfers.extend(change.transfers);
        if change.is_told {
            self.told.extend(change.conversion.standing.status.told());
        }
        self.conversion = Some(change.conversion);
    }

    fn status(&self) -> Status {
        self.conversion.as_ref().map_or(Status::Unreached, |conversion| conversion.standing.status)
    }

    /// (pending, posted) of an account, credits less debits.
    fn net(&self, kind: AccountKind) -> (i128, i128) {
        fold(&self.transfers).iter().filter(|(account, _)| account.kind == kind).fold(
            (0, 0),
            |(pending, posted), (_, Balance { debits, credits })| {
                (pending + credits.pending - debits.pending, posted + credits.posted - debits.posted)
            },
        )
    }
}

#[test]
fn a_hold_reserves_and_its_end_posts() {
    let mut run = Run::default();
    run.verdict(&verdict(1, Word::Qualified), days(0));
    assert_eq!((run.status(), run.net(AccountKind::PublisherPayable)), (Status::Pending, (2_000_000, 0)));
    run.due(days(3).saturating_add_micros(-1));
    assert_eq!(run.status(), Status::Pending);
    run.due(days(3));
    assert_eq!((run.status(), run.net(AccountKind::PublisherPayable)), (Status::Success, (0, 2_000_000)));
    assert_eq!(run.net(AccountKind::Margin), (0, 1_000_000));
    assert_eq!(run.net(AccountKind::AdvertiserReceivable), (0, -3_000_000));
    assert_eq!(run.told, [Told::Pending, Told::Success]);
}

#[test]
fn no_hold_is_success_in_one_step() {
    let mut run = Run::default();
    run.verdict(&Verdict { pending: Days(0), ..verdict(1, Word::Qualified) }, days(0));
    assert_eq!((run.status(), run.told.as_slice()), (Status::Success, [Told::Success].as_slice()));
    assert_eq!(run.conversion.unwrap().status_revision, 1);
    assert!(run.transfers.iter().all(|transfer| transfer.pending.is_none()));
}

#[test]
fn a_veto_in_the_hold_voids_and_one_after_it_flags() {
    let mut run = Run::default();
    run.verdict(&verdict(1, Word::Qualified), days(0));
    run.verdict(&verdict(2, Word::Vetoed { reverses: false }), days(1));
    assert_eq!((run.status(), run.net(AccountKind::PublisherPayable)), (Status::Rejected, (0, 0)));
    assert_eq!(run.conversion.as_ref().unwrap().reason.code, "CODE");

    let mut run = Run::default();
    run.verdict(&verdict(1, Word::Qualified), days(3));
    run.verdict(&verdict(2, Word::Vetoed { reverses: false }), days(4));
    assert_eq!((run.status(), run.net(AccountKind::PublisherPayable)), (Status::Flagged, (0, 2_000_000)));
    assert_eq!(run.told, [Told::Success]);
}

#[test]
fn a_reversal_returns_to_the_prior_balance_and_a_restore_pays_once() {
    let mut run = Run::default();
    run.verdict(&verdict(1, Word::Qualified), days(3));
    run.verdict(&verdict(2, Word::Vetoed { reverses: true }), days(4));
    assert_eq!(run.status(), Status::Reversed);
    for kind in AccountKind::ALL {
        assert_eq!(run.net(kind), (0, 0));
    }
    run.verdict(&verdict(3, Word::Qualified), days(5));
    assert_eq!((run.status(), run.net(AccountKind::PublisherPayable)), (Status::Success, (0, 2_000_000)));
}

#[test]
fn a_veto_may_come_before_its_qualification() {
    let mut run = Run::default();
    run.verdict(&verdict(2, Word::Vetoed { reverses: false }), days(0));
    run.verdict(&verdict(1, Word::Qualified), days(0));
    assert_eq!(run.status(), Status::Rejected);
    assert!(run.transfers.is_empty());
}

#[test]
fn what_was_never_reached_is_remembered_and_not_shown() {
    let unreached = on_verdict(None, &verdict(4, Word::Unreached), days(0));
    let Settlement::Silent(conversion) = unreached else { panic!("{unreached:?}") };
    assert_eq!((conversion.status_revision, conversion.verdict_revision), (0, 4));
    assert_eq!(on_verdict(Some(&conversion), &verdict(3, Word::Qualified), days(0)), Settlement::Stale);
}

#[test]
fn a_missing_amount_waits_on_review_and_the_amendment_prices_it() {
    let waiting = Verdict { terms: percent(), ..verdict(1, Word::Qualified) };
    let mut run = Run::default();
    run.verdict(&waiting, days(4));
    assert_eq!(run.status(), Status::OnReview);
    assert_eq!(run.conversion.as_ref().unwrap().reason.code, "REVIEW_NO_AMOUNT");
    assert!(run.transfers.is_empty());

    let amount = Some(kernel::Money::new(Micros(4_990_000), Currency::USD));
    run.verdict(&Verdict { revision: 2, reported: Reported { amount, usd: None }, ..waiting }, days(4));
    assert_eq!((run.status(), run.net(AccountKind::PublisherPayable)), (Status::Success, (0, 1_247_500)));
}

#[test]
fn what_a_person_cleared_is_not_released_without_a_price() {
    let amount = Some(kernel::Money::new(Micros(4_000_000), Currency::USD));
    let reported = Reported { amount, usd: None };
    let tainted = Word::OnReview { reverses: false };
    let mut run = Run::default();
    run.verdict(&Verdict { terms: percent(), reported, ..verdict(1, tainted) }, days(0));
    let current = run.conversion.clone().unwrap();
    let cleared = Decision::ClearReview;
    let change = on_decision(&current, (cleared, None), "fine", &no_rate, &mut run.desk, days(0)).unwrap();
    run.take(change);
    // The postback that holds the occurrence is another one now, and says no amount.
    run.verdict(&Verdict { terms: percent(), ..verdict(2, Word::Qualified) }, days(1));
    run.due(days(3));
    assert_eq!((run.status(), run.net(AccountKind::PublisherPayable)), (Status::Success, (0, 1_000_000)));
}

#[test]
fn what_was_released_keeps_its_price() {
    let amount =
        |micros| Reported { amount: Some(kernel::Money::new(Micros(micros), Currency::USD)), usd: None };
    let first = Verdict { terms: percent(), reported: amount(1_000_000), ..verdict(1, Word::Qualified) };
    let mut run = Run::default();
    run.verdict(&first, days(0));
    run.verdict(&Verdict { revision: 2, reported: amount(2_000_000), ..first.clone() }, days(0));
    assert_eq!(
        run.net(AccountKind::PublisherPayable),
        (500_000, 0),
        "an amendment in the hold is a new price"
    );
    run.due(days(3));
    run.verdict(&Verdict { revision: 3, reported: amount(9_000_000), ..first }, days(4));
    assert_eq!(run.net(AccountKind::PublisherPayable), (0, 500_000), "one after it is not");
}

#[test]
fn a_payout_above_revenue_waits_and_would_be_a_loss_of_the_margin() {
    let terms = Terms { payout: Payout::Flat(Micros(5_000_000)), ..flat() };
    let mut run = Run::default();
    run.verdict(&Verdict { terms, ..verdict(1, Word::Qualified) }, days(4));
    assert_eq!(run.status(), Status::OnReview);
    assert_eq!(run.net(AccountKind::PublisherPayable), (5_000_000, 0));
    assert_eq!(run.net(AccountKind::Margin), (-2_000_000, 0));
    // Said again with nothing new, it is still waiting for a person.
    run.verdict(&Verdict { terms, ..verdict(2, Word::Qualified) }, days(5));
    assert_eq!(run.status(), Status::OnReview);
}

#[test]
fn a_verdict_that_changes_nothing_is_silent() {
    let first = changed(on_verdict(None, &verdict(1, Word::Qualified), days(0))).conversion;
    let again = on_verdict(Some(&first), &verdict(2, Word::Qualified), days(0));
    assert_eq!(again, Settlement::Silent(Conversion { verdict_revision: 2, ..first }));
}

#[test]
fn zero_money_is_a_conversion_without_transfers() {
    let terms = Terms { revenue: Revenue::Flat(Micros::ZERO), payout: Payout::Flat(Micros::ZERO), ..flat() };
    let change = changed(on_verdict(None, &Verdict { terms, ..verdict(1, Word::Qualified) }, days(3)));
    assert!(change.transfers.is_empty() && change.is_told);
    assert_eq!(change.conversion.standing.status, Status::Success);
}

/// A verdict, or else the sweep comes by.
type Step = Option<Verdict>;

fn any_word() -> impl Strategy<Value = Word> {
    prop_oneof![
        3 => Just(Word::Qualified),
        1 => Just(Word::Unreached),
        1 => any::<bool>().prop_map(|reverses| Word::OnReview { reverses }),
        1 => any::<bool>().prop_map(|reverses| Word::Vetoed { reverses }),
    ]
}

#[test]
fn a_hold_that_ended_on_the_way_here_waits_for_what_may_be_behind_it() {
    let status = |heard_until, pending, now| {
        let said = Verdict { heard_until, pending: Days(pending), ..verdict(1, Word::Qualified) };
        changed(on_verdict(None, &said, now)).conversion.standing.status
    };
    assert_eq!(status(days(1), 3, days(4)), Status::Pending, "said in its hold, read after it");
    assert_eq!(status(days(3), 3, days(4)), Status::Success, "it was over when it was said");
    assert_eq!(status(days(5), 3, days(2)), Status::Pending, "the database's clock has the last word");
    assert_eq!(status(days(-1), 0, days(4)), Status::Success, "where there is no hold nothing is waited for");
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    let amount = prop::option::of(
        (-1_000_000..100_000_000_i64).prop_map(|micros| kernel::Money::new(Micros(micros), Currency::USD)),
    );
    (1..12_u64, any_word(), amount, any::<bool>()).prop_map(|(revision, word, amount, is_flat)| Verdict {
        terms: if is_flat { flat() } else { percent() },
        reported: Reported { amount, usd: None },
        ..verdict(revision, word)
    })
}

fn any_steps() -> impl Strategy<Value = Vec<(Step, i64)>> {
    let step = prop_oneof![4 => any_verdict().prop_map(Some), 1 => Just(None)];
    prop::collection::vec((step, 0..6_i64), 0..14)
}

proptest! {
    #[test]
    fn the_books_always_say_what_the_status_says(steps in any_steps()) {
        let mut run = Run::default();
        for (step, day) in steps {
            match step {
                Some(verdict) => run.verdict(&verdict, days(day)),
                None => run.due(days(day)),
            }
            let (debits, credits) = fold(&run.transfers).iter().fold((0, 0), |(debits, credits), (_, balance)| {
                prop_assert_ge_zero(*balance);
                (debits + balance.debits.pending + balance.debits.posted, credits + balance.credits.pending + balance.credits.posted)
            });
            prop_assert_eq!(debits, credits);
            let payout = run.conversion.as_ref().and_then(Conversion::payout).map_or(0, |payout| i128::from(payout.0));
            let expected = match run.status() {
                Status::Pending | Status::OnReview => (payout, 0),
                Status::Success | Status::Flagged => (0, payout),
                Status::Unreached | Status::Rejected | Status::Reversed => (0, 0),
            };
            prop_assert_eq!(run.net(AccountKind::PublisherPayable), expected);
            let ids: HashSet<_> = run.transfers.iter().map(|transfer| transfer.id).collect();
            prop_assert_eq!(ids.len(), run.transfers.len(), "no entry is made twice");
            prop_assert!(run.transfers.iter().all(|transfer| transfer.amount.0 > 0));
        }
    }

    #[test]
    fn a_reservation_is_resolved_at_most_once(steps in any_steps()) {
        let mut run = Run::default();
        for (step, day) in steps {
            match step {
                Some(verdict) => run.verdict(&verdict, days(day)),
                None => run.due(days(day)),
            }
        }
        let mut open = HashSet::new();
        for transfer in &run.transfers {
            if transfer.kind == ledger::Kind::Pending {
                open.insert(transfer.id);
            }
            if let Some(pending) = transfer.pending {
                prop_assert!(open.remove(&pending), "resolves what is open");
            }
        }
    }

    #[test]
    fn verdicts_may_come_in_any_order(mut verdicts in prop::collection::vec(any_word(), 1..7), seed in any::<prop::sample::Index>()) {
        // Reachedness does not go back, so a set of verdicts holds no Unreached behind another word.
        verdicts.retain(|word| *word != Word::Unreached);
        prop_assume!(!verdicts.is_empty());
        let numbered: Vec<Verdict> = verdicts.iter().zip(1..).map(|(word, revision)| verdict(revision, *word)).collect();
        let mut in_order = Run::default();
        for verdict in &numbered {
            in_order.verdict(verdict, days(0));
        }
        let mut rotated = numbered.clone();
        rotated.rotate_left(seed.index(numbered.len()));
        rotated.reverse();
        let mut shuffled = Run::default();
        for verdict in rotated.iter().chain(&numbered) {
            shuffled.verdict(verdict, days(0));
        }
        prop_assert_eq!(in_order.status(), shuffled.status());
        for kind in AccountKind::ALL {
            prop_assert_eq!(in_order.net(kind), shuffled.net(kind));
        }
    }
}

fn prop_assert_ge_zero(balance: Balance) {
    assert!(balance.debits.pending >= 0 && balance.credits.pending >= 0, "{balance:?}");
    assert!(balance.debits.posted >= 0 && balance.credits.posted >= 0, "{balance:?}");
}
