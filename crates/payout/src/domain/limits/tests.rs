//! Limits at the desk, by way of the decision that uses it.

use std::collections::BTreeMap;

use kernel::{
    AdvertiserId, Bps, ClickId, ConversionId, Currency, Days, Micros, Money, OfferEventId, OfferId,
    PublisherId, TenantId, Timestamp,
};
use rstest::rstest;
use terms::{Payout, Rate, Reported, Revenue, Terms};
use uuid::Uuid;

use super::*;
use crate::domain::{
    conversion::{
        Change, Conversion, Counted, Occasion, Reason, Refused, Settlement, Subject, Verdict,
        WAITS_FOR_OFFER, on_decision, on_due, on_offer, on_verdict,
    },
    standing::{Actor, Decision, Status, Word},
};

mod raises;
mod random;

const DAY: i64 = 86_400_000_000;
const DOLLAR: i64 = 1_000_000;
/// A Monday, at noon.
const NOON: Timestamp = Timestamp::from_micros(20_793 * DAY + DAY / 2);
const QUALIFIED: Word = Word::Qualified;
const VETO: Word = Word::Vetoed { reverses: true };

fn euro() -> Currency {
    "EUR".parse().unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn event(number: u128) -> OfferEventId {
    OfferEventId::from_uuid(id(0xe0 + number))
}

fn days(number: i64) -> Timestamp {
    NOON.saturating_add_micros(number * DAY)
}

/// Conversion `number` of one of three events, by one of two publishers.
fn subject(number: u128) -> Subject {
    Subject {
        tenant: TenantId::from_uuid(id(1)),
        conversion: ConversionId::from_uuid(id(number)),
        click: ClickId::from_uuid(id(3)),
        advertiser: AdvertiserId::from_uuid(id(4)),
        publisher: PublisherId::from_uuid(id(0xb0 + number % 2)),
        offer: OfferId::from_uuid(id(6)),
        offer_event: event(number % 3),
    }
}

fn verdict(number: u128, revision: u64, word: Word, revenue: i64) -> Verdict {
    Verdict {
        subject: subject(number),
        revision,
        word,
        reason: Reason { code: String::from("CODE"), text: String::from("why") },
        occasion: Occasion {
            event_id: String::from("level_10"),
            occurrence: String::from("once"),
            received_at: NOON,
        },
        pending: Days(30),
        terms: Terms {
            currency: Currency::USD,
            // All of what the user spent: a later amount is another price.
            revenue: Revenue::PercentOfAmount(Bps(10_000)),
            payout: Payout::ShareOfRevenue(Bps(5_000)),
            reward_points: 10,
        },
        number: None,
        decisions_heard: None,
        reverses: true,
        reported: Reported { amount: Some(Money::new(Micros(revenue), Currency::USD)), usd: None },
        heard_until: Timestamp::from_micros(i64::MAX),
    }
}

fn bounds(total: Option<i64>, daily: Option<i64>, action: OverLimit, caps: &[Cap]) -> Bounds {
    Bounds {
        version: 1,
        currency: Currency::USD,
        total: total.map(Micros),
        daily: daily.map(Micros),
        least: Micros(DOLLAR),
        action,
        caps: caps.to_vec(),
    }
}

fn cap(of: CapOf, period: Period, bound: u64) -> Cap {
    Cap { of, period, bound }
}

/// An offer, its counters, and its conversions.
struct Shop {
    bounds: Option<Bounds>,
    usage: Usage,
    conversions: BTreeMap<u128, Conversion>,
}

fn no_rate(_from: Currency, _to: Currency) -> Option<Rate> {
    None
}

impl Shop {
    fn open(bounds: Bounds) -> Self {
        Self { bounds: Some(bounds), usage: Usage::default(), conversions: BTreeMap::new() }
    }

    fn desk(&self) -> Desk {
        let key = (subject(0).tenant, subject(0).offer);
        Desk::new(self.bounds.iter().map(|bounds| (key, bounds.clone())).collect(), self.usage.clone())
    }

    /// What a transaction does: what the desk added goes into the counters.
    fn close(&mut self, desk: &Desk) {
        for (counter, currency, delta) in desk.added() {
            self.usage.add(counter, currency, delta);
        }
        assert_eq!(sums(&self.usage), sums(desk.usage()), "what is added is what was decided with");
    }

    fn say(&mut self, verdict: &Verdict, now: Timestamp) -> &Conversion {
        let number = verdict.subject.conversion.as_uuid().as_u128();
        let mut desk = self.desk();
        match on_verdict(self.conversions.get(&number), verdict, None, &no_rate, &mut desk, now) {
            Settlement::Stale => {}
            Settlement::Silent(after) | Settlement::Changed(Change { conversion: after, .. }) => {
                self.conversions.insert(number, after);
            }
        }
        self.close(&desk);
        &self.conversions[&number]
    }

    fn qualify(&mut self, number: u128, revenue: i64, now: Timestamp) -> &Conversion {
        self.say(&verdict(number, 1, QUALIFIED, revenue), now)
    }

    fn decide(&mut self, number: u128, decision: Decision, now: Timestamp) -> Result<Conversion, Refused> {
        let mut desk = self.desk();
        let change =
            on_decision(&self.conversions[&number], (decision, None), "because", &no_rate, &mut desk, now)?;
        self.conversions.insert(number, change.conversion.clone());
        self.close(&desk);
        Ok(change.conversion)
    }

    fn spent(&self, period: Period, now: Timestamp) -> i64 {
        let counter = Counter::of_offer(subject(0).tenant, subject(0).offer, period, now);
        self.usage.revenue(&counter, Currency::USD).0
    }

    fn state(&self, now: Timestamp) -> BudgetState {
        let spent = |period| Micros(self.spent(period, now));
        left(self.bounds.as_ref().unwrap(), spent(Period::AllTime), spent(Period::Day), now).state
    }
}

/// Counters that say something.
fn sums(usage: &Usage) -> BTreeMap<Counter, (i64, i64)> {
    usage
        .iter()
        .map(|(counter, count)| (*counter, (count.conversions, count.revenue.values().sum())))
        .filter(|(_, sums)| *sums != (0, 0))
        .collect()
}

fn stands(conversion: &Conversion) -> (Status, Actor, &str) {
    (conversion.standing.status, conversion.standing.by, conversion.reason.code.as_str())
}

#[rstest]
#[case::total(bounds(Some(5 * DOLLAR), None, OverLimit::Reject, &[]), "REJECTED_BUDGET")]
#[case::daily(bounds(None, Some(5 * DOLLAR), OverLimit::Reject, &[]), "REJECTED_BUDGET")]
#[case::of_the_offer(bounds(None, None, OverLimit::Reject, &[cap(CapOf::Offer, Period::Week, 2)]), "REJECTED_CAP")]
#[case::of_the_event(
    bounds(None, None, OverLimit::Reject, &[cap(CapOf::Event(event(0)), Period::AllTime, 1)]), "REJECTED_CAP"
)]
#[case::of_a_publisher(
    bounds(None, None, OverLimit::Reject, &[cap(CapOf::EventByPublisher(event(0)), Period::Day, 1)]), "REJECTED_CAP"
)]
fn the_one_that_is_too_much_is_refused(#[case] bounds: Bounds, #[case] code: &str) {
    let mut shop = Shop::open(bounds);
    // 0 and 12 are the same event by the same publisher; 1 is neither.
    assert_eq!(stands(shop.qualify(0, 2 * DOLLAR, NOON)), (Status::Pending, Actor::Verdict, ""));
    assert_eq!(stands(shop.qualify(1, 2 * DOLLAR, NOON)), (Status::Pending, Actor::Verdict, ""));
    assert_eq!(stands(shop.qualify(12, 2 * DOLLAR, NOON)), (Status::Rejected, Actor::Limit, code));
    assert_eq!(shop.spent(Period::AllTime, NOON), 4 * DOLLAR);
    // Said again it is still refused; no verdict brings it back.
    let again = shop.say(&verdict(12, 2, QUALIFIED, 2 * DOLLAR), days(40));
    assert_eq!(stands(again), (Status::Rejected, Actor::Limit, code));
}

