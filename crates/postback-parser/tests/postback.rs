//! What comes out for what AppsFlyer sends, through the public door.
#![expect(clippy::unwrap_used, reason = "a test may stop")]

use kernel::{ClickId, Currency, Micros, Timestamp};
use postback_parser::{ClickReference, EventSource, Field, Note, Postback, Request};

const CLICK: &str = "efb2a7d2-c01a-4e3f-b8a1-81b4568e9f32";

fn get(query: &str) -> Postback {
    Postback::parse(&Request::get(query.as_bytes()))
}

fn click() -> ClickId {
    CLICK.parse().unwrap()
}

#[test]
fn a_purchase_with_revenue() {
    let postback = get(&format!(
        "signature=&clickid={CLICK}&mapped-iae=af_purchase&event_revenue=4.99&event_revenue_currency=usd\
         &event_time=2026-11-03%2000%3A49%3A04.897&is_primary_attribution=true"
    ));
    assert_eq!(postback.click, ClickReference::Id(click()));
    assert_eq!(postback.event.resolve(|_| false), ("af_purchase", EventSource::EventId));
    assert_eq!((postback.amount, postback.currency), (Some(Micros(4_990_000)), Some(Currency::USD)));
    assert_eq!(postback.event_time, Some(Timestamp::from_micros(1_793_666_944_897_000)));
    assert_eq!(postback.is_primary_attribution, Some(true));
    assert_eq!(postback.notes, []);
}

#[test]
fn canonical_names_win_over_aliases_wherever_they_stand() {
    let postback = get("event_id=third&mapped_iae=second&CNV-Event-ID=first");
    assert_eq!(postback.event.resolve(|_| false).0, "first");
    assert_eq!(postback.notes, [Note::Disagreement(Field::EventId)]);
    assert_eq!(get("event_id=third&cnv_event_id={x}").event.resolve(|_| false).0, "third");
}

#[test]
fn without_event_id_and_name_it_is_the_install() {
    assert_eq!(get("gk_click_id=x").event.resolve(|_| false), ("Install", EventSource::InstallByDefault));
    assert_eq!(get("event_name=level").event.resolve(|_| false), ("level", EventSource::EventName));
}

#[test]
fn an_event_id_that_an_offer_knows_is_never_absent() {
    let postback = get("cnv_event_id=None&event_name=level");
    assert_eq!(postback.event.resolve(|id| id == "None"), ("None", EventSource::EventId));
    assert_eq!(postback.event.resolve(|_| false), ("level", EventSource::EventName));
}

#[test]
fn what_can_not_be_read_is_kept_and_noted() {
    let postback =
        get("gk_click_id=abc&cnv_amount=lots&event_time=soon&cnv_currency=dollars&is_rejected=perhaps\
                        &event_value=%7B%3Aaf_revenue%2011.21%7D");
    assert_eq!(postback.click, ClickReference::Unreadable(String::from("abc")));
    assert_eq!(postback.get(Field::Amount), Some("lots"));
    assert_eq!(
        postback.notes,
        [
            Note::UnreadableClickId,
            Note::UnreadableAmount(Field::Amount),
            Note::UnreadableCurrency,
            Note::UnreadableTime(Field::EventTime),
            Note::UnreadableFlag(Field::IsRejected),
            Note::EventValueNotJson,
            Note::InstallByDefault,
        ]
    );
}

#[test]
fn a_post_may_carry_a_form_or_json_and_a_query() {
    let json = format!(
        r#"{{"gk_click_id":"{CLICK}","cnv_amount":4.5,"event_value":{{"a":[1]}},"is_rejected":true}}"#
    );
    let request =
        Request { query: b"cnv_event_id=buy", content_type: Some("application/json"), body: json.as_bytes() };
    let postback = Postback::parse(&request);
    assert_eq!(postback.click.id(), Some(click()));
    assert_eq!(postback.amount, Some(Micros(4_500_000)));
    assert_eq!(postback.get(Field::EventValue), Some(r#"{"a":[1]}"#));
    assert!(postback.is_flagged());
    let form = format!("gk_click_id={CLICK}&cnv_event_id=buy");
    let request = Request { body: form.as_bytes(), ..Request::default() };
    assert_eq!(Postback::parse(&request).click.id(), Some(click()));
}

#[test]
fn a_block_reason_is_a_flag_unless_the_flag_says_no() {
    assert!(get("reject_reason=bots").is_flagged());
    assert!(!get("reject_reason=bots&is_rejected=0").is_flagged());
    assert!(!get("reject_reason=").is_flagged());
}

#[test]
fn a_broken_body_is_kept() {
    for body in [&b"{\"a\":"[..], b"[[[[", b"\xff\xfe\x00", b"<xml/>"] {
        let postback = Postback::parse(&Request { body, content_type: Some("application/json"), query: b"" });
        assert!(postback.notes.contains(&Note::UnreadableBody));
        assert!(postback.unknown.iter().any(|(name, _)| name == "_body"));
    }
}

#[test]
fn ten_thousand_parameters_and_deep_nesting_are_survived() {
    let many: Vec<String> = (0..20_000).map(|place| format!("p{place}=1")).collect();
    assert!(get(&many.join("&")).notes.contains(&Note::Truncated));
    let deep = "[".repeat(100_000);
    let body = format!("{{\"a\":{deep}");
    let postback = Postback::parse(&Request { body: body.as_bytes(), ..Request::default() });
    assert!(postback.notes.contains(&Note::UnreadableBody));
}
