use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use proptest::{prelude::*, sample::select};
use rstest::rstest;

use super::*;

const TEMPLATE: &str = "https://p.example/tok-of-path/?os=ios&key=k3y-of-theirs&c={pub_click_id}&s=beside-it-{payout}-and%2Fbehind";

#[rstest]
#[case("key open sesame, yes", "key …, yes")]
#[case("cut in open ses", "cut in …")]
#[case("cut in open", "cut in …")]
#[case("cut in ope", "cut in ope")]
#[case("open up, this is sesame", "open up, this is sesame")]
#[case("k3y-of-theirs and tok-of-path", "… and …")]
#[case("the rest of3y-of-theirs", "the rest of…")]
#[case("ios stays, so does {pub_click_id}", "ios stays, so does {pub_click_id}")]
#[case("beside-it-2.00-and%2fbehind", "…2.00…")]
#[case("beside-it-2.00-and/behind", "…2.00…")]
fn what_an_endpoint_repeats_is_hidden(#[case] answer: &str, #[case] expected: &str) {
    assert_eq!(Mask::of(TEMPLATE, Some("open sesame")).hide(answer), expected);
}

#[rstest]
#[case::word("got:s3cr3t/k+y==", "got:…")]
#[case::json(r#"{"authorization":"Bearer s3cr3t\/k+y=="}"#, r#"{"authorization":"…"}"#)]
#[case::html("<b>Bearer s3cr3t&#x2F;k&#43;y==</b>", "<b>…</b>")]
#[case::form("auth=Bearer+s3cr3t%2fk%2By%3D%3D&a=b", "auth=…&a=b")]
#[case::base64_glued_to_a_word("keyQmVhcmVyIHMzY3IzdC9rK3k9PQ== ok", "key…== ok")]
#[case::base64_in_json_in_a_url("QmVhcmVyIHMzY3IzdC9rK3k9PQ%3D%3D", "…%3D%3D")]
#[case::twice("Bearer%2520s3cr3t%252Fk%252By", "…")]
fn every_spelling_of_it_is_hidden(#[case] answer: &str, #[case] expected: &str) {
    assert_eq!(Mask::of("", Some("Bearer s3cr3t/k+y==")).hide(answer), expected);
}

#[test]
fn what_a_word_holds_in_base64_is_hidden_too() {
    let mask = Mask::of("", Some("Basic dXNlcjpwYXNzd29yZA=="));
    assert_eq!(mask.hide("welcome user:password!"), "welcome …!");
}

#[test]
fn a_short_value_is_hidden_whole() {
    assert_eq!(Mask::of("", Some("k3y")).hide("your k3y, your %6b3y, no key"), "your …, your …, no key");
}

#[test]
fn nothing_is_hidden_of_who_has_no_secret() {
    assert_eq!(Mask::of("not a url", None).hide("anything"), "anything");
    assert_eq!(
        Mask::of("https://conversions.example", None).hide("conversions.example"),
        "conversions.example"
    );
}

/// Each letter as `spell` writes it.
fn each(text: &str, spell: impl Fn(char) -> String) -> String {
    text.chars().map(spell).collect()
}

fn url_encoded(text: &str, is_upper: bool, is_form: bool) -> String {
    each(text, |letter| match letter {
        ' ' if is_form => String::from("+"),
        _ if letter.is_ascii_alphanumeric() => letter.to_string(),
        _ if is_upper => format!("%{:02X}", u32::from(letter)),
        _ => format!("%{:02x}", u32::from(letter)),
    })
}

fn html_escaped(text: &str) -> String {
    each(text, |letter| match letter {
        '&' => String::from("&amp;"),
        '<' => String::from("&lt;"),
        '>' => String::from("&gt;"),
        '"' => String::from("&quot;"),
        '\'' => String::from("&#39;"),
        _ => letter.to_string(),
    })
}

/// Spellings that write a text letter by letter: of eight of them nothing is left when none of the spelled eight is.
const BY_LETTER: [fn(&str) -> String; 13] = [
    str::to_owned,
    |text| url_encoded(text, true, false),
    |text| url_encoded(text, false, false),
    |text| url_encoded(text, true, true),
    |text| url_encoded(text, false, true),
    |text| each(text, |letter| format!("%{:02x}", u32::from(letter))),
    |text| {
        let quoted = serde_json::to_string(text).unwrap();
        quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned()
    },
    |text| {
        each(text, |letter| match letter {
            '"' | '\\' | '/' => format!("\\{letter}"),
            _ => letter.to_string(),
        })
    },
    |text| each(text, |letter| format!("\\u{:04x}", u32::from(letter))),
    |text| each(text, |letter| format!("\\u{:04X}", u32::from(letter))),
    html_escaped,
    |text| each(text, |letter| format!("&#{};", u32::from(letter))),
    |text| each(text, |letter| format!("&#x{:x};", u32::from(letter))),
];

