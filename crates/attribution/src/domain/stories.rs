//! Every rule, told as short stories.

use kernel::{FactId, Micros, Occurrence};
use uuid::Uuid;

use super::{
    Code, Known, KnownDecision, PersonAct, PersonDecision, Verdict, VerdictCode, diff,
    samples::{
        CLICKED, DAY, Feed, HOUR, at, codes, event, event_uuid, flagged, guide, postback, version,
        with_amount,
    },
};

#[test]
fn the_guide_out_of_order_and_twice() {
    let mut feed = Feed::new(vec![guide()]);
    assert_eq!(codes(&feed.take([postback(1, "level_10", 10)])), ["WAITING_SEQUENCE"]);
    let verdict = feed.take([
        postback(2, "Install", 20),
        postback(3, "Install", 30),
        with_amount(postback(4, "af_purchase", 40), 5),
        postback(5, "mystery", 50),
    ]);
    assert_eq!(codes(&verdict), ["QUALIFIED", "QUALIFIED", "DUPLICATE", "QUALIFIED", "UNMAPPED_EVENT"]);
    assert_eq!(verdict.conversions.len(), 3);
    assert!(verdict.conversions.iter().all(|one| one.verdict == Verdict::Qualified));
    assert!(verdict.waits.open && verdict.waits.until.is_none());
}

#[test]
fn a_postback_waits_for_its_click_and_no_longer_than_seven_days() {
    let mut feed = Feed::new(vec![guide()]);
    let click = feed.click.take();
    let verdict = feed.take([postback(1, "Install", 10)]);
    assert_eq!(codes(&verdict), ["WAITING_CLICK"]);
    assert_eq!(verdict.waits.until, Some(at(CLICKED + 10 + 7 * DAY)));
    assert_eq!(codes(&feed.judge(at(CLICKED + 10 + 7 * DAY))), ["UNATTRIBUTED_UNKNOWN_CLICK"]);
    feed.click = click;
    assert_eq!(codes(&feed.judge(at(CLICKED + 10 + 7 * DAY))), ["QUALIFIED"]);
}

#[test]
fn an_id_that_is_not_ours_is_decided_by_a_click_that_comes_all_the_same() {
    let mut feed = Feed::new(vec![guide()]);
    feed.ours = false;
    let click = feed.click.take();
    assert_eq!(codes(&feed.take([postback(1, "Install", 10)])), ["UNATTRIBUTED_INVALID_CLICK"]);
    feed.click = click;
    assert_eq!(codes(&feed.judge(at(CLICKED))), ["QUALIFIED"]);
}

#[test]
fn a_generation_is_judged_at_receipt_and_only_once() {
    let mut feed = Feed::new(vec![guide()]);
    let known = std::mem::take(&mut feed.credentials);
    assert_eq!(codes(&feed.take([postback(1, "Install", 10)])), ["WAITING_TERMS"]);
    feed.credentials = known;
    let revoke = |feed: &mut Feed, moment| {
        for credential in feed.credentials.values_mut() {
            for generation in credential.generations.values_mut() {
                generation.valid_until = Some(moment);
            }
        }
    };
    revoke(&mut feed, at(CLICKED + 11));
    assert_eq!(codes(&feed.judge(at(CLICKED))), ["QUALIFIED"], "received before the end");
    revoke(&mut feed, at(CLICKED));
    let verdict = feed.take([postback(2, "af_purchase", 11)]);
    assert_eq!(codes(&verdict), ["QUALIFIED", "REJECTED_CREDENTIAL"], "what was let through stays");
}

#[test]
fn an_advertisers_credential_reaches_only_its_own_offers() {
    let mut feed = Feed::new(vec![guide()]);
    for credential in feed.credentials.values_mut() {
        credential.advertiser = Some(kernel::AdvertiserId::from_uuid(Uuid::from_u128(9)));
    }
    assert_eq!(codes(&feed.take([postback(1, "Install", 10)])), ["REJECTED_CREDENTIAL"]);
}

#[test]
fn twins_and_reengagements_do_not_count() {
    let mut twin = postback(1, "Install", 10);
    twin.claims_mut().is_primary = Some(false);
    let mut again = postback(2, "Install", 20);
    again.claims_mut().retargeting_type = Some(String::from("re-engagement"));
    let mut event = postback(3, "af_purchase", 30);
    event.claims_mut().retargeting_type = Some(String::from("re-engagement"));
    let verdict = Feed::new(vec![guide()]).take([twin, again, event]);
    assert_eq!(codes(&verdict), ["IGNORED_NOT_PRIMARY", "IGNORED_REENGAGEMENT", "QUALIFIED"]);
}

