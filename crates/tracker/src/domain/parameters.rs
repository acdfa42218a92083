//! What a publisher's link must and may carry.

use std::collections::BTreeMap;

/// `pub_sub_1` … `pub_sub_15`.
pub const PUB_SUBS: u32 = 15;

/// Longest value kept of one parameter, in bytes; a publisher's own click ids are far shorter. What is longer is refused
/// rather than cut: a cut id would come back to its publisher as somebody else's.
const VALUE_BYTES_MAX: usize = 512;

/// A required parameter that is not usable, with a sentence for the person who built the link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct MissingParameter {
    /// The parameter's name.
    pub name: &'static str,
    /// What is wrong with it and what would be right.
    pub problem: &'static str,
}

/// The parameters of one click, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClickParameters {
    /// The publisher's own id of this click.
    pub pub_click_id: String,
    /// The publisher's user; one user completes an event of an offer once.
    pub pub_member_id: String,
    /// `pub_sub_n` by n, absent ones left out.
    pub pub_subs: BTreeMap<u32, String>,
    /// `gender` as it was sent.
    pub gender: Option<String>,
    /// `age` in years, when it is a plausible number.
    pub age: Option<u32>,
}

impl ClickParameters {
    /// Reads decoded query pairs; the first non-empty value of a name wins, names compare without case.
    ///
    /// # Errors
    /// [`MissingParameter`] when `pub_click_id` or `pub_member_id` is missing, empty, too long or an unreplaced macro.
    pub fn read<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, MissingParameter> {
        let mut values: BTreeMap<String, &str> = BTreeMap::new();
        for (name, value) in pairs {
            let value = value.trim();
            if !value.is_empty() {
                values.entry(name.trim().to_ascii_lowercase()).or_insert(value);
            }
        }
        let optional =
            |name: &str| values.get(name).copied().filter(|value| is_usable(value)).map(String::from);
        Ok(Self {
            pub_click_id: required(&values, "pub_click_id")?,
            pub_member_id: required(&values, "pub_member_id")?,
            pub_subs: values
                .iter()
                .filter_map(|(name, value)| Some((pub_sub(name)?, *value)))
                .filter(|(_number, value)| is_usable(value))
                .map(|(number, value)| (number, String::from(value)))
                .collect(),
            gender: optional("gender"),
            age: optional("age").and_then(|age| age.parse().ok()).filter(|age| (1..=120).contains(age)),
        })
    }
}

/// The number of a `pub_sub_n`.
fn pub_sub(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("pub_sub_")?;
    let is_number = !digits.starts_with('0') && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number = is_number.then(|| digits.parse().ok())??;
    (1..=PUB_SUBS).contains(&number).then_some(number)
}

fn required(values: &BTreeMap<String, &str>, name: &'static str) -> Result<String, MissingParameter> {
    let value = values
        .get(name)
        .copied()
        .ok_or(MissingParameter { name, problem: "is missing: add it to the link" })?;
    if is_macro(value) {
        return Err(MissingParameter {
            name,
            problem: "still holds its macro: put the real value in its place",
        });
    }
    if !is_usable(value) {
        return Err(MissingParameter {
            name,
            problem: "is not usable: at most 512 bytes, no control characters",
        });
    }
    Ok(String::from(value))
}

fn is_usable(value: &str) -> bool {
    !is_macro(value) && value.len() <= VALUE_BYTES_MAX && !value.chars().any(char::is_control)
}

/// `{x}`, `[x]`, `(x)`, `__x__`, `$$x`, `%%x%%`: a template somebody forgot to fill.
fn is_macro(value: &str) -> bool {
    [("{", "}"), ("[", "]"), ("(", ")"), ("__", "__"), ("%%", "%%"), ("<", ">")].iter().any(
        |(open, close)| {
            value.len() >= open.len().saturating_add(close.len())
                && value.starts_with(open)
                && value.ends_with(close)
        },
    ) || value.starts_with("$$")
        || value.starts_with("${")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<ClickParameters, MissingParameter> {
        ClickParameters::read(pairs.iter().copied())
    }

    #[test]
    fn a_complete_link_reads() {
        let click =
            read(&[("pub_click_id", " c1 "), ("PUB_MEMBER_ID", "m"), ("pub_sub_15", "x"), ("age", "34")])
                .unwrap();
        assert_eq!(click.pub_click_id, "c1");
        assert_eq!(click.pub_subs, BTreeMap::from([(15, String::from("x"))]));
        assert_eq!(click.age, Some(34));
    }

    #[test]
    fn a_link_that_was_never_filled_in_says_which_parameter() {
        for (value, problem) in [
            ("{click_id}", "macro"),
            ("[cid]", "macro"),
            ("$$sdk(x)", "macro"),
            ("__CID__", "macro"),
            ("\u{7}a", "usable"),
        ] {
            let error = read(&[("pub_click_id", value), ("pub_member_id", "m")]).unwrap_err();
            assert_eq!(error.name, "pub_click_id");
            assert!(error.problem.contains(problem), "{value}: {error}");
        }
        assert_eq!(read(&[("pub_click_id", "c")]).unwrap_err().name, "pub_member_id");
        assert_eq!(
            read(&[("pub_click_id", "c"), ("pub_member_id", "  ")]).unwrap_err().name,
            "pub_member_id"
        );
    }

    #[test]
    fn an_optional_macro_is_simply_absent() {
        let click =
            read(&[("pub_click_id", "c"), ("pub_member_id", "m"), ("pub_sub_1", "{sub}"), ("age", "old")])
                .unwrap();
        assert!(click.pub_subs.is_empty());
        assert_eq!(click.age, None);
    }
}
