//! Which line of a report is which postback.

use std::{cmp::Reverse, collections::BTreeSet, time::Duration};

use kernel::{Currency, Micros, ReceiptId, Timestamp};

use super::{outcome::Payment, row::ReportRow};
use crate::domain::Code;

/// Lines of one click that are laid beside its postbacks; each is compared with up to 2,000 of them. No person makes
/// more; those beyond are told apart as having no partner.
pub const LINES_PER_CLICK_MAX: usize = 1_000;

/// A postback of the click, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Its receipt.
    pub receipt: ReceiptId,
    /// When it came.
    pub received_at: Timestamp,
    /// The values of its event id parameters.
    pub event_ids: Vec<String>,
    /// The event's name, when it carries one.
    pub event_name: Option<String>,
    /// When the event happened, as it says.
    pub event_time: Option<Timestamp>,
    /// What tells it from its repeats.
    pub conversion_id: Option<String>,
    /// Its amount.
    pub amount: Option<Micros>,
    /// The amount's currency.
    pub currency: Option<Currency>,
    /// Its current decision.
    pub code: Code,
    /// What payout did, when it is the holder of a conversion.
    pub payment: Option<Payment>,
}

/// How alike a line and a postback are; the greater, the more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Likeness {
    same_conversion_id: bool,
    same_event: bool,
    nearer: Reverse<u64>,
}

/// Gives each of one click's lines the place of its postback, or none. No postback is given twice; of all pairs that are
/// possible the most alike are made first, so what is given does not depend on the order of lines.
///
/// A pair is possible when both say the same conversion id, or when at least one says none and their times lie within
/// `tolerance`. The events must be the same one, by any name that both use; where the postback carries only the id of the
/// advertiser's mapping, which reports do not have, equal times to the second are taken for it.
#[must_use]
pub fn pair(lines: &[ReportRow], postbacks: &[Reached], tolerance: Duration) -> Vec<Option<usize>> {
    let mut possible = Vec::new();
    for (line, row) in lines.iter().enumerate().take(LINES_PER_CLICK_MAX) {
        for (place, postback) in postbacks.iter().enumerate() {
            if let Some(likeness) = likeness(row, postback, tolerance) {
                possible.push((Reverse(likeness), row.line, postback.receipt, line, place));
            }
        }
    }
    possible.sort_unstable();
    let mut given = vec![None; lines.len()];
    let mut taken = BTreeSet::new();
    for (_, _, _, line, place) in possible {
        if let Some(slot) = given.get_mut(line)
            && slot.is_none()
            && taken.insert(place)
        {
            *slot = Some(place);
        }
    }
    given
}

fn likeness(row: &ReportRow, postback: &Reached, tolerance: Duration) -> Option<Likeness> {
    let same_conversion_id = match (&row.conversion_id, &postback.conversion_id) {
        (Some(one), Some(other)) if one == other => true,
        (Some(_), Some(_)) => return None,
        _ => false,
    };
    let distance = distance(row, postback);
    let same_event = same_event(row, postback);
    // With nothing to compare, the very second must be the same.
    let is_same_second = || distance.is_some_and(|apart| apart < Duration::from_secs(1));
    if !same_event.unwrap_or_else(|| same_conversion_id || is_same_second()) {
        return None;
    }
    let same_event = same_event.is_some();
    if !same_conversion_id && distance.is_some_and(|apart| apart > tolerance) {
        return None;
    }
    let apart = distance.map_or(u64::MAX, |apart| u64::try_from(apart.as_micros()).unwrap_or(u64::MAX));
    Some(Likeness { same_conversion_id, same_event, nearer: Reverse(apart) })
}

/// None when one of them does not say when it happened: any time may be it.
fn distance(row: &ReportRow, postback: &Reached) -> Option<Duration> {
    let (one, other) = (row.event_time?, postback.event_time?);
    Some(Duration::from_micros(one.as_micros().abs_diff(other.as_micros())))
}

