//! Rules that are dropped or inverted on purpose: each must be noticed by at least three vectors, or the vectors prove
//! nothing about it.

use super::{all_cases, play, read::Case, told_wrongly};
use crate::domain::rules::{
    Rule,
    mutation::{Mutation, broken},
};

/// So many cases must notice.
const NOTICED_BY: usize = 3;

#[test]
fn every_broken_rule_is_noticed() {
    let cases = all_cases();
    let mut unnoticed = Vec::new();
    for rule in Rule::ALL {
        for mutation in [Mutation::Dropped, Mutation::Inverted] {
            let notices =
                |case: &&Case| !told_wrongly(case, &play(case, case.facts.iter().cloned())).is_empty();
            let failing = broken(*rule, mutation, || cases.iter().filter(notices).count());
            if failing < NOTICED_BY {
                unnoticed.push(format!("rule {} {mutation:?}: {failing} cases fail", rule.number()));
            }
        }
    }
    assert!(Rule::ALL.len() == 15 && unnoticed.is_empty(), "{unnoticed:#?}");
}
