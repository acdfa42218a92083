//! What a publisher's link must and may carry. Read in one pass; what needs no decoding is not copied.

use std::borrow::Cow;

use postback_parser::looks_absent;
use url::form_urlencoded;

/// `pub_sub_1` … `pub_sub_15`.
pub const PUB_SUBS: usize = 15;

/// Longest value kept of one parameter, in bytes; a publisher's own click ids are far shorter. What is longer is refused
/// rather than cut: a cut id would come back to its publisher as somebody else's.
const VALUE_BYTES_MAX: usize = 512;

/// Years that are an age.
const AGES: std::ops::RangeInclusive<u8> = 1..=120;

/// A required parameter that is not usable, with a sentence for the person who built the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct WrongParameter {
    /// The parameter's name.
    pub name: &'static str,
    /// What is wrong with it and what would be right.
    pub problem: &'static str,
}

/// A link on which nobody can be paid, with everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incomplete<'a> {
    /// What is wrong, at least one.
    pub wrong: Vec<WrongParameter>,
    /// What is not wrong; a wrong parameter is empty.
    pub rest: ClickParameters<'a>,
}

/// A gender, as the publisher knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    /// `f`, `female`.
    Female,
    /// `m`, `male`.
    Male,
}

/// The parameters of one click, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClickParameters<'a> {
    /// The publisher's own id of this click.
    pub pub_click_id: Cow<'a, str>,
    /// The publisher's user; one user completes an event of an offer once.
    pub pub_member_id: Cow<'a, str>,
    /// `pub_sub_1` first.
    pub pub_subs: [Option<Cow<'a, str>>; PUB_SUBS],
    /// When it was sent and is a word known here.
    pub gender: Option<Gender>,
    /// In years, when it was sent and is a plausible number.
    pub age: Option<u8>,
}

/// The values of the query, one for each name; names compare without case.
#[derive(Default)]
struct Found<'a> {
    pub_click_id: Option<Cow<'a, str>>,
    pub_member_id: Option<Cow<'a, str>>,
    pub_subs: [Option<Cow<'a, str>>; PUB_SUBS],
    gender: Option<Cow<'a, str>>,
    age: Option<Cow<'a, str>>,
}

impl<'a> Found<'a> {
    /// Where the value of `name` is kept.
    fn place(&mut self, name: &str) -> Option<&mut Option<Cow<'a, str>>> {
        let name = name.trim();
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if let Some(digits) = after_prefix(name, "pub_sub_") {
            return self.pub_subs.get_mut(place_of_sub(digits)?);
        }
        if is("pub_click_id") {
            Some(&mut self.pub_click_id)
        } else if is("pub_member_id") {
            Some(&mut self.pub_member_id)
        } else if is("gender") {
            Some(&mut self.gender)
        } else if is("age") {
            Some(&mut self.age)
        } else {
            None
        }
    }
}

impl<'a> ClickParameters<'a> {
    /// Reads a query, undecoded; of a name that stands there more than once the first value that is one.
    ///
    /// # Errors
    /// [`Incomplete`] when `pub_click_id` or `pub_member_id` is absent or not usable.
    pub fn read(query: &'a str) -> Result<Self, Box<Incomplete<'a>>> {
        let mut found = Found::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if let Some(place) = found.place(&name) {
                match place {
                    Some(first) if !looks_absent(first) || looks_absent(&value) => {}
                    _ => *place = Some(trimmed(value)),
                }
            }
        }
        let usable = |value: Option<Cow<'a, str>>| value.filter(|value| is_usable(value));
        let mut wrong = Vec::new();
        let mut required = |name: &'static str, value: Option<Cow<'a, str>>| {
            checked(value)
                .inspect_err(|problem| wrong.push(WrongParameter { name, problem }))
                .unwrap_or_default()
        };
        let parameters = Self {
            pub_click_id: required("pub_click_id", found.pub_click_id),
            pub_member_id: required("pub_member_id", found.pub_member_id),
            pub_subs: found.pub_subs.map(usable),
            gender: found.gender.as_deref().and_then(gender),
            age: found.age.and_then(|age| age.parse().ok()).filter(|age| AGES.contains(age)),
        };
        if wrong.is_empty() { Ok(parameters) } else { Err(Box::new(Incomplete { wrong, rest: parameters })) }
    }
}

fn after_prefix<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = name.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// `1` is the first place; `01` and `+1` are no numbers of ours.
fn place_of_sub(digits: &str) -> Option<usize> {
    if digits.starts_with('0') || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse::<usize>().ok()?.checked_sub(1)
}

fn trimmed(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(String::from(text.trim())),
    }
}

