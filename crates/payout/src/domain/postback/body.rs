//! The JSON body of a POST postback, by the names of GoKart's published callback. Decimals are text: a receiver that reads
//! numbers as floats must not lose a micro.
//!
//! `revenue` is the publisher's revenue, that is the payout; what the advertiser pays is never told. Fields of GoKart's
//! callback that this system does not know are absent.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{macros::iso, story::Story};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    id: String,
    sent_at: String,
    conversion: Conversion<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are GoKart's published ones")]
struct Conversion<'a> {
    status: &'static str,
    status_revision: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    rejection_reason: &'a str,
    conversion_id: String,
    click_id: String,
    click_time: String,
    user_completed_at: String,
    created_at: String,
    partner_id: String,
    offer_id: String,
    offer_name: &'a str,
    offer_event_id: String,
    event_id: &'a str,
    event_name: &'a str,
    sequence_number: Option<u32>,
    reward_points: i64,
    revenue: Option<String>,
    currency: Option<String>,
    pub_click_id: &'a str,
    pub_member_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub_gender: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer_country_code2: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    track_sys_event_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    track_sys_conversion_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    track_sys_conversion_amount: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    track_sys_conversion_currency: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    track_sys_conversion_ip_address: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    track_sys_conversion_email: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    track_sys_conversion_user_id: &'a str,
    #[serde(flatten)]
    numbered: BTreeMap<String, &'a str>,
}

/// The body, and the moment it is sent as ISO 8601 (`sent_at`).
///
/// # Errors
/// Never for a story: every key is text and every number whole; the serializer's signature says more.
pub fn json_body(story: &Story, sent_at: kernel::Timestamp) -> serde_json::Result<Vec<u8>> {
    let tracking = &story.tracking_system;
    let numbered = story
        .pub_subs
        .iter()
        .map(|(number, value)| (format!("pubSub{number}"), value.as_str()))
        .chain(
            tracking
                .subs
                .iter()
                .map(|(number, value)| (format!("trackSysConversionSub{number}"), value.as_str())),
        )
        .collect();
    let conversion = Conversion {
        status: story.status,
        status_revision: story.revision,
        rejection_reason: &story.reason,
        conversion_id: story.conversion.to_string(),
        click_id: story.click.to_string(),
        click_time: iso(story.clicked_at),
        user_completed_at: iso(story.event_time),
        created_at: iso(story.received_at),
        partner_id: story.publisher.to_string(),
        offer_id: story.offer.to_string(),
        offer_name: &story.offer_name,
        offer_event_id: story.offer_event.to_string(),
        event_id: &story.event_id,
        event_name: &story.event_name,
        sequence_number: story.sequence_number,
        reward_points: story.reward_points,
        revenue: story.payout.map(|payout| payout.amount.to_string()),
        currency: story.payout.map(|payout| payout.currency.to_string()),
        pub_click_id: &story.pub_click_id,
        pub_member_id: &story.pub_member_id,
        pub_gender: story.pub_gender,
        pub_age: story.pub_age,
        offer_country_code2: story.country.as_deref(),
        track_sys_event_id: &tracking.event_id,
        track_sys_conversion_id: &tracking.conversion_id,
        track_sys_conversion_amount: &tracking.amount,
        track_sys_conversion_currency: story.amount.map(|amount| amount.currency.to_string()),
        track_sys_conversion_ip_address: &tracking.ip_address,
        track_sys_conversion_email: &tracking.email,
        track_sys_conversion_user_id: &tracking.user_id,
        numbered,
    };
    let body = Body { id: story.delivery.to_string(), sent_at: iso(sent_at), conversion };
    serde_json::to_vec(&body)
}

#[cfg(test)]
mod tests {
    use kernel::Timestamp;

    use serde_json::Value;

    use super::{super::story::tests::story, *};

    #[test]
    fn the_body_uses_the_published_names_and_tells_nothing_of_the_advertisers_money() {
        let body = json_body(&story(), Timestamp::from_micros(1_800_000_062_000_000)).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        insta::assert_json_snapshot!(body);
    }
}
