//! What the catalog says of the world.

use bus::Route;
use contracts::{
    Fact,
    catalog::{
        ConversionStatus, CredentialChanged, CredentialGeneration, DeadlineAnchor, EventTerms, OfferChanged,
        OfferEvent, OfferStatus, OfferType, OfferVersionCreated, OverLimitAction, PostbackEndpoint,
        PostbackMethod, PublisherChanged, ReachedBy, SealedSecret, SequenceNumberRule, TenantChanged,
    },
    common::{Money, MoneyTerms, PayoutTerms, RevenueTerms, payout_terms, revenue_terms},
    envelope::Envelope,
};
use kernel::EndpointId;
use secrecy::SecretString;
use signing::{Keyring, seal};
use uuid::Uuid;

use super::{EVENTS, World, world::DOMAIN};

/// A day, and so on.
const DAY_MICROS: i64 = 86_400_000_000;
const CURRENCY: &str = "USD";
/// Signs postbacks to a publisher that only this run knows.
const WEBHOOK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What attribution must know before it can decide.
pub fn for_attribution(world: &World) -> Vec<(Route, Envelope)> {
    vec![
        said(world, &tenant(world)),
        said(world, &credential(world)),
        said(world, &offer_version(world)),
        said(world, &offer(world)),
    ]
}

/// A second version of the offer, in which the second step waits for nothing.
pub fn without_order(world: &World) -> Vec<(Route, Envelope)> {
    let mut version = OfferVersionCreated { version: 2, ..offer_version(world) };
    for event in &mut version.events {
        event.sequence_number = event.sequence_number.filter(|number| *number == 1);
    }
    version.number_rules.retain(|rule| rule.sequence_number == 1);
    let offer = OfferChanged { revision: 2, newest_version: 2, ..offer(world) };
    vec![said(world, &version), said(world, &offer)]
}

/// What tracker must know before it can redirect.
pub fn for_tracker(world: &World) -> Vec<(Route, Envelope)> {
    vec![said(world, &tenant(world)), said(world, &offer_version(world)), said(world, &offer(world))]
}

/// What payout must know before it can pay. Without endpoints nothing is delivered.
pub fn for_payout(world: &World, endpoints: Vec<PostbackEndpoint>) -> Vec<(Route, Envelope)> {
    let publisher = PublisherChanged {
        tenant_id: world.tenant.to_vec(),
        publisher_id: world.publisher.to_vec(),
        version: 1,
        name: "Publisher".to_owned(),
        active: true,
        endpoints,
        ..PublisherChanged::default()
    };
    let mut facts = for_payout_of(world);
    facts.push(said(world, &publisher));
    facts
}

/// The same but for publishers.
pub(super) fn for_payout_of(world: &World) -> Vec<(Route, Envelope)> {
    vec![said(world, &tenant(world)), said(world, &offer_version(world)), said(world, &offer(world))]
}

/// A place that hears of every Success, by a signed `GET`.
///
/// # Errors
/// When the key is none.
pub fn endpoint(world: &World, sealing_keys: &str, url_template: String) -> anyhow::Result<PostbackEndpoint> {
    sealed_endpoint(world, sealing_keys, 0, url_template)
}

/// The same; every number seals with a nonce of its own.
pub(super) fn sealed_endpoint(
    world: &World,
    sealing_keys: &str,
    number: u64,
    url_template: String,
) -> anyhow::Result<PostbackEndpoint> {
    let keyring = Keyring::parse(&SecretString::from(sealing_keys.to_owned()))?;
    let id = EndpointId::from_uuid(Uuid::now_v7());
    let place = seal::endpoint_signing_secret(world.tenant, id);
    let mut nonce = [7; seal::NONCE_BYTES];
    nonce.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, of_number)| *byte = of_number);
    let sealed = seal::seal(&keyring, nonce, &place, WEBHOOK_SECRET.as_bytes())?;
    Ok(PostbackEndpoint {
        endpoint_id: id.to_vec(),
        method: PostbackMethod::Get.into(),
        url_template,
        statuses: vec![ConversionStatus::Success.into()],
        signing_secrets: vec![SealedSecret { sealed, valid_until_micros: None }],
        active: true,
        ..PostbackEndpoint::default()
    })
}