#[test]
fn a_cap_counts_only_what_it_is_for() {
    let of_publisher = cap(CapOf::EventByPublisher(event(0)), Period::Day, 1);
    let mut shop = Shop::open(bounds(None, None, OverLimit::Reject, &[of_publisher]));
    // 0 and 3 are the same event by two publishers.
    assert_eq!(shop.qualify(0, 0, NOON).standing.status, Status::Pending);
    assert_eq!(shop.qualify(3, 0, NOON).standing.status, Status::Pending);
    assert_eq!(shop.qualify(6, 0, NOON).standing.status, Status::Rejected);
}

#[test]
fn a_budget_is_spent_to_the_micro_and_what_costs_nothing_goes_on() {
    let mut shop = Shop::open(bounds(Some(5 * DOLLAR), None, OverLimit::Reject, &[]));
    assert_eq!(shop.qualify(0, 5 * DOLLAR, NOON).standing.status, Status::Pending);
    assert_eq!(shop.qualify(1, 1, NOON).standing.status, Status::Rejected);
    assert_eq!(shop.qualify(2, 0, NOON).standing.status, Status::Pending);
    assert_eq!(shop.spent(Period::AllTime, NOON), 5 * DOLLAR);
}

#[test]
fn a_day_and_its_midnight() {
    let mut shop = Shop::open(bounds(Some(5 * DOLLAR), Some(2 * DOLLAR), OverLimit::Reject, &[]));
    let midnight = Period::Day.ends(NOON).unwrap();
    let last = midnight.saturating_add_micros(-1);
    shop.qualify(0, 2 * DOLLAR, last);
    assert_eq!(shop.qualify(1, DOLLAR, last).standing.status, Status::Rejected);
    assert_eq!(shop.state(last), BudgetState::SpentUntil(midnight));
    assert_eq!(shop.state(midnight), BudgetState::Open, "it resumes by itself");
    assert_eq!(shop.qualify(2, 2 * DOLLAR, midnight).standing.status, Status::Pending);
    // What is left of the total, 1.00, is not the day's 2.00.
    assert_eq!(shop.qualify(3, 2 * DOLLAR, days(1)).standing.status, Status::Rejected);
    assert_eq!(shop.state(days(2)), BudgetState::Open, "one more dollar can be earned");
    shop.qualify(4, DOLLAR, days(2));
    assert_eq!(shop.state(days(3)), BudgetState::Spent);
}

