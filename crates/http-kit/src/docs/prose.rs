//! Descriptions as they are written in code: paragraphs, and words in backticks.

use maud::{Markup, html};

/// Paragraphs.
pub(super) fn paragraphs(text: &str) -> Markup {
    html! {
        @for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
            p { (sentence(paragraph)) }
        }
    }
}

/// Words in a line.
pub(super) fn sentence(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_marked_and_everything_is_escaped() {
        let shown = paragraphs("Send `If-Match: \"3\"`\nnow.\n\nOr <b>not</b>.").into_string();
        assert_eq!(
            shown,
            "<p>Send <code>If-Match: &quot;3&quot;</code>\nnow.</p><p>Or &lt;b&gt;not&lt;/b&gt;.</p>"
        );
    }
}
