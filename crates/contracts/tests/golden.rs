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

fn rate() -> common::CurrencyRate {
    common::CurrencyRate { from: "VND".into(), to: "USD".into(), rate_e12: 39_000_000 }
}

fn ended_generation() -> catalog::CredentialGeneration {
    catalog::CredentialGeneration {
        generation: 2,
        issued_at_micros: 1_780_000_000_000_000,
        valid_until_micros: Some(1_790_000_000_000_000),
    }
}

fn alarm() -> attribution::Alarm {
    attribution::Alarm {
        tenant_id: id(2),
        alarm_id: id(18),
        kind: attribution::AlarmKind::UnmappedShare.into(),
        offer_id: Some(id(3)),
        event_id: "level_10".into(),
        raised_at_micros: 1_790_000_000_000_000,
        since_micros: 1_789_999_000_000_000,
        postbacks: 100,
        matching: 40,
        usual_postbacks: 10_000,
        usual_matching: 100,
        sentence: "Of 100 \"level_10\", 40 are not mapped in the offer.".into(),
    }
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
            status: catalog::ConversionStatus::Rejected.into(),
            on_review: true,
            reason_code: "REJECTED_FRAUD".into(),
            reason: "reported as fraud".into(),
            verdict_revision: 4,
            gk_click_id: id(6),
            offer_id: id(3),
            offer_event_id: id(5),
            publisher_id: id(8),
            advertiser_id: id(4),
            revenue: Some(usd(2_000_000)),
            payout: Some(usd(1_500_000)),
            changed_at_micros: 1_790_000_001_000_000,
            actor: payout::ActorKind::Person.into(),
            due_at_micros: Some(1_790_600_000_000_000),
            flagged: true,
            reversed: true,
            unpaid: true,
            reward_points: 500,
            event_id: "level_10".into(),
            occurrence: "once".into(),
            received_at_micros: 1_790_000_000_000_000,
            token_id: Some(id(12)),
            rate: Some(rate()),
        },
    );
    holds(
        "conversion_decided_by_person",
        &payout::ConversionDecidedByPerson {
            tenant_id: id(2),
            conversion_id: id(10),
            gk_click_id: id(6),
            offer_event_id: id(5),
            occurrence: "id:order-7".into(),
            decision: payout::PersonDecision::Restore.into(),
            token_id: id(12),
            reason: "the advertiser confirmed it".into(),
        },
    );
    holds(
        "budget_state_changed",
        &payout::BudgetStateChanged {
            tenant_id: id(2),
            offer_id: id(3),
            version: 9,
            state: payout::BudgetState::Spent.into(),
            left_total: Some(usd(5_000_000)),
            left_today: Some(usd(-1_000_000)),
            resumes_at_micros: Some(1_790_035_200_000_000),
        },
    );
    holds(
        "budget_raised",
        &payout::BudgetRaised {
            tenant_id: id(2),
            offer_id: id(3),
            number: 1_790_000_000_000_000,
            total: Some(usd(6_000_000_000)),
            total_number: 1_790_000_000_000_000,
            daily: Some(usd(100_000_000)),
            daily_number: 1_780_000_000_000_000,
            conversion_id: id(10),
            token_id: id(15),
            reason: "The advertiser agreed to more.".into(),
            raised_at_micros: 1_790_000_003_000_000,
        },
    );
    holds(
        "delivery_outcome",
        &payout::DeliveryOutcome {
            tenant_id: id(2),
            delivery_id: id(13),
            conversion_id: id(10),
            status_revision: 2,
            endpoint_id: id(14),
            publisher_id: id(8),
            result: payout::DeliveryResult::Stopped.into(),
            attempts: 3,
            last_http_status: Some(410),
            ended_at_micros: 1_790_000_002_000_000,
            version: 2,
            stop_reason: "410".into(),
        },
    );
}

