//! Every decision on a conversion in every status, through the door: what is carried out, and that what is refused has changed
//! nothing.

use contracts::{
    attribution::{ConversionVerdict, ConversionVetoed, Verdict},
    catalog::TokenRole,
    common::MoneyTerms,
    envelope::Envelope,
    payout::{ConversionDecidedByPerson, ConversionStatusChanged},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    facts::{Tenant, click_id, percent_terms, terms},
    stage::Stage,
};

const MANAGER: &str = "gkt_manager";
const DECISIONS: [&str; 4] = ["Approve", "Reject", "Restore", "ClearReview"];

/// What comes of a decision.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// It stands so then.
    Now(&'static str),
    /// Refused: the problem's code.
    No(&'static str),
    /// Nobody sees such a conversion.
    Nothing,
}

use Answer::{No, Nothing, Now};

const ILLEGAL: Answer = No("status_does_not_allow_it");
const WORTHLESS: Answer = No("worth_is_not_known");
const UNKNOWN: Answer = No("limits_are_not_known");

/// A conversion's beginning, and what comes of each decision in the order of [`DECISIONS`].
struct Row {
    name: &'static str,
    status: &'static str,
    say: fn(Tenant, ConversionVerdict) -> Vec<Envelope>,
    answers: [Answer; 4],
}

const ROWS: [Row; 9] = [
    Row {
        name: "a step that nothing reached",
        status: "unreached",
        say: |tenant, verdict| vec![vetoed(tenant, ConversionVerdict { reached: false, ..verdict })],
        answers: [Nothing; 4],
    },
    Row {
        name: "waits for its time",
        status: "pending",
        say: |tenant, verdict| vec![tenant.qualified(held(verdict))],
        answers: [Now("success"), Now("rejected"), ILLEGAL, ILLEGAL],
    },
    Row {
        name: "waits for a person",
        status: "on_review",
        say: |tenant, verdict| {
            vec![tenant.qualified(held(verdict.clone())), tenant.on_review(&held(verdict))]
        },
        answers: [Now("success"), Now("rejected"), ILLEGAL, Now("pending")],
    },
    Row {
        name: "waits for a price",
        status: "on_review",
        say: |tenant, verdict| {
            let priceless =
                ConversionVerdict { terms: Some(percent_terms()), reported: None, ..held(verdict) };
            vec![tenant.qualified(priceless)]
        },
        answers: [WORTHLESS, Now("rejected"), ILLEGAL, WORTHLESS],
    },
    Row {
        name: "waits for its offer",
        status: "on_review",
        say: |tenant, verdict| {
            let offer_id = Uuid::from_u128(0x0ffe5).as_bytes().to_vec();
            vec![tenant.qualified(ConversionVerdict { offer_id, ..held(verdict) })]
        },
        answers: [UNKNOWN, Now("rejected"), ILLEGAL, UNKNOWN],
    },
    Row {
        name: "earned",
        status: "success",
        say: |tenant, verdict| vec![tenant.qualified(verdict)],
        answers: [ILLEGAL, Now("reversed"), ILLEGAL, ILLEGAL],
    },
    Row {
        name: "earned, with fraud reported after it",
        status: "flagged",
        say: |tenant, verdict| vec![tenant.qualified(verdict.clone()), tenant.vetoed(&verdict)],
        answers: [Now("success"), Now("reversed"), ILLEGAL, Now("success")],
    },
    Row {
        name: "refused",
        status: "rejected",
        say: |tenant, verdict| vec![tenant.qualified(held(verdict.clone())), tenant.vetoed(&held(verdict))],
        answers: [ILLEGAL, ILLEGAL, Now("success"), ILLEGAL],
    },
    Row {
        name: "taken back",
        status: "reversed",
        say: |tenant, verdict| {
            let strict = MoneyTerms { reverse_on_fraud: true, ..terms(0) };
            let verdict = ConversionVerdict { terms: Some(strict), ..verdict };
            vec![tenant.qualified(verdict.clone()), tenant.vetoed(&verdict)]
        },
        answers: [ILLEGAL, ILLEGAL, Now("success"), ILLEGAL],
    },
];

fn held(verdict: ConversionVerdict) -> ConversionVerdict {
    ConversionVerdict { terms: Some(MoneyTerms { pending_days: 3, ..verdict.terms.unwrap() }), ..verdict }
}

fn vetoed(tenant: Tenant, verdict: ConversionVerdict) -> Envelope {
    let verdict = ConversionVerdict { verdict: Verdict::Vetoed.into(), ..verdict };
    tenant.envelope(&ConversionVetoed { verdict: Some(verdict) })
}

/// A number for everything that a decision writes or changes.
async fn everything(stage: &Stage) -> Vec<i64> {
    let mut all = Vec::new();
    for table in [
        "conversions",
        "conversion_history",
        "conversion_decisions",
        "ledger_transfers",
        "limit_usage",
        "offers",
        "statement_periods",
        "(SELECT delivery_id, status_revision FROM deliveries)",
    ] {
        let digest = format!(
            "SELECT ('x' || left(md5(coalesce(string_agg(all_of_it::text, ' ' ORDER BY all_of_it::text), '')), 15))
                ::bit(60)::bigint AS count FROM {table} AS all_of_it"
        );
        all.push(stage.count(&digest).await);
    }
    all
}

#[tokio::test]
async fn every_decision_in_every_status_is_carried_out_or_changes_nothing() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_catalog([brownboots.token(MANAGER, TokenRole::Manager)]).await;
    // Each decision has a conversion of its own.
    let cells: Vec<(&Row, usize, u8)> = ROWS
        .iter()
        .flat_map(|row| (0..DECISIONS.len()).map(move |decision| (row, decision)))
        .zip(1..)
        .map(|((row, decision), click)| (row, decision, click))
        .collect();
    let mut told = Vec::new();
    for (row, _, click) in &cells {
        told.push((row.say)(brownboots, brownboots.verdict(*click)));
    }
    // What a verdict does to one that is there already is its second batch.
    let later: Vec<Envelope> = told.iter().flat_map(|said| said.iter().skip(1).cloned()).collect();
    stage.say_verdicts(told.iter().filter_map(|said| said.first().cloned())).await;
    stage.rows("conversions WHERE verdict_revision = 1", i64::try_from(cells.len()).unwrap()).await;
    stage.say_verdicts(later).await;
    for (row, _, click) in &cells {
        let of_click = format!("gk_click_id = '{}'", click_id(*click).as_uuid());
        stage.rows(&format!("conversions WHERE {of_click} AND status = '{}'", row.status), 1).await;
    }
    let decide = async |decision: usize, click: u8| {
        let path = format!("/api/v1/conversions/{}/decisions", brownboots.conversion_id(click).as_uuid());
        let asked = json!({"decision": DECISIONS[decision], "reason": "Looked at it."});
        stage.post(&path, Some(MANAGER), &asked).await
    };

    let before = everything(&stage).await;
    let said = stage.said::<ConversionStatusChanged>().len();
    for (row, decision, click) in &cells {
        let expected = match row.answers[*decision] {
            Now(_) => continue,
            No(code) => (409, json!(code)),
            Nothing => (404, json!("not_found")),
        };
        let (status, problem) = decide(*decision, *click).await;
        let what = format!("{}: {}", row.name, DECISIONS[*decision]);
        assert_eq!((status, problem["code"].clone()), expected, "{what}: {problem}");
        assert_eq!(everything(&stage).await, before, "{what}");
    }

    let mut carried_out = 0;
    for (row, decision, click) in &cells {
        let Now(after) = row.answers[*decision] else { continue };
        let what = format!("{}: {}", row.name, DECISIONS[*decision]);
        let (status, answer) = decide(*decision, *click).await;
        assert_eq!(status, 200, "{what}: {answer}");
        let stands = format!(
            "SELECT count(*) AS count FROM conversions
            WHERE gk_click_id = '{}' AND status = '{after}' AND status_by = 'person'",
            click_id(*click).as_uuid()
        );
        assert_eq!(stage.count(&stands).await, 1, "{what}");
        carried_out += 1;
    }
    assert_eq!(carried_out, 13);
    stage.rows("conversion_decisions", 13).await;
    // The refused ones said nothing, neither before nor behind these.
    assert_eq!(stage.said_count::<ConversionDecidedByPerson>(13).await.len(), 13);
    assert!(stage.said_count::<ConversionStatusChanged>(said + 13).await.len() >= said + 13);
    stage.strike().await;
}
