//! Postbacks that stand because of how something is set up, and what may have been meant by an Event ID that nothing maps.

use super::code::Code;

/// Why a postback is in quarantine: causes that a person repairs in the catalog, in AppsFlyer, or not at all.
pub const QUARANTINE_CAUSES: [Code; 5] = [
    Code::UnmappedEvent,
    Code::WaitingTerms,
    Code::RejectedWrongApp,
    Code::RejectedTargeting,
    Code::RejectedCredential,
];

/// Suggestions for one Event ID at most: a person reads them.
const SUGGESTIONS_MAX: usize = 3;
/// Longer texts are not compared letter by letter: an Event ID has 100 bytes at most.
const COMPARED_BYTES_MAX: usize = 200;

/// How a configured Event ID resembles what came. The first is the closest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// The same but for upper and lower case.
    Case,
    /// The same but for case and for white space, `-`, `_` and `.`.
    Spacing,
    /// So many letters are added, left out, changed or swapped.
    Letters(usize),
}

/// An Event ID that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suggestion {
    /// How close it is.
    pub likeness: Likeness,
    /// The configured Event ID.
    pub event_id: String,
}

/// The configured Event IDs that resemble what came, the closest first, at most three. What is configured exactly is no
/// suggestion: it is mapped already.
#[must_use]
pub fn suggest<'a>(came: &str, configured: impl IntoIterator<Item = &'a str>) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = configured
        .into_iter()
        .filter(|event_id| *event_id != came)
        .filter_map(|event_id| {
            likeness(came, event_id).map(|likeness| Suggestion { likeness, event_id: String::from(event_id) })
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.truncate(SUGGESTIONS_MAX);
    found
}

fn likeness(came: &str, configured: &str) -> Option<Likeness> {
    let (came, configured) = (came.to_lowercase(), configured.to_lowercase());
    if came == configured {
        return Some(Likeness::Case);
    }
    if without_spacing(&came) == without_spacing(&configured) {
        return Some(Likeness::Spacing);
    }
    if came.len().max(configured.len()) > COMPARED_BYTES_MAX {
        return None;
    }
    // `level_10` is not `level_20`: what differs in its digits is another step.
    if digits(&came) != digits(&configured) {
        return None;
    }
    let letters = strsim::osa_distance(&came, &configured);
    // A third of it may differ: more is another word.
    (letters.saturating_mul(3) <= came.chars().count().max(configured.chars().count()))
        .then_some(Likeness::Letters(letters))
}

fn without_spacing(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '_' | '.')).collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("install", Some(Likeness::Case))]
    #[case("in stall", Some(Likeness::Spacing))]
    #[case("Instal", Some(Likeness::Letters(1)))]
    #[case("Isntall", Some(Likeness::Letters(1)))]
    #[case("Purchase", None)]
    #[case("Install", None)]
    fn what_was_meant(#[case] came: &str, #[case] expected: Option<Likeness>) {
        assert_eq!(suggest(came, ["Install"]).first().map(|found| found.likeness), expected);
    }

    #[test]
    fn another_level_was_not_meant() {
        let found = suggest("level10", ["level_10", "level_20", "level_100"]);
        assert_eq!(found.iter().map(|one| one.event_id.as_str()).collect::<Vec<_>>(), ["level_10"]);
    }

    proptest! {
        #[test]
        fn case_and_white_space_are_always_seen_through(name in "[a-z]{1,8}(_[a-z]{1,8}){0,3}") {
            for came in [name.to_uppercase(), format!(" {name}"), name.replace('_', " "), name.replace('_', "")] {
                if came != name {
                    let found = suggest(&came, [name.as_str(), "zzzzzzzzzzzzzzzzzzzz"]);
                    prop_assert_eq!(found.first().map(|one| one.event_id.clone()), Some(name.clone()));
                }
            }
        }

        #[test]
        fn few_sorted_and_never_what_came(came in ".{0,40}", configured in proptest::collection::vec(".{0,40}", 0..12)) {
            let found = suggest(&came, configured.iter().map(String::as_str));
            prop_assert!(found.len() <= SUGGESTIONS_MAX);
            prop_assert!(found.is_sorted());
            prop_assert!(found.iter().all(|one| one.event_id != came && configured.contains(&one.event_id)));
        }

        #[test]
        fn the_order_of_the_configured_does_not_matter(
            came in "[a-c]{1,6}", mut configured in proptest::collection::vec("[a-c]{1,6}", 0..8)
        ) {
            let found = suggest(&came, configured.iter().map(String::as_str));
            configured.reverse();
            prop_assert_eq!(found, suggest(&came, configured.iter().map(String::as_str)));
        }
    }
}
