//! Examples, and the plain way to the same destination: fill in, parse, complete. It is what the pieces must add up to.

use std::{borrow::Cow, collections::BTreeMap};

use proptest::prelude::*;
use rstest::rstest;

use super::*;

const CLICK: u128 = 9;

fn offer() -> OfferId {
    OfferId::from_uuid(Uuid::from_u128(3))
}

fn publisher() -> PublisherId {
    PublisherId::from_uuid(Uuid::from_u128(5))
}

fn parameters<'a>(pub_click_id: &'a str, member: &'a str) -> ClickParameters<'a> {
    ClickParameters {
        pub_click_id: Cow::Borrowed(pub_click_id),
        pub_member_id: Cow::Borrowed(member),
        ..ClickParameters::default()
    }
}

fn taken_apart(link: &str, name: &str) -> Result<Destination, BrokenLink> {
    Destination::of(&Parts { offer_link: link, offer: offer(), name, publisher: publisher() })
}

fn go(link: &str, name: &str, member: &str) -> Url {
    let destination = taken_apart(link, name).unwrap();
    let kept = {
        let (head, tails) = destination.pieces();
        Destination::from_pieces(head, tails.map(|(slot, tail)| (slot, Box::from(tail))))
    };
    assert_eq!(kept, destination);
    let text = destination.of_click(ClickId::from_uuid(Uuid::from_u128(CLICK)), &parameters("p&1", member));
    let url = Url::parse(&text).unwrap();
    assert_eq!(url.as_str(), text, "a parser changes nothing of it");
    url
}

#[test]
fn macros_are_replaced_and_encoded_once() {
    let url =
        go("https://shop.example/a?x={gk_click_id}&y={pub_click_id}&z=%7Bgk_offer_name%7D", "A & B", "m");
    assert_eq!(
        url.as_str(),
        "https://shop.example/a?x=00000000-0000-0000-0000-000000000009&y=p%261&z=A%20%26%20B"
    );
}

#[test]
fn a_value_that_spells_a_macro_stays_a_value() {
    let url =
        go("https://shop.example/?m={pub_member_id}&n={gk_offer_name}", "{pub_click_id}", "x{pub_click_id}");
    assert_eq!(url.query().unwrap(), "m=x%7Bpub_click_id%7D&n=%7Bpub_click_id%7D");
}

#[test]
fn no_value_completes_an_encoding_of_the_link() {
    let url = go("https://shop.example/%{pub_member_id}?a=%0{pub_member_id}&b=%20{pub_member_id}", "x", "0d");
    assert_eq!(url.as_str(), "https://shop.example/%250d?a=%2500d&b=%200d");
}

#[test]
fn an_offer_that_uses_the_mark_is_not_confused() {
    let url = go("https://shop.example/gkslot0/gkslotx1?m={pub_member_id}", "gkslotxx2", "m");
    assert_eq!(url.as_str(), "https://shop.example/gkslot0/gkslotx1?m=m");
}

#[test]
fn appsflyer_gets_what_it_needs_and_keeps_what_it_has() {
    let url = go("https://app.appsflyer.com/id1?pid=gokart_int&c=own&redirect=false", "Golfin iOS", "m");
    let pairs: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(pairs.get("clickid").unwrap(), "00000000-0000-0000-0000-000000000009");
    assert_eq!(pairs.get("c").unwrap(), "own");
    assert_eq!(pairs.get("af_siteid").unwrap(), "00000000-0000-0000-0000-000000000005");
    assert_eq!(pairs.get("af_c_id").unwrap(), "00000000-0000-0000-0000-000000000003");
    assert!(!pairs.contains_key("redirect"));
    let named = go("https://golfin.onelink.me/abc?pid=gokart_int", "Golfin (iOS)", "m");
    assert!(named.query_pairs().any(|(name, value)| name == "c" && value == "Golfin__iOS_"));
    assert!(!go("https://notappsflyer.com/?a=1", "x", "m").as_str().contains("clickid"));
}

#[test]
fn no_click_can_turn_appsflyers_redirect_off() {
    let url = go("https://app.appsflyer.com/id1?redirect={pub_member_id}&{pub_member_id}=1", "x", "false");
    assert!(!url.query_pairs().any(|(name, _value)| name == "redirect"), "{url}");
}

#[rstest]
#[case("javascript:alert(1)")]
#[case("data:text/html,x")]
#[case("intent://x#Intent;end")]
#[case("//evil.example/")]
#[case("/relative")]
#[case("")]
#[case("https://")]
#[case("https://{pub_member_id}/")]
#[case("https://{pub_member_id}.shop.example/")]
#[case("https://shop.example{pub_click_id}/")]
#[case("https://%7Bpub_member_id%7D@shop.example/")]
#[case("https://a:{pub_click_id}@shop.example/")]
#[case("https://shop.example:{pub_member_id}/")]
#[case("{pub_member_id}://shop.example/")]
#[case("{pub_member_id}")]
fn no_click_chooses_its_server(#[case] link: &str) {
    assert!(taken_apart(link, "x").is_err(), "{link}");
}

#[rstest]
#[case("javascript:alert(1)")]
#[case("//evil.example")]
#[case("mailto:a@b.example")]
fn a_fallback_is_a_web_address(#[case] link: &str) {
    assert!(plain_link(link).is_err(), "{link}");
    assert_eq!(&*plain_link(" https://shop.example/ä\r\nb ").unwrap(), "https://shop.example/%C3%A4b");
}

