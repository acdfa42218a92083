//! What must not be seen of a request, also when the receiver repeats it in its answer.

use http_kit::client::Url;

/// A shorter value of a parameter is a word such as `ios`: hiding it would make answers unreadable, and it is no secret.
const PARAMETER_CHARS_MIN: usize = 8;
/// So much of a secret's beginning at the end of an excerpt is hidden too: the excerpt was cut there.
const BEGINNING_BYTES_MIN: usize = 4;
const HIDDEN: &str = "…";

/// Texts that are hidden.
pub(super) struct Mask(Vec<String>);

impl Mask {
    /// Hides the value of a publisher's own header, and what a template says itself in its path and its parameters: keys
    /// stand there. What macros put in is no secret of the publisher's.
    pub(super) fn of(url_template: &str, header_value: Option<&str>) -> Self {
        let url = Url::parse(url_template).ok();
        let of_query = url.iter().flat_map(|url| url.query_pairs().map(|(_, value)| value.into_owned()));
        let of_path = url.iter().flat_map(|url| url.path_segments().into_iter().flatten().map(str::to_owned));
        let of_url = of_query.chain(of_path).filter(|value| {
            value.chars().count() >= PARAMETER_CHARS_MIN
                && !value.contains(['{', '}'])
                && !value.contains("%7B")
        });
        let of_header = header_value.filter(|value| !value.is_empty()).map(str::to_owned);
        let mut hidden: Vec<String> = of_url.chain(of_header).collect();
        // What holds another one goes first.
        hidden.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self(hidden)
    }

    /// The text without them.
    pub(super) fn hide(&self, text: &str) -> String {
        let whole = self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN));
        let cut = self.0.iter().filter_map(|secret| beginning_at_the_end(&whole, secret)).min();
        match cut.and_then(|at| whole.get(..at)) {
            Some(kept) => format!("{kept}{HIDDEN}"),
            None => whole,
        }
    }
}

/// Where the longest beginning of a secret starts that the text ends with.
fn beginning_at_the_end(text: &str, secret: &str) -> Option<usize> {
    let lengths = (BEGINNING_BYTES_MIN..secret.len()).rev();
    let found =
        lengths.filter_map(|length| secret.get(..length)).find(|beginning| text.ends_with(beginning))?;
    text.len().checked_sub(found.len())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("key open sesame, yes", "key …, yes")]
    #[case("cut in open ses", "cut in …")]
    #[case("cut in ope", "cut in ope")]
    #[case("k3y-of-theirs and tok-of-path", "… and …")]
    #[case("ios stays, so does {pub_click_id}", "ios stays, so does {pub_click_id}")]
    fn what_an_endpoint_repeats_is_hidden(#[case] answer: &str, #[case] expected: &str) {
        let template = "https://p.example/tok-of-path/?os=ios&key=k3y-of-theirs&c={pub_click_id}";
        assert_eq!(Mask::of(template, Some("open sesame")).hide(answer), expected);
    }

    #[test]
    fn nothing_is_hidden_of_who_has_no_secret() {
        assert_eq!(Mask::of("not a url", None).hide("anything"), "anything");
    }
}
