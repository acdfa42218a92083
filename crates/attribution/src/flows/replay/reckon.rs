//! What a step found, in the rows that keep it.

use std::collections::BTreeMap;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::ClickId;
use uuid::Uuid;

use crate::{
    domain::replay::{Effect, Report, Standing, Worth},
    store::replays::{self, Claimed, CountRow, DifferenceRow, SumRow},
};

/// As `replay_sums` names them, in the order of [`Report::worth`].
const STAGES: [&str; 3] = ["before", "under", "after"];
/// Longer Event IDs are none that an offer maps; a line is for people.
const EVENT_ID_CHARS: usize = 100;

/// A journey that was compared.
pub(super) struct Compared {
    pub(super) click: ClickId,
    /// Whose click; none while it has not arrived.
    pub(super) publisher: Option<Uuid>,
    pub(super) report: Report,
    /// The Event IDs of its postbacks, by receipt.
    pub(super) events: BTreeMap<kernel::ReceiptId, String>,
}

/// Keeps what was found.
pub(super) async fn save(
    connection: &mut AsyncPgConnection,
    claimed: &Claimed,
    compared: &[Compared],
) -> QueryResult<()> {
    let lines: Vec<DifferenceRow> = compared.iter().flat_map(lines).collect();
    replays::save_differences(connection, claimed, &lines).await?;
    replays::save_counts(connection, claimed, &counts(compared)).await?;
    replays::save_sums(connection, claimed, &sums(compared)).await
}

fn lines(one: &Compared) -> impl Iterator<Item = DifferenceRow> {
    let of_click =
        DifferenceRow { click: one.click.as_uuid(), publisher: one.publisher, ..DifferenceRow::default() };
    let decisions = one.report.decisions.iter().map(|decision| DifferenceRow {
        receipt: decision.receipt.as_uuid(),
        event_id: short(one.events.get(&decision.receipt).map_or("", String::as_str)),
        codes: [Some(decision.from.as_str()), Some(decision.to.as_str()), None],
        ..of_click.clone()
    });
    let conversions = one.report.conversions.iter().map(|conversion| {
        let stages = [conversion.before, conversion.under, conversion.after];
        DifferenceRow {
            receipt: conversion.holder.as_uuid(),
            conversion: Some(conversion.id.as_uuid()),
            event_id: short(&conversion.event_id),
            codes: stages.map(|stage| stage.map(|standing| standing.code.as_str())),
            effect: conversion.effect.map(Effect::as_str),
            money: [conversion.before, conversion.under].map(money),
            ..of_click.clone()
        }
    });
    let rows: Vec<DifferenceRow> = decisions.chain(conversions).collect();
    (1..).zip(rows).map(|(place, row)| DifferenceRow { place, ..row })
}

fn money(standing: Option<Standing>) -> Option<(String, i64, i64)> {
    match standing?.worth? {
        Worth::Money { currency, revenue, payout } => Some((currency.to_string(), revenue.0, payout.0)),
        Worth::Unpriced(..) => None,
    }
}

fn short(event_id: &str) -> String {
    event_id.chars().take(EVENT_ID_CHARS).collect()
}

fn counts(compared: &[Compared]) -> Vec<CountRow> {
    let mut counts: BTreeMap<(&'static str, &'static str, &'static str), i64> = BTreeMap::new();
    let mut count = |key| {
        let lines = counts.entry(key).or_default();
        *lines = lines.saturating_add(1);
    };
    for report in compared.iter().map(|one| &one.report) {
        for decision in &report.decisions {
            count(("decision", decision.from.as_str(), decision.to.as_str()));
        }
        for effect in report.conversions.iter().filter_map(|one| one.effect) {
            count(("effect", effect.as_str(), ""));
        }
    }
    counts.into_iter().map(|((kind, from, to), lines)| (kind, from, to, lines)).collect()
}

/// Publisher, stage, currency, and why it is not priced.
type SumKey = (Uuid, &'static str, String, &'static str);

fn sums(compared: &[Compared]) -> Vec<SumRow> {
    let mut sums: BTreeMap<SumKey, (i64, i64, i64)> = BTreeMap::new();
    for one in compared {
        let publisher = one.publisher.unwrap_or_default();
        for (stage, worth) in STAGES.into_iter().zip(&one.report.worth) {
            for worth in worth {
                let (currency, unpriced, revenue, payout) = match worth {
                    Worth::Money { currency, revenue, payout } => {
                        (currency.to_string(), "", revenue.0, payout.0)
                    }
                    Worth::Unpriced(code, currency) => {
                        (currency.map(|currency| currency.to_string()).unwrap_or_default(), *code, 0, 0)
                    }
                };
                let sum = sums.entry((publisher, stage, currency, unpriced)).or_default();
                *sum = (sum.0.saturating_add(1), sum.1.saturating_add(revenue), sum.2.saturating_add(payout));
            }
        }
    }
    let row = |((publisher, stage, currency, unpriced), (conversions, revenue, payout))| SumRow {
        publisher,
        stage,
        currency,
        unpriced,
        conversions,
        revenue,
        payout,
    };
    sums.into_iter().map(row).collect()
}
