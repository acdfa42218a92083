//! Random histories at once: verdicts, people's decisions, new rates and ends of holds race each other through the doors of two
//! replicas, which die in mid-work one after the other. Whatever comes of a conversion must be what some order of its steps comes
//! to by the second implementation (`crates/payout-oracle`), and the books must hold what that says.

#![expect(clippy::indexing_slicing, reason = "a test may stop")]

use std::collections::BTreeMap;

use contracts::{
    attribution::{ConversionVerdict, ReportedAmount, Verdict as ContractWord},
    catalog::{OfferVersionCreated, TokenRole},
    common::{Money, MoneyTerms, PayoutTerms, RevenueTerms, payout_terms, revenue_terms},
    envelope::Envelope,
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;
use kernel::{ConversionId, IdSource as _};
use payout_oracle as oracle;
use process::SystemIds;
use serde_json::json;

use crate::{
    facts::{Tenant, now},
    stage::Stage,
};

/// Conversions, and steps of each: six steps have 720 orders.
const CONVERSIONS: u8 = 60;
const STEPS: u64 = 5;
/// In how many waves they come; a replica dies in each.
const WAVES: usize = 3;
/// Without decimals, with two, and with three.
const CURRENCIES: [&str; 3] = ["JPY", "USD", "KWD"];
/// What users spend also, and its number in the other implementation's words; at first nobody has a rate for it.
const FOREIGN: (&str, u8) = ("EUR", 3);
/// What it is worth in each of the tenants' currencies, in parts of 10^12.
const RATES: [Option<i64>; 4] =
    [None, Some(333_333_333_333), Some(1_085_000_000_000), Some(160_000_000_000_000)];
const DECISIONS: [(&str, oracle::Decision); 4] = [
    ("Approve", oracle::Decision::Approve),
    ("Reject", oracle::Decision::Reject),
    ("Restore", oracle::Decision::Restore),
    ("ClearReview", oracle::Decision::ClearReview),
];

/// Chance that can be had again: a failed test names its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn of<T: Copy>(&mut self, choice: &[T]) -> T {
        choice[self.below(choice.len())]
    }
}

/// A tenant for each currency: an offer without a rate for what is earned with it waits for a person.
fn tenant_of(click: u8) -> (Tenant, usize) {
    let currency = usize::from(click) % CURRENCIES.len();
    (Tenant::new(1 + u128::try_from(currency).unwrap()), currency)
}

fn manager(currency: usize) -> String {
    format!("gkt_manager_{}", CURRENCIES[currency])
}

/// One step of one conversion, in the words of both sides.
#[derive(Clone)]
enum Step {
    Verdict(Box<Envelope>, oracle::Verdict),
    Decision(&'static str, oracle::Decision),
}

/// A verdict by chance; `revision` counts from 1.
fn verdict(click: u8, revision: u64, dice: &mut Dice) -> Step {
    // Terms are a conversion's own for ever: they follow from its number.
    let (tenant, currency) = tenant_of(click);
    let (is_percent, reverses) = (click % 4 >= 2, click.is_multiple_of(2));
    let (word, contract_word) = dice.of(&[
        (oracle::Word::Qualified, ContractWord::Qualified),
        (oracle::Word::Qualified, ContractWord::Qualified),
        (oracle::Word::OnReview, ContractWord::OnReview),
        (oracle::Word::Vetoed, ContractWord::Vetoed),
        (oracle::Word::Unreached, ContractWord::Qualified),
    ]);
    let micros = dice.of(&[-1, 0, 1, 999, 4_990_000, i64::MAX]);
    let (code, number) = dice.of(&[(CURRENCIES[currency], u8::try_from(currency).unwrap()), FOREIGN]);
    let days = dice.of(&[0_u16, 3, 3]);
    let plain = tenant.verdict(click);
    let received_at = now().as_micros() - 1_000_000;
    let message = ConversionVerdict {
        revision,
        verdict: contract_word.into(),
        reached: word != oracle::Word::Unreached,
        received_at_micros: received_at,
        reported: Some(ReportedAmount {
            amount: Some(Money { micros, currency: String::from(code) }),
            ..ReportedAmount::default()
        }),
        terms: Some(MoneyTerms {
            currency: String::from(CURRENCIES[currency]),
            revenue: Some(RevenueTerms {
                model: Some(if is_percent {
                    revenue_terms::Model::PercentOfAmountBps(15_000)
                } else {
                    revenue_terms::Model::FlatMicros(3)
                }),
            }),
            payout: Some(PayoutTerms {
                model: Some(if is_percent {
                    payout_terms::Model::PercentOfAmountBps(10_000)
                } else {
                    payout_terms::Model::FlatMicros(2)
                }),
            }),
            reward_points: 0,
            pending_days: days.into(),
            reverse_on_fraud: reverses,
        }),
        ..plain
    };
    let known = oracle::Verdict {
        revision,
        word,
        reverses,
        received_at,
        days,
        amount: Some(oracle::Amount { micros, currency: number }),
        terms: oracle::Terms {
            currency: u8::try_from(currency).unwrap(),
            revenue: if is_percent { oracle::Revenue::Percent(15_000) } else { oracle::Revenue::Flat(3) },
            payout: if is_percent { oracle::Payout::Percent(10_000) } else { oracle::Payout::Flat(2) },
        },
        is_behind: false,
    };
    Step::Verdict(Box::new(tenant.qualified(message)), known)
}

/// A tenant hears other rates, perhaps none any more, and what waits for one is tried with them.
async fn say_rates(stage: &Stage, version: u64, rates: [Option<i64>; CURRENCIES.len()]) {
    for (currency, rate) in rates.iter().enumerate() {
        let tenant = Tenant::new(1 + u128::try_from(currency).unwrap());
        let rates: Vec<_> = rate.iter().map(|rate| (FOREIGN.0, CURRENCIES[currency], *rate)).collect();
        stage.say_catalog([tenant.changed(version, &rates)]).await;
    }
}

/// The same in the other implementation's words.
fn heard(rate: Option<i64>) -> oracle::Step {
    oracle::Step::Rates(rate.map(|rate| (FOREIGN.1, rate)).into_iter().collect())
}

/// Whether any of its verdicts is priced by a rate.
fn has_foreign(steps: &[(oracle::Step, bool)]) -> bool {
    steps.iter().any(|(step, _)| {
        let oracle::Step::Verdict(verdict) = step else { return false };
        matches!(verdict.terms.revenue, oracle::Revenue::Percent(_))
            && verdict.amount.is_some_and(|amount| amount.currency == FOREIGN.1)
    })
}

/// What the service has made of a conversion.
#[derive(Debug, QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    revenue: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    payout: Option<i64>,
    /// Pending and posted, of the advertiser, the publisher and the margin: credits less debits.
    #[diesel(sql_type = Array<Text>)]
    books: Vec<String>,
}

