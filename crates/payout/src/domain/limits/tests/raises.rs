//! Raises beside the catalog's words, in whatever order these come.

use proptest::prelude::*;

use super::*;

fn budgets(total: Option<i64>, daily: Option<i64>) -> Budgets {
    Budgets { total: total.map(Micros), daily: daily.map(Micros) }
}

/// What the catalog says of an offer.
#[derive(Debug, Clone, Copy)]
struct Said {
    version: u32,
    total: i64,
    daily: i64,
    heard: Heard,
}

/// The catalog, by the simplest rules that can be right: a raise that is new to a budget lifts it and never lowers it.
#[derive(Debug)]
struct Catalog {
    now: Said,
    said: Vec<Said>,
}

impl Catalog {
    fn say(&mut self) {
        self.now.version += 1;
        self.said.push(self.now);
    }

    fn save(&mut self, total: i64, daily: i64) {
        (self.now.total, self.now.daily) = (total, daily.min(total));
        self.say();
    }

    fn take(&mut self, Raises { total, daily }: Raises) {
        if let Some(bound) = total.bound.filter(|_| total.number > self.now.heard.total) {
            self.now.heard.total = total.number;
            self.now.total = self.now.total.max(bound.0);
        }
        if let Some(bound) = daily.bound.filter(|_| daily.number > self.now.heard.daily) {
            self.now.heard.daily = daily.number;
            self.now.daily = self.now.daily.max(bound.0).min(self.now.total);
        }
        self.say();
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A person raises by so much, in payout.
    Raise(Option<i64>, Option<i64>),
    /// A person saves the offer, in the catalog.
    Save(i64, i64),
    /// A raise arrives at the catalog: any one, again perhaps.
    Take(prop::sample::Index),
    /// A word of the catalog arrives at payout: any one, again perhaps.
    Hear(prop::sample::Index),
    /// A conversion of so much qualifies.
    Qualify(i64),
    /// A person decides on one of those.
    Decide(prop::sample::Index, Decision),
}

fn any_step() -> impl Strategy<Value = Step> {
    let up = || prop::option::of(1..9 * DOLLAR);
    prop_oneof![
        2 => (up(), up()).prop_map(|(total, daily)| Step::Raise(total, daily)),
        2 => (0..30 * DOLLAR, 0..12 * DOLLAR).prop_map(|(total, daily)| Step::Save(total, daily)),
        3 => any::<prop::sample::Index>().prop_map(Step::Take),
        4 => any::<prop::sample::Index>().prop_map(Step::Hear),
        4 => (1..4 * DOLLAR).prop_map(Step::Qualify),
        3 => (any::<prop::sample::Index>(), prop::sample::select(Decision::ALL.to_vec()))
            .prop_map(|(which, decision)| Step::Decide(which, decision)),
    ]
}

/// Payout: what it heard last, what it raised, and what was counted.
struct Payout {
    shop: Shop,
    said: Said,
    raises: Raises,
    made: Vec<(u64, Budgets)>,
    /// What was told of each.
    told: Vec<Raises>,
    clock: i64,
}

impl Payout {
    fn new(said: Said) -> Self {
        let shop = Shop::open(bounds(Some(said.total), Some(said.daily), OverLimit::Reject, &[]));
        Self { shop, said, raises: Raises::default(), made: Vec::new(), told: Vec::new(), clock: 0 }
    }

    fn follow(&mut self) {
        let said = bounds(Some(self.said.total), Some(self.said.daily), OverLimit::Reject, &[]);
        self.shop.bounds = Some(said.raised(&self.raises));
    }

