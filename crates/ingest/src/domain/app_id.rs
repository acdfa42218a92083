//! Which of an advertiser's apps a call names, for "last used". Attribution reads the parameter properly; here it only
//! has to be cheap, because every accepted call pays for it.

/// Longest app id that is told apart. Real ones are `id` and ten digits, or a package name.
pub const APP_ID_BYTES_MAX: usize = 64;

const NAME: &[u8] = b"app_id";

/// The app id a call names: the first parameter `app_id` of the query, else of the body when that is a form. Empty when
/// there is none, or one that is no app id (1 to 64 letters, digits, points, hyphens and underscores).
#[must_use]
pub fn app_id<'a>(query: &'a [u8], form: Option<&'a [u8]>) -> &'a str {
    [Some(query), form].into_iter().flatten().find_map(first).and_then(app_id_of).unwrap_or_default()
}

fn first(pairs: &[u8]) -> Option<&[u8]> {
    pairs.split(|byte| *byte == b'&').find_map(|pair| {
        let (name, value) = pair.split_at_checked(NAME.len())?;
        let is_it = name
            .iter()
            .zip(NAME)
            .all(|(one, letter)| one.eq_ignore_ascii_case(letter) || (*letter == b'_' && *one == b'-'));
        value.strip_prefix(b"=").filter(|_| is_it)
    })
}

fn app_id_of(value: &[u8]) -> Option<&str> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_app_id = value.len() <= APP_ID_BYTES_MAX && value.iter().all(is_part);
    std::str::from_utf8(value).ok().filter(|_| is_app_id)
}

/// The app id as it is told: words that say "no value" are none.
#[must_use]
pub fn told(app_id: &str) -> &str {
    if postback_parser::looks_absent(app_id) { "" } else { app_id }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("gk_click_id=1&app_id=id123456789&x=1", None, "id123456789")]
    #[case::package("APP-ID=com.golfin.game", None, "com.golfin.game")]
    #[case::the_first("app_id=&app_id=id2", None, "")]
    #[case::of_the_form("a=1", Some("b=2&app_id=id3"), "id3")]
    #[case::query_first("app_id=id1", Some("app_id=id3"), "id1")]
    #[case::another_name("my_app_id=id1&app_ids=id2&app_id", None, "")]
    #[case::a_macro("app_id={app_id}", None, "")]
    #[case::encoded("app_id=id%31", None, "")]
    #[case::not_an_app_id("app_id=a/b", None, "")]
    #[case::nothing("", None, "")]
    fn the_first_parameter_counts(#[case] query: &str, #[case] form: Option<&str>, #[case] expected: &str) {
        assert_eq!(app_id(query.as_bytes(), form.map(str::as_bytes)), expected);
    }

    #[test]
    fn a_long_one_is_none() {
        let longest = "a".repeat(APP_ID_BYTES_MAX);
        assert_eq!(app_id(format!("app_id={longest}").as_bytes(), None), longest);
        assert_eq!(app_id(format!("app_id={longest}a").as_bytes(), None), "");
        assert_eq!(app_id(b"app_id=\xff", None), "");
    }

    #[test]
    fn words_for_nothing_are_told_as_nothing() {
        for word in ["null", "None", "__app_id__", ""] {
            assert_eq!(told(word), "", "{word}");
        }
        assert_eq!(told("id1"), "id1");
    }
}