const IN_BASE64: [fn(&str) -> String; 4] = [
    |text| STANDARD.encode(text),
    |text| STANDARD_NO_PAD.encode(text),
    |text| URL_SAFE.encode(text),
    |text| URL_SAFE_NO_PAD.encode(text),
];

/// Values as publishers have them, and such as look escaped already.
fn any_secret() -> impl Strategy<Value = String> {
    let pieces =
        select(vec!["%41", "%2f", "+", "&amp;", "&#39;", "\\u0041", "\\/", "\"", "==", " ", "key", "Zz9"]);
    let tricky = prop::collection::vec(pieces, 4..20).prop_map(|pieces| pieces.concat());
    let value = prop_oneof!["[!-~]{8,60}", "Bearer [A-Za-z0-9._~+/-]{8,200}={0,2}", "[ -~]{8,200}", tricky];
    value
        .prop_map(|value| value.trim().to_owned())
        .prop_filter("eight letters", |value| value.len() >= LETTERS_MIN)
}

/// What stands before it: any alignment, and letters of base64 among them.
fn any_answer_before() -> impl Strategy<Value = String> {
    prop_oneof!["", "[ -~]{0,20}[:\"'>= ]", "[0-9]{1,5}"]
}

proptest! {
    /// Of no spelling, whole or a part of it, eight letters are left.
    #[test]
    fn nothing_of_eight_letters_survives(
        secret in any_secret(),
        spelling in 0..BY_LETTER.len(),
        (from, length) in (0_usize..200, LETTERS_MIN..400),
        before in any_answer_before(),
        behind in "[ \"<,]?[0-9 ]{0,9}",
    ) {
        let spell = BY_LETTER[spelling];
        let from = from % (secret.len() - LETTERS_MIN + 1);
        let part: String = secret.chars().skip(from).take(length).collect();
        let answer = format!("{before}{}{behind}", spell(&part));
        let hidden = Mask::of("", Some(&secret)).hide(&answer);
        prop_assert!(hidden.contains(HIDDEN), "{answer:?} of {secret:?}");
        let letters: Vec<char> = part.chars().collect();
        for eight in letters.windows(LETTERS_MIN) {
            let eight: String = eight.iter().collect();
            prop_assert!(!hidden.contains(&spell(&eight)), "{eight:?} in {hidden:?} of {answer:?}");
        }
    }

    /// Nor of base64, wherever the value begins in it.
    #[test]
    fn nothing_of_it_survives_in_base64(
        secret in any_secret(),
        alphabet in 0..IN_BASE64.len(),
        name in "[ -~]{0,5}",
        before in any_answer_before(),
        is_wrapped in any::<bool>(),
    ) {
        let encoded = IN_BASE64[alphabet](&format!("{name}{secret}"));
        let mut written = String::new();
        for (at, letter) in encoded.chars().enumerate() {
            if is_wrapped && at > 0 && at % 76 == 0 {
                written.push_str("\r\n");
            }
            written.push(letter);
        }
        let hidden = Mask::of("", Some(&secret)).hide(&format!("{before}{written}"));
        // Twelve letters spell eight bytes wherever they begin. Those before the secret are the receiver's own.
        let own = (name.len() * 8).div_ceil(6);
        let letters: Vec<char> = encoded.trim_end_matches('=').chars().skip(own).collect();
        let left: String = hidden.chars().filter(|letter| !letter.is_whitespace()).collect();
        for twelve in letters.windows(12) {
            let twelve: String = twelve.iter().collect();
            prop_assert!(!left.contains(&twelve), "{twelve} in {hidden}");
        }
    }

    /// The same of what a template says itself.
    #[test]
    fn nothing_of_a_template_survives(literal in "[A-Za-z0-9._~-]{8,40}", place in 0..4_usize) {
        let template = [
            format!("https://p.example/{literal}/x"),
            format!("https://p.example/?key={literal}&c={{payout}}"),
            format!("https://p.example/a{{payout}}{literal}"),
            format!("https://p.example/?c={literal}{{payout}}"),
        ];
        prop_assert_eq!(Mask::of(&template[place], None).hide(&format!("<{literal}>")), "<…>");
    }

    /// What has nothing in common with a secret stays as it is, whatever it is.
    #[test]
    fn all_else_stays(text in "[ -~Ä-ü€😀]{0,300}") {
        let secret = "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{b}";
        prop_assert_eq!(Mask::of("", Some(secret)).hide(&text), text);
    }
}
