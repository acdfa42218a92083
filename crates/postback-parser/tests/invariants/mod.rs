//! What holds for any bytes whatever. Checked by properties (`properties.rs`), by the corpus (`corpus.rs`) and by the
//! fuzz target, which includes this file.

use std::borrow::Cow;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use postback_parser::{Field, MAX_INPUT_BYTES, MAX_PARAMETERS, Note, Postback, Request, looks_absent, scrub};

/// A secret that no input contains by chance.
const CANARY: &str = "Zq7canaryZq7canaryZq7";

/// Label, query, body.
type Parts<'a> = (Option<Cow<'a, str>>, &'a [u8], &'a [u8]);

/// A request as one piece of bytes: the label, a line end, the query, a line end, the body. A label of `-` is none.
pub fn split(input: &[u8]) -> Parts<'_> {
    let line = |bytes: &[u8]| bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (label, rest) = input.split_at(line(input));
    let rest = rest.get(1..).unwrap_or_default();
    let (query, body) = rest.split_at(line(rest));
    let label = Some(String::from_utf8_lossy(label)).filter(|label| label != "-");
    (label, query, body.get(1..).unwrap_or_default())
}

/// Checks everything.
///
/// # Panics
/// When something does not hold.
pub fn check(label: Option<&str>, query: &[u8], body: &[u8]) {
    let request = Request { query, content_type: label, body };
    let postback = Postback::parse(&request);
    is_bounded(&postback, query.len() + body.len());
    survives_its_canonical_form(&postback);
    for value in postback.fields.values().chain(postback.unknown.iter().map(|(_, value)| value)) {
        absence_is_a_matter_of_meaning(value);
    }
    let scrubbed = scrubs_once(&request, &postback);
    hides_a_planted_secret(&request, &scrubbed);
}

/// No table can hold NUL, and nothing grows beyond what replacing a byte by U+FFFD can make of it.
fn is_bounded(postback: &Postback, input: usize) {
    let named = postback.unknown.iter().flat_map(|(name, value)| [name, value]);
    let texts: Vec<&String> = postback.fields.values().chain(named).collect();
    assert!(texts.iter().all(|text| !text.contains('\0')), "NUL");
    assert!(postback.fields.len() + postback.unknown.len() <= MAX_PARAMETERS, "parameters");
    let size: usize = texts.iter().map(|text| text.len()).sum();
    assert!(size <= 3 * input + "_body".len(), "{size} bytes out of {input}");
}

/// Notes on how the values came; the others are about the values themselves.
fn is_about_carriage(note: &Note) -> bool {
    matches!(
        note,
        Note::NulReplaced
            | Note::BadUtf8Replaced
            | Note::Disagreement(_)
            | Note::UnreadableBody
            | Note::Truncated
    )
}

/// Parsing what was rendered gives the same postback, and rendering that the same text.
fn survives_its_canonical_form(postback: &Postback) {
    let canonical = postback.canonical_query();
    if canonical.len() > MAX_INPUT_BYTES {
        return;
    }
    let again = Postback::parse(&Request::get(canonical.as_bytes()));
    let mut expected = postback.clone();
    expected.unknown.sort();
    expected.notes.retain(|note| !is_about_carriage(note));
    assert_eq!(again, expected, "through {canonical}");
    assert_eq!(again.canonical_query(), canonical);
}

/// Case, white space around it, quotes and further encoding do not make a value of nothing, nor nothing of a value.
fn absence_is_a_matter_of_meaning(value: &str) {
    let absent = looks_absent(value);
    let encoded = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    for variant in [
        value.to_ascii_uppercase(),
        value.to_ascii_lowercase(),
        format!(" \t{value}\r\n "),
        encoded.clone(),
        encoded.to_ascii_lowercase(),
        utf8_percent_encode(&encoded, NON_ALPHANUMERIC).to_string(),
    ] {
        // Escapes are a spelling, and folding their letters is not.
        if value.contains('%') && variant != encoded {
            continue;
        }
        assert_eq!(looks_absent(&variant), absent, "{variant:?} is not like {value:?}");
    }
}

/// Scrubbing comes to rest, and nothing is lost where nobody named a credential.
fn scrubs_once(request: &Request<'_>, postback: &Postback) -> (Vec<u8>, Vec<u8>) {
    let query = scrub::query(request.query).into_owned();
    let body = scrub::body(request.content_type, request.body).into_owned();
    // What was cut may have kept a garbled name from looking like one, or a body from looking like none: a second look
    // may then take more, but it comes to rest.
    comes_to_rest(&query, |text| scrub::query(text).into_owned());
    comes_to_rest(&body, |text| scrub::body(request.content_type, text).into_owned());
    let scrubbed = Request { query: &query, body: &body, ..*request };
    if !names_a_credential(request.query) && !names_a_credential(request.body) {
        assert_eq!((&*query, &*body), (request.query, request.body));
    } else if query == request.query && body == request.body {
        assert_eq!(Postback::parse(&scrubbed), *postback);
    }
    (query, body)
}