#[test]
fn terms_that_come_later_decide_and_younger_events_take_the_terms_of_their_introduction() {
    let mut feed = Feed::new(Vec::new());
    assert_eq!(codes(&feed.take([postback(1, "Install", 10)])), ["WAITING_TERMS"]);
    let mut younger = event(7, "level_20", None);
    younger.introduced_in = 2;
    younger.introduced_terms.deadline_days = Some(1);
    let second = version(2, vec![event(1, "Install", Some(1)), younger]);
    feed.offer.versions.insert(2, second);
    let verdict = feed.take([postback(2, "level_20", 20), postback(3, "level_20", 2 * DAY)]);
    assert_eq!(codes(&verdict), ["WAITING_TERMS", "QUALIFIED", "REJECTED_LATE"]);
    assert_eq!(verdict.conversions[0].terms.version, 2);
    feed.offer.versions.insert(1, guide());
    assert_eq!(codes(&feed.judge(at(CLICKED)))[0], "QUALIFIED");
}

#[test]
fn a_mapping_that_is_repaired_decides_by_itself_and_an_old_name_keeps_working() {
    let mut feed = Feed::new(vec![guide()]);
    assert_eq!(
        codes(&feed.take([postback(1, "buy", 10), postback(2, "af_purchase", 20)]))[0],
        "UNMAPPED_EVENT"
    );
    let mut renamed = guide();
    renamed.number = 2;
    renamed.events[2].event_id = String::from("buy");
    feed.offer.versions.insert(2, renamed);
    // The same event under two names: the first committed holds it.
    let verdict = feed.judge(at(CLICKED));
    assert_eq!(codes(&verdict), ["DUPLICATE", "QUALIFIED"]);
    assert_eq!(verdict.conversions[0].event_id, "buy");
}

#[test]
fn dates_stops_and_app_are_judged_once() {
    let mut feed = Feed::new(vec![guide()]);
    feed.take([postback(1, "Install", 10)]);
    let mut ended = guide();
    ended.number = 2;
    ended.dates.until = Some(at(CLICKED));
    ended.app_id = Some(String::from("id1"));
    feed.offer.versions.insert(2, ended.clone());
    assert_eq!(codes(&feed.take([postback(2, "af_purchase", 20)])), ["QUALIFIED", "REJECTED_OUTSIDE_DATES"]);
    ended.dates.until = None;
    feed.offer.versions.insert(2, ended);
    let mut other_app = postback(3, "af_purchase", 30);
    other_app.claims_mut().app_id = Some(String::from("id2"));
    let verdict = feed.take([other_app]);
    assert_eq!(codes(&verdict)[1..], ["REJECTED_OUTSIDE_DATES", "REJECTED_WRONG_APP"]);
    feed.offer.stops.push(kernel::TimeWindow { from: at(CLICKED), until: None });
    assert_eq!(codes(&feed.take([postback(4, "af_purchase", 40)]))[3], "REJECTED_OFFER_PAUSED");
}

#[test]
fn targeting_is_lifted_by_a_version_that_widens_and_not_lost_by_one_that_narrows() {
    let mut narrow = guide();
    narrow.countries = vec![String::from("US")];
    let mut feed = Feed::new(vec![narrow.clone()]);
    let mut german = postback(1, "Install", 10);
    german.claims_mut().country = Some(String::from("DE"));
    assert_eq!(codes(&feed.take([german])), ["REJECTED_TARGETING"]);
    let mut wide = narrow.clone();
    wide.number = 2;
    wide.countries.push(String::from("DE"));
    feed.offer.versions.insert(2, wide);
    assert_eq!(codes(&feed.judge(at(CLICKED))), ["QUALIFIED"]);
    narrow.number = 3;
    feed.offer.versions.insert(3, narrow);
    assert_eq!(codes(&feed.judge(at(CLICKED))), ["QUALIFIED"]);
}

#[test]
fn the_deadline_counts_from_the_click_or_from_the_install() {
    let mut offer = guide();
    offer.events[2].terms.deadline_days = Some(2);
    let late = postback(1, "af_purchase", 2 * DAY + 1);
    assert_eq!(codes(&Feed::new(vec![offer.clone()]).take([late.clone()])), ["REJECTED_LATE"]);
    offer.events[2].terms.deadline_anchor = super::DeadlineAnchor::Install;
    let mut from_install = late;
    from_install.claims_mut().install_time = Some(at(CLICKED + DAY));
    assert_eq!(codes(&Feed::new(vec![offer]).take([from_install])), ["QUALIFIED"]);
}