#[test]
fn a_rejection_gives_back_to_the_day_it_was_taken_on() {
    let mut shop = Shop::open(bounds(Some(4 * DOLLAR), Some(2 * DOLLAR), OverLimit::Reject, &[]));
    shop.qualify(0, 2 * DOLLAR, NOON);
    shop.qualify(1, 2 * DOLLAR, days(1));
    assert_eq!(shop.state(days(1)), BudgetState::Spent);
    shop.say(&verdict(0, 2, VETO, 2 * DOLLAR), days(1));
    assert_eq!((shop.spent(Period::Day, NOON), shop.spent(Period::Day, days(1))), (0, 2 * DOLLAR));
    assert_eq!(shop.spent(Period::AllTime, days(1)), 2 * DOLLAR);
    // Said twice it gives back once.
    shop.say(&verdict(0, 3, VETO, 2 * DOLLAR), days(1));
    assert_eq!(shop.spent(Period::AllTime, days(1)), 2 * DOLLAR);
    // Lifted, it takes the room of the day on which it is lifted: there is none.
    let lifted = shop.say(&verdict(0, 4, QUALIFIED, 2 * DOLLAR), days(1));
    assert_eq!(stands(lifted), (Status::Rejected, Actor::Limit, "REJECTED_BUDGET"));
}

#[test]
fn a_reversal_gives_back_and_the_budget_opens() {
    let mut shop = Shop::open(bounds(Some(2 * DOLLAR), None, OverLimit::Reject, &[]));
    shop.qualify(0, 2 * DOLLAR, days(30));
    assert_eq!(shop.conversions[&0].standing.status, Status::Success);
    assert_eq!(shop.state(days(30)), BudgetState::Spent);
    shop.say(&verdict(0, 2, VETO, 2 * DOLLAR), days(90));
    assert_eq!(shop.conversions[&0].standing.status, Status::Reversed);
    assert_eq!(shop.state(days(90)), BudgetState::Open);
    assert_eq!(sums(&shop.usage), BTreeMap::new());
}

