//! Ages as people write them: `18+`, `25-34`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Ranges that clients offer for choice, as analytics cut them; any other range is as good.
pub const USUAL: [&str; 8] = ["13+", "18+", "21+", "18-24", "25-34", "35-44", "45-54", "55+"];
/// The greatest age anybody states.
const AGE_MAX: u8 = 120;

/// Ages from `min` to `max`, both inside; without `max` there is no upper end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgeRange {
    /// Youngest.
    pub min: u8,
    /// Oldest.
    pub max: Option<u8>,
}

impl FromStr for AgeRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("must look like 18+ or 25-34 with ages up to {AGE_MAX}");
        let age = |part: &str| part.trim().parse::<u8>().ok().filter(|age| *age <= AGE_MAX).ok_or_else(wrong);
        let text = text.trim();
        let range = if let Some(min) = text.strip_suffix('+') {
            Self { min: age(min)?, max: None }
        } else {
            let (min, max) = text.split_once('-').ok_or_else(wrong)?;
            Self { min: age(min)?, max: Some(age(max)?) }
        };
        if range.max.is_some_and(|max| max < range.min) { Err(wrong()) } else { Ok(range) }
    }
}

impl fmt::Display for AgeRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max {
            None => write!(out, "{}+", self.min),
            Some(max) => write!(out, "{}-{max}", self.min),
        }
    }
}

impl TryFrom<String> for AgeRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<AgeRange> for String {
    fn from(range: AgeRange) -> Self {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("18+", 18, None)]
    #[case("25-34", 25, Some(34))]
    #[case(" 13 - 13 ", 13, Some(13))]
    fn ages_read_and_print(#[case] text: &str, #[case] min: u8, #[case] max: Option<u8>) {
        let range: AgeRange = text.parse().unwrap();
        assert_eq!(range, AgeRange { min, max });
        assert_eq!(range.to_string().parse(), Ok(range));
    }

    #[test]
    fn the_usual_ranges_are_ranges() {
        assert!(USUAL.iter().all(|range| range.parse::<AgeRange>().is_ok_and(|it| it.to_string() == *range)));
    }

    #[rstest]
    fn other_texts_are_refused(#[values("", "18", "+", "34-25", "18-200", "-1-2", "old")] text: &str) {
        assert!(text.parse::<AgeRange>().is_err());
    }
}
