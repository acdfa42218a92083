//! Random histories, in the words of both implementations.

use std::collections::HashMap;

use kernel::{
    AdvertiserId, Bps, ClickId, ConversionId, Currency, Days, Micros, Money, OfferEventId, OfferId,
    PublisherId, TenantId, Timestamp,
};
use payout_oracle as oracle;
use proptest::prelude::*;
use terms::{Payout, Reported, Revenue, Terms, WORTH_MAX};
use uuid::Uuid;

use crate::domain::{
    conversion::{Cause, Occasion, Reason, Subject, Verdict},
    limits::{Bounds, Desk, OverLimit, Usage},
    standing::{Decision, Word},
};

const HOUR: i64 = 3_600_000_000;
const BEGIN: i64 = 1_700_000_000_000_000;
/// The biggest share: twice of everything.
const SHARE_MAX: u32 = 20_000;
/// Twelve digits behind the point and a hundred before it; beyond it a product would not fit into either implementation's
/// integers, and both say so.
const RATE_MAX: i64 = 100_000_000_000_000;

/// With two decimals, none, three, and one that nobody has a rate for.
pub(super) const CURRENCIES: [&str; 4] = ["USD", "JPY", "KWD", "XYZ"];

/// The code of every verdict.
pub(super) const SAID: &str = "CODE";

pub(super) fn code(currency: &str) -> Currency {
    currency.parse().unwrap()
}

/// A verdict, without what all verdicts of a case share.
#[derive(Debug, Clone)]
pub(super) struct Said {
    revision: u64,
    word: Word,
    reverses: bool,
    received_hours: i64,
    days: u16,
    amount: Option<(i64, usize)>,
    /// A person's rejection before it that its sender had not heard of.
    pub(super) unheard: Option<Cause>,
}

/// What can happen.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    Verdict(Said),
    Decision(Decision),
    /// A rejection before it.
    Held(Cause),
    /// It is taken back.
    LetGo,
    /// Of each currency into the terms', as far as there is one.
    Rates([Option<i64>; CURRENCIES.len()]),
    /// What waits for a rate is tried again.
    Pricing,
    Time,
}

/// One conversion's history.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) currency: Currency,
    revenue: Revenue,
    payout: Payout,
    /// Each with the hours that passed before it.
    steps: Vec<(i64, Happening)>,
}

fn any_money() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => Just(0),
        2 => Just(1),
        6 => 1..10_000_000_i64,
        1 => Just(i64::MAX),
        1 => i64::MAX - 9..i64::MAX,
        // The most that one event can be worth, and about that.
        1 => WORTH_MAX.0 - 3..WORTH_MAX.0 + 4,
    ]
}

fn any_amount() -> impl Strategy<Value = i64> {
    prop_oneof![8 => any_money(), 1 => -5_000_000..0_i64, 1 => Just(i64::MIN)]
}

fn any_share() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), Just(10_000), 0..=SHARE_MAX]
}

fn any_word() -> impl Strategy<Value = Word> {
    prop_oneof![
        1 => Just(Word::Unreached),
        5 => Just(Word::Qualified),
        2 => Just(Word::OnReview { reverses: false }),
        3 => Just(Word::Vetoed { reverses: false }),
    ]
}

fn any_cause() -> impl Strategy<Value = Cause> {
    prop::sample::select(vec![Cause::Tainted, Cause::RejectedStep])
}

fn any_said() -> impl Strategy<Value = Said> {
    // Few revisions, so that some come twice and some too late.
    let amount = prop::option::weighted(0.8, (any_amount(), 0..CURRENCIES.len()));
    let unheard = prop::option::weighted(0.2, any_cause());
    (1..12_u64, any_word(), any::<bool>(), 0..48_i64, 0..4_u16, amount, unheard).prop_map(
        |(revision, word, reverses, received_hours, days, amount, unheard)| {
            let word = match word {
                Word::OnReview { .. } => Word::OnReview { reverses },
                Word::Vetoed { .. } => Word::Vetoed { reverses },
                Word::Unreached | Word::Qualified => word,
            };
            Said { revision, word, reverses, received_hours, days, amount, unheard }
        },
    )
}

/// The last one is a currency that nobody has a rate for.
fn any_rates() -> impl Strategy<Value = [Option<i64>; CURRENCIES.len()]> {
    let any = || prop::option::weighted(0.6, 1..RATE_MAX);
    (any(), any(), any()).prop_map(|(first, second, third)| [first, second, third, None])
}