#[test]
fn lowering_untakes_nothing_and_raising_opens() {
    let mut shop = Shop::open(bounds(Some(4 * DOLLAR), None, OverLimit::Reject, &[]));
    shop.qualify(0, 4 * DOLLAR, NOON);
    shop.bounds =
        Some(bounds(Some(2 * DOLLAR), None, OverLimit::Reject, &[cap(CapOf::Offer, Period::Day, 1)]));
    assert_eq!(shop.say(&verdict(0, 2, QUALIFIED, 4 * DOLLAR), NOON).standing.status, Status::Pending);
    // A price that falls is taken over even so; the cap knows what was counted before there was one.
    assert_eq!(shop.qualify(1, 0, NOON).reason.code, "REJECTED_CAP");
    assert_eq!(shop.state(NOON), BudgetState::Spent);
    shop.bounds = Some(bounds(Some(5 * DOLLAR), None, OverLimit::Reject, &[]));
    assert_eq!(shop.state(NOON), BudgetState::Open);
    assert_eq!(shop.qualify(2, DOLLAR, NOON).standing.status, Status::Pending);
    assert_eq!(shop.state(NOON), BudgetState::Spent);
}

#[test]
fn above_a_limit_a_person_may_be_asked() {
    let mut shop = Shop::open(bounds(Some(DOLLAR), None, OverLimit::Review, &[]));
    shop.qualify(0, DOLLAR, NOON);
    let waiting = shop.qualify(1, DOLLAR, NOON);
    assert_eq!(stands(waiting), (Status::OnReview, Actor::Limit, "REVIEW_BUDGET"));
    assert_eq!(waiting.counted, Counted::Nowhere);
    assert!(on_due(waiting, days(99)).is_none(), "time does not release it");
    let refused = shop.decide(1, Decision::Approve, NOON).unwrap_err();
    let Refused::Over(over) = refused else { panic!("{refused:?}") };
    assert_eq!(over.shortfall().as_deref(), Some("0.00 USD is left, 1.00 USD is missing"));
    assert_eq!(shop.spent(Period::AllTime, NOON), DOLLAR);

    shop.bounds = Some(bounds(Some(2 * DOLLAR), None, OverLimit::Review, &[]));
    let approved = shop.decide(1, Decision::Approve, NOON).unwrap();
    assert_eq!(stands(&approved), (Status::Success, Actor::Person, "ACCEPTED_BY_PERSON"));
    assert_eq!(shop.spent(Period::AllTime, NOON), 2 * DOLLAR);
}

#[test]
fn a_veto_refuses_what_a_limit_put_on_review() {
    let mut shop = Shop::open(bounds(Some(0), None, OverLimit::Review, &[]));
    shop.qualify(0, DOLLAR, NOON);
    let vetoed = shop.say(&verdict(0, 2, VETO, DOLLAR), NOON);
    assert_eq!(stands(vetoed), (Status::Rejected, Actor::Verdict, "CODE"));
}

#[test]
fn above_a_limit_it_may_be_accepted_unpaid() {
    let mut shop = Shop::open(bounds(Some(DOLLAR), None, OverLimit::AcceptUnpaid, &[]));
    shop.qualify(0, DOLLAR, NOON);
    let unpaid = shop.qualify(1, DOLLAR, NOON).clone();
    assert_eq!(stands(&unpaid), (Status::Pending, Actor::Verdict, "UNPAID_BUDGET"));
    let money = unpaid.money.unwrap();
    assert_eq!((money.revenue, money.payout, money.margin), (Micros::ZERO, Micros::ZERO, Micros::ZERO));
    assert_eq!(money.reward_points, 10);
    assert_eq!(shop.spent(Period::AllTime, NOON), DOLLAR);
    let released = on_due(&unpaid, days(30)).unwrap();
    assert!(released.transfers.is_empty());
    assert_eq!(stands(&released.conversion), (Status::Success, Actor::Time, "UNPAID_BUDGET"));
    // It stays so, whatever is said again and whatever was raised.
    shop.bounds = Some(bounds(Some(9 * DOLLAR), None, OverLimit::AcceptUnpaid, &[]));
    let again = shop.say(&verdict(1, 2, QUALIFIED, DOLLAR), NOON);
    assert_eq!((stands(again).2, again.counted), ("UNPAID_BUDGET", unpaid.counted));
    shop.say(&verdict(1, 3, VETO, DOLLAR), NOON);
    let lifted = shop.say(&verdict(1, 4, QUALIFIED, DOLLAR), NOON);
    assert_eq!((&lifted.reason, lifted.payout()), (&unpaid.reason, Some(Micros::ZERO)));
    assert_eq!(shop.spent(Period::AllTime, NOON), DOLLAR);
}

