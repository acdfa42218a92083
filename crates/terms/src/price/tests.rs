use kernel::Bps;
use proptest::prelude::*;

use super::*;

fn eur() -> Currency {
    "EUR".parse().unwrap()
}

fn terms(revenue: Revenue, payout: Payout) -> Terms {
    Terms { currency: Currency::USD, revenue, payout, reward_points: 50 }
}

fn spent(micros: i64, currency: Currency) -> Reported {
    Reported { amount: Some(Money::new(Micros(micros), currency)), usd: None }
}

fn no_rate(_from: Currency, _to: Currency) -> Option<Rate> {
    None
}

fn worth(priced: Priced) -> (i64, i64, i64) {
    let money = priced.breakdown().unwrap();
    (money.revenue.0, money.payout.0, money.margin.0)
}

#[test]
fn the_guides_purchase_of_4_99_at_half_and_a_third() {
    let terms = terms(Revenue::PercentOfAmount(Bps(5_000)), Payout::PercentOfAmount(Bps(3_333)));
    let priced = price(&terms, &spent(4_990_000, Currency::USD), no_rate);
    assert_eq!(worth(priced), (2_495_000, 1_663_167, 831_833));
    assert!(matches!(priced, Priced::Money(money) if money.reward_points == 50 && money.rate.is_none()));
}

#[test]
fn flat_terms_never_look_at_the_amount() {
    let terms = terms(Revenue::Flat(Micros(3_000_000)), Payout::Flat(Micros(2_000_000)));
    for reported in [Reported::default(), spent(-1, eur()), spent(i64::MAX, eur())] {
        assert_eq!(worth(price(&terms, &reported, |_, _| unreachable!())), (3_000_000, 2_000_000, 1_000_000));
    }
}

#[test]
fn a_share_of_a_flat_revenue_needs_no_amount_and_is_floored() {
    let terms = terms(Revenue::Flat(Micros(999)), Payout::ShareOfRevenue(Bps(5_000)));
    assert_eq!(worth(price(&terms, &Reported::default(), no_rate)), (999, 499, 500));
}

#[test]
fn percent_terms_without_an_amount_say_what_to_turn_on() {
    let terms = terms(Revenue::PercentOfAmount(Bps(5_000)), Payout::Flat(Micros::ZERO));
    let priced = price(&terms, &Reported::default(), no_rate);
    let Priced::Review { cause, breakdown: None } = priced else { panic!("{priced:?}") };
    assert_eq!(cause.to_string(), "no amount: turn on Values & Revenue in AppsFlyer");
}

#[test]
fn nothing_spent_pays_nothing_and_asks_for_no_rate() {
    let terms = terms(Revenue::PercentOfAmount(Bps(5_000)), Payout::PercentOfAmount(Bps(2_000)));
    for micros in [0, -1, i64::MIN] {
        assert_eq!(worth(price(&terms, &spent(micros, eur()), |_, _| unreachable!())), (0, 0, 0));
    }
}

#[test]
fn only_dollars_given_are_dollars_and_a_reported_currency_wins() {
    let terms = terms(Revenue::PercentOfAmount(Bps::WHOLE), Payout::Flat(Micros::ZERO));
    let only_usd = Reported { amount: None, usd: Some(Micros(7)) };
    assert_eq!(worth(price(&terms, &only_usd, no_rate)), (7, 0, 7));

    let both = Reported { amount: Some(Money::new(Micros(7), eur())), usd: Some(Micros(8)) };
    assert_eq!(
        price(&terms, &both, no_rate),
        Priced::Review { cause: Review::NoRate { from: eur(), to: Currency::USD }, breakdown: None }
    );
}

#[test]
fn a_rate_is_applied_once_and_kept() {
    let terms = terms(Revenue::PercentOfAmount(Bps(5_000)), Payout::ShareOfRevenue(Bps(7_000)));
    let rate = Rate::from_e12(1_085_000_000_000).unwrap();
    let priced = price(&terms, &spent(4_990_000, eur()), |from, to| {
        assert_eq!((from, to), (eur(), Currency::USD));
        Some(rate)
    });
    assert_eq!(worth(priced), (2_707_075, 1_894_952, 812_123));
    assert_eq!(priced.breakdown().unwrap().rate, Some(AppliedRate { from: eur(), to: Currency::USD, rate }));
}