fn comes_to_rest(text: &[u8], look: impl Fn(&[u8]) -> Vec<u8>) {
    let mut text = text.to_vec();
    let rests = (0..8).any(|_look| {
        let again = look(&text);
        let same = again == text;
        text = again;
        same
    });
    assert!(rests, "scrubbed again and again: {}", String::from_utf8_lossy(&text));
}

/// Wherever a credential is added, its value does not survive, and everything else stays.
fn hides_a_planted_secret(request: &Request<'_>, scrubbed: &(Vec<u8>, Vec<u8>)) {
    let name_it = !names_a_credential(request.query) && !names_a_credential(request.body);
    let meaning = |query: &[u8], body: &[u8]| {
        let mut postback = Postback::parse(&Request { query, body, ..*request });
        // A longer request can pass the bounds.
        postback.notes.retain(|note| *note != Note::Truncated);
        postback
    };
    let large = request.query.len().max(request.body.len()) > MAX_INPUT_BYTES / 2;
    let original = meaning(&scrubbed.0, &scrubbed.1);
    for name in ["signature", "%53ignature", "Security-Segment", " token\t", "api%5Ftoken", "sig%00nature"] {
        let plant = [name.as_bytes(), b"=", CANARY.as_bytes()].concat();
        let first = [&plant[..], b"&", request.query].concat();
        let last = [request.query, b"&", &plant[..]].concat();
        for planted in [first, last] {
            let kept = scrub::query(&planted);
            assert!(!contains(&kept, CANARY), "{}", String::from_utf8_lossy(&kept));
            if name_it && !large && !request.query.starts_with(b"?") {
                let mut planted = meaning(&kept, request.body);
                planted.notes.retain(|note| *note != Note::NulReplaced || original.notes.contains(note));
                assert_eq!(planted, original);
            }
        }
        let inside = [request.query, b";", &plant[..]].concat();
        assert!(!contains(&scrub::query(&inside), CANARY), "{}", String::from_utf8_lossy(&inside));
    }
    let body = request.body.trim_ascii();
    if let Some(members) =
        body.strip_prefix(b"{").filter(|_| serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok())
    {
        for name in ["signature", "\\u0053ignature", "security segment", "API_TOKEN"] {
            for value in [
                format!("\"{CANARY}\""),
                format!("[{{\"x\":\"{CANARY}\"}}]"),
                format!("{{\"}}\":\"{CANARY}\"}}"),
            ] {
                let comma = if members.trim_ascii_start().starts_with(b"}") { "" } else { "," };
                let plant = format!("{{\"{name}\":{value}{comma}");
                let planted = [plant.as_bytes(), members].concat();
                let kept = scrub::body(request.content_type, &planted);
                assert!(!contains(&kept, CANARY), "{}", String::from_utf8_lossy(&kept));
                let nested = [b"{\"a\":[", &planted[..], b"]}"].concat();
                assert!(!contains(&scrub::body(request.content_type, &nested), CANARY));
                let cut = planted.get(..planted.len() - 1).unwrap_or_default();
                assert!(!contains(&scrub::body(request.content_type, cut), CANARY));
            }
        }
    }
}

fn contains(text: &[u8], wanted: &str) -> bool {
    text.windows(wanted.len()).any(|part| part == wanted.as_bytes())
}

/// Whether a credential's name is spelled anywhere, under any escapes: written apart from the code it checks, which
/// takes a text apart instead of looking at all of it.
fn names_a_credential(raw: &[u8]) -> bool {
    let mut text = String::from_utf8_lossy(raw).into_owned();
    loop {
        // A line end may be one, or the end of a word and a letter.
        let unbroken = ["\\n", "\\r", "\\t"].iter().fold(text.clone(), |text, end| text.replace(end, ""));
        for text in [&text, &unbroken] {
            let squashed: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
            let squashed = squashed.to_ascii_lowercase();
            if ["signature", "segment", "token", "domain"].iter().any(|name| squashed.contains(name)) {
                return true;
            }
        }
        let decoded = percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned();
        let decoded = without_unicode_escapes(&decoded);
        if decoded == text {
            return false;
        }
        text = decoded;
    }
}

fn without_unicode_escapes(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut decoded = String::from(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(code) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            decoded.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            decoded.push_str(part.get(4..).unwrap_or_default());
        } else {
            decoded.push_str("\\u");
            decoded.push_str(part);
        }
    }
    decoded
}

/// Every name under which anything is known, for those who make up requests.
pub fn known_names() -> Vec<&'static str> {
    Field::ALL.iter().flat_map(|field| field.names()).copied().collect()
}
