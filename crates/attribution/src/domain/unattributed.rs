//! Postbacks without a usable click id: they belong to no journey and are decided once, by rule 1 alone.

use postback_parser::{ClickReference, Field, Postback};

use super::{
    code::Code,
    examined::Stop,
    rules::{Rule, heeded},
    trace::{Trace, saw},
};

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// What rule 1 knows of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantFacts {
    /// AppsFlyer media sources that are the tenant's own; empty when none is known.
    pub media_sources: Vec<String>,
}

/// Decides a postback that names no usable click.
#[must_use]
pub fn judge_without_click(postback: &Postback, tenant: &TenantFacts) -> (Code, Trace) {
    let code = if is_privacy_shaped(postback) {
        Code::UnattributedPrivacy
    } else if is_of_others(postback, tenant) {
        Code::UnattributedOrganic
    } else {
        Code::UnattributedNoClick
    };
    // A rule that lets it through would leave it to the next one: there is no click to know.
    let code = heeded(Rule::UsableClickId, Err(Stop::at(code)))
        .map_or_else(|stop| stop.code, |()| Code::UnattributedInvalidClick);
    let click = match &postback.click {
        ClickReference::Absent => String::from("none"),
        ClickReference::Unreadable(text) => format!("{text:?}, which is no UUID"),
        ClickReference::Id(id) => id.to_string(),
    };
    let source = postback.get(Field::MediaSource).unwrap_or("not stated");
    let mut trace = Trace::default();
    trace.stop(
        Rule::UsableClickId,
        code,
        saw([
            ("click id", click),
            ("media source", String::from(source)),
            ("device ids", device_ids(postback)),
        ]),
    );
    (code, trace)
}

const DEVICE_IDS: [Field; 5] =
    [Field::AppsflyerId, Field::AdvertisingId, Field::Idfa, Field::Idfv, Field::UserId];

fn device_ids(postback: &Postback) -> String {
    let named: Vec<&str> = DEVICE_IDS
        .iter()
        .filter(|field| postback.get(**field).is_some())
        .map(|field| field.canonical())
        .collect();
    if named.is_empty() { String::from("none") } else { named.join(", ") }
}

/// AppsFlyer's Advanced Privacy template has no ids and floors every time to the hour.
fn is_privacy_shaped(postback: &Postback) -> bool {
    let no_ids =
        postback.click == ClickReference::Absent && DEVICE_IDS.iter().all(|id| postback.get(*id).is_none());
    let mut times = [postback.event_time, postback.install_time].into_iter().flatten().peekable();
    no_ids
        && times.peek().is_some()
        && times.all(|time| time.as_micros().checked_rem(MICROS_PER_HOUR) == Some(0))
}

fn is_of_others(postback: &Postback, tenant: &TenantFacts) -> bool {
    let Some(source) = postback.get(Field::MediaSource) else { return false };
    let is = |name: &str| source.eq_ignore_ascii_case(name);
    is("organic") || (!tenant.media_sources.is_empty() && !tenant.media_sources.iter().any(|own| is(own)))
}

#[cfg(test)]
mod tests {
    use postback_parser::Request;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("event_time=2026-11-03%2000:00:00&install_time=2026-11-02%2005:00:00", Code::UnattributedPrivacy)]
    #[case("event_time=2026-11-03%2000:00:00&media_source=organic", Code::UnattributedPrivacy)]
    #[case("event_time=2026-11-03%2000:00:01&media_source=Organic", Code::UnattributedOrganic)]
    #[case("event_time=2026-11-03%2000:00:00&idfa=A&media_source=other_int", Code::UnattributedOrganic)]
    #[case("media_source=gokart_int", Code::UnattributedNoClick)]
    #[case("gk_click_id=%7Bclickid%7D", Code::UnattributedNoClick)]
    #[case("gk_click_id=abc", Code::UnattributedNoClick)]
    #[case("", Code::UnattributedNoClick)]
    fn rule_1(#[case] query: &str, #[case] expected: Code) {
        let tenant = TenantFacts { media_sources: vec![String::from("gokart_int")] };
        let (code, trace) = judge_without_click(&Postback::parse(&Request::get(query.as_bytes())), &tenant);
        assert_eq!(code, expected);
        assert_eq!(trace.steps().len(), 1);
    }
}
