//! Whole numbers.

use std::{fmt::Display, ops::RangeInclusive};

use super::{Field, Reader};

impl Reader {
    /// A whole number of a range. A number written as text is one too.
    pub fn whole<T>(&mut self, name: &str, field: Field, range: &RangeInclusive<T>) -> Option<T>
    where
        T: TryFrom<i64> + PartialOrd + Display,
    {
        let value = field.value()?;
        let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        let fitting =
            number.and_then(|number| T::try_from(number).ok()).filter(|number| range.contains(number));
        if fitting.is_none() {
            self.wrong(name, format!("must be a whole number from {} to {}", range.start(), range.end()));
        }
        fitting
    }
}
