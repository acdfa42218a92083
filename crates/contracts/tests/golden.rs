//! Bytes that were written once must decode for ever: queues, spools and outboxes outlive a release.
//!
//! Each sample was encoded on the day its message was born. `GOKART_WRITE_LOCK=1` writes samples that have no file yet;
//! it never touches one that is there.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{fmt::Debug, fs, path::PathBuf};

use contracts::{attribution, catalog, common, envelope, ingest, payout, tracker};
use prost::Message;

fn id(byte: u8) -> Vec<u8> {
    vec![byte; 16]
}

fn usd(micros: i64) -> common::Money {
    common::Money { micros, currency: "USD".into() }
}

fn terms() -> common::MoneyTerms {
    common::MoneyTerms {
        currency: "USD".into(),
        revenue: Some(common::RevenueTerms {
            model: Some(common::revenue_terms::Model::FlatMicros(2_000_000)),
        }),
        payout: Some(common::PayoutTerms {
            model: Some(common::payout_terms::Model::ShareOfRevenueBps(7_500)),
        }),
        reward_points: 500,
        pending_days: 7,
        reverse_on_fraud: true,
    }
}

fn publisher_parameters() -> tracker::PublisherParameters {
    tracker::PublisherParameters {
        pub_click_id: "abc".into(),
        pub_member_id: "user-1".into(),
        pub_subs: [(1, "left".into()), (15, "right".into())].into(),
        gender: Some(catalog::Gender::Female.into()),
        age: Some(34),
    }
}

fn holds<M: Message + Default + PartialEq + Debug>(name: &str, sample: &M) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.hex"));
    if !path.exists() && std::env::var_os("GOKART_WRITE_LOCK").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, hex::encode(sample.encode_to_vec()) + "\n").unwrap();
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let decoded = M::decode(hex::decode(text.trim()).unwrap().as_slice()).unwrap();
    assert_eq!(
        &decoded, sample,
        "the golden bytes of {name} decode to something else: a published field changed its meaning"
    );
}

#[test]
fn golden_bytes_decode_for_ever() {
    holds(
        "fact_batch",
        &envelope::FactBatch {
            items: vec![envelope::Envelope {
                fact_id: id(1),
                tenant_id: id(2),
                recorded_at_micros: 1_790_000_000_000_000,
                traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
                tracestate: "vendor=1".into(),
                fact: "gokart.tracker.v1.ClickRecorded".into(),
                body: vec![1, 2, 3].into(),
            }],
        },
    );
    holds(
        "offer_version_created",
        &catalog::OfferVersionCreated {
            tenant_id: id(2),
            offer_id: id(3),
            version: 2,
            created_at_micros: 1_790_000_000_000_000,
            advertiser_id: id(4),
            offer_type: catalog::OfferType::MultiEvent.into(),
            tracking_system: "AppsFlyer".into(),
            name: "Golfin iOS".into(),
            offer_link: "https://app.appsflyer.com/id1?pid=gokart_int".into(),
            launch_at_micros: 1_789_000_000_000_000,
            countries: vec!["US".into(), "ZA".into()],
            platforms: vec![catalog::Platform::Ios.into()],
            events: vec![catalog::OfferEvent {
                offer_event_id: id(5),
                event_id: "level_10".into(),
                name: "Reach Level 10".into(),
                sequence_number: Some(2),
                terms: Some(catalog::EventTerms {
                    money: Some(terms()),
                    deadline_days: Some(30),
                    deadline_anchor: catalog::DeadlineAnchor::Install.into(),
                    min_time_seconds: Some(3_600),
                    repetitions_allowed: true,
                }),
                introduced_in_version: 1,
                caps: Some(catalog::Caps { daily: Some(100), ..Default::default() }),
                ..Default::default()
            }],
            number_rules: vec![catalog::SequenceNumberRule {
                sequence_number: 1,
                reached_by: catalog::ReachedBy::Any.into(),
            }],
            total_budget: Some(usd(10_000_000_000)),
            over_limit_action: catalog::OverLimitAction::Reject.into(),
            currency: "USD".into(),
            sequence_grace_hours: 72,
            ..Default::default()
        },
    );
    holds(
        "click_recorded",
        &tracker::ClickRecorded {
            tenant_id: id(2),
            gk_click_id: id(6),
            clicked_at_micros: 1_790_000_000_000_000,
            link_id: id(7),
            offer_id: id(3),
            offer_version: 2,
            advertiser_id: id(4),
            publisher_id: id(8),
            publisher_parameters: Some(publisher_parameters()),
            visitor: Some(tracker::Visitor {
                ip_address: "203.0.113.9".into(),
                user_agent: "Mozilla/5.0".into(),
                country: Some("US".into()),
                platform: Some(catalog::Platform::Ios.into()),
            }),
        },
    );
    holds(
        "postback_received",
        &ingest::PostbackReceived {
            tenant_id: id(2),
            credential_id: id(9),
            credential_generation: 3,
            method: ingest::HttpMethod::Get.into(),
            query: b"gk_click_id=x&cnv_event_id=Install".to_vec(),
            content_type: String::new(),
            body: Vec::new(),
            caller_ip: "45.92.116.7".into(),
            caller_outside_ranges: true,
        },
    );
    holds(
        "conversion_qualified",
        &attribution::ConversionQualified {
            verdict: Some(attribution::ConversionVerdict {
                tenant_id: id(2),
                conversion_id: id(10),
                revision: 4,
                verdict: attribution::Verdict::Qualified.into(),
                code: "QUALIFIED".into(),
                click: Some(attribution::JourneyClick {
                    gk_click_id: id(6),
                    clicked_at_micros: 1_790_000_000_000_000,
                    link_id: id(7),
                    publisher_parameters: Some(publisher_parameters()),
                    visitor: None,
                }),
                offer_event_id: id(5),
                event_id: "level_10".into(),
                sequence_number: Some(2),
                occurrence: "once".into(),
                receipt: id(11),
                reported: Some(attribution::ReportedAmount {
                    amount: Some(usd(4_990_000)),
                    usd_micros: Some(4_990_000),
                    currency_assumed: false,
                }),
                terms: Some(terms()),
                reached: true,
                ..Default::default()
            }),
        },
    );
    holds(
        "conversion_status_changed",
        &payout::ConversionStatusChanged {
            tenant_id: id(2),
            conversion_id: id(10),
            status_revision: 2,
            status: catalog::ConversionStatus::Success.into(),
            verdict_revision: 4,
            revenue: Some(usd(2_000_000)),
            payout: Some(usd(1_500_000)),
            actor: payout::ActorKind::Time.into(),
            due_at_micros: Some(1_790_600_000_000_000),
            ..Default::default()
        },
    );
}