#[test]
fn unpaid_names_the_limit_after_what_was_doubted() {
    for (caps, total, why) in [
        (vec![cap(CapOf::Offer, Period::AllTime, 0)], None, "the cap of the offer is reached"),
        (vec![cap(CapOf::Event(event(1)), Period::Week, 0)], None, "the weekly cap of the event is reached"),
        (
            vec![cap(CapOf::EventByPublisher(event(1)), Period::Day, 0)],
            None,
            "the daily cap of the event for one publisher is reached",
        ),
        (Vec::new(), Some(0), "the budget of the offer has no room for this conversion"),
    ] {
        let mut shop = Shop::open(bounds(total, None, OverLimit::AcceptUnpaid, &caps));
        // Its first word is a doubt: that is what it says while it stands on review.
        let doubted = shop.say(&verdict(1, 1, Word::OnReview { reverses: false }, DOLLAR), NOON);
        assert_eq!(stands(doubted).2, "CODE", "{why}");
        let lifted = shop.say(&verdict(1, 2, QUALIFIED, DOLLAR), NOON);
        assert_eq!(lifted.reason.text, format!("accepted unpaid: {why}"));
        // One of before limits were written down does not know.
        let old = Conversion { counted: Counted::Unpaid(None), ..shop.conversions[&1].clone() };
        shop.conversions.insert(1, old);
        shop.say(&verdict(1, 3, Word::OnReview { reverses: false }, DOLLAR), NOON);
        let lifted = shop.say(&verdict(1, 4, QUALIFIED, DOLLAR), NOON);
        assert_eq!(stands(lifted).2, "UNPAID_LIMIT");
    }
}

#[test]
fn a_restore_takes_room_like_everything_else() {
    let mut shop = Shop::open(bounds(Some(2 * DOLLAR), None, OverLimit::Reject, &[]));
    shop.qualify(0, 2 * DOLLAR, NOON);
    shop.decide(0, Decision::Reject, NOON).unwrap();
    shop.qualify(1, DOLLAR, NOON);
    assert!(matches!(shop.decide(0, Decision::Restore, NOON), Err(Refused::Over(_))));
    assert_eq!(shop.conversions[&0].standing.status, Status::Rejected, "nothing has changed");
    shop.decide(1, Decision::Reject, NOON).unwrap();
    assert_eq!(shop.decide(0, Decision::Restore, NOON).unwrap().standing.status, Status::Success);
    assert_eq!(shop.spent(Period::AllTime, NOON), 2 * DOLLAR);
}

#[test]
fn what_has_no_price_is_not_approved() {
    let mut shop = Shop::open(bounds(None, None, OverLimit::Reject, &[]));
    let mut without_amount = verdict(0, 1, QUALIFIED, 0);
    without_amount.reported = Reported::default();
    shop.say(&without_amount, NOON);
    assert_eq!(sums(&shop.usage), BTreeMap::new());
    assert!(matches!(shop.decide(0, Decision::Approve, NOON), Err(Refused::Worthless(_))));
}

