//! A replay as JSON.

use std::collections::BTreeMap;

use kernel::Micros;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::replay::Effect,
    flows::replay::{Count, Shown, Sum},
    http::written_sql,
};

/// An order to judge stored journeys again, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "replayId": "019abf10-7a10-7c4e-8f00-3d2b5a6c7d8e", "dryRun": true, "terms": "version", "version": 3,
    "selection": {"offerId": "0194a3c0-0000-7000-8000-000000000001", "from": "2026-11-19T00:00:00.000000Z", "to": "2026-11-26T00:00:00.000000Z"},
    "state": "finished", "orderedAt": "2026-11-26T10:00:00.000000Z", "finishedAt": "2026-11-26T10:00:07.000000Z",
    "journeys": 4200, "judged": 4200, "unreadable": 0,
    "decisions": [{"from": "REJECTED_LATE", "to": "QUALIFIED", "postbacks": 17}],
    "conversions": {"gained": 17, "released": 0, "putOnReview": 2, "refused": 0, "amended": 0},
    "money": [{
        "publisherId": "0193a1f0-0000-7000-8000-000000000002", "currency": "USD",
        "before": {"conversions": 900, "revenue": "4500.00", "payout": "2700.00", "margin": "1800.00"},
        "underTerms": {"conversions": 915, "revenue": "4575.00", "payout": "2745.00", "margin": "1830.00"},
        "afterReplay": {"conversions": 915, "revenue": "4575.00", "payout": "2745.00", "margin": "1830.00"}
    }],
    "unpriced": []
}))]
pub struct ReplayBody {
    /// Its id.
    pub replay_id: Uuid,
    /// Writes nothing but this report.
    pub dry_run: bool,
    /// `recorded`, `newest`, `version` or `draft`.
    #[schema(example = "version")]
    pub terms: String,
    /// The version; of `newest` the one that was the newest when it was ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3)]
    pub version: Option<i32>,
    /// Which journeys.
    pub selection: SelectedBody,
    /// `selecting`, `judging`, `finished` or `failed`.
    #[schema(example = "finished")]
    pub state: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// When it was ordered.
    pub ordered_at: String,
    /// When every journey was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Journeys that it is about, as far as they are found.
    #[schema(example = 4200)]
    pub journeys: i64,
    /// How many have been judged.
    #[schema(example = 4200)]
    pub judged: i64,
    /// How many of them could not be read and were passed over; the log names the row.
    #[schema(example = 0)]
    pub unreadable: i64,
    /// Postbacks that would be decided otherwise under the chosen terms alone, the most first. Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decisions: Option<Vec<RecodedBody>>,
    /// What a replay for real does to conversions. Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversions: Option<EffectsBody>,
    /// Money of all qualified conversions of these journeys, before caps and budget, by the tenant's rates as they are now.
    /// Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money: Option<Vec<MoneyBody>>,
    /// Qualified conversions that are in no sum. Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpriced: Option<Vec<UnpricedBody>>,
}

/// Which journeys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelectedBody {
    /// Of clicks of this offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<Uuid>,
    /// With a postback that was received from then on,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// and before then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Of clicks of this publisher.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher_id: Option<Uuid>,
    /// That reports this Event ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// That stood with this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// These clicks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gk_click_ids: Option<Vec<Uuid>>,
}

/// Postbacks that would be decided otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecodedBody {
    /// Their code now.
    #[schema(example = "REJECTED_LATE")]
    pub from: String,
    /// Their code under the chosen terms alone.
    #[schema(example = "QUALIFIED")]
    pub to: String,
    /// How many.
    #[schema(example = 17)]
    pub postbacks: i64,
}

/// Conversions by what a replay for real does to them. Nothing that was told is taken back: what the chosen terms would refuse
/// is put on review.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EffectsBody {
    /// Earned, and were not before.
    #[schema(example = 17)]
    pub gained: i64,
    /// Were on review or refused, and are now earned.
    #[schema(example = 0)]
    pub released: i64,
    /// A person must look.
    #[schema(example = 2)]
    pub put_on_review: i64,
    /// Reached, and something stands against them that is no matter of terms: a fraud flag, say.
    #[schema(example = 0)]
    pub refused: i64,
    /// The same verdict with other content: an amount, say.
    #[schema(example = 0)]
    pub amended: i64,
}

/// Money of one publisher in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MoneyBody {
    /// The publisher.
    pub publisher_id: Uuid,
    /// The currency.
    #[schema(example = "USD")]
    pub currency: String,
    /// What stands now.
    pub before: SumBody,
    /// What would stand if the chosen terms alone had applied.
    pub under_terms: SumBody,
    /// What stands once it is replayed for real: what was told keeps its terms, and what is on review is not in it.
    pub after_replay: SumBody,
}

/// A sum.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SumBody {
    /// Of so many conversions.
    #[schema(example = 900)]
    pub conversions: i64,
    /// Advertisers owe this.
    #[schema(example = "4500.00")]
    pub revenue: String,
    /// The publisher earns this.
    #[schema(example = "2700.00")]
    pub payout: String,
    /// What stays.
    #[schema(example = "1800.00")]
    pub margin: String,
}

