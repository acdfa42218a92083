//! From serde's error texts to a field and what would be right there.

use crate::problem::FieldError;

/// serde reports a missing or unknown field at its parent and names it only in the text; here the name joins the path.
pub(crate) fn wrong_field(path: &str, text: &str) -> FieldError {
    let path = if path == "." { "" } else { path };
    for (prefix, detail) in
        [("missing field `", "is required"), ("unknown field `", "is not a field of this")]
    {
        let Some((name, rest)) = text.strip_prefix(prefix).and_then(|rest| rest.split_once('`')) else {
            continue;
        };
        // With the path tracked, an unknown field's own name already ends the path.
        let field = match path.rsplit_once('.').map_or(path, |(_, last)| last) {
            last if last == name => path.to_owned(),
            "" => name.to_owned(),
            _ => format!("{path}.{name}"),
        };
        return FieldError { field, detail: format!("{detail}{rest}") };
    }
    let field = if path.is_empty() { "(whole)".to_owned() } else { path.to_owned() };
    FieldError { field, detail: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(".", "missing field `name`", "name", "is required")]
    #[case("events[0]", "missing field `id`", "events[0].id", "is required")]
    #[case(
        "nmae",
        "unknown field `nmae`, expected `name`",
        "nmae",
        "is not a field of this, expected `name`"
    )]
    #[case("a.b", "invalid digit found in string", "a.b", "invalid digit found in string")]
    #[case(".", "expected a map", "(whole)", "expected a map")]
    fn the_field_is_named(#[case] path: &str, #[case] text: &str, #[case] field: &str, #[case] detail: &str) {
        let wrong = wrong_field(path, text);
        assert_eq!((wrong.field.as_str(), wrong.detail.as_str()), (field, detail));
    }
}