#[test]
fn an_offer_that_is_not_known_yet_is_waited_for() {
    let mut shop = Shop::open(bounds(Some(DOLLAR), None, OverLimit::Reject, &[]));
    let bounds = shop.bounds.take();
    assert_eq!(stands(shop.qualify(0, DOLLAR, NOON)), (Status::OnReview, Actor::Limit, WAITS_FOR_OFFER));
    assert_eq!(shop.qualify(1, DOLLAR, NOON).counted, Counted::Waiting);
    shop.say(&verdict(0, 2, QUALIFIED, DOLLAR), NOON);
    assert_eq!(stands(&shop.conversions[&0]), (Status::OnReview, Actor::Limit, WAITS_FOR_OFFER));
    assert!(on_offer(&shop.conversions[&0], &no_rate, &mut shop.desk(), NOON, NOON).is_none());
    assert_eq!(shop.decide(0, Decision::Approve, NOON), Err(Refused::Unknown));

    shop.bounds = bounds;
    for number in [0, 1] {
        let mut desk = shop.desk();
        let change = on_offer(&shop.conversions[&number], &no_rate, &mut desk, NOON, NOON).unwrap();
        shop.conversions.insert(number, change.conversion);
        shop.close(&desk);
    }
    assert_eq!(stands(&shop.conversions[&0]), (Status::Pending, Actor::Verdict, ""));
    assert_eq!(stands(&shop.conversions[&1]), (Status::Rejected, Actor::Limit, "REJECTED_BUDGET"));
    assert!(on_offer(&shop.conversions[&0], &no_rate, &mut shop.desk(), NOON, NOON).is_none(), "once");
}

#[test]
fn a_hold_that_is_over_is_released_with_its_offer_unless_it_is_held_back() {
    let mut shop = Shop::open(bounds(None, None, OverLimit::Reject, &[]));
    let bounds = shop.bounds.take();
    shop.qualify(0, DOLLAR, NOON);
    shop.bounds = bounds;
    let status = |released_until| {
        let counted =
            on_offer(&shop.conversions[&0], &no_rate, &mut shop.desk(), days(31), released_until).unwrap();
        counted.conversion.standing.status
    };
    assert_eq!((status(days(31)), status(days(29))), (Status::Success, Status::Pending));
}

#[test]
fn what_is_on_review_anyway_is_counted_when_its_offer_is_known() {
    let mut shop = Shop::open(bounds(None, None, OverLimit::Reject, &[]));
    let bounds = shop.bounds.take();
    let tainted = shop.say(&verdict(0, 1, Word::OnReview { reverses: false }, DOLLAR), NOON);
    assert_eq!(
        (stands(tainted), tainted.counted),
        ((Status::OnReview, Actor::Verdict, "CODE"), Counted::Waiting)
    );
    shop.bounds = bounds;
    let change = on_offer(&shop.conversions[&0], &no_rate, &mut shop.desk(), NOON, NOON).unwrap();
    assert_eq!(stands(&change.conversion), (Status::OnReview, Actor::Verdict, "CODE"));
    assert_eq!(change.transfers.len(), 2, "now it is reserved");
    assert!(!change.is_told);
}

#[test]
fn a_budget_in_another_currency_is_taken_from_by_the_tenants_rate_rounded_up() {
    let in_euro = Bounds { currency: euro(), ..bounds(Some(DOLLAR), None, OverLimit::Reject, &[]) };
    let mut desk = Desk::new([((subject(0).tenant, subject(0).offer), in_euro)].into(), Usage::default());
    let dollar = Money::new(Micros(DOLLAR), Currency::USD);
    let rate = |_: Currency, _: Currency| Rate::from_e12(333_333_333_333);
    let Answer::Counted(taken) = desk.take(&subject(0), dollar, &rate, NOON) else { panic!("no room") };
    assert_eq!(taken.amount, Money::new(Micros(333_334), euro()));
    let Answer::Over(over) = desk.take(&subject(1), dollar, &no_rate, NOON) else { panic!("no rate") };
    assert_eq!(over.to_string(), "the budget is in EUR and the revenue in USD: set a rate from USD to EUR");
}

#[rstest]
#[case::enough(Some(100), None, 90, 0, BudgetState::Open)]
#[case::too_little(Some(100), None, 91, 0, BudgetState::Spent)]
#[case::overdrawn(Some(100), None, 200, 0, BudgetState::Spent)]
#[case::both(Some(100), Some(50), 95, 45, BudgetState::Spent)]
#[case::no_budget(None, None, i64::MAX, i64::MAX, BudgetState::Open)]
fn open_while_the_smallest_flat_revenue_fits(
    #[case] total: Option<i64>,
    #[case] daily: Option<i64>,
    #[case] spent: i64,
    #[case] today: i64,
    #[case] state: BudgetState,
) {
    let bounds = Bounds { least: Micros(10), ..bounds(total, daily, OverLimit::Reject, &[]) };
    assert_eq!(left(&bounds, Micros(spent), Micros(today), NOON).state, state);
}
