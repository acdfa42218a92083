//! Where a click goes: the offer link with its macros replaced, and on AppsFlyer's hosts what AppsFlyer needs.
//!
//! A value can never add a parameter, a path segment or a header: every macro value is percent-encoded, once, and the
//! result is parsed again as a URL.

use kernel::ClickId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::{offer::LiveOffer, parameters::ClickParameters};

/// Everything but RFC 3986's unreserved characters.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An offer link that is no URL; the catalog's linter refuses such links, so this is a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the offer link is not a usable URL")]
pub struct BrokenLink(#[source] url::ParseError);

/// The URL that a click on `offer` is redirected to.
///
/// # Errors
/// [`BrokenLink`] when the offer link does not parse.
pub fn destination(
    offer: &LiveOffer,
    click: ClickId,
    parameters: &ClickParameters,
) -> Result<Url, BrokenLink> {
    let click = click.to_string();
    let mut url = Url::parse(&filled(offer, &click, parameters)).map_err(BrokenLink)?;
    if is_appsflyer(&url) {
        complete_for_appsflyer(&mut url, offer, &click);
    }
    Ok(url)
}

/// A macro as it is written, and as it stands where somebody pasted the link percent-encoded.
type Spellings = [&'static str; 3];

const CLICK_ID: Spellings = ["{gk_click_id}", "%7Bgk_click_id%7D", "%7bgk_click_id%7d"];
const MEMBER_ID: Spellings = ["{pub_member_id}", "%7Bpub_member_id%7D", "%7bpub_member_id%7d"];
const PUB_CLICK_ID: Spellings = ["{pub_click_id}", "%7Bpub_click_id%7D", "%7bpub_click_id%7d"];
const OFFER_ID: Spellings = ["{gk_offer_id}", "%7Bgk_offer_id%7D", "%7bgk_offer_id%7d"];
const OFFER_NAME: Spellings = ["{gk_offer_name}", "%7Bgk_offer_name%7D", "%7bgk_offer_name%7d"];

/// The offer link with its macros replaced.
fn filled(offer: &LiveOffer, click: &str, parameters: &ClickParameters) -> String {
    let mut link = offer.offer_link.clone();
    // Most links hold no macro, or one; a click pays only for those that are there.
    if link.contains(['{', '%']) {
        fill(&mut link, CLICK_ID, click);
        fill(&mut link, MEMBER_ID, &parameters.pub_member_id);
        fill(&mut link, PUB_CLICK_ID, &parameters.pub_click_id);
        fill(&mut link, OFFER_ID, &offer.offer.to_string());
        fill(&mut link, OFFER_NAME, &offer.name);
    }
    link
}

fn fill(link: &mut String, spellings: Spellings, value: &str) {
    for spelling in spellings {
        if link.contains(spelling) {
            *link = link.replace(spelling, &utf8_percent_encode(value, VALUE).to_string());
        }
    }
}

fn is_appsflyer(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        ["appsflyer.com", "onelink.me"].iter().any(|domain| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    })
}

/// Adds what is absent; removes `redirect=false`, which would leave the user on a blank page
/// (AppsFlyer, "S2S click", AF/360000807629).
fn complete_for_appsflyer(url: &mut Url, offer: &LiveOffer, click: &str) {
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, value)| !(name == "redirect" && value.eq_ignore_ascii_case("false")))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    for (name, value) in [
        ("clickid", click),
        ("af_siteid", &offer.publisher.to_string()),
        ("af_c_id", &offer.offer.to_string()),
        ("c", &campaign_name(&offer.name)),
    ] {
        if !pairs.iter().any(|(present, _value)| present == name) {
            pairs.push((String::from(name), String::from(value)));
        }
    }
    let mut query = String::with_capacity(256);
    for (name, value) in &pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, VALUE));
        query.push('=');
        query.extend(utf8_percent_encode(value, VALUE));
    }
    url.set_query(Some(&query));
}

/// AppsFlyer's cost reporting takes no spaces and no `|`, `+`, `:`, `(`, `)` in `c` (GoKart help centre, 12602563).
fn campaign_name(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_whitespace() || "|+:()".contains(letter) { '_' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kernel::{AdvertiserId, LinkId, OfferId, PublisherId, TenantId, TimeWindow, Timestamp};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::OfferStatus;

    fn go(link: &str, name: &str, member: &str) -> Url {
        let offer = LiveOffer {
            tenant: TenantId::from_uuid(Uuid::from_u128(1)),
            domain: None,
            link: LinkId::from_uuid(Uuid::from_u128(2)),
            offer: OfferId::from_uuid(Uuid::from_u128(3)),
            version: 1,
            advertiser: AdvertiserId::from_uuid(Uuid::from_u128(4)),
            publisher: PublisherId::from_uuid(Uuid::from_u128(5)),
            name: String::from(name),
            offer_link: String::from(link),
            fallback_link: None,
            status: OfferStatus::Ready,
            dates: TimeWindow { from: Timestamp::from_micros(0), until: None },
        };
        let parameters = ClickParameters {
            pub_click_id: String::from("p&1"),
            pub_member_id: String::from(member),
            pub_subs: BTreeMap::new(),
            gender: None,
            age: None,
        };
        destination(&offer, ClickId::from_uuid(Uuid::from_u128(9)), &parameters).unwrap()
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
    fn appsflyer_gets_what_it_needs_and_keeps_what_it_has() {
        let url = go("https://app.appsflyer.com/id1?pid=gokart_int&c=own&redirect=false", "Golfin iOS", "m");
        let pairs: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(pairs.get("clickid").unwrap(), "00000000-0000-0000-0000-000000000009");
        assert_eq!(pairs.get("c").unwrap(), "own");
        assert_eq!(pairs.get("af_c_id").unwrap(), "00000000-0000-0000-0000-000000000003");
        assert!(!pairs.contains_key("redirect"));
        let named = go("https://golfin.onelink.me/abc?pid=gokart_int", "Golfin (iOS)", "m");
        assert!(named.query_pairs().any(|(name, value)| name == "c" && value == "Golfin__iOS_"));
        assert!(!go("https://notappsflyer.com/?a=1", "x", "m").as_str().contains("clickid"));
    }

    proptest! {
        #[test]
        fn no_value_can_add_a_parameter_or_a_header(member in "\\PC*", name in "\\PC*") {
            let url = go("https://shop.example/a?m={pub_member_id}&n={gk_offer_name}&end=1", &name, &member);
            prop_assert_eq!(url.query_pairs().count(), 3);
            prop_assert!(url.fragment().is_none());
            prop_assert!(url.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}