#[test]
fn a_payout_above_revenue_is_known_and_waits_for_a_person() {
    let terms = terms(Revenue::Flat(Micros(1_000_000)), Payout::Flat(Micros(1_000_001)));
    let priced = price(&terms, &Reported::default(), no_rate);
    assert_eq!(worth(priced), (1_000_000, 1_000_001, -1));
    assert!(matches!(priced, Priced::Review { cause: Review::PayoutAboveRevenue { .. }, .. }));
}

#[test]
fn too_large_is_for_people_and_never_wraps() {
    let terms = terms(Revenue::PercentOfAmount(Bps(u32::MAX)), Payout::Flat(Micros::ZERO));
    let priced = price(&terms, &spent(i64::MAX, Currency::USD), no_rate);
    assert_eq!(priced, Priced::Review { cause: Review::TooLarge, breakdown: None });
}

#[test]
fn nobody_owes_or_earns_more_than_a_billion_for_one_event() {
    let whole = Bps(10_000);
    for (micros, is_fine) in [(WORTH_MAX.0, true), (WORTH_MAX.0 + 1, false), (i64::MAX, false)] {
        let flat = Micros(micros);
        for (revenue, payout) in [
            (Revenue::Flat(flat), Payout::Flat(Micros::ZERO)),
            (Revenue::Flat(WORTH_MAX), Payout::Flat(flat)),
            (Revenue::PercentOfAmount(whole), Payout::ShareOfRevenue(whole)),
        ] {
            let priced = price(&terms(revenue, payout), &spent(micros, Currency::USD), no_rate);
            let is_priced = matches!(priced, Priced::Money(_));
            let too_large = Priced::Review { cause: Review::TooLarge, breakdown: None };
            assert_eq!((is_priced, priced == too_large), (is_fine, !is_fine), "{micros}: {priced:?}");
        }
    }
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let revenue = prop_oneof![
        (0..=WORTH_MAX.0).prop_map(|flat| Revenue::Flat(Micros(flat))),
        (0..=10_000_u32).prop_map(|bps| Revenue::PercentOfAmount(Bps(bps))),
    ];
    let payout = prop_oneof![
        (0..=WORTH_MAX.0).prop_map(|flat| Payout::Flat(Micros(flat))),
        (0..=10_000_u32).prop_map(|bps| Payout::PercentOfAmount(Bps(bps))),
        (0..=10_000_u32).prop_map(|bps| Payout::ShareOfRevenue(Bps(bps))),
    ];
    (revenue, payout).prop_map(|(revenue, payout)| terms(revenue, payout))
}

fn any_amount() -> impl Strategy<Value = i64> {
    prop_oneof![any::<i64>(), -10_000_000..10_000_000_i64, 0..=2 * WORTH_MAX.0]
}

proptest! {
    #[test]
    fn no_micro_is_made_or_lost(terms in any_terms(), amount in any_amount(), parts in 1..=i64::MAX) {
        let priced = price(&terms, &spent(amount, eur()), |_, _| Rate::from_e12(parts));
        if let Some(money) = priced.breakdown() {
            prop_assert_eq!(money.payout.checked_add(money.margin), Some(money.revenue));
            prop_assert!(money.revenue.0 >= 0 && money.payout.0 >= 0);
        }
    }

    #[test]
    fn what_is_priced_by_rule_alone_never_pays_more_than_it_earns(terms in any_terms(), amount in any_amount()) {
        if let Priced::Money(money) = price(&terms, &spent(amount, Currency::USD), no_rate) {
            prop_assert!(money.payout <= money.revenue);
        }
    }

    #[test]
    fn a_larger_amount_never_earns_less(terms in any_terms(), one in any_amount(), other in any_amount()) {
        let worth_of = |amount| price(&terms, &spent(amount, Currency::USD), no_rate).breakdown();
        if let (Some(less), Some(more)) = (worth_of(one.min(other)), worth_of(one.max(other))) {
            prop_assert!(less.revenue <= more.revenue && less.payout <= more.payout);
        }
    }

    #[test]
    fn a_share_of_at_most_the_whole_never_needs_a_person(share in 0..=10_000_u32, amount in 0..1_000_000_000_000_i64) {
        let terms = terms(Revenue::PercentOfAmount(Bps(5_000)), Payout::ShareOfRevenue(Bps(share)));
        prop_assert!(matches!(price(&terms, &spent(amount, Currency::USD), no_rate), Priced::Money(_)));
    }
}
