//! URL templates: `https://publisher.example/conversion?id={conversion_id}&amount={payout}`.
//!
//! A value is percent-encoded down to the unreserved characters, so it can never add a parameter, a path segment or a
//! header. Macros may stand only behind the host: who is called is the template's word alone.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{macros::Macro, story::Story};

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Not a macro we know.
    #[error("unknown macro {{{0}}}")]
    UnknownMacro(String),
    /// A brace without its partner.
    #[error("a brace that is not closed: write %7B for a brace that is meant")]
    OpenBrace,
    /// A macro in the scheme, the user or the host.
    #[error("macros may only stand behind the host")]
    MacroInHost,
    /// Not an http(s) URL with a host.
    #[error("not a URL that begins with https:// or http:// and a host")]
    NotAUrl,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Macro(Macro),
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Parses and checks a template.
    ///
    /// # Errors
    /// [`TemplateError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let text = text.trim();
        let (scheme, behind_scheme) = text.split_once("://").ok_or(TemplateError::NotAUrl)?;
        if !["https", "http"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(TemplateError::NotAUrl);
        }
        let host = behind_scheme.split(['/', '?', '#']).next().unwrap_or_default();
        // URL parsers pass over what is none of a host, and would take the next part for it.
        if host.is_empty() || text.chars().any(|letter| letter.is_control() || letter == '\\') {
            return Err(TemplateError::NotAUrl);
        }
        if host.contains('{') {
            return Err(TemplateError::MacroInHost);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            let (name, after) = behind.split_once('}').ok_or(TemplateError::OpenBrace)?;
            let known = Macro::parse(name).ok_or_else(|| TemplateError::UnknownMacro(String::from(name)))?;
            parts.push(Part::Text(String::from(before)));
            parts.push(Part::Macro(known));
            rest = after;
        }
        parts.push(Part::Text(String::from(rest)));
        let template = Self(parts);
        // With every macro empty it must already be a URL; values only lengthen it by unreserved characters.
        let url = url::Url::parse(&template.with(|_| String::new()))
            .map_err(|_not_a_url| TemplateError::NotAUrl)?;
        if url.has_host() { Ok(template) } else { Err(TemplateError::NotAUrl) }
    }

    /// Whether a rendered template has the template's path. A value that makes a part of it `.` or `..` would be taken for a step within
    /// the path, and so lead the signed call somewhere else.
    #[must_use]
    pub fn keeps_its_path(&self, rendered: &str) -> bool {
        dot_segments(rendered) == dot_segments(&self.with(|_| String::from("x")))
    }

    /// The URL for one story.
    #[must_use]
    pub fn render(&self, story: &Story) -> String {
        self.with(|known| known.value(story))
    }

    /// Whether a receiver can tell repeats apart by this URL.
    #[must_use]
    pub fn names_the_conversion(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Macro(Macro::ConversionId | Macro::DeliveryId)))
    }

    fn with(&self, value: impl Fn(Macro) -> String) -> String {
        self.0.iter().fold(String::new(), |url, part| match part {
            Part::Text(text) => url + text.as_str(),
            Part::Macro(known) => url + utf8_percent_encode(&value(*known), RESERVED).to_string().as_str(),
        })
    }
}

/// Parts of a URL's path that are steps within it. (`%2e` is a dot, too; values hold no `%`.)
fn dot_segments(url: &str) -> usize {
    let behind_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = behind_scheme.split(['?', '#']).next().unwrap_or_default();
    let is_dots =
        |segment: &&str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    path.split('/').skip(1).filter(is_dots).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use url::Url;

    use super::{super::story::tests::story, *};

    #[test]
    fn macros_are_replaced_and_encoded_once() {
        let template = Template::parse(
            "https://p.example/cb/{pub_sub_15}?c={pub_click_id}&n={gk_offer_name}&p={payout}{currency}&s={status}&again={pub_click_id}",
        )
        .unwrap();
        assert_eq!(
            template.render(&story()),
            "https://p.example/cb/?c=click%201&n=Golfin%20iOS%20%26%20more&p=2.00USD&s=Success&again=click%201"
        );
        assert!(!template.names_the_conversion());
    }

    #[rstest]
    #[case("https://p.example/?a={nope}", TemplateError::UnknownMacro(String::from("nope")))]
    #[case("https://p.example/?a={pub_sub_16}", TemplateError::UnknownMacro(String::from("pub_sub_16")))]
    #[case("https://p.example/?a={pub_sub_01}", TemplateError::UnknownMacro(String::from("pub_sub_01")))]
    #[case("https://p.example/?a={status", TemplateError::OpenBrace)]
    #[case("https://{pub_sub_1}.example/", TemplateError::MacroInHost)]
    #[case("https://u:{pub_sub_1}@p.example/", TemplateError::MacroInHost)]
    #[case("https:///{status}", TemplateError::NotAUrl)]
    #[case("ftp://p.example/{status}", TemplateError::NotAUrl)]
    #[case("p.example/{status}", TemplateError::NotAUrl)]
    fn wrong_templates_say_what_is_wrong(#[case] text: &str, #[case] expected: TemplateError) {
        assert_eq!(Template::parse(text), Err(expected));
    }

    proptest! {
        #[test]
        fn a_value_can_not_break_out(value in any::<String>()) {
            let mut story = story();
            story.pub_click_id = value.clone();
            let template = Template::parse("https://p.example/a/{pub_click_id}/b?x={pub_click_id}&y=1#z").unwrap();
            let rendered = template.render(&story);
            prop_assert!(rendered.bytes().all(|byte| byte.is_ascii_graphic()));
            let url = Url::parse(&rendered).unwrap();
            prop_assert_eq!(url.host_str(), Some("p.example"));
            prop_assert_eq!(url.query_pairs().collect::<Vec<_>>(), [("x".into(), value.as_str().into()), ("y".into(), "1".into())]);
            prop_assert_eq!(url.fragment(), Some("z"));
            // What the standard reads as a step within the path is seen, and nothing else.
            prop_assert_eq!(template.keeps_its_path(&rendered), value != "." && value != "..");
            if template.keeps_its_path(&rendered) {
                prop_assert!(url.path().starts_with("/a/") && url.path().ends_with("/b"));
            }
        }

        #[test]
        fn no_template_panics(text in any::<String>()) {
            drop(Template::parse(&text).map(|template| template.render(&story())));
        }
    }

    #[rstest::rstest]
    #[case("https://p.example/a/{pub_click_id}", false)]
    #[case("https://p.example/{pub_click_id}", false)]
    #[case("https://p.example/a/.{pub_click_id}/b", false)]
    #[case("https://p.example/../a?c={pub_click_id}", true)]
    #[case("https://p.example?c={pub_click_id}", true)]
    fn dots_lead_nowhere_else_wherever_they_stand(#[case] template: &str, #[case] keeps: bool) {
        let story = Story { pub_click_id: String::from("."), ..story() };
        let template = Template::parse(template).unwrap();
        assert_eq!(template.keeps_its_path(&template.render(&story)), keeps);
    }

    #[rstest::rstest]
    #[case("https:///{pub_sub_1}/p.example")]
    #[case("https://\t/{pub_sub_1}/p.example")]
    #[case("https:\\\\{pub_sub_1}/p.example")]
    #[case("https://\\{pub_sub_1}/p.example")]
    fn no_value_names_the_host(#[case] template: &str) {
        Template::parse(template).unwrap_err();
    }
}