#[test]
fn golden_bytes_of_the_parties_decode_for_ever() {
    holds(
        "tenant_changed",
        &catalog::TenantChanged {
            tenant_id: id(2),
            version: 3,
            domain: "Brownboots".into(),
            display_name: "Brown Boots".into(),
            time_zone: "Africa/Johannesburg".into(),
            default_currency: "USD".into(),
            media_sources: vec!["gokart_int".into()],
            rates: vec![rate()],
            active: true,
        },
    );
    holds(
        "api_token_changed",
        &catalog::ApiTokenChanged {
            tenant_id: id(2),
            token_id: id(12),
            version: 2,
            token_hash: vec![7; 32],
            role: catalog::TokenRole::Publisher.into(),
            publisher_id: Some(id(8)),
            expires_at_micros: Some(1_800_000_000_000_000),
            revoked_at_micros: Some(1_790_000_000_000_000),
            scopes: Vec::new(),
        },
    );
    holds(
        "person_erased",
        &attribution::PersonErased {
            tenant_id: id(2),
            erasure_id: id(16),
            token_id: id(17),
            erased_at_micros: 1_790_000_000_000_000,
            clicks: vec![attribution::ErasedClick { gk_click_id: id(6), member: "erased:1:q0w5".into() }],
        },
    );
    holds("alarm_raised", &attribution::AlarmRaised { alarm: Some(alarm()) });
    holds(
        "alarm_cleared",
        &attribution::AlarmCleared {
            alarm: Some(alarm()),
            cleared_at_micros: 1_790_000_100_000_000,
            because: attribution::AlarmClearing::Recovered.into(),
        },
    );
    holds("input_heard", &attribution::InputHeard { heard_until_micros: 1_790_000_000_000_000 });
    holds(
        "credential_changed",
        &catalog::CredentialChanged {
            tenant_id: id(2),
            credential_id: id(9),
            version: 2,
            advertiser_id: Some(id(4)),
            generations: vec![ended_generation()],
        },
    );
    holds(
        "credential_generations",
        &catalog::CredentialGenerations {
            version: 5,
            generated_at_micros: 1_790_000_000_000_000,
            credentials: vec![catalog::AcceptedGenerations {
                credential_id: id(9),
                tenant_id: id(2),
                minimum_generation: 2,
                ending: vec![ended_generation()],
            }],
        },
    );
    holds(
        "advertiser_changed",
        &catalog::AdvertiserChanged {
            tenant_id: id(2),
            advertiser_id: id(4),
            version: 2,
            name: "Golfin".into(),
            active: true,
            review_window_days: Some(14),
            total_budget: Some(usd(50_000_000_000)),
        },
    );
    holds(
        "publisher_changed",
        &catalog::PublisherChanged {
            tenant_id: id(2),
            publisher_id: id(8),
            version: 2,
            name: "Offerwall".into(),
            active: true,
            endpoints: vec![catalog::PostbackEndpoint {
                endpoint_id: id(14),
                offer_id: Some(id(3)),
                offer_event_id: Some(id(5)),
                method: catalog::PostbackMethod::PostJson.into(),
                url_template: "https://publisher.example/postback?click={pub_click_id}".into(),
                statuses: vec![
                    catalog::ConversionStatus::Success.into(),
                    catalog::ConversionStatus::Rejected.into(),
                ],
                also_global: true,
                signing_secrets: vec![catalog::SealedSecret {
                    sealed: vec![1, 2, 3],
                    valid_until_micros: Some(1_790_000_000_000_000),
                }],
                custom_header_name: Some("X-Key".into()),
                custom_header_value: Some(catalog::SealedSecret {
                    sealed: vec![4, 5, 6],
                    valid_until_micros: None,
                }),
                active: true,
            }],
            max_concurrency: Some(4),
            max_per_second: Some(50),
        },
    );
    holds(
        "offer_changed",
        &catalog::OfferChanged {
            tenant_id: id(2),
            offer_id: id(3),
            revision: 6,
            status: catalog::OfferStatus::Paused.into(),
            newest_version: 2,
            publisher_id: Some(id(8)),
            link_id: Some(id(7)),
            shared_at_micros: Some(1_789_500_000_000_000),
            event_stops: vec![catalog::EventStop {
                from_at_micros: 1_789_600_000_000_000,
                until_at_micros: Some(1_789_700_000_000_000),
            }],
            cloned_from: Some(id(15)),
        },
    );
    holds(
        "click_refused",
        &tracker::ClickRefused {
            tenant_id: id(2),
            refused_at_micros: 1_790_000_000_000_000,
            link_id: id(7),
            offer_id: Some(id(3)),
            offer_version: Some(2),
            publisher_id: Some(id(8)),
            reason: tracker::RefusalReason::MissingParameter.into(),
            publisher_parameters: Some(publisher_parameters()),
            visitor: None,
            sent_to_fallback: true,
            link_text: "no-such-link".into(),
            parameter: "pub_click_id".into(),
        },
    );
    holds(
        "credential_used",
        &ingest::CredentialUsed {
            tenant_id: id(2),
            credential_id: id(9),
            generation: 3,
            app_id: "id1234567890".into(),
            first_used_at_micros: 1_790_000_000_000_000,
            last_used_at_micros: 1_790_000_050_000_000,
            uses: 1_234,
        },
    );
}
