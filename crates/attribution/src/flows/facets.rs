//! What a postback is searched and counted by, as far as it is known when it is decided.

use contracts::tracker::ClickRecorded;
use postback_parser::Postback;

use crate::{
    domain::{Claims, Click, Platform},
    facts::KnownOffer,
    store::decisions::Facets,
};

/// Of a postback with a journey.
pub(super) fn facets(
    claims: &Claims,
    click: Option<&(Click, ClickRecorded)>,
    offer: Option<&KnownOffer>,
) -> Facets {
    let is_configured = |candidate: &str| {
        click.zip(offer).is_some_and(|((click, _), offer)| {
            offer
                .rules
                .since_version(click.offer_version)
                .any(|version| version.event_by_name(candidate).is_some())
        })
    };
    let parameters = click.and_then(|(_, message)| message.publisher_parameters.as_ref());
    let text = |value: &String| Some(value.clone()).filter(|text| !text.is_empty());
    Facets {
        offer: click.map(|(click, _)| click.offer),
        publisher: click.map(|(click, _)| click.publisher),
        event_id: Some(claims.event_id(is_configured)),
        country: claims.country.clone(),
        platform: claims.platform.as_deref().map(platform),
        conversion_id: claims.conversion_id.clone(),
        appsflyer_id: claims.appsflyer_id.clone(),
        member: parameters.and_then(|given| text(&given.pub_member_id)),
        pub_click: parameters.and_then(|given| text(&given.pub_click_id)),
    }
}

/// Of a postback without a usable click id.
pub(super) fn facets_without_click(postback: &Postback) -> Facets {
    let claims = Claims::of(postback);
    facets(&claims, None, None)
}

/// AppsFlyer writes the same platform in several ways; an unknown word is shown as it came.
fn platform(word: &str) -> String {
    match Platform::parse(word) {
        Some(Platform::Ios) => String::from("ios"),
        Some(Platform::Android) => String::from("android"),
        Some(Platform::MacOs) => String::from("macos"),
        Some(Platform::Browser) => String::from("browser"),
        None => word.to_ascii_lowercase(),
    }
}
