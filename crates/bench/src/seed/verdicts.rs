//! Verdicts as attribution tells them: every conversion earned.

use contracts::{
    attribution::{
        ConversionQualified, ConversionVerdict, JourneyClick, ReportedAmount, TrackingSystemValues, Verdict,
    },
    common::{Money, MoneyTerms},
    envelope::Envelope,
};
use kernel::{ConversionId, Occurrence, PublisherId, Timestamp};
use uuid::Uuid;

use super::{EVENTS, World, catalog::money, clicks, world::this_moment};

/// Whose a conversion is, and when what.
#[derive(Debug, Clone, Copy)]
pub struct Telling {
    /// Who is to be told.
    pub publisher: PublisherId,
    /// When its postback came.
    pub received_at: Timestamp,
    /// Days until it is released; 0: at once.
    pub pending_days: u32,
}

/// Conversion `number`: three for each click.
pub fn qualified(world: &World, number: u64) -> Envelope {
    let telling = Telling { publisher: world.publisher, received_at: world.now, pending_days: 0 };
    qualified_for(world, number, telling)
}

/// The same of another publisher, at another time.
pub fn qualified_for(world: &World, number: u64, telling: Telling) -> Envelope {
    let steps = EVENTS.len() as u64;
    let (click_number, place) = (number / steps, usize::try_from(number % steps).unwrap_or_default());
    let (step, event, click) = (EVENTS[place], world.events[place], world.click_id(click_number));
    let effective = world.clicked_at().saturating_add_seconds(60 * step.minutes_after_click);
    let verdict = ConversionVerdict {
        tenant_id: world.tenant.to_vec(),
        conversion_id: ConversionId::derive(world.tenant, click, event, &Occurrence::Once).to_vec(),
        revision: 1,
        verdict: Verdict::Qualified.into(),
        code: "QUALIFIED".to_owned(),
        reason: "All rules passed.".to_owned(),
        click: Some(JourneyClick {
            gk_click_id: click.to_vec(),
            clicked_at_micros: world.clicked_at().as_micros(),
            link_id: world.link.to_vec(),
            publisher_parameters: Some(clicks::parameters(click_number)),
            visitor: Some(clicks::visitor()),
        }),
        advertiser_id: world.advertiser.to_vec(),
        publisher_id: telling.publisher.to_vec(),
        offer_id: world.offer.to_vec(),
        offer_name: "Golfin iOS".to_owned(),
        terms_version: 1,
        offer_event_id: event.to_vec(),
        event_id: step.event_id.to_owned(),
        event_name: step.event_id.to_owned(),
        sequence_number: step.number,
        occurrence: Occurrence::Once.key(),
        receipt: Uuid::now_v7().as_bytes().to_vec(),
        received_at_micros: telling.received_at.as_micros(),
        effective_at_micros: effective.as_micros(),
        event_time_micros: Some(effective.as_micros()),
        reported: Some(ReportedAmount {
            amount: Some(Money { micros: 4_990_000, currency: "USD".to_owned() }),
            usd_micros: None,
            currency_assumed: false,
        }),
        terms: Some(MoneyTerms { pending_days: telling.pending_days, ..money() }),
        flagged_fraud: false,
        reached: true,
        tracking_system: Some(TrackingSystemValues {
            event_id: step.event_id.to_owned(),
            event_name: step.event_id.to_owned(),
            conversion_id: format!("{number:016x}"),
            amount: "4.99".to_owned(),
            ip_address: "203.0.113.7".to_owned(),
            ..TrackingSystemValues::default()
        }),
        oldest_input_at_micros: Some(this_moment().as_micros()),
        decisions_heard: Some(0),
    };
    world.sealed(Uuid::now_v7(), &ConversionQualified { verdict: Some(verdict) })
}