/// Whether they are the same event; none when they say nothing that could be compared.
fn same_event(row: &ReportRow, postback: &Reached) -> Option<bool> {
    const INSTALL: &str = "install";
    let is_install = |name: &String| name.eq_ignore_ascii_case(INSTALL);
    let names_none = postback.event_ids.is_empty() && postback.event_name.is_none();
    let postback_is_install =
        names_none || postback.event_ids.iter().any(is_install) || postback.event_name.iter().any(is_install);
    if row.is_install || postback_is_install {
        return Some(row.is_install && postback_is_install);
    }
    if let Some(id) = &row.event_id
        && !postback.event_ids.is_empty()
    {
        return Some(postback.event_ids.contains(id));
    }
    let name = row.event_name.as_ref()?;
    if postback.event_ids.contains(name) || postback.event_name.as_ref() == Some(name) {
        return Some(true);
    }
    // Its only name is one of the mapping.
    postback.event_name.as_ref().map(|_| false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::domain::samples::at;

    const TOLERANCE: Duration = Duration::from_mins(1);

    fn line(number: u64, name: &str, seconds: i64) -> ReportRow {
        ReportRow {
            line: number,
            click: None,
            is_install: name == "install",
            event_name: Some(String::from(name)),
            event_id: None,
            event_time: Some(at(seconds)),
            conversion_id: None,
            amount: None,
            currency: None,
        }
    }

    fn postback(number: u128, id: &str, name: Option<&str>, seconds: i64) -> Reached {
        Reached {
            receipt: ReceiptId::from_uuid(Uuid::from_u128(number)),
            received_at: at(seconds),
            event_ids: if id.is_empty() { Vec::new() } else { vec![String::from(id)] },
            event_name: name.map(String::from),
            event_time: Some(at(seconds)),
            conversion_id: None,
            amount: None,
            currency: None,
            code: Code::Qualified,
            payment: None,
        }
    }

    #[rstest]
    #[case::the_same("af_purchase", "af_purchase", None, 30, true)]
    #[case::too_far("af_purchase", "af_purchase", None, 61, false)]
    #[case::by_the_name("af_purchase", "level_10", Some("af_purchase"), 30, true)]
    #[case::another("af_purchase", "level_10", Some("level_10"), 0, false)]
    #[case::only_the_mapping_at_that_second("af_purchase", "goal_1", None, 0, true)]
    #[case::only_the_mapping_later("af_purchase", "goal_1", None, 2, false)]
    #[case::install("install", "Install", None, 5, true)]
    #[case::install_that_names_none("install", "", None, 5, true)]
    #[case::no_install("af_purchase", "", None, 0, false)]
    #[case::not_the_install("install", "level_1", None, 0, false)]
    fn what_is_the_same(
        #[case] reported: &str,
        #[case] id: &str,
        #[case] name: Option<&str>,
        #[case] later: i64,
        #[case] same: bool,
    ) {
        let given = pair(
            &[line(2, reported, 100)],
            &[postback(1, id, name, 100_i64.saturating_add(later))],
            TOLERANCE,
        );
        assert_eq!(given, [same.then_some(0)]);
    }

    #[test]
    fn a_conversion_id_outweighs_time_and_another_one_forbids_it() {
        let mut reported = line(2, "af_purchase", 100);
        reported.conversion_id = Some(String::from("A"));
        let mut near = postback(1, "af_purchase", None, 100);
        let mut far = postback(2, "af_purchase", None, 100_000);
        far.conversion_id = Some(String::from("A"));
        assert_eq!(pair(&[reported.clone()], &[near.clone(), far], TOLERANCE), [Some(1)]);
        assert_eq!(pair(&[reported.clone()], &[near.clone()], TOLERANCE), [Some(0)], "it says none");
        near.conversion_id = Some(String::from("B"));
        assert_eq!(pair(&[reported], &[near], TOLERANCE), [None]);
    }

    #[test]
    fn the_nearest_are_paired_and_none_twice() {
        let lines = [line(2, "e", 100), line(3, "e", 110), line(4, "e", 120)];
        let postbacks = [postback(1, "e", None, 118), postback(2, "e", None, 101)];
        assert_eq!(pair(&lines, &postbacks, TOLERANCE), [Some(1), None, Some(0)]);
    }

    proptest! {
        #[test]
        fn every_postback_is_given_once_and_the_order_of_lines_does_not_matter(
            lines in prop::collection::vec((0_i64..200, 0_usize..3), 0..12),
            postbacks in prop::collection::vec((0_i64..200, 0_usize..3), 0..12),
        ) {
            let names = ["install", "level_10", "af_purchase"];
            let mut lines: Vec<_> = lines
                .iter()
                .zip(2..)
                .map(|((seconds, name), number)| line(number, names[*name], *seconds))
                .collect();
            let postbacks: Vec<_> = postbacks
                .iter()
                .zip(1..)
                .map(|((seconds, name), number)| postback(number, names[*name], None, *seconds))
                .collect();
            let given = pair(&lines, &postbacks, TOLERANCE);
            let used: Vec<_> = given.iter().flatten().collect();
            prop_assert_eq!(used.iter().collect::<BTreeSet<_>>().len(), used.len());
            for (line, place) in given.iter().enumerate() {
                let possible = |other: usize| likeness(&lines[line], &postbacks[other], TOLERANCE).is_some();
                match place {
                    Some(place) => prop_assert!(possible(*place)),
                    None => prop_assert!(
                        (0..postbacks.len()).all(|other| used.contains(&&other) || !possible(other)),
                        "a line is left over though its postback is free"
                    ),
                }
            }
            lines.reverse();
            let mut again = pair(&lines, &postbacks, TOLERANCE);
            again.reverse();
            prop_assert_eq!(given, again);
        }
    }
}
