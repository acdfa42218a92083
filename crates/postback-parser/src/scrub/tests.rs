use rstest::rstest;

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[rstest]
#[case("a=1&signature=s3cret&b=2", "a=1&signature=&b=2")]
#[case("signature=one&signature=two", "signature=&signature=")]
#[case("%53ignature=s3cret&Domain=x", "%53ignature=&Domain=")]
#[case("%2573ignature=s3cret", "%2573ignature=")]
#[case("SIGNATURE=s3cret&a=1", "SIGNATURE=&a=1")]
#[case(
    "security-segment=a/b/c/&security_segment=d&Security+Segment=e",
    "security-segment=&security_segment=&Security+Segment="
)]
#[case("+signature+=s3cret&%20signature%0A=s3cret", "+signature+=&%20signature%0A=")]
#[case("signature%00=s3cret&sig%00nature=s3cret", "signature%00=&sig%00nature=")]
#[case("signature[]=s3cret&api_token=s3cret&token=s3cret", "signature[]=&api_token=&token=")]
#[case("signature=a=b=c&x=1", "signature=&x=1")]
#[case("?signature=s3cret", "?signature=")]
fn only_the_value_of_a_credential_goes(#[case] raw: &str, #[case] kept: &str) {
    assert_eq!(text(&query(raw.as_bytes())), kept);
    assert_eq!(text(&body(Some(FORM), raw.as_bytes())), kept);
    assert_eq!(text(&body(Some(JSON), raw.as_bytes())), kept, "under a wrong label");
}

#[rstest]
#[case("a=1;signature=s3cret;b=2", "a=1;signature=;b=2")]
#[case("a=1;+signature+=s3cret", "a=1;+signature+=")]
#[case("a=1%3Bsignature%3Ds3cret&b=2", "a=1%3Bsignature%3D&b=2")]
#[case("a=1?signature=s3cret&b=2", "a=1?signature=&b=2")]
#[case("a=1&amp;signature=s3cret&amp;b=2", "a=1&amp;signature=&amp;b=2")]
#[case("signature%3Ds3cret&b=2", "signature%3D&b=2")]
#[case("sub=signature%3Ds3cret", "sub=signature%3D")]
#[case(
    "u=https%3A%2F%2Fx%2F%3Fsignature%3Ds3cret%26c%3D1&b=2",
    "u=https%3A%2F%2Fx%2F%3Fsignature%3D%26c%3D1&b=2"
)]
#[case(
    "u=https%253A%252F%252Fx%252F%253Fsignature%253Ds3cret%2526c%253D1",
    "u=https%253A%252F%252Fx%252F%253Fsignature%253D%2526c%253D1"
)]
#[case("u=x?sign%61ture=s3cret", "u=x?sign%61ture=")]
#[case("a=1\nsignature=s3cret\nb=2", "a=1\nsignature=\nb=2")]
#[case("e=%7B%22token%22%3A%22s3cret%22%2C%22b%22%3A1%7D", "e=%7B%22token%22%3A%22%22%2C%22b%22%3A1%7D")]
#[case("e=%7B%22token%22%3A12345%2C%22b%22%3A1%7D", "e=%7B%22token%22%3Anull%2C%22b%22%3A1%7D")]
#[case(r#"e={"\u0074oken" : "a\"s3cret","b":1}"#, r#"e={"\u0074oken" : "","b":1}"#)]
#[case(r#"e={"a":"{\"token\":\"a\\\"s3cret\",\"b\":1}"}"#, r#"e={"a":"{\"token\":\"\",\"b\":1}"}"#)]
#[case(r#"e={"token":{"x":"s3cret"},"b":1}"#, r#"e={"token":null"#)]
#[case("e={'signature':'s3cret','u':'a=b'}", "e={'signature':'','u':'a=b'}")]
#[case("e={signature: \"s3cret\", u: 1}", "e={signature: \"\", u: 1}")]
#[case(r#"e={"u":"x?signature=s3cret","b":"y"}&c=1"#, r#"e={"u":"x?signature=","b":"y"}&c=1"#)]
#[case("a=1;signature='s3cret';b=2", "a=1;signature='';b=2")]
#[case("a=1;signature=s3'cret;b=2", "a=1;signature=;b=2")]
#[case("e={a=1, signature=s3cret, b=2}", "e={a=1, signature=, b=2}")]
#[case("e={:signature \"s3cret\", :b 1}", "e={:signature \"\", :b 1}")]
#[case("e={:b 1 :signature s3cret}", "e={:b 1 :signature null}")]
fn inside_another_value_it_goes_too(#[case] raw: &str, #[case] kept: &str) {
    let scrubbed = query(raw.as_bytes());
    assert_eq!(text(&scrubbed), kept);
    assert!(matches!(query(&scrubbed), Cow::Borrowed(_)), "scrubbing twice changes nothing more");
}

