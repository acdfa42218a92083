//! Values as cells of CSV files that people open in spreadsheets.

/// With these a spreadsheet begins to calculate.
const FORMULA_BEGINS: [char; 8] = ['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff20}'];

/// A value as a cell: quoted where RFC 4180 asks for it, and with an apostrophe before it where a spreadsheet would take it for
/// a formula.
#[must_use]
pub fn cell(text: &str) -> String {
    let is_formula = text.trim_start_matches([' ', '\n']).starts_with(FORMULA_BEGINS);
    let apostrophe = if is_formula { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{apostrophe}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_calculate() {
        for (plain, written) in [
            ("Golf", "Golf"),
            ("a,b", "\"a,b\""),
            ("say \"yes\"", "\"say \"\"yes\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            (" =1", "' =1"),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("", ""),
        ] {
            assert_eq!(cell(plain), written);
        }
    }
}