#[test]
fn a_sequence_waits_for_its_grace_and_is_lifted_by_what_was_received_in_time() {
    let mut feed = Feed::new(vec![guide()]);
    let verdict = feed.take([postback(1, "level_10", 10)]);
    assert_eq!(verdict.waits.until, Some(at(CLICKED + 10 + 72 * HOUR)));
    assert_eq!(codes(&feed.judge(at(CLICKED + 10 + 72 * HOUR))), ["REJECTED_SEQUENCE"]);
    feed.postbacks.push(postback(2, "Install", 10 + 72 * HOUR + 1));
    assert_eq!(
        codes(&feed.judge(at(CLICKED + 80 * HOUR))),
        ["REJECTED_SEQUENCE", "QUALIFIED"],
        "received too late"
    );
    feed.postbacks.push(postback(3, "Install", 10 + 72 * HOUR));
    let verdict = feed.judge(at(CLICKED + 80 * HOUR));
    assert_eq!(codes(&verdict)[0], "QUALIFIED", "processed late, but received in time");
}

#[test]
fn number_one_with_several_events_is_reached_by_any_and_others_by_all() {
    let events = vec![
        event(1, "Install", Some(1)),
        event(2, "open", Some(1)),
        event(3, "a", Some(3)),
        event(4, "b", Some(3)),
        event(5, "end", Some(7)),
    ];
    let mut feed = Feed::new(vec![version(1, events)]);
    let verdict = feed.take([postback(1, "end", 10), postback(2, "a", 20), postback(3, "open", 30)]);
    assert_eq!(codes(&verdict), ["WAITING_SEQUENCE", "QUALIFIED", "QUALIFIED"]);
    assert_eq!(
        codes(&feed.take([postback(4, "b", 40)])),
        ["QUALIFIED", "QUALIFIED", "QUALIFIED", "QUALIFIED"]
    );
}

#[test]
fn a_min_time_compares_effective_times() {
    let mut offer = guide();
    offer.events[1].terms.min_time_seconds = Some(HOUR);
    let mut feed = Feed::new(vec![offer]);
    let verdict = feed.take([postback(1, "Install", 100), postback(2, "level_10", 200)]);
    assert_eq!(codes(&verdict), ["QUALIFIED", "REJECTED_TOO_FAST"]);
    // A repeat of the predecessor with an earlier event time is evidence like the first.
    let mut earlier = postback(3, "Install", 300);
    earlier.claims_mut().event_time = Some(at(CLICKED + 200 - HOUR));
    assert_eq!(codes(&feed.take([earlier])), ["QUALIFIED", "QUALIFIED", "DUPLICATE"]);
}

#[test]
fn repeats_bring_amounts_or_conflict() {
    let mut feed = Feed::new(vec![guide()]);
    feed.take([postback(1, "af_purchase", 10)]);
    let verdict = feed.take([
        with_amount(postback(2, "af_purchase", 20), 5),
        with_amount(postback(3, "af_purchase", 30), 5),
        with_amount(postback(4, "af_purchase", 40), 7),
        postback(5, "af_purchase", 50),
    ]);
    assert_eq!(codes(&verdict), ["QUALIFIED", "AMENDMENT", "DUPLICATE", "CONFLICT", "DUPLICATE"]);
    assert_eq!(verdict.conversions[0].reported.money.unwrap().amount, Micros(5_000_000));
}

#[test]
fn who_was_committed_first_keeps_its_slot() {
    let mut feed = Feed::new(vec![guide()]);
    let first = feed.take([with_amount(postback(9, "af_purchase", 90), 7)]);
    let verdict = feed.take([with_amount(postback(1, "af_purchase", 10), 5)]);
    assert_eq!(codes(&verdict), ["CONFLICT", "QUALIFIED"]);
    assert_eq!(verdict.conversions, first.conversions);
}

#[test]
fn repetitions_are_told_apart_by_conversion_id_then_by_event_time() {
    let mut offer = guide();
    offer.events[2].terms.repetitions_allowed = true;
    let by_id = |receipt, id: &str| {
        let mut one = postback(receipt, "af_purchase", i64::try_from(receipt).unwrap());
        one.claims_mut().conversion_id = Some(String::from(id));
        one
    };
    let by_time = |receipt, millis| {
        let mut one = postback(receipt, "af_purchase", i64::try_from(receipt).unwrap());
        one.claims_mut().event_time = Some(kernel::Timestamp::from_micros(millis));
        one
    };
    let verdict = Feed::new(vec![offer]).take([
        by_id(1, "a"),
        by_id(2, "b"),
        by_id(3, "a"),
        by_time(4, 1_000),
        by_time(5, 1_999),
        by_time(6, 2_000),
        postback(7, "af_purchase", 7),
    ]);
    let expected =
        ["QUALIFIED", "QUALIFIED", "DUPLICATE", "QUALIFIED", "DUPLICATE", "QUALIFIED", "QUALIFIED"];
    assert_eq!(codes(&verdict), expected);
}

