//! What a replay says of a journey: what it would decide otherwise, what that does to conversions, and the money.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{ConversionId, Currency, Micros, ReceiptId};
use terms::{Rate, Review, Terms, price};

use crate::domain::{
    code::Code,
    conversion::{Conversion, Verdict, VerdictCode},
    diff::Known,
    judge::JourneyVerdict,
};

/// What a qualified conversion is worth, before caps and budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// This much.
    Money {
        /// Currency of both.
        currency: Currency,
        /// The advertiser owes this.
        revenue: Micros,
        /// The publisher earns this.
        payout: Micros,
    },
    /// A person has to say: payout's code for why, and, where a rate is missing, the currency that has none.
    Unpriced(&'static str, Option<Currency>),
}

/// The terms have no money, as a draft may.
const NO_MONEY_TERMS: &str = "NO_MONEY_TERMS";

/// Prices a conversion.
#[must_use]
pub fn worth(
    terms: Option<&Terms>,
    conversion: &Conversion,
    rate: impl FnOnce(Currency, Currency) -> Option<Rate>,
) -> Worth {
    let Some(terms) = terms else { return Worth::Unpriced(NO_MONEY_TERMS, None) };
    let reported = terms::Reported { amount: conversion.reported.money, usd: conversion.reported.usd };
    match price(terms, &reported, rate) {
        terms::Priced::Money(money) => {
            Worth::Money { currency: money.currency, revenue: money.revenue, payout: money.payout }
        }
        terms::Priced::Review { cause, .. } => {
            let from = if let Review::NoRate { from, .. } = cause { Some(from) } else { None };
            Worth::Unpriced(cause.code(), from)
        }
    }
}

/// How a conversion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub code: VerdictCode,
    /// What it is worth; only of a qualified one.
    pub worth: Option<Worth>,
}

/// A postback that would be decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionDifference {
    /// The postback.
    pub receipt: ReceiptId,
    /// Its decision now.
    pub from: Code,
    /// Its decision under the chosen terms alone.
    pub to: Code,
}

/// What a replay for real does to a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Earned, and was not before.
    Gained,
    /// Was on review or refused, and is now earned.
    Released,
    /// A person must look.
    PutOnReview,
    /// Told as refused: it is reached, and something stands against it.
    Refused,
    /// The same verdict with other content.
    Amended,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Self; 5] =
        [Self::Gained, Self::Released, Self::PutOnReview, Self::Refused, Self::Amended];

    /// The name of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Released => "released",
            Self::PutOnReview => "putOnReview",
            Self::Refused => "refused",
            Self::Amended => "amended",
        }
    }
}

/// A conversion that is not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversionDifference {
    /// The conversion.
    pub id: ConversionId,
    /// Who holds it.
    pub holder: ReceiptId,
    /// Its Event ID.
    pub event_id: String,
    /// As it was told last.
    pub before: Option<Standing>,
    /// Under the chosen terms alone.
    pub under: Option<Standing>,
    /// Once it is replayed for real.
    pub after: Option<Standing>,
    /// What that does.
    pub effect: Option<Effect>,
}

/// What a replay says of one journey.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Decisions that differ.
    pub decisions: Vec<DecisionDifference>,
    /// Conversions that differ.
    pub conversions: Vec<ConversionDifference>,
    /// What every conversion of the journey is worth, also of those that do not differ: before, under the chosen terms alone,
    /// once replayed for real.
    pub worth: [Vec<Worth>; 3],
}

impl Report {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.decisions.is_empty() && self.conversions.is_empty()
    }
}

/// Compares what was committed with the chosen terms alone, and with what a replay for real would make of both. What is not
/// in `known` has not been committed and is no difference.
#[must_use]
pub fn compare(
    known: &Known,
    under: &JourneyVerdict,
    after: &JourneyVerdict,
    worth_of: impl Fn(&Conversion) -> Worth,
) -> Report {
    let decisions = under
        .decisions
        .iter()
        .filter_map(|decision| {
            let before = known.decisions.get(&decision.receipt)?;
            let (receipt, from, to) = (decision.receipt, before.code, decision.code);
            (from != to).then_some(DecisionDifference { receipt, from, to })
        })
        .collect();
    let before: BTreeMap<ConversionId, &Conversion> =
        known.conversions.iter().map(|(id, (_, told))| (*id, told)).collect();
    let by_id = |verdict: &'_ JourneyVerdict| -> BTreeMap<ConversionId, Conversion> {
        let labelled =
            |one: &Conversion| before.get(&one.id).map_or_else(|| one.clone(), |told| as_named(one, told));
        verdict.conversions.iter().map(|one| (one.id, labelled(one))).collect()
    };
    let (under, after) = (by_id(under), by_id(after));
    let ids: BTreeSet<ConversionId> =
        before.keys().chain(under.keys()).chain(after.keys()).copied().collect();
    let mut report = Report { decisions, ..Report::default() };
    let standing = |one: &Conversion| Standing {
        verdict: one.verdict,
        code: one.code,
        worth: (one.verdict == Verdict::Qualified).then(|| worth_of(one)),
    };
    for id in ids {
        let all = [before.get(&id).copied(), under.get(&id), after.get(&id)];
        let [was, chosen, becomes] = all.map(|one| one.map(standing));
        for (place, one) in report.worth.iter_mut().zip([was, chosen, becomes]) {
            place.extend(one.and_then(|one| one.worth));
        }
        let effect = effect(all[0], all[2]);
        if was == chosen && effect.is_none() {
            continue;
        }
        let Some(shown) = all.into_iter().flatten().next() else { continue };
        report.conversions.push(ConversionDifference {
            id,
            holder: shown.holder,
            event_id: shown.event_id.clone(),
            before: was,
            under: chosen,
            after: becomes,
            effect,
        });
    }
    report
}

/// Names and numbers are the newest version's: what has been told is told again only while its journey is open, and no
/// decision is another for them.
fn as_named(one: &Conversion, told: &Conversion) -> Conversion {
    Conversion {
        offer_name: told.offer_name.clone(),
        event_id: told.event_id.clone(),
        event_name: told.event_name.clone(),
        number: told.number,
        ..one.clone()
    }
}

fn effect(before: Option<&Conversion>, after: Option<&Conversion>) -> Option<Effect> {
    let after = after?;
    if before == Some(after) {
        return None;
    }
    Some(match (before.map(|before| before.verdict), after.verdict) {
        (Some(verdict), now) if verdict == now => Effect::Amended,
        (None, Verdict::Qualified) => Effect::Gained,
        (Some(_), Verdict::Qualified) => Effect::Released,
        (_, Verdict::OnReview) => Effect::PutOnReview,
        (_, Verdict::Vetoed) => Effect::Refused,
    })
}