/// Conversions whose money a person has to say.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnpricedBody {
    /// The publisher.
    pub publisher_id: Uuid,
    /// `REVIEW_NO_RATE`, `REVIEW_NO_AMOUNT`, `REVIEW_PAYOUT_ABOVE_REVENUE`, `REVIEW_AMOUNT_TOO_LARGE` as payout would review
    /// them, or `NO_MONEY_TERMS` of a draft that says nothing of money.
    #[schema(example = "REVIEW_NO_RATE")]
    pub code: String,
    /// The currency for which there is no rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "VND")]
    pub currency: Option<String>,
    /// How many stand now.
    #[schema(example = 3)]
    pub before: i64,
    /// How many would stand if the chosen terms alone had applied.
    #[schema(example = 3)]
    pub under_terms: i64,
    /// How many stand once it is replayed for real.
    #[schema(example = 3)]
    pub after_replay: i64,
}

impl ReplayBody {
    pub(super) fn new(shown: Shown) -> Self {
        let state = match (&shown.failure, shown.finished_at, shown.selected_at) {
            (Some(_), _, _) => "failed",
            (None, Some(_), _) => "finished",
            (None, None, Some(_)) => "judging",
            (None, None, None) => "selecting",
        };
        Self {
            replay_id: shown.replay_id,
            dry_run: shown.dry_run,
            terms: shown.terms,
            version: shown.version,
            selection: SelectedBody {
                offer_id: shown.offer_id,
                from: shown.received_from.map(written_sql),
                to: shown.received_until.map(written_sql),
                publisher_id: shown.publisher_id,
                event_id: shown.event_id,
                code: shown.code,
                gk_click_ids: shown.clicks,
            },
            state,
            failure: shown.failure,
            ordered_at: written_sql(shown.ordered_at),
            finished_at: shown.finished_at.map(written_sql),
            journeys: shown.selected,
            judged: shown.judged,
            unreadable: shown.passed_over,
            decisions: None,
            conversions: None,
            money: None,
            unpriced: None,
        }
    }

    pub(super) fn with(shown: Shown, counts: &[Count], sums: &[Sum]) -> Self {
        let decisions = counts.iter().filter(|count| count.kind == "decision").map(|count| RecodedBody {
            from: count.code_from.clone(),
            to: count.code_to.clone(),
            postbacks: count.lines,
        });
        let effect = |effect: Effect| {
            let is_it = |count: &&Count| count.kind == "effect" && count.code_from == effect.as_str();
            counts.iter().find(is_it).map_or(0, |count| count.lines)
        };
        Self {
            decisions: Some(decisions.collect()),
            conversions: Some(EffectsBody {
                gained: effect(Effect::Gained),
                released: effect(Effect::Released),
                put_on_review: effect(Effect::PutOnReview),
                refused: effect(Effect::Refused),
                amended: effect(Effect::Amended),
            }),
            money: Some(money(sums)),
            unpriced: Some(unpriced(sums)),
            ..Self::new(shown)
        }
    }
}

/// Sums of a publisher and a currency (or a code and a currency) by stage.
type Stages<'a> = BTreeMap<&'a str, &'a Sum>;

fn by_stage<'a>(sums: impl Iterator<Item = &'a Sum>) -> BTreeMap<(Uuid, &'a str, &'a str), Stages<'a>> {
    let mut found: BTreeMap<(Uuid, &str, &str), Stages<'_>> = BTreeMap::new();
    for sum in sums {
        let key = (sum.publisher_id, sum.unpriced.as_str(), sum.currency.as_str());
        found.entry(key).or_default().insert(sum.stage.as_str(), sum);
    }
    found
}

fn money(sums: &[Sum]) -> Vec<MoneyBody> {
    let of = |stages: &Stages<'_>, stage: &str| {
        let (conversions, revenue, payout) =
            stages.get(stage).map_or((0, 0, 0), |sum| (sum.conversions, sum.revenue, sum.payout));
        SumBody {
            conversions,
            revenue: Micros(revenue).to_string(),
            payout: Micros(payout).to_string(),
            margin: Micros(revenue.saturating_sub(payout)).to_string(),
        }
    };
    by_stage(sums.iter().filter(|sum| sum.unpriced.is_empty()))
        .into_iter()
        .map(|((publisher_id, _, currency), stages)| MoneyBody {
            publisher_id,
            currency: currency.to_owned(),
            before: of(&stages, "before"),
            under_terms: of(&stages, "under"),
            after_replay: of(&stages, "after"),
        })
        .collect()
}

fn unpriced(sums: &[Sum]) -> Vec<UnpricedBody> {
    let of = |stages: &Stages<'_>, stage: &str| stages.get(stage).map_or(0, |sum| sum.conversions);
    by_stage(sums.iter().filter(|sum| !sum.unpriced.is_empty()))
        .into_iter()
        .map(|((publisher_id, code, currency), stages)| UnpricedBody {
            publisher_id,
            code: code.to_owned(),
            currency: Some(currency.to_owned()).filter(|currency| !currency.is_empty()),
            before: of(&stages, "before"),
            under_terms: of(&stages, "under"),
            after_replay: of(&stages, "after"),
        })
        .collect()
}
