//! What both facts of a click say: what the publisher's link carried, and what the device showed of itself.

use std::net::IpAddr;

use contracts::catalog::{Gender as GenderCode, Platform as PlatformCode};

use super::wire::Message;
use crate::domain::{ClickParameters, Country, Gender, Platform};

/// What the user's device showed of itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visitor<'a> {
    /// Its address.
    pub ip_address: Option<IpAddr>,
    /// Its user agent, or empty.
    pub user_agent: &'a str,
    /// Where it is, when it is known.
    pub country: Option<Country>,
    /// What it is, when the offer asked for it and it is known.
    pub platform: Option<Platform>,
}

/// Writes a `PublisherParameters`.
pub fn write_parameters(out: &mut Message<'_>, parameters: &ClickParameters<'_>) {
    out.bytes(1, parameters.pub_click_id.as_bytes());
    out.bytes(2, parameters.pub_member_id.as_bytes());
    for (number, value) in (1_u32..).zip(&parameters.pub_subs) {
        if let Some(value) = value {
            out.message(3, |entry| {
                entry.number(1, number);
                entry.bytes(2, value.as_bytes());
            });
        }
    }
    if let Some(gender) = parameters.gender {
        out.present_number(4, i32::from(code_of(gender)).unsigned_abs());
    }
    if let Some(age) = parameters.age {
        out.present_number(5, age);
    }
}

/// Writes a `Visitor`.
pub fn write_visitor(out: &mut Message<'_>, visitor: &Visitor<'_>) {
    if let Some(address) = visitor.ip_address {
        out.bytes(1, address.to_string().as_bytes());
    }
    out.bytes(2, visitor.user_agent.as_bytes());
    if let Some(country) = visitor.country {
        out.present_bytes(3, country.as_str().as_bytes());
    }
    if let Some(platform) = visitor.platform {
        out.present_number(4, i32::from(code_of_platform(platform)).unsigned_abs());
    }
}

const fn code_of_platform(platform: Platform) -> PlatformCode {
    match platform {
        Platform::Ios => PlatformCode::Ios,
        Platform::Android => PlatformCode::Android,
        Platform::MacOs => PlatformCode::Macos,
        Platform::Browser => PlatformCode::Browser,
    }
}

const fn code_of(gender: Gender) -> GenderCode {
    match gender {
        Gender::Female => GenderCode::Female,
        Gender::Male => GenderCode::Male,
    }
}

#[cfg(test)]
pub(super) mod samples {
    //! Values for the tests, and the message that a reader makes of them.

    use std::{borrow::Cow, collections::BTreeMap};

    use contracts::tracker::{PublisherParameters, Visitor as VisitorMessage};
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn parameters() -> impl Strategy<Value = ClickParameters<'static>> {
        let sub = prop::option::of("\\PC{1,200}".prop_map(Cow::Owned));
        (
            "\\PC{0,12}",
            "\\PC{0,200}",
            prop::array::uniform15(sub),
            prop::option::of(prop_oneof![Just(Gender::Female), Just(Gender::Male)]),
            prop::option::of(1_u8..=120),
        )
            .prop_map(|(click, member, pub_subs, gender, age)| ClickParameters {
                pub_click_id: Cow::Owned(click),
                pub_member_id: Cow::Owned(member),
                pub_subs,
                gender,
                age,
            })
    }

    pub(crate) fn message_of(parameters: &ClickParameters<'_>) -> PublisherParameters {
        let subs = (1_u32..).zip(&parameters.pub_subs);
        let subs = subs.filter_map(|(number, value)| Some((number, value.as_ref()?.to_string())));
        PublisherParameters {
            pub_click_id: parameters.pub_click_id.to_string(),
            pub_member_id: parameters.pub_member_id.to_string(),
            pub_subs: subs.collect::<BTreeMap<_, _>>(),
            gender: parameters.gender.map(|gender| code_of(gender).into()),
            age: parameters.age.map(u32::from),
        }
    }

    pub(crate) fn visitor_of(visitor: &Visitor<'_>) -> VisitorMessage {
        VisitorMessage {
            ip_address: visitor.ip_address.map(|address| address.to_string()).unwrap_or_default(),
            user_agent: visitor.user_agent.to_owned(),
            country: visitor.country.map(|country| country.as_str().to_owned()),
            platform: visitor.platform.map(|platform| code_of_platform(platform).into()),
        }
    }
}
