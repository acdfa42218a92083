//! Decimals as AppsFlyer writes them become micros.

use kernel::Micros;

/// An amount, and whether digits after the sixth had to be rounded away.
pub(crate) struct Amount {
    pub(crate) micros: Micros,
    pub(crate) rounded: bool,
}

/// Reads `4.99`, `-12`, `+1`, `"7.5"`, `3.333333333`. No exponent and no thousands separator: `1,000` means two
/// different things in two countries, and money is not guessed.
pub(crate) fn parse(text: &str) -> Option<Amount> {
    let text = crate::text::unquote(text);
    let text = text.strip_prefix('+').filter(|rest| !rest.starts_with('-')).unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let Some((kept, cut)) = fraction.split_at_checked(6) else {
        return Micros::parse_decimal(text).map(exact);
    };
    if !cut.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros = Micros::parse_decimal(&format!("{whole}.{kept}"))?;
    if cut.bytes().all(|byte| byte == b'0') {
        return Some(exact(micros));
    }
    let up = cut.bytes().next().is_some_and(|digit| digit >= b'5');
    let step = Micros(i64::from(up));
    // A refund rounds like the amount it takes back, so the two cancel.
    let micros = if whole.starts_with('-') { micros.checked_sub(step) } else { micros.checked_add(step) }?;
    Some(Amount { micros, rounded: true })
}

const fn exact(micros: Micros) -> Amount {
    Amount { micros, rounded: false }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("4.99", 4_990_000, false)]
    #[case("9.990", 9_990_000, false)]
    #[case(" 0.1234 ", 123_400, false)]
    #[case("-3.5", -3_500_000, false)]
    #[case("\"7\"", 7_000_000, false)]
    #[case("+1", 1_000_000, false)]
    #[case("1.0000000000", 1_000_000, false)]
    #[case("3.3333335", 3_333_334, true)]
    #[case("-3.3333335", -3_333_334, true)]
    #[case("0.0000001", 0, true)]
    fn amounts(#[case] text: &str, #[case] micros: i64, #[case] rounded: bool) {
        let amount = parse(text).unwrap();
        assert_eq!((amount.micros, amount.rounded), (Micros(micros), rounded));
    }

    #[rstest]
    #[case("")]
    #[case("NaN")]
    #[case("1e3")]
    #[case("1,000.00")]
    #[case("$5")]
    #[case("+-1")]
    #[case("9223372036854775807")]
    #[case("1.234567x")]
    fn no_amounts(#[case] text: &str) {
        assert!(parse(text).is_none(), "{text}");
    }
}