fn gender(word: &str) -> Option<Gender> {
    let is = |known: [&str; 2]| known.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(["f", "female"]) {
        Some(Gender::Female)
    } else if is(["m", "male"]) {
        Some(Gender::Male)
    } else {
        None
    }
}

/// A required value, or the rest of a sentence that begins with its name.
fn checked(value: Option<Cow<'_, str>>) -> Result<Cow<'_, str>, &'static str> {
    let value = value.filter(|value| !value.is_empty()).ok_or("is missing: add it to the link")?;
    if looks_absent(&value) {
        return Err("still holds its macro, or a word for \"no value\": put the real value in its place");
    }
    if !is_usable(&value) {
        return Err("is not usable: at most 512 bytes, no control characters");
    }
    // In a path, dots alone would mean "the folder above".
    if value.bytes().all(|byte| byte == b'.') {
        return Err("is not usable: it must not be dots alone");
    }
    Ok(value)
}

fn is_usable(value: &str) -> bool {
    value.len() <= VALUE_BYTES_MAX && !looks_absent(value) && !value.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn wrong(query: &str) -> Vec<WrongParameter> {
        ClickParameters::read(query).unwrap_err().wrong
    }

    #[test]
    fn a_complete_link_reads() {
        let click = ClickParameters::read(
            "pub_click_id=+c1%20&PUB_MEMBER_ID=m%C3%A9&pub_sub_15=x&Pub_Sub_1=a+b&gender=F&age=34",
        )
        .unwrap();
        assert_eq!(click.pub_click_id, "c1");
        assert_eq!(click.pub_member_id, "mé");
        assert_eq!(click.pub_subs[14].as_deref(), Some("x"));
        assert_eq!(click.pub_subs[0].as_deref(), Some("a b"));
        assert_eq!(click.pub_subs.iter().flatten().count(), 2);
        assert_eq!(click.gender, Some(Gender::Female));
        assert_eq!(click.age, Some(34));
    }

    #[rstest]
    #[case("{click_id}", "macro")]
    #[case("[cid]", "macro")]
    #[case("$$sdk(x)", "macro")]
    #[case("__CID__", "macro")]
    #[case("%7Bpub_click_id%7D", "macro")]
    #[case("%257Bpub_click_id%257D", "macro")]
    #[case("null", "macro")]
    #[case("00000000-0000-0000-0000-000000000000", "macro")]
    #[case("", "missing")]
    #[case("%20+", "missing")]
    #[case("%07a", "usable")]
    #[case("a%0D%0Alocation:%20x", "usable")]
    #[case("..", "dots")]
    fn a_link_that_was_never_filled_in_says_which_parameter(#[case] value: &str, #[case] problem: &str) {
        let wrong = wrong(&format!("pub_click_id={value}&pub_member_id=m"));
        assert_eq!(wrong.len(), 1);
        assert_eq!(wrong[0].name, "pub_click_id");
        assert!(wrong[0].problem.contains(problem), "{value}: {}", wrong[0]);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let names: Vec<_> = wrong("pub_sub_1=s").iter().map(|wrong| wrong.name).collect();
        assert_eq!(names, ["pub_click_id", "pub_member_id"]);
        let rest = ClickParameters::read("pub_click_id=c&pub_sub_1=s").unwrap_err().rest;
        assert_eq!((&*rest.pub_click_id, &*rest.pub_member_id), ("c", ""));
        assert_eq!(rest.pub_subs[0].as_deref(), Some("s"));
        let long = "x".repeat(VALUE_BYTES_MAX);
        assert!(ClickParameters::read(&format!("pub_click_id={long}&pub_member_id=m")).is_ok());
        assert_eq!(wrong(&format!("pub_click_id={long}x&pub_member_id=m")).len(), 1);
    }

    #[test]
    fn of_several_values_the_first_that_is_one_counts() {
        let click =
            ClickParameters::read("pub_click_id={c}&pub_click_id=a&pub_click_id=b&pub_member_id=m").unwrap();
        assert_eq!(click.pub_click_id, "a");
    }

    #[test]
    fn an_optional_macro_is_simply_absent() {
        let click = ClickParameters::read(
            "pub_click_id=c&pub_member_id=m&pub_sub_1={sub}&pub_sub_0=x&pub_sub_16=x&pub_sub_02=x&pub_sub_+3=x\
             &age=old&gender=unknown",
        )
        .unwrap();
        assert!(click.pub_subs.iter().all(Option::is_none));
        assert_eq!(click.age, None);
        assert_eq!(click.gender, None);
    }

    proptest! {
        #[test]
        fn no_query_panics_and_no_value_that_is_kept_holds_a_control_character(query in "\\PC*") {
            if let Ok(click) = ClickParameters::read(&query) {
                prop_assert!(!click.pub_click_id.chars().any(char::is_control));
            }
        }
    }
}