impl Found {
    fn fits(&self, end: &oracle::Conversion) -> bool {
        let status = match end.status {
            oracle::Status::Unreached => "unreached",
            oracle::Status::Pending => "pending",
            oracle::Status::OnReview => "on_review",
            oracle::Status::Success => "success",
            oracle::Status::Flagged => "flagged",
            oracle::Status::Rejected => "rejected",
            oracle::Status::Reversed => "reversed",
        };
        let books = end.books();
        let expected: Vec<String> =
            books.pending.iter().chain(&books.posted).map(ToString::to_string).collect();
        self.status == status
            && self.revenue == end.money.map(|money| money.revenue)
            && self.payout == end.money.map(|money| money.payout)
            && self.books == expected
    }
}

/// By the rows, and without the service's own views.
const FOUND: &str = "
    WITH sides AS (
        SELECT conversion_id, credit_account_id AS account_id, kind, amount_micros::numeric AS amount FROM ledger_transfers
        UNION ALL
        SELECT conversion_id, debit_account_id, kind, -amount_micros::numeric FROM ledger_transfers
    ), sums AS (
        SELECT conversion_id, ledger_accounts.kind,
            sum(CASE sides.kind WHEN 'pending' THEN amount WHEN 'post' THEN -amount WHEN 'void' THEN -amount ELSE 0 END) AS pending,
            sum(CASE WHEN sides.kind IN ('post', 'posted', 'reversal') THEN amount ELSE 0 END) AS posted
        FROM sides JOIN ledger_accounts USING (account_id) GROUP BY conversion_id, ledger_accounts.kind
    )
    SELECT conversion_id::text AS id, status, revenue_micros AS revenue, payout_micros AS payout, ARRAY(
        SELECT coalesce(CASE side WHEN 'pending' THEN sums.pending ELSE sums.posted END, 0)::bigint::text
        FROM unnest(ARRAY['pending', 'posted']) WITH ORDINALITY AS sides (side, first)
        CROSS JOIN unnest(ARRAY['advertiser_receivable', 'publisher_payable', 'margin'])
            WITH ORDINALITY AS kinds (kind, second)
        LEFT JOIN sums ON sums.kind = kinds.kind AND sums.conversion_id = conversions.conversion_id
        ORDER BY first, second
    ) AS books
    FROM conversions";

