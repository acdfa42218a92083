//! What creation requires, all of it at once.

use super::{Code, Finding};
use crate::domain::offer::{OfferFields, OfferType};

pub(super) fn check(offer: &OfferFields, findings: &mut Vec<Finding>) {
    let mut required = |field: String, there: bool, what: &str| {
        if !there {
            findings.push(Finding::new(Code::Required, field, format!("is required: {what}")));
        }
    };
    let text = |value: &Option<String>| value.as_ref().is_some_and(|value| !value.trim().is_empty());
    let plain = [
        ("offerType", offer.offer_type.is_some(), "SingleEvent or MultiEvent"),
        ("trackingSystem", text(&offer.tracking_system), "the integration system, such as AppsFlyer"),
        ("advertiserId", offer.advertiser_id.is_some(), "the id of the advertiser who pays"),
        ("name", text(&offer.name), "what partners will see, such as Golfin iOS"),
        ("trackingSystemLink", text(&offer.tracking_system_link), "the tracking link copied from AppsFlyer"),
        ("headline", text(&offer.headline), "what end users will see first"),
        ("shortDescription", text(&offer.short_description), "what end users will read"),
        ("categories", !offer.categories.is_empty(), "at least one, such as Golf"),
        (
            "budget.total",
            offer.total_budget.is_some(),
            "the most revenue this offer may bring, such as 5000.00",
        ),
        ("currency", offer.currency.is_some(), "of budget and flat amounts, such as USD"),
        ("launchDate", offer.launch_at.is_some(), "when it begins, such as 2026-12-01T00:00:00Z"),
        ("ageRanges", offer.age_ranges.is_some(), "such as 18+, or All"),
        ("platforms", offer.platforms.is_some(), "IOS, Android, MacOS, Browser, or All"),
        ("countries", offer.countries.is_some(), "ISO 3166 codes such as US and ZA, or All"),
        ("events", !offer.events.is_empty(), "at least one event"),
    ];
    for (field, there, what) in plain {
        required(field.to_owned(), there, what);
    }
    for (at, event) in offer.events.iter().enumerate() {
        let of_event = [
            ("name", text(&event.name), "what a user will see, such as Reach Level 10"),
            ("pendingTime", event.pending_time.is_some(), "days to hold the postback, 0 for instant"),
            ("revenue", event.revenue.is_some(), "what the advertiser owes for one conversion"),
            ("payout", event.payout.is_some(), "what the publisher earns for one conversion"),
        ];
        for (field, there, what) in of_event {
            required(format!("events[{at}].{field}"), there, what);
        }
    }
    if offer.offer_type == Some(OfferType::SingleEvent) && offer.events.len() > 1 {
        findings.push(Finding::new(
            Code::SingleEventCount,
            "events",
            "a SingleEvent offer has exactly one event; choose MultiEvent for more",
        ));
    }
}