#[rstest]
#[case("a=1&&b")]
#[case("cnv_event_id=Token: gold&event_name=signature")]
#[case("cnv_event_id=Buy token=5&event_name=token_purchase&a=my+token%3A+x")]
#[case("e=%7B%22segment%22%3A%22gold%22%2C%22domain%22%3A%22shop.example%22%7D")]
#[case("e=%7B%22push_token%22%3A%22x%22%2C%22signatures%22%3A%22y%22%7D")]
#[case("event_value={\"u\":\"https:%5C%2F%5C%2Fx\"}&af_ad=%E4%B8%AD&c=100%25")]
#[case("signature=&domain=&token")]
#[case(r#"e={"u":"x?signature=","b":"y"}"#)]
fn nothing_else_is_touched(#[case] raw: &str) {
    assert!(matches!(query(raw.as_bytes()), Cow::Borrowed(kept) if kept == raw.as_bytes()), "{raw}");
}

#[rstest]
#[case(r#"{"b":4.9900,"signature":"s3cret","a":[1]}"#, r#"{"b":4.9900,"signature":"","a":[1]}"#)]
#[case(
    r#"{"n":12345678901234567890.10, "Signature" : 5}"#,
    r#"{"n":12345678901234567890.10, "Signature" : null}"#
)]
#[case(
    r#"{"event_value":{"Signature":{"x":["s3cret"]},"b":1}}"#,
    r#"{"event_value":{"Signature":null,"b":1}}"#
)]
#[case(r#"{"\u0073ignature":"a\"s3cret","b":"x"}"#, r#"{"\u0073ignature":"","b":"x"}"#)]
#[case(r#"{"signature":"1","signature":"2"}"#, r#"{"signature":"","signature":""}"#)]
#[case(r#"{"u":"https:\/\/x\/?signature=s3cret&b=1"}"#, r#"{"u":"https:\/\/x\/?signature=&b=1"}"#)]
#[case(r#"{"u":"a=1\nsignature=s3cret\nb=1"}"#, r#"{"u":"a=1\nsignature=\nb=1"}"#)]
#[case(r#"{"e":"{\"signature\":\"s3cret\",\"b\":1}"}"#, r#"{"e":"{\"signature\":\"\",\"b\":1}"}"#)]
#[case(r#"{"a?signature=s3cret":1}"#, r#"{"a?signature=":1}"#)]
#[case(r#"{"domain":"x","event_value":{"domain":"y"}}"#, r#"{"domain":"","event_value":{"domain":"y"}}"#)]
#[case(r#"[{"token":"s3cret"}]"#, r#"[{"token":""}]"#)]
#[case("\u{FEFF} {\"signature\" :\n\"s3cret\"}", "\u{FEFF} {\"signature\" :\n\"\"}")]
fn a_json_body_keeps_everything_else_to_the_byte(#[case] raw: &str, #[case] kept: &str) {
    for label in [None, Some(JSON), Some(FORM)] {
        let scrubbed = body(label, raw.as_bytes());
        assert_eq!(text(&scrubbed), kept);
        assert!(matches!(body(label, &scrubbed), Cow::Borrowed(_)), "scrubbing twice changes nothing more");
    }
}

#[rstest]
#[case(Some(JSON), r#"{"signature":"s3cret""#)]
#[case(Some(JSON), r#"{"\u0073ignature":"s3cret""#)]
#[case(Some(JSON), r#"{"a":"x" y", "signature":"s3cret"}"#)]
#[case(Some(JSON), "{'sig%6Eature':'s3cret'")]
#[case(Some(JSON), "{\0\"\0s\0i\0g\0n\0a\0t\0u\0r\0e\0\"\0:\0\"\0s\0x\0")]
#[case(
    Some("multipart/form-data; boundary=x"),
    "--x\r\nContent-Disposition: form-data; name=\"signature\"\r\n\r\ns3cret\r\n--x--"
)]
#[case(Some("text/xml"), "<a v=\"1\"><signature>s3cret</signature></a>")]
#[case(None, "Signature: s3cret")]
fn a_body_that_nobody_can_read_and_that_might_leak_is_dropped(
    #[case] label: Option<&str>,
    #[case] raw: &str,
) {
    assert_eq!(text(&body(label, raw.as_bytes())), "");
}

#[test]
fn a_body_that_nobody_can_read_and_that_names_no_credential_is_evidence() {
    for raw in [&b"hello"[..], b"<xml a=\"1\"/>", b"{\"a\":", b"\xff\xfe\0"] {
        assert!(matches!(body(Some(JSON), raw), Cow::Borrowed(kept) if kept == raw));
    }
}

#[rstest]
#[case("a=1&note=7FqR9KxD2WmA5N0B&b=2", "a=1&note=&b=2")]
#[case("a=%37FqR9KxD2WmA5N0B&7FqR9KxD2WmA5N0B=1", "a=&=1")]
#[case("a=%2537FqR9KxD2WmA5N0B", "a=")]
#[case(r#"{"a":"x\u0037FqR9KxD2WmA5N0B7FqR9KxD2WmA5N0By"}"#, r#"{"a":"xy"}"#)]
#[case("a=7FqR9KxD2WmA5N0", "a=7FqR9KxD2WmA5N0")]
fn a_secret_that_is_known_goes_wherever_it_stands(#[case] raw: &str, #[case] kept: &str) {
    assert_eq!(text(&secrets(Cow::Borrowed(raw.as_bytes()), [&b"7FqR9KxD2WmA5N0B"[..]])), kept);
}

#[test]
fn a_short_secret_is_not_looked_for() {
    assert!(matches!(secrets(Cow::Borrowed(b"a=1"), [&b"1"[..]]), Cow::Borrowed(b"a=1")));
}