    fn raise(&mut self, by: Budgets) {
        let bounds = self.shop.bounds.clone().unwrap();
        let up = |present: Option<Micros>, by: Option<Micros>| Some(Micros(present?.0 + by?.0));
        let to = Budgets { total: up(bounds.total, by.total), daily: up(bounds.daily, by.daily) };
        if to == Budgets::default() || !bounds.why_not_raised(to).is_empty() {
            return;
        }
        // The clock stands still for a while: numbers grow all the same.
        self.clock += i64::try_from(self.made.len() % 2).unwrap();
        let number = self.raises.next_number(Timestamp::from_micros(self.clock));
        assert!(self.made.iter().all(|(earlier, _)| *earlier < number));
        self.raises = self.raises.raised(number, to);
        self.made.push((number, to));
        self.told.push(self.raises);
        self.follow();
    }

    fn hear(&mut self, said: Said) {
        if said.version >= self.said.version {
            self.said = said;
        }
        self.raises = self.raises.heard(said.heard);
        self.follow();
    }

    /// The highest bound that may count: what the catalog said last, or a raise that is not in it.
    fn highest(&self, said: i64, heard: u64, of: impl Fn(&Budgets) -> Option<Micros>) -> i64 {
        let unheard = self.made.iter().filter(|(number, _)| *number > heard);
        unheard.filter_map(|(_, to)| Some(of(to)?.0)).fold(said, i64::max)
    }

