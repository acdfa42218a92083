//! The offer link: pasted from AppsFlyer, opened by users, and the only way the click id comes back.

use url::Url;

use super::{Code, Finding};
use crate::domain::offer::OfferFields;

/// AppsFlyer's parameter for the partner's click id.
const CLICK_ID: &str = "clickid";
/// The macro that fills it.
const CLICK_ID_MACRO: &str = "{gk_click_id}";
/// Where AppsFlyer serves attribution links; branded links have hosts of their own, hence only a warning.
const APPSFLYER_HOSTS: [&str; 4] = ["appsflyer.com", "onelink.me", "appsflyersdk.com", "onelnk.com"];

pub(super) fn check(offer: &OfferFields, findings: &mut Vec<Finding>) {
    for (field, link) in
        [("trackingSystemLink", &offer.tracking_system_link), ("fallbackLink", &offer.fallback_link)]
    {
        let Some(link) = link.as_deref().filter(|link| !link.trim().is_empty()) else { continue };
        let parsed = Url::parse(link).ok().filter(|url| url.scheme() == "https" && url.host_str().is_some());
        let Some(url) = parsed else {
            findings.push(Finding::new(
                Code::LinkNotHttps,
                field,
                "must be a link that begins with https://",
            ));
            continue;
        };
        if field == "trackingSystemLink" && offer.is_on_appsflyer() {
            check_appsflyer(&url, findings);
        }
    }
}

fn check_appsflyer(url: &Url, findings: &mut Vec<Finding>) {
    let field = "trackingSystemLink";
    let host = url.host_str().unwrap_or_default();
    let is_appsflyers = APPSFLYER_HOSTS
        .iter()
        .any(|known| host.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    if !is_appsflyers {
        findings.push(Finding::new(
            Code::LinkHost,
            field,
            format!("{host} is not a host of AppsFlyer; fine for a branded link, else copy the link again"),
        ));
    }
    let mut click_ids = url.query_pairs().filter(|(name, _value)| name == CLICK_ID).peekable();
    if click_ids.peek().is_none() {
        findings.push(Finding::new(
            Code::ClickIdAdded,
            field,
            format!("{CLICK_ID}={CLICK_ID_MACRO} is added to every click"),
        ));
    }
    if click_ids.any(|(_name, value)| value != CLICK_ID_MACRO) {
        findings.push(Finding::new(
            Code::LinkClickId,
            field,
            format!(
                "{CLICK_ID} must be {CLICK_ID_MACRO}, or left out: without it no conversion can be attributed"
            ),
        ));
    }
}
