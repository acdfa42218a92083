//! Budgets that people raise at payout, in the call that decides on a conversion. Payout reserves within the new bound at once;
//! here, where budgets live, it is taken over as a change of the person who made it.

use kernel::{ConversionId, Money, OfferId, TenantId, Timestamp, TokenId};

use super::offer::OfferFields;

/// The last raise that each budget of an offer has, by its number; 0: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RaisesTaken {
    /// The total budget.
    pub total: u64,
    /// The daily one.
    pub daily: u64,
}

/// One budget's new bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RaisedBound {
    /// The raise that it is of: this one, or an earlier one that may still be on its way.
    pub number: u64,
    /// The bound.
    pub bound: Money,
}

/// A raise as payout tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetRaise {
    /// Whose.
    pub tenant: TenantId,
    /// Of which offer.
    pub offer: OfferId,
    /// Counts the raises of the offer, with gaps.
    pub number: u64,
    /// The last raise of the total budget that payout has not found here yet.
    pub total: Option<RaisedBound>,
    /// That of the daily budget.
    pub daily: Option<RaisedBound>,
    /// The conversion that it was made for.
    pub conversion: ConversionId,
    /// Whose token made it.
    pub token: TokenId,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

impl BudgetRaise {
    /// Whether it is in the currency of these fields.
    #[must_use]
    pub fn is_in_currency_of(&self, fields: &OfferFields) -> bool {
        [self.total, self.daily].iter().flatten().all(|raised| fields.currency == Some(raised.bound.currency))
    }

    /// An offer's fields with the raise, and which raises they have then.
    ///
    /// A budget that is higher already stays; one that somebody took away stays away. A raise that is here, or a later one, changes
    /// nothing, whatever was done to the budget since. When somebody lowered the total budget meanwhile, a day's is not above it: no
    /// day can take more than all days, so nothing is lost, and nobody is left with an offer that can not be saved.
    #[must_use]
    pub fn on(&self, fields: &OfferFields, taken: RaisesTaken) -> (OfferFields, RaisesTaken) {
        let (mut fields, mut taken) = (fields.clone(), taken);
        if let Some(raised) = self.total.filter(|raised| raised.number > taken.total) {
            fields.total_budget = fields.total_budget.map(|present| present.max(raised.bound.amount));
            taken.total = raised.number;
        }
        if let Some(raised) = self.daily.filter(|raised| raised.number > taken.daily) {
            let after = fields.daily_budget.map(|present| present.max(raised.bound.amount));
            fields.daily_budget =
                after.map(|after| fields.total_budget.map_or(after, |total| after.min(total)));
            taken.daily = raised.number;
        }
        (fields, taken)
    }
}

#[cfg(test)]
mod tests {
    use kernel::{Currency, Micros};
    use proptest::prelude::*;
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    /// Each budget with the raise that its bound is of.
    fn raise(total: Option<(u64, i64)>, daily: Option<(u64, i64)>) -> BudgetRaise {
        let bound =
            |(number, micros)| RaisedBound { number, bound: Money::new(Micros(micros), Currency::USD) };
        let (total, daily) = (total.map(bound), daily.map(bound));
        BudgetRaise {
            tenant: TenantId::from_uuid(Uuid::from_u128(1)),
            offer: OfferId::from_uuid(Uuid::from_u128(2)),
            number: total.iter().chain(&daily).map(|raised| raised.number).max().unwrap_or_default(),
            total,
            daily,
            conversion: ConversionId::from_uuid(Uuid::from_u128(3)),
            token: TokenId::from_uuid(Uuid::from_u128(4)),
            reason: String::from("They agreed to more."),
            at: Timestamp::from_micros(0),
        }
    }

    fn fields(total: i64, daily: Option<i64>) -> OfferFields {
        OfferFields {
            total_budget: Some(Micros(total)),
            daily_budget: daily.map(Micros),
            currency: Some(Currency::USD),
            ..OfferFields::default()
        }
    }

    #[rstest]
    #[case::lifts(raise(Some((3, 20)), None), (20, Some(5)), (3, 1))]
    #[case::lifts_both(raise(Some((3, 20)), Some((3, 15))), (20, Some(15)), (3, 3))]
    #[case::never_lowers(raise(Some((3, 7)), Some((3, 2))), (10, Some(5)), (3, 3))]
    #[case::is_here(raise(Some((2, 20)), Some((1, 20))), (10, Some(5)), (2, 1))]
    #[case::a_later_one_is_here(raise(Some((1, 20)), None), (10, Some(5)), (2, 1))]
    #[case::brings_an_earlier_one_along(raise(Some((3, 20)), Some((4, 15))), (20, Some(15)), (3, 4))]
    #[case::does_not_undo_what_came_after_the_earlier_one(raise(Some((2, 20)), Some((3, 8))), (10, Some(8)), (2, 3))]
    #[case::a_day_up_to_the_total(raise(None, Some((3, 15))), (10, Some(10)), (2, 3))]
    fn a_raise_lifts_and_never_lowers(
        #[case] raise: BudgetRaise,
        #[case] (total, daily): (i64, Option<i64>),
        #[case] (last_total, last_daily): (u64, u64),
    ) {
        let (after, taken) = raise.on(&fields(10, Some(5)), RaisesTaken { total: 2, daily: 1 });
        assert_eq!(after, fields(total, daily));
        assert_eq!(taken, RaisesTaken { total: last_total, daily: last_daily });
    }

    #[test]
    fn a_budget_that_was_taken_away_stays_away() {
        let (after, taken) = raise(None, Some((3, 7))).on(&fields(10, None), RaisesTaken::default());
        assert_eq!((after, taken.daily), (fields(10, None), 3));
    }

    proptest! {
        #[test]
        fn the_order_of_raises_makes_no_difference(
            bounds in prop::collection::vec((1..50_i64, 1..50_i64, 0..3_u8), 1..6),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            // As payout makes them: each above the one before, with what it has not found here.
            let (mut total, mut daily) = (None, None);
            let mut present = (10, 5);
            let mut raises = Vec::new();
            for (number, (up, day, which)) in (1..).zip(bounds) {
                if which != 1 {
                    present.0 += up;
                    total = Some((number, present.0));
                }
                if which != 0 && present.1 < present.0 {
                    present.1 = (present.1 + day).min(present.0);
                    daily = Some((number, present.1));
                }
                raises.push(raise(total, daily));
            }
            let (mut state, mut taken) = (fields(10, Some(5)), RaisesTaken::default());
            // Any of them, any number of times, and every one at least once.
            for raise in order.iter().map(|which| which.get(&raises)).chain(&raises) {
                let (after, now) = raise.on(&state, taken);
                prop_assert!(after.total_budget >= state.total_budget && after.daily_budget >= state.daily_budget);
                prop_assert!(after.daily_budget <= after.total_budget);
                (state, taken) = (after, now);
            }
            prop_assert_eq!(&state, &fields(present.0, Some(present.1)));
            let again = raises.iter().fold((state.clone(), taken), |(state, taken), raise| raise.on(&state, taken));
            prop_assert_eq!(again, (state, taken), "said again it changes nothing");
        }
    }
}
