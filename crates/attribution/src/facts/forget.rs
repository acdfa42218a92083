//! What is left of a click and of a postback when the person behind them is forgotten: everything that was decided by, and
//! nothing that tells who it was.

use contracts::tracker::{ClickRecorded, PublisherParameters};
use kernel::TenantId;
use postback_parser::{Field, Postback};
use prost::Message as _;
use signing::Keyring;
use uuid::Uuid;

use super::Received;

/// Stands in the place of a value that is gone. Not absence: whether there was one decides (rule 1 tells a postback
/// without ids from one with).
const ERASED: &str = "erased";

/// Parameters that tell of the person or of the device.
const PERSONAL: [Field; 14] = [
    Field::IpAddress,
    Field::Email,
    Field::UserId,
    Field::Sub1,
    Field::Sub2,
    Field::Sub3,
    Field::Sub4,
    Field::Sub5,
    Field::EventValue,
    Field::AppsflyerId,
    Field::AdvertisingId,
    Field::Idfa,
    Field::Idfv,
    Field::BlockedReasonValue,
];

/// Parameters that name the device.
const DEVICE_IDS: [Field; 4] = [Field::AppsflyerId, Field::AdvertisingId, Field::Idfa, Field::Idfv];

/// A click without its person. Its member becomes a keyed hash; the publisher's own id of the click stays, for the publisher
/// can not be told of the conversion without it; so do country and platform, which are no person's.
fn click_without_person(keyring: &Keyring, tenant: TenantId, click: &ClickRecorded) -> ClickRecorded {
    let parameters = click.publisher_parameters.as_ref().map(|given| PublisherParameters {
        pub_click_id: given.pub_click_id.clone(),
        pub_member_id: pseudonym(keyring, tenant, &click.publisher_id, &given.pub_member_id),
        ..PublisherParameters::default()
    });
    let visitor = click.visitor.as_ref().map(|visitor| contracts::tracker::Visitor {
        country: visitor.country.clone(),
        platform: visitor.platform,
        ..contracts::tracker::Visitor::default()
    });
    ClickRecorded { publisher_parameters: parameters, visitor, ..click.clone() }
}

/// The same, from its bytes to its bytes; `None` when they are no click.
pub fn encoded_click_without_person(keyring: &Keyring, tenant: TenantId, fact: &[u8]) -> Option<Vec<u8>> {
    let click = ClickRecorded::decode(fact).ok()?;
    Some(click_without_person(keyring, tenant, &click).encode_to_vec())
}

fn pseudonym(keyring: &Keyring, tenant: TenantId, publisher: &[u8], member: &str) -> String {
    if member.is_empty() {
        return String::new();
    }
    signing::person::pseudonym(keyring, tenant, publisher, member)
}

/// The member a click's fact names now, or nothing.
pub fn member_of(fact: &[u8]) -> String {
    let parameters = ClickRecorded::decode(fact).ok().and_then(|click| click.publisher_parameters);
    parameters.map(|parameters| parameters.pub_member_id).unwrap_or_default()
}

/// A click's offer, and its member as two versions of its fact name it.
pub fn renamed_member(before: &[u8], after: &[u8]) -> Option<(Uuid, String, String)> {
    let offer = Uuid::from_slice(&ClickRecorded::decode(after).ok()?.offer_id).ok()?;
    Some((offer, member_of(before), member_of(after)))
}

/// A postback without its person: parameters without a meaning are gone, personal values have lost theirs.
pub fn postback_without_person(mut postback: Postback) -> Postback {
    for field in PERSONAL {
        if let Some(value) = postback.fields.get_mut(&field) {
            *value = String::from(ERASED);
        }
    }
    postback.unknown.clear();
    postback
}

/// Whether a postback names this device, in any of its ids.
pub fn names_device(postback: &Postback, device: &str) -> bool {
    DEVICE_IDS.iter().any(|field| postback.get(*field).is_some_and(|id| id.eq_ignore_ascii_case(device)))
}

impl Received {
    /// The same postback of a person who is forgotten: decided alike, kept and told without a trace of whom.
    #[must_use]
    pub fn without_person(&self) -> Self {
        let mut left = self.clone();
        left.parsed = postback_without_person(left.parsed);
        left.raw.query = left.parsed.canonical_query().into_bytes();
        left.raw.body = Vec::new();
        left.raw.content_type = String::new();
        let claims = left.stamped.claims_mut();
        claims.appsflyer_id = None;
        claims.told.ip_address = None;
        claims.told.email = None;
        claims.told.user_id = None;
        claims.told.subs.clear();
        left
    }
}

#[cfg(test)]
mod tests {
    use postback_parser::Request;

    use crate::domain::{Claims, Told};

    use super::*;

    const QUERY: &str = "clickid=018bcfe5-6800-8100-8000-000000000000&mapped-iae=level_10&event_revenue=4,9&cnv_amount=5\
        &currency=USD&event_time=2026-11-22 11:00:00&transaction_id=t1&ip=10.9.8.7&cnv_email=canary@a.b&cnv_user_id=canary1\
        &cnv_sub_3=canary2&event_value={\"mail\":\"canary3\"}&idfa=canary4&advertising_id=canary5&mystery=canary6\
        &country_code=vn&platform=ios&is_rejected=1&blocked_reason=bots&blocked_reason_value=canary7&app_id=id1";

    #[test]
    fn a_postback_that_is_forgotten_is_decided_alike() {
        for body in ["", r#"{"idfv": "canary8", "cnv_amount": "7", "free": "canary9"}"#] {
            let request = Request {
                query: QUERY.as_bytes(),
                content_type: Some("application/json"),
                body: body.as_bytes(),
            };
            let before = Postback::parse(&request);
            let left = postback_without_person(before.clone());
            let text = left.canonical_query();
            assert!(!text.contains("canary") && !text.contains("10.9.8.7"), "{text}");
            let after = Postback::parse(&Request::get(text.as_bytes()));
            assert_eq!((&after.fields, &after.event, &after.click), (&left.fields, &left.event, &left.click));
            let claims = |postback: &Postback| Claims {
                told: Told::default(),
                appsflyer_id: None,
                ..Claims::of(postback)
            };
            assert_eq!(claims(&after), claims(&before), "what the rules look at");
            assert!(names_device(&before, "CANARY4") && !names_device(&after, "canary4"));
        }
    }
}