/// The plain way. Macros are filled in one pass, as the pieces are.
fn plain(link: &str, name: &str, pub_click_id: &str, member: &str) -> String {
    let click = ClickId::from_uuid(Uuid::from_u128(CLICK)).to_string();
    let offer_id = offer().to_string();
    let mut filled = String::from(link);
    for (macro_name, value) in [
        ("gk_click_id", click.as_str()),
        ("pub_member_id", member),
        ("pub_click_id", pub_click_id),
        ("gk_offer_id", &offer_id),
        ("gk_offer_name", name),
    ] {
        for (open, close) in BRACKETS {
            let value = utf8_percent_encode(value, VALUE).to_string();
            filled = filled.replace(&format!("{open}{macro_name}{close}"), &value);
        }
    }
    let mut url = Url::parse(&filled).unwrap();
    if is_appsflyer(&url) {
        let mut pairs: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, value)| !(name == "redirect" && value.eq_ignore_ascii_case("false")))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        for (name, value) in [
            ("clickid", click.as_str()),
            ("af_siteid", &publisher().to_string()),
            ("af_c_id", &offer().to_string()),
            ("c", &campaign_name(name)),
        ] {
            if !pairs.iter().any(|(present, _value)| present == name) {
                pairs.push((String::from(name), String::from(value)));
            }
        }
        let query: Vec<String> = pairs
            .iter()
            .map(|(name, value)| {
                format!("{}={}", utf8_percent_encode(name, VALUE), utf8_percent_encode(value, VALUE))
            })
            .collect();
        url.set_query(Some(&query.join("&")));
    }
    url.into()
}

/// Pieces of links: macros in all spellings, encodings whole and broken, letters of other scripts, dots.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        (0..MACROS.len(), 0..BRACKETS.len()).prop_map(|(name, brackets)| {
            let (open, close) = BRACKETS[brackets];
            format!("{open}{}{close}", MACROS[name])
        }),
        "[a-z0-9._~-]{1,6}",
        prop_oneof![
            Just("%20"),
            Just("%C3"),
            Just("%A9"),
            Just("%2e"),
            Just("%2F"),
            Just("% "),
            Just("+"),
            Just("é"),
            Just("{x}"),
            Just("%7Bx%7D"),
            Just("{"),
            Just("'"),
            Just("\t"),
            Just(" "),
            Just("false"),
        ]
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn link() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just("https://app.appsflyer.com"),
        Just("https://golfin.onelink.me"),
        Just("http://Shop.example:8080"),
        Just("https://user:word@münchen.example"),
    ];
    let name = prop_oneof![
        "[a-z]{1,4}".prop_map(String::from),
        Just("clickid").prop_map(String::from),
        Just("af_siteid").prop_map(String::from),
        Just("c").prop_map(String::from),
        Just("%63").prop_map(String::from),
        Just(String::new()),
    ];
    let pair = prop_oneof![
        (name.clone(), text()).prop_map(|(name, value)| format!("{name}={value}")),
        name,
        Just(String::from("redirect=FALSE")),
        Just(String::from("redirect=true")),
    ];
    (host, prop::collection::vec(text(), 0..4), prop::collection::vec(pair, 0..5), prop::option::of(text()))
        .prop_map(|(host, path, query, fragment)| {
            let mut link = format!("{host}/{}", path.join("/"));
            if !query.is_empty() {
                link = format!("{link}?{}", query.join("&"));
            }
            fragment.map_or(link.clone(), |fragment| format!("{link}#{fragment}"))
        })
}

/// A value as it passes the door: some text, and not dots alone.
fn value() -> impl Strategy<Value = String> {
    "[\\PC]{1,12}".prop_filter("the door refuses it", |value| !value.bytes().all(|byte| byte == b'.'))
}

proptest! {
    #[test]
    fn the_pieces_add_up_to_the_plain_way(
        link in link(), name in "\\PC{0,12}", pub_click_id in value(), member in value(),
    ) {
        let destination = taken_apart(&link, &name).unwrap();
        let click = ClickId::from_uuid(Uuid::from_u128(CLICK));
        let quick = destination.of_click(click, &parameters(&pub_click_id, &member));
        prop_assert_eq!(quick, plain(&link, &name, &pub_click_id, &member), "{}", link);
    }

    #[test]
    fn no_value_can_add_a_parameter_a_segment_or_a_header(member in value(), name in "\\PC*") {
        let url = go("https://shop.example/a/{pub_member_id}/b?m={pub_member_id}&n={gk_offer_name}&end=1", &name, &member);
        prop_assert_eq!(url.query_pairs().count(), 3);
        prop_assert_eq!(url.path_segments().unwrap().count(), 3);
        prop_assert_eq!(url.host_str().unwrap(), "shop.example");
        prop_assert!(url.fragment().is_none());
        prop_assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
    }

    #[test]
    fn nothing_a_stranger_sends_breaks_out(bytes in prop::collection::vec(any::<u8>(), 1..24)) {
        // As the door decodes them: CR, LF, NUL, quotes, backslashes, broken UTF-8.
        let member = String::from_utf8_lossy(&bytes);
        prop_assume!(!member.bytes().all(|byte| byte == b'.'));
        let url = go("https://app.appsflyer.com/{pub_member_id}?m={pub_member_id}#{pub_member_id}", "x", &member);
        prop_assert_eq!(url.host_str().unwrap(), "app.appsflyer.com");
        prop_assert_eq!(url.path_segments().unwrap().count(), 1);
        prop_assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
    }
}