#[tokio::test]
async fn whatever_happens_at_once_comes_to_an_end_that_some_order_comes_to() {
    let seed = u64::from_be_bytes(SystemIds.uuid_v7().as_bytes()[8..].try_into().unwrap());
    let mut dice = Dice(seed);
    let mut stage = Stage::with(2, |_| ()).await;
    for click in 0..u8::try_from(CURRENCIES.len()).unwrap() {
        let (tenant, currency) = tenant_of(click);
        let offer = OfferVersionCreated { currency: String::from(CURRENCIES[currency]), ..tenant.offer(1) };
        stage.introduce_with(tenant, offer).await;
        stage.say_catalog([tenant.token(&manager(currency), TokenRole::Manager)]).await;
    }

    // What happened to each, and how every decision fared.
    let mut steps: BTreeMap<u8, Vec<(oracle::Step, bool)>> = BTreeMap::new();
    let mut waves: Vec<Vec<(u8, Step)>> = vec![Vec::new(); WAVES];
    for click in 0..CONVERSIONS {
        for number in 1..=STEPS {
            let step = if number > 2 && dice.below(2) == 0 {
                let (word, decision) = dice.of(&DECISIONS);
                Step::Decision(word, decision)
            } else {
                verdict(click, number, &mut dice)
            };
            // In any wave: revisions come in any order.
            let wave = dice.below(WAVES);
            let place = dice.below(waves[wave].len() + 1);
            waves[wave].insert(place, (click, step));
        }
    }

    let mut said = 0;
    let mut heard_rates: Vec<[Option<i64>; CURRENCIES.len()]> = Vec::new();
    for (version, wave) in (2..).zip(waves) {
        let (mut verdicts, mut decisions) = (Vec::new(), Vec::new());
        for (click, step) in wave {
            match step {
                Step::Verdict(envelope, known) => {
                    verdicts.push(*envelope);
                    steps.entry(click).or_default().push((oracle::Step::Verdict(known), true));
                }
                Step::Decision(word, decision) => decisions.push((click, word, decision)),
            }
        }
        said += i64::try_from(verdicts.len()).unwrap();
        // Said and not waited for: people decide while they are taken, on the replica that goes on.
        stage.say_verdicts(verdicts).await;
        let asked = decisions.iter().map(|(click, word, _)| {
            let (tenant, currency) = tenant_of(*click);
            let path = format!("/api/v1/conversions/{}/decisions", tenant.conversion_id(*click));
            let body = json!({"decision": word, "reason": "By chance."});
            let stage = &stage;
            async move { stage.post(&path, Some(&manager(currency)), &body).await }
        });
        // Meanwhile holds end, and rates change.
        let rates = std::array::from_fn(|_| dice.of(&RATES));
        heard_rates.push(rates);
        let (fared, (), ()) =
            tokio::join!(join_all(asked), stage.holds_end(), say_rates(&stage, version, rates));
        stage.replace().await;
        for ((click, word, decision), (status, answer)) in decisions.into_iter().zip(fared) {
            assert!([200, 404, 409].contains(&status), "seed {seed}: {word}: {status} {answer}");
            steps.entry(click).or_default().push((oracle::Step::Decision(decision), status == 200));
        }
    }
    let inbox = "inbox WHERE consumer = 'payout.conversions'";
    stage.rows(inbox, said).await;
    // Once more, for what was judged while the last ones came.
    let last_rates = std::array::from_fn(|_| dice.of(&RATES));
    let version = 2 + u64::try_from(WAVES).unwrap();
    say_rates(&stage, version, last_rates).await;
    let tried = format!("tenants WHERE priced_at >= rates_at AND version = {version}");
    stage.rows(&tried, i64::try_from(CURRENCIES.len()).unwrap()).await;
    stage.holds_end().await;
    stage.rows("conversions WHERE status = 'pending'", 0).await;

    let found: Vec<Found> = sql_query(FOUND).load(&mut stage.database.admin().await).await.unwrap();
    let found: BTreeMap<String, Found> = found.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut refused = 0;
    for (click, steps) in &steps {
        let (tenant, currency) = tenant_of(*click);
        let id: ConversionId = tenant.conversion_id(*click);
        let mut all = steps.clone();
        for rates in &heard_rates {
            all.push((oracle::Step::Time, true));
            // Whoever is priced by nothing foreign has no use for them.
            if has_foreign(steps) {
                all.extend([(heard(rates[currency]), true), (oracle::Step::Pricing, true)]);
            }
        }
        // Long after every hold; what time does before it, it does after it.
        let mut ends = oracle::ends(&oracle::Conversion::default(), &all, now().as_micros());
        for end in &mut ends {
            for last in [heard(last_rates[currency]), oracle::Step::Pricing, oracle::Step::Time] {
                end.step(&last, i64::MAX);
            }
        }
        refused += steps.iter().filter(|(_, fared)| !fared).count();
        let found = found.get(&id.to_string());
        let is_explained = match found {
            Some(found) => ends.iter().any(|end| found.fits(end)),
            None => ends.iter().any(|end| end.status == oracle::Status::Unreached),
        };
        assert!(
            is_explained,
            "seed {seed}, conversion {click}: {found:?} of {steps:#?} is none of {ends:#?}"
        );
    }
    assert!(refused > 0 && found.len() > 50, "seed {seed}: nothing was refused, or nothing happened");
    let converted = "SELECT count(*) AS count FROM conversions WHERE rate_from = 'EUR'";
    assert!(stage.count(converted).await > 0, "seed {seed}: nothing was priced by a rate");
    // Balances are what their rows say, and every conversion's rows what its status says.
    stage.strike().await;
}
