//! The invariants under made-up requests, and the time that hostile ones take.

mod invariants;

use std::time::{Duration, Instant};

use postback_parser::{Postback, Request, looks_absent, scrub};
use proptest::{collection::vec, prelude::*, sample::select};

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "[{(\\[_$]{0,2}[a-zA-Z_ -]{0,10}[})\\]_]{0,2}",
        "-?[0-9]{0,20}[.,]?[0-9]{0,9}",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9][ T+][0-9:.]{5,12}[ +-]?[0-9:]{0,5}",
        "[0-9a-fA-F]{8}-?[0-9a-f]{4}-?8[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}",
        "[a-z%\\\\u0-9\"':;=?{}\\[\\],. +\\x00-]{0,30}",
        select(vec![
            "null",
            "N/A",
            "true",
            "0",
            "\"\"",
            "%7Bx%7D",
            "{:a 1}",
            "{\"a\":[1,{}]}",
            "🎮",
            "%FF",
            "%00"
        ])
        .prop_map(String::from),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => select(invariants::known_names()).prop_map(String::from),
        1 => select(invariants::known_names()).prop_map(|name| name.replace('_', "-").to_ascii_uppercase()),
        1 => "[a-zA-Z_%0-9 +-]{0,12}",
        1 => select(vec!["signature", "Domain", "segment", "token", "api-token", "security_segment"]).prop_map(String::from),
    ]
}

fn form() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => vec((name(), value()), 0..12).prop_map(|pairs| {
            let parts: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            parts.join("&").into_bytes()
        }),
        1 => vec(any::<u8>(), 0..400),
        2 => "[a-z_%=&+{}0-9:;?. \"\\\\-]{0,300}".prop_map(String::into_bytes),
    ]
}

fn json() -> impl Strategy<Value = Vec<u8>> {
    let scalar = prop_oneof![
        value().prop_map(|text| serde_json::Value::from(text).to_string()),
        "-?[1-9][0-9]{0,25}(\\.[0-9]{1,10})?(e-?[0-9]{1,3})?",
        select(vec!["null", "true", "false", "\"\\ud83c\"", "\"\\u0000\"", "{}", "[]"])
            .prop_map(String::from),
    ];
    let nested = scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            vec((name(), inner), 0..4).prop_map(object),
        ]
    });
    vec((name(), nested), 0..10).prop_map(object).prop_map(String::into_bytes)
}

fn object(members: Vec<(String, String)>) -> String {
    let members: Vec<String> = members
        .into_iter()
        .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn label() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof![
        select(vec![
            "application/json",
            "application/x-www-form-urlencoded; charset=UTF-8",
            "multipart/form-data",
            "text/xml"
        ])
        .prop_map(String::from),
        "\\PC{0,20}",
    ])
}

proptest! {
    #[test]
    fn whatever_comes_holds(label in label(), query in form(), body in prop_oneof![form(), json()]) {
        invariants::check(label.as_deref(), &query, &body);
    }

    #[test]
    fn a_request_in_one_piece_is_taken_apart(input in vec(any::<u8>(), 0..400)) {
        let (label, query, body) = invariants::split(&input);
        invariants::check(label.as_deref(), query, body);
    }

    #[test]
    fn nothing_is_nothing_under_any_spelling(
        word in select(vec!["", "null", "None", "undefined", "N/A", "{click id}", "(x)", "[x]", "__X__", "$$click(x)",
            "$$sdk(x)", "00000000-0000-0000-0000-000000000000"]),
        upper in any::<bool>(), quoted in any::<bool>(), spaces in "[ \t\r\n]{0,3}", layers in 0..4_usize,
    ) {
        let mut text = if upper { word.to_ascii_uppercase() } else { word.to_ascii_lowercase() };
        if quoted {
            text = format!("\"{text}\"");
        }
        text = format!("{spaces}{text}{spaces}");
        for _ in 0..layers {
            text = percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
        }
        prop_assert!(looks_absent(&text), "{text:?}");
    }
}

/// Far more than a linear pass takes in a debug build, and far less than a quadratic one.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn hostile_shapes_take_linear_time() {
    const SIZE: usize = 250_000;
    for shape in [
        "token=",
        ";token=",
        ":token ",
        "{:token ",
        "\"token\":\"",
        "'token':[",
        "\\",
        "\\u0041",
        "%25",
        "%",
        "&",
        "=",
        "a&",
        "event_id=null&",
        "event_id=a&",
        "{\"a\":",
        "[",
        "{\"token\":",
        " ",
        "+;",
        "\\\"token\\\":",
        "\0",
    ] {
        let text = shape.repeat(SIZE / shape.len());
        let numbered: Vec<String> = (0..SIZE / 20).map(|number| format!("event_id={{x{number}}}&")).collect();
        let numbered = numbered.concat();
        let quoted = serde_json::json!({ "token": text, "a": text }).to_string();
        let start = Instant::now();
        for bytes in [text.as_bytes(), numbered.as_bytes(), quoted.as_bytes()] {
            drop(scrub::query(bytes));
            drop(scrub::secrets(scrub::body(Some("application/json"), bytes), [&b"7FqR9KxD2WmA5N0B"[..]]));
            let _length = Postback::parse(&Request { query: bytes, content_type: None, body: bytes })
                .canonical_query()
                .len();
        }
        assert!(start.elapsed() < PATIENCE, "{shape:?} repeated took {:?}", start.elapsed());
    }
}
