//! The hand-written cases of `crates/attribution/vectors/`: each is played as the service plays it, then backwards, then
//! held against the oracle. `vectors/README.md` says how to write one.

mod mutations;
mod offers;
mod read;
mod words;

use std::{collections::BTreeMap, fmt::Write as _};

use kernel::ReceiptId;
use uuid::Uuid;

use super::{
    oracle,
    service::{Happening, Service},
};
use crate::domain::{Conversion, code::Code};
use read::{Case, ExpectedAmount, ExpectedConversion, read};

/// The tables, in the order of the rules.
const TABLES: [(&str, &str); 9] = [
    ("01-click", include_str!("../../../../vectors/01-click.txt")),
    ("02-credential-primary", include_str!("../../../../vectors/02-credential-primary.txt")),
    ("03-refund-fraud", include_str!("../../../../vectors/03-refund-fraud.txt")),
    ("04-terms-mapping", include_str!("../../../../vectors/04-terms-mapping.txt")),
    ("05-calendar-target-deadline", include_str!("../../../../vectors/05-calendar-target-deadline.txt")),
    ("06-sequence", include_str!("../../../../vectors/06-sequence.txt")),
    ("07-occurrence", include_str!("../../../../vectors/07-occurrence.txt")),
    ("08-member", include_str!("../../../../vectors/08-member.txt")),
    ("09-people-versions", include_str!("../../../../vectors/09-people-versions.txt")),
];
/// What the issue asks for.
const FEWEST: usize = 150;

fn all_cases() -> Vec<Case> {
    TABLES.iter().flat_map(|(name, text)| read(name, text)).collect()
}

fn receipt(name: &str) -> ReceiptId {
    let number: u128 =
        name.trim_start_matches('p').parse().unwrap_or_else(|_| panic!("{name} is no p1, p2 …"));
    ReceiptId::from_uuid(Uuid::from_u128(number))
}

fn play(case: &Case, facts: impl Iterator<Item = Happening>) -> Service {
    let mut service = Service::new(case.feed.clone());
    for fact in facts {
        service.take(&fact);
    }
    service
}

/// What is told otherwise than the case says.
fn told_wrongly(case: &Case, service: &Service) -> Vec<String> {
    let mut wrong = wrong_codes(case, service);
    wrong.extend(wrong_conversions(case, service));
    wrong
}

/// Everything about a case that is not as it says, also backwards and by the oracle.
fn failures(case: &Case) -> Vec<String> {
    let mut service = play(case, case.facts.iter().cloned());
    let mut wrong = told_wrongly(case, &service);
    if case.order_matters {
        return wrong;
    }
    wrong.extend(oracle::differences(&service).into_iter().map(|one| format!("the oracle disagrees: {one}")));
    let seen = Happening::Seen(service.horizon);
    let mut backwards = play(case, case.facts.iter().rev().cloned());
    backwards.take(&seen);
    service.take(&seen);
    if backwards.meaning() != service.meaning() {
        wrong.push(format!("backwards it means {:?} and not {:?}", backwards.meaning(), service.meaning()));
    }
    wrong
}

fn wrong_codes(case: &Case, service: &Service) -> Vec<String> {
    let mut said: BTreeMap<String, Vec<Code>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (receipt, codes) in &service.histories {
        said.insert(format!("p{}", receipt.as_uuid().as_u128()), codes.clone());
    }
    for (name, query) in &case.strays {
        let (code, by_oracle) = oracle::without_click(query, &case.media_sources);
        if code.as_str() != by_oracle {
            wrong.push(format!("{name}: the oracle says {by_oracle}"));
        }
        said.insert(name.clone(), vec![code]);
    }
    let text = |codes: &[Code]| codes.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(" > ");
    for (name, expected) in &case.codes {
        let got = said.remove(name).map_or_else(|| String::from("nothing"), |codes| text(&codes));
        if got != *expected {
            wrong.push(format!("{name}: expected {expected}, got {got}"));
        }
    }
    wrong.extend(said.iter().map(|(name, codes)| format!("{name}: nothing expected, got {}", text(codes))));
    wrong
}

fn wrong_conversions(case: &Case, service: &Service) -> Vec<String> {
    let mut told: Vec<&Conversion> = service.known.conversions.values().map(|(_, one)| one).collect();
    let mut wrong = Vec::new();
    for expected in &case.conversions {
        let found = told
            .iter()
            .position(|one| one.event_id == expected.event && one.occurrence == expected.occurrence);
        let Some(place) = found else {
            wrong.push(format!("{} {}: no conversion", expected.event, expected.occurrence));
            continue;
        };
        wrong.extend(differs(expected, told.remove(place)));
    }
    wrong.extend(
        told.iter()
            .map(|one| format!("{} {} {}: not expected", one.event_id, one.occurrence, one.code.as_str())),
    );
    wrong
}

fn differs(expected: &ExpectedConversion, got: &Conversion) -> Option<String> {
    let amount_fits = match expected.amount {
        ExpectedAmount::NotSaid => true,
        ExpectedAmount::Is(amount) => amount == got.reported.money,
    };
    let money = got.reported.money.map(|money| format!("{money:?}"));
    let fits = expected.code == got.code.as_str()
        && amount_fits
        && expected.held_by.as_ref().is_none_or(|name| receipt(name) == got.holder)
        && expected.terms_of.is_none_or(|version| version == got.terms.version);
    let holder = got.holder.as_uuid().as_u128();
    (!fits).then(|| {
        format!(
            "{} {}: expected {expected:?}, got {}, amount {money:?}, held by p{holder}, terms of version {}",
            got.event_id,
            got.occurrence,
            got.code.as_str(),
            got.terms.version
        )
    })
}

#[test]
fn every_vector_holds() {
    let cases = all_cases();
    let mut report = String::new();
    let mut failed = 0_u32;
    for case in &cases {
        let wrong = failures(case);
        if !wrong.is_empty() {
            failed += 1;
            writeln!(report, "{}\n  proves {}\n  {}", case.name(), case.proves, wrong.join("\n  ")).unwrap();
        }
    }
    assert!(failed == 0, "{failed} of {} cases fail:\n{report}", cases.len());
    assert!(cases.len() >= FEWEST, "{} cases", cases.len());
}

#[test]
fn every_rule_and_every_code_has_vectors() {
    let cases = all_cases();
    for rule in 1..=15 {
        let section = format!("§4.{rule} ");
        let count = cases.iter().filter(|case| case.proves.starts_with(&section)).count();
        assert!(count >= 3, "rule {rule} has {count} cases");
    }
    for code in Code::ALL {
        let named =
            cases.iter().flat_map(|case| case.codes.values()).any(|codes| codes.contains(code.as_str()));
        assert!(named, "no case expects {}", code.as_str());
    }
    let mut titles: Vec<&str> = cases.iter().map(|case| case.title.as_str()).collect();
    titles.sort_unstable();
    let twice: Vec<_> = titles.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}