    fn right(&self) -> Budgets {
        let Said { total, daily, heard, .. } = self.said;
        budgets(
            Some(self.highest(total, heard.total, |to| to.total)),
            Some(self.highest(daily, heard.daily, |to| to.daily)),
        )
    }
}

proptest! {
    #[test]
    fn a_raise_counts_until_the_catalog_has_it_and_not_longer(
        steps in prop::collection::vec(any_step(), 0..60),
    ) {
        let first = Said { version: 1, total: 10 * DOLLAR, daily: 6 * DOLLAR, heard: Heard::default() };
        let mut catalog = Catalog { now: first, said: vec![first] };
        let mut payout = Payout::new(first);
        let mut conversions: u128 = 0;
        for step in steps {
            let before = (payout.shop.spent(Period::AllTime, NOON), payout.shop.spent(Period::Day, NOON));
            match step {
                Step::Raise(total, daily) => payout.raise(budgets(total, daily)),
                Step::Save(total, daily) => catalog.save(total, daily),
                Step::Take(which) => {
                    if !payout.told.is_empty() {
                        catalog.take(*which.get(&payout.told));
                    }
                }
                Step::Hear(which) => payout.hear(*which.get(&catalog.said)),
                Step::Qualify(revenue) => {
                    payout.shop.qualify(conversions, revenue, NOON);
                    conversions += 1;
                }
                Step::Decide(which, decision) => {
                    if conversions > 0 {
                        let number = u128::try_from(which.index(usize::try_from(conversions).unwrap())).unwrap();
                        let _refused = payout.shop.decide(number, decision, NOON);
                    }
                }
            }
            let counts = payout.shop.bounds.as_ref().unwrap();
            let right = payout.right();
            prop_assert_eq!(Budgets { total: counts.total, daily: counts.daily }, right);
            let spent = (payout.shop.spent(Period::AllTime, NOON), payout.shop.spent(Period::Day, NOON));
            prop_assert!(spent.0 <= before.0.max(right.total.unwrap().0), "{:?} -> {:?}: {:?}", before, spent, right);
            prop_assert!(spent.1 <= before.1.max(right.daily.unwrap().0), "{:?} -> {:?}: {:?}", before, spent, right);
        }
        // Everything arrives in the end: then there is one truth, whatever was raised, saved and lowered.
        for raise in payout.told.clone() {
            catalog.take(raise);
        }
        for said in catalog.said.clone() {
            payout.hear(said);
        }
        let counts = payout.shop.bounds.as_ref().unwrap();
        prop_assert_eq!((counts.total, counts.daily), (Some(Micros(catalog.now.total)), Some(Micros(catalog.now.daily))));
        prop_assert_eq!((payout.raises.total.bound, payout.raises.daily.bound), (None, None));
    }

    #[test]
    fn what_is_called_enough_is_enough_and_nothing_less(
        total in 0..9 * DOLLAR, daily in 0..9 * DOLLAR, taken in 0..9 * DOLLAR, revenue in 1..9 * DOLLAR,
    ) {
        let mut shop = Shop::open(bounds(None, None, OverLimit::Reject, &[]));
        shop.qualify(0, taken, NOON);
        shop.bounds = Some(bounds(Some(total), Some(daily), OverLimit::Review, &[]));
        if shop.qualify(1, revenue, NOON).counted != Counted::Nowhere {
            return Ok(());
        }
        let refused = shop.decide(1, Decision::Approve, NOON).unwrap_err();
        let Refused::Over(Over::Budget { enough, .. }) = refused else { panic!("{refused:?}") };
        let with = |less: i64| Bounds {
            total: enough.total.map(|bound| Micros(bound.0 - less)).or(Some(Micros(total))),
            daily: enough.daily.map(|bound| Micros(bound.0 - less)).or(Some(Micros(daily))),
            ..shop.bounds.clone().unwrap()
        };
        let (short, right) = (with(1), with(0));
        prop_assert_eq!(shop.bounds.as_ref().unwrap().why_not_raised(enough), Vec::new());
        shop.bounds = Some(short);
        prop_assert!(shop.decide(1, Decision::Approve, NOON).is_err());
        shop.bounds = Some(right);
        prop_assert!(shop.decide(1, Decision::Approve, NOON).is_ok());
    }
}

#[rstest]
#[case::higher(Some(11), None, &[])]
#[case::equal(Some(10), None, &[(Period::AllTime, NotRaised::NotHigher { present: Micros(10) })])]
#[case::both_lower(
    Some(9),
    Some(4),
    &[
        (Period::AllTime, NotRaised::NotHigher { present: Micros(10) }),
        (Period::Day, NotRaised::NotHigher { present: Micros(5) }),
    ],
)]
#[case::a_day_up_to_the_total(None, Some(10), &[])]
#[case::a_day_above_the_total(None, Some(11), &[(Period::Day, NotRaised::AboveTotal { total: Micros(10) })])]
#[case::a_day_with_its_total(Some(20), Some(20), &[])]
#[case::a_day_above_its_new_total(
    Some(20),
    Some(21),
    &[(Period::Day, NotRaised::AboveTotal { total: Micros(20) })],
)]
fn only_upwards(
    #[case] total: Option<i64>,
    #[case] daily: Option<i64>,
    #[case] why_not: &[(Period, NotRaised)],
) {
    let bounds = bounds(Some(10), Some(5), OverLimit::Reject, &[]);
    assert_eq!(bounds.why_not_raised(budgets(total, daily)), why_not);
}

#[test]
fn what_is_not_bounded_is_not_raised() {
    let unbounded = bounds(None, None, OverLimit::Reject, &[]);
    let why_not = unbounded.why_not_raised(budgets(Some(1), Some(1)));
    assert_eq!(why_not, [(Period::AllTime, NotRaised::NoBudget), (Period::Day, NotRaised::NoBudget)]);
    // The catalog took the budget away while a raise of it was on its way: nothing is bounded.
    let raises = Raises::default().raised(1, budgets(Some(7), Some(7)));
    assert_eq!(unbounded.raised(&raises).budgets().count(), 0);
}

#[test]
fn a_number_is_never_below_the_clock() {
    let raises = Raises::default().raised(Raises::default().next_number(NOON), budgets(Some(7), None));
    assert_eq!(raises.total.number, NOON.as_micros().unsigned_abs());
    assert_eq!(raises.next_number(days(-1)), raises.total.number + 1, "a clock that was put back");
    // A payout that lost its copy hears of raises that it does not know.
    let heard = Raises::default().heard(Heard { total: u64::MAX - 1, daily: 0 });
    assert_eq!(heard.next_number(NOON), u64::MAX);
}