pub(super) fn any_case() -> impl Strategy<Value = Case> {
    let revenue = prop_oneof![
        any_money().prop_map(|micros| Revenue::Flat(Micros(micros))),
        any_share().prop_map(|share| Revenue::PercentOfAmount(Bps(share))),
    ];
    let payout = prop_oneof![
        any_money().prop_map(|micros| Payout::Flat(Micros(micros))),
        any_share().prop_map(|share| Payout::PercentOfAmount(Bps(share))),
        any_share().prop_map(|share| Payout::ShareOfRevenue(Bps(share))),
    ];
    let happening = prop_oneof![
        5 => any_said().prop_map(Happening::Verdict),
        3 => prop::sample::select(Decision::ALL.to_vec()).prop_map(Happening::Decision),
        1 => any_cause().prop_map(Happening::Held),
        1 => Just(Happening::LetGo),
        2 => any_rates().prop_map(Happening::Rates),
        1 => Just(Happening::Pricing),
        2 => Just(Happening::Time),
    ];
    let hours = prop_oneof![3 => Just(0), 2 => 1..30_i64, 1 => Just(24)];
    let steps = prop::collection::vec((hours, happening), 1..14);
    (0..3_usize, revenue, payout, any_rates(), steps).prop_map(
        |(currency, revenue, payout, rates, mut steps)| {
            steps.insert(0, (0, Happening::Rates(rates)));
            Case { currency: code(CURRENCIES[currency]), revenue, payout, steps }
        },
    )
}

impl Case {
    /// What happens, and when.
    pub(super) fn happenings(&self) -> impl Iterator<Item = (&Happening, Timestamp)> {
        let mut now = BEGIN;
        self.steps.iter().map(move |(hours, happening)| {
            now += hours * HOUR;
            (happening, Timestamp::from_micros(now))
        })
    }

    /// The offer is known and allows everything.
    pub(super) fn desk(&self) -> Desk {
        let bounds = Bounds {
            version: 1,
            currency: self.currency,
            total: None,
            daily: None,
            least: Micros(1),
            action: OverLimit::Reject,
            caps: Vec::new(),
        };
        let subject = subject();
        Desk::new(HashMap::from([((subject.tenant, subject.offer), bounds)]), Usage::default())
    }

    /// In payout's words.
    pub(super) fn verdict(&self, said: &Said) -> Verdict {
        let amount =
            said.amount.map(|(micros, currency)| Money::new(Micros(micros), code(CURRENCIES[currency])));
        Verdict {
            subject: subject(),
            revision: said.revision,
            word: said.word,
            reason: Reason { code: String::from(SAID), text: format!("revision {}", said.revision) },
            occasion: Occasion {
                event_id: String::from("af_purchase"),
                occurrence: String::from("once"),
                received_at: Timestamp::from_micros(BEGIN - said.received_hours * HOUR),
            },
            pending: Days(said.days),
            terms: self.terms(),
            number: None,
            decisions_heard: None,
            reverses: said.reverses,
            reported: Reported { amount, usd: None },
            heard_until: Timestamp::from_micros(i64::MAX),
        }
    }

    /// Of every verdict.
    pub(super) const fn terms(&self) -> Terms {
        Terms { currency: self.currency, revenue: self.revenue, payout: self.payout, reward_points: 1 }
    }

    /// In the oracle's words.
    pub(super) fn step(&self, happening: &Happening) -> oracle::Step {
        let number = |currency: Currency| {
            let place = CURRENCIES.iter().position(|known| code(known) == currency).unwrap();
            u8::try_from(place).unwrap()
        };
        match happening {
            Happening::Time => oracle::Step::Time,
            Happening::Held(_) => oracle::Step::Held,
            Happening::LetGo => oracle::Step::LetGo,
            Happening::Pricing => oracle::Step::Pricing,
            Happening::Rates(rates) => oracle::Step::Rates(
                (0_u8..).zip(rates).filter_map(|(from, parts)| Some((from, (*parts)?))).collect(),
            ),
            Happening::Decision(decision) => oracle::Step::Decision(match decision {
                Decision::Approve => oracle::Decision::Approve,
                Decision::Reject => oracle::Decision::Reject,
                Decision::Restore => oracle::Decision::Restore,
                Decision::ClearReview => oracle::Decision::ClearReview,
            }),
            Happening::Verdict(said) => oracle::Step::Verdict(oracle::Verdict {
                revision: said.revision,
                word: match said.word {
                    Word::Unreached => oracle::Word::Unreached,
                    Word::Qualified => oracle::Word::Qualified,
                    Word::OnReview { .. } => oracle::Word::OnReview,
                    Word::Vetoed { .. } => oracle::Word::Vetoed,
                },
                is_behind: said.unheard.is_some(),
                reverses: said.reverses,
                received_at: BEGIN - said.received_hours * HOUR,
                days: said.days,
                amount: said.amount.map(|(micros, currency)| oracle::Amount {
                    micros,
                    currency: number(code(CURRENCIES[currency])),
                }),
                terms: oracle::Terms {
                    currency: number(self.currency),
                    revenue: match self.revenue {
                        Revenue::Flat(flat) => oracle::Revenue::Flat(flat.0),
                        Revenue::PercentOfAmount(share) => oracle::Revenue::Percent(share.0),
                    },
                    payout: match self.payout {
                        Payout::Flat(flat) => oracle::Payout::Flat(flat.0),
                        Payout::PercentOfAmount(share) => oracle::Payout::Percent(share.0),
                        Payout::ShareOfRevenue(share) => oracle::Payout::Share(share.0),
                    },
                },
            }),
        }
    }
}

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