#[test]
fn a_fraud_flag_vetoes_its_occurrence_and_puts_higher_steps_on_review() {
    let offer = version(
        1,
        vec![
            event(1, "open", Some(1)),
            event(2, "level", Some(2)),
            event(3, "end", Some(3)),
            event(4, "x", None),
        ],
    );
    let mut feed = Feed::new(vec![offer]);
    feed.take([
        postback(1, "open", 10),
        postback(2, "level", 20),
        postback(3, "end", 30),
        postback(4, "x", 40),
    ]);
    let verdict = feed.take([flagged(postback(5, "level", 50))]);
    assert_eq!(codes(&verdict)[4], "REJECTED_FRAUD");
    let verdicts: Vec<_> = verdict.conversions.iter().map(|one| (one.verdict, one.code)).collect();
    assert_eq!(
        verdicts,
        [
            (Verdict::Qualified, VerdictCode::Qualified),
            (Verdict::Vetoed, VerdictCode::RejectedFraud),
            (Verdict::OnReview, VerdictCode::ReviewVetoedStep),
            (Verdict::Qualified, VerdictCode::Qualified),
        ]
    );
}

#[test]
fn a_flagged_postback_alone_reaches_its_step_and_lends_its_amount() {
    let mut feed = Feed::new(vec![guide()]);
    let verdict = feed.take([flagged(with_amount(postback(1, "af_purchase", 10), 9))]);
    assert_eq!(verdict.conversions[0].verdict, Verdict::Vetoed);
    assert_eq!(verdict.conversions[0].reported.money.unwrap().amount, Micros(9_000_000));
    let verdict = feed.take([with_amount(postback(2, "af_purchase", 20), 5)]);
    assert_eq!(codes(&verdict), ["REJECTED_FRAUD", "QUALIFIED"]);
    assert_eq!(verdict.conversions[0].reported.money.unwrap().amount, Micros(5_000_000));
    assert_eq!(verdict.conversions[0].verdict, Verdict::Vetoed);
}

#[test]
fn a_vetoed_install_taints_everything_also_when_it_is_not_mapped() {
    let verdict =
        Feed::new(vec![guide()]).take([flagged(postback(1, "Install", 10)), postback(2, "af_purchase", 20)]);
    assert_eq!(verdict.conversions[1].code, VerdictCode::ReviewTainted);
    let no_install = version(1, vec![event(3, "af_purchase", None)]);
    let verdict = Feed::new(vec![no_install])
        .take([flagged(postback(1, "Install", 10)), postback(2, "af_purchase", 20)]);
    assert_eq!(verdict.conversions[0].code, VerdictCode::ReviewTainted);
}

#[test]
fn a_refund_puts_on_review_what_it_refers_to() {
    let mut offer = guide();
    offer.events[2].terms.repetitions_allowed = true;
    let bought = |receipt, id: &str, units| {
        let mut one = with_amount(postback(receipt, "af_purchase", 10), units);
        one.claims_mut().conversion_id = Some(String::from(id));
        one
    };
    let mut feed = Feed::new(vec![offer]);
    let verdict = feed.take([bought(1, "a", 5), bought(2, "b", 5), bought(3, "b", -5)]);
    assert_eq!(codes(&verdict), ["QUALIFIED", "QUALIFIED", "REFUND"]);
    let reviewed: Vec<_> = verdict.conversions.iter().map(|one| one.code).collect();
    assert_eq!(reviewed, [VerdictCode::Qualified, VerdictCode::ReviewRefund]);
    let verdict = feed.take([with_amount(postback(4, "af_purchase", 10), -5)]);
    assert!(verdict.conversions.iter().all(|one| one.code == VerdictCode::ReviewRefund));
}

#[test]
fn the_latest_decision_of_a_person_outranks_everything() {
    let mut feed = Feed::new(vec![guide()]);
    feed.take([flagged(postback(1, "Install", 10)), postback(2, "af_purchase", 20)]);
    let decision = |id, event, act, seconds| PersonDecision {
        event: event_uuid(event),
        occurrence: Occurrence::Once,
        decided_at: at(seconds),
        id: FactId::from_uuid(Uuid::from_u128(id)),
        act,
    };
    feed.people = vec![decision(1, 3, PersonAct::Reject, 20), decision(2, 3, PersonAct::ClearReview, 10)];
    assert_eq!(feed.judge(at(CLICKED)).conversions[1].code, VerdictCode::RejectedByPerson);
    feed.people.push(decision(3, 1, PersonAct::Restore, 30));
    feed.people.push(decision(4, 3, PersonAct::Approve, 20));
    let codes: Vec<_> = feed.judge(at(CLICKED)).conversions.iter().map(|one| one.code).collect();
    assert_eq!(codes, [VerdictCode::AcceptedByPerson, VerdictCode::AcceptedByPerson]);
}

