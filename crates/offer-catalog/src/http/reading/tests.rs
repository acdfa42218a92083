//! What is read, what is refused, and that all of it is said at once.

use kernel::{Bps, Micros, OfferId};
use rstest::rstest;
use serde_json::json;

use super::{moments::written, money::written_percent, *};

fn field(value: Value) -> Field {
    Field(Some(value))
}

fn fields(reader: Reader) -> Vec<String> {
    reader.problems.into_vec().into_iter().map(|problem| problem.field).collect()
}

#[test]
fn everything_wrong_is_said_at_once_with_its_path() {
    let mut reader = Reader::new();
    reader.text("name", field(json!(5)), 10);
    reader.within("budget", |reader| reader.amount("total", field(json!("-1"))));
    reader.list("events", field(json!([{}, 7])), 5, |reader, item| {
        reader.object("", item, |reader, _body: Unknown| reader.flag("featured", field(json!("yes"))))
    });
    reader.refuse_unknown(&Unknown::from([("payuot".to_owned(), json!(1))]));
    assert_eq!(fields(reader), ["name", "budget.total", "events[0].featured", "events[1]", "payuot"]);
}

#[test]
fn a_wrong_field_is_not_also_missing() {
    let mut reader = Reader::new();
    let name = reader.text("name", field(json!(5)), 10);
    reader.required("name", name, "a name");
    assert_eq!(fields(reader), ["name"]);
}

#[rstest]
#[case(json!("4.99"), Some(4_990_000))]
#[case(json!(4.99), Some(4_990_000))]
#[case(json!(0.1), Some(100_000))]
#[case(json!(5), Some(5_000_000))]
#[case(json!("0.000001"), Some(1))]
#[case(json!("0.0000001"), None)]
#[case(json!("-1"), None)]
#[case(json!("1e3"), None)]
#[case(json!("1000000000.01"), None)]
#[case(json!(true), None)]
fn amounts_are_read_from_their_digits(#[case] value: Value, #[case] micros: Option<i64>) {
    let mut reader = Reader::new();
    assert_eq!(reader.amount("a", field(value)), micros.map(Micros));
    assert_eq!(reader.problems.is_empty(), micros.is_some());
}

#[rstest]
#[case(json!("12.5"), Some(1_250), "12.5")]
#[case(json!(70), Some(7_000), "70")]
#[case(json!("0.01"), Some(1), "0.01")]
#[case(json!("100"), Some(10_000), "100")]
#[case(json!("100.01"), None, "")]
#[case(json!("0.001"), None, "")]
#[case(json!("-1"), None, "")]
fn percentages_read_and_print(#[case] value: Value, #[case] points: Option<u32>, #[case] printed: &str) {
    let mut reader = Reader::new();
    let share = reader.percent("p", field(value));
    assert_eq!(share, points.map(Bps));
    assert_eq!(share.map(written_percent).unwrap_or_default(), printed);
}

#[rstest]
#[case("2026-12-01T00:00:00Z", Some("2026-12-01T00:00:00Z"))]
#[case("2026-12-01T02:00:00+02:00", Some("2026-12-01T00:00:00Z"))]
#[case("2026-12-01T00:00:00.5Z", Some("2026-12-01T00:00:00.500Z"))]
#[case("2026-12-01T00:00:00", Some("2026-12-01T00:00:00Z"))]
#[case("2026-12-01", Some("2026-12-01T00:00:00Z"))]
#[case("01.12.2026", None)]
#[case("2026-13-01", None)]
#[case("0001-01-01", Some("0001-01-01T00:00:00Z"))]
#[case("9999-12-31T23:59:59Z", Some("9999-12-31T23:59:59Z"))]
#[case("9999-12-31T23:59:59-01:00", None)]
#[case("+10000-01-01", None)]
#[case("-200000-01-01", None)]
#[case("soon", None)]
fn moments_read_and_print(#[case] text: &str, #[case] expected: Option<&str>) {
    let mut reader = Reader::new();
    let moment = reader.moment("m", field(json!(text)));
    assert_eq!(moment.map(written).as_deref(), expected);
}

#[rstest]
#[case(json!("x\u{0}y"))]
#[case(json!("x\u{1b}y"))]
#[case(json!("01234567890"))]
fn texts_have_bounds(#[case] value: Value) {
    let mut reader = Reader::new();
    assert_eq!(reader.text("t", field(value), 10), None);
    assert!(!reader.problems.is_empty());
}

#[test]
fn empty_and_null_are_absent() {
    let mut reader = Reader::new();
    assert_eq!(reader.text("t", field(json!("  ")), 10), None);
    assert_eq!(reader.amount("a", field(Value::Null)), None);
    assert_eq!(reader.words_or_all("w", field(json!([])), 5, |word| Ok(word.to_owned())), None);
    assert!(reader.problems.is_empty());
}

#[test]
fn null_is_no_entry_of_a_list() {
    let mut reader = Reader::new();
    let list = reader.list("l", field(json!(["a", null])), 5, |reader, item| reader.text("", item, 10));
    assert_eq!(list, Some(vec!["a".to_owned()]));
    let noted: Vec<_> = reader.problems.into_vec().into_iter().map(|problem| problem.field).collect();
    assert_eq!(noted, ["l[1]"]);
}

#[test]
fn all_is_every() {
    let mut reader = Reader::new();
    assert_eq!(reader.words_or_all("w", field(json!(["All"])), 5, |word| Ok(word.to_owned())), Some(vec![]));
    assert_eq!(
        reader.words_or_all("w", field(json!(["a"])), 5, |word| Ok(word.to_owned())),
        Some(vec!["a".to_owned()])
    );
}

#[test]
fn ids_and_words_say_what_would_be_right() {
    let mut reader = Reader::new();
    assert_eq!(reader.id::<OfferId>("id", field(json!("7"))), None);
    assert_eq!(reader.id::<OfferId>("empty", field(json!(" "))), None);
    assert_eq!(reader.word("word", field(json!("x")), &[("A", 1), ("B", 2)]), None);
    assert_eq!(reader.word("other", field(json!("b")), &[("A", 1), ("B", 2)]), Some(2));
    let details: Vec<_> = reader.problems.into_vec().into_iter().map(|problem| problem.detail).collect();
    assert!(details[0].contains("offer id"), "{details:?}");
    assert!(details[1].contains("offer id"), "{details:?}");
    assert!(details[2].contains("A, B"), "{details:?}");
}