/// The terms of every event: two dollars owed, one paid, at once.
pub(super) fn money() -> MoneyTerms {
    MoneyTerms {
        currency: CURRENCY.to_owned(),
        revenue: Some(RevenueTerms { model: Some(revenue_terms::Model::FlatMicros(2_000_000)) }),
        payout: Some(PayoutTerms { model: Some(payout_terms::Model::FlatMicros(1_000_000)) }),
        reward_points: 10,
        pending_days: 0,
        reverse_on_fraud: false,
    }
}

pub(super) fn said<F: Fact>(world: &World, fact: &F) -> (Route, Envelope) {
    (Route::of::<F>(), world.sealed(Uuid::now_v7(), fact))
}

fn tenant(world: &World) -> TenantChanged {
    TenantChanged {
        tenant_id: world.tenant.to_vec(),
        version: 1,
        domain: DOMAIN.to_owned(),
        display_name: "Brownboots".to_owned(),
        time_zone: "UTC".to_owned(),
        default_currency: CURRENCY.to_owned(),
        media_sources: vec!["gokart_int".to_owned()],
        rates: Vec::new(),
        active: true,
    }
}

fn credential(world: &World) -> CredentialChanged {
    CredentialChanged {
        tenant_id: world.tenant.to_vec(),
        credential_id: world.credential.to_vec(),
        version: 1,
        advertiser_id: None,
        generations: vec![CredentialGeneration {
            generation: 1,
            issued_at_micros: world.now.as_micros() - 30 * DAY_MICROS,
            valid_until_micros: None,
        }],
    }
}

fn offer_version(world: &World) -> OfferVersionCreated {
    let terms = EventTerms {
        money: Some(money()),
        deadline_days: Some(30),
        deadline_anchor: DeadlineAnchor::Click.into(),
        min_time_seconds: None,
        repetitions_allowed: false,
    };
    let events = EVENTS.iter().zip(world.events).zip(1..).map(|((step, id), display_order)| OfferEvent {
        offer_event_id: id.to_vec(),
        event_id: step.event_id.to_owned(),
        name: step.event_id.to_owned(),
        sequence_number: step.number,
        terms: Some(terms.clone()),
        introduced_in_version: 1,
        introduced_terms: Some(terms.clone()),
        caps: None,
        publisher_caps: None,
        display_order,
        show_on_wall: true,
    });
    OfferVersionCreated {
        tenant_id: world.tenant.to_vec(),
        offer_id: world.offer.to_vec(),
        version: 1,
        created_at_micros: world.now.as_micros() - 2 * DAY_MICROS,
        advertiser_id: world.advertiser.to_vec(),
        offer_type: OfferType::MultiEvent.into(),
        tracking_system: "AppsFlyer".to_owned(),
        name: "Golfin iOS".to_owned(),
        offer_link: "https://app.appsflyer.com/id1234567890?pid=gokart_int&clickid={gk_click_id}".to_owned(),
        app_id: Some("id1234567890".to_owned()),
        launch_at_micros: world.now.as_micros() - 2 * DAY_MICROS,
        events: events.collect(),
        number_rules: vec![
            SequenceNumberRule { sequence_number: 1, reached_by: ReachedBy::Any.into() },
            SequenceNumberRule { sequence_number: 2, reached_by: ReachedBy::All.into() },
        ],
        // A billion dollars: nothing here is refused by a limit.
        total_budget: Some(Money { micros: 1_000_000_000_000_000, currency: CURRENCY.to_owned() }),
        over_limit_action: OverLimitAction::Reject.into(),
        currency: CURRENCY.to_owned(),
        sequence_grace_hours: 72,
        ..OfferVersionCreated::default()
    }
}

fn offer(world: &World) -> OfferChanged {
    OfferChanged {
        tenant_id: world.tenant.to_vec(),
        offer_id: world.offer.to_vec(),
        revision: 1,
        status: OfferStatus::Ready.into(),
        newest_version: 1,
        publisher_id: Some(world.publisher.to_vec()),
        link_id: Some(world.link.to_vec()),
        shared_at_micros: Some(world.now.as_micros() - DAY_MICROS),
        event_stops: Vec::new(),
        cloned_from: None,
    }
}