#[test]
fn only_what_changed_is_new() {
    let mut feed = Feed::new(vec![guide()]);
    let verdict = feed.take([postback(1, "level_10", 10)]);
    let first = diff(&Known::default(), &verdict);
    assert_eq!((first.decisions.len(), first.conversions.len()), (1, 0));
    let mut known = Known::default();
    let mut keep = |changes: &super::Changes| {
        for change in &changes.decisions {
            let decision = KnownDecision {
                code: change.decision.code,
                revision: change.revision,
                settled: change.decision.settled,
            };
            known.decisions.insert(change.decision.receipt, decision);
        }
        for (revision, _, conversion) in &changes.conversions {
            known.conversions.insert(conversion.id, (*revision, conversion.clone()));
        }
        known.clone()
    };
    let known_after = keep(&first);
    assert_eq!(diff(&known_after, &feed.judge(at(CLICKED))), super::Changes::default());
    let second = diff(&known_after, &feed.take([postback(2, "Install", 20)]));
    let revisions: Vec<_> = second.decisions.iter().map(|one| (one.revision, one.replaces)).collect();
    assert_eq!(revisions, [(2, Some(Code::WaitingSequence)), (1, None)]);
    assert_eq!(second.conversions.iter().map(|one| one.0).collect::<Vec<_>>(), [1, 1]);
    let known_after = keep(&second);
    let third = diff(&known_after, &feed.take([flagged(postback(3, "Install", 30))]));
    let told: Vec<_> = third.conversions.iter().map(|(revision, change, _)| (*revision, *change)).collect();
    assert_eq!(told, [(2, super::ConversionChange::Vetoed), (2, super::ConversionChange::ReviewRequested)]);
}

#[test]
fn a_member_earns_an_event_once_and_has_done_the_step_all_the_same() {
    let mut feed = Feed::new(vec![guide()]);
    let other = kernel::ClickId::from_uuid(Uuid::from_u128(77));
    feed.first_clicks.insert(event_uuid(1), other);
    let verdict =
        feed.take([postback(1, "Install", 10), postback(2, "Install", 20), postback(3, "level_10", 30)]);
    assert_eq!(codes(&verdict), ["REJECTED_MEMBER_REPEAT", "DUPLICATE", "QUALIFIED"]);
    let verdicts: Vec<_> = verdict.conversions.iter().map(|one| (one.verdict, one.code)).collect();
    let refused = (Verdict::Vetoed, VerdictCode::RejectedMemberRepeat);
    assert_eq!(verdicts, [refused, (Verdict::Qualified, VerdictCode::Qualified)], "nothing is tainted by it");
    let last = verdict.decisions[0].trace.steps().last().unwrap();
    assert_eq!((last.rule.number(), &last.saw[0].1), (15, &other.to_string()), "the winner is named");
    assert_eq!(verdict.first_steps.iter().map(|step| step.event).collect::<Vec<_>>(), [event_uuid(2)]);
}

#[test]
fn rule_15_asks_neither_repeatable_events_nor_flagged_postbacks_nor_clicks_without_a_member() {
    let other = kernel::ClickId::from_uuid(Uuid::from_u128(77));
    let done = |feed: &mut Feed| feed.first_clicks = [1, 2, 3].map(|id| (event_uuid(id), other)).into();
    let mut repeatable = guide();
    repeatable.events[2].terms.repetitions_allowed = true;
    let mut feed = Feed::new(vec![repeatable]);
    done(&mut feed);
    let verdict = feed.take([postback(1, "af_purchase", 10), flagged(postback(2, "Install", 20))]);
    assert_eq!(codes(&verdict), ["QUALIFIED", "REJECTED_FRAUD"]);
    assert_eq!(verdict.conversions[0].code, VerdictCode::RejectedFraud);
    assert_eq!(verdict.first_steps, []);
    let mut nameless = Feed::new(vec![guide()]);
    done(&mut nameless);
    nameless.click.as_mut().unwrap().member = None;
    assert_eq!(codes(&nameless.take([postback(1, "Install", 10)])), ["QUALIFIED"]);
}
