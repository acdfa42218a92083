//! What replay does, told one by one.

use super::*;
use crate::domain::{
    OfferEvent, PersonAct, PersonDecision, Version, judge,
    samples::{CLICKED, DAY, Feed, HOUR, at, codes, event_uuid, guide, postback, version},
};

/// The guide's offer in two versions: the second as `change` makes it, for clicks from then on.
fn two_versions(change: impl FnOnce(&mut Version)) -> Feed {
    let first = guide();
    let mut second = Version { number: 2, ..first.clone() };
    change(&mut second);
    Feed::new(vec![first, second])
}

fn event(version: &mut Version, place: usize) -> &mut OfferEvent {
    &mut version.events[place]
}

fn replayed(feed: &mut Feed, version: u32) -> JourneyVerdict {
    feed.replayed = vec![version];
    feed.judge(at(CLICKED + 100 * DAY))
}

fn verdicts(verdict: &JourneyVerdict) -> Vec<(&str, &'static str)> {
    verdict.conversions.iter().map(|one| (one.event_id.as_str(), one.code.as_str())).collect()
}

#[test]
fn what_only_the_chosen_terms_accept_is_gained_with_their_terms() {
    let mut feed = two_versions(|_| {});
    for event in &mut feed.offer.versions.get_mut(&1).unwrap().events {
        event.terms.deadline_days = Some(1);
    }
    let before = feed.take([postback(1, "Install", HOUR), postback(2, "level_10", 2 * DAY)]);
    assert_eq!(codes(&before), ["QUALIFIED", "REJECTED_LATE"]);
    let after = replayed(&mut feed, 2);
    assert_eq!(codes(&after), ["QUALIFIED", "QUALIFIED"]);
    assert_eq!(verdicts(&after), [("Install", "QUALIFIED"), ("level_10", "QUALIFIED")]);
    let versions: Vec<u32> = after.conversions.iter().map(|one| one.terms.version).collect();
    assert_eq!(versions, [1, 2], "what was told keeps its terms, what is gained has the chosen ones");
    let trace: Vec<String> = after.decisions[1].trace.steps().iter().map(Step::sentence).collect();
    assert!(trace[2].contains("offer version: 1"), "{trace:?}");
    assert!(trace[7].contains("replayed under version: 2"), "{trace:?}");
}

#[test]
fn what_the_chosen_terms_would_refuse_goes_on_review_and_people_outrank_it() {
    let mut feed = two_versions(|second| event(second, 1).terms.deadline_days = Some(1));
    feed.take([postback(1, "Install", HOUR), postback(2, "level_10", 2 * DAY)]);
    let after = replayed(&mut feed, 2);
    assert_eq!(verdicts(&after), [("Install", "QUALIFIED"), ("level_10", "REVIEW_REPLAY")]);
    assert_eq!(codes(&after), ["QUALIFIED", "QUALIFIED"], "it is reached, and stays so");
    let chosen = under(&feed.inputs(), &after, 2, at(CLICKED + 100 * DAY));
    assert_eq!(codes(&chosen), ["QUALIFIED", "REJECTED_LATE"], "what the report shows");
    feed.people.push(PersonDecision {
        event: event_uuid(2),
        occurrence: kernel::Occurrence::Once,
        decided_at: at(CLICKED),
        id: kernel::FactId::from_uuid(uuid::Uuid::from_u128(1)),
        act: PersonAct::Approve,
    });
    assert_eq!(verdicts(&replayed(&mut feed, 2))[1], ("level_10", "ACCEPTED_BY_PERSON"));
}

#[test]
fn dates_are_the_chosen_versions_and_what_comes_later_is_judged_alike() {
    let mut feed = two_versions(|_| {});
    feed.offer.versions.get_mut(&2).unwrap().dates.until = Some(at(CLICKED + HOUR));
    let before = feed.take([postback(1, "Install", 2 * HOUR)]);
    assert_eq!(codes(&before), ["REJECTED_OUTSIDE_DATES"]);
    let third = Version { number: 3, ..guide() };
    feed.offer.versions.insert(3, third);
    assert_eq!(codes(&feed.judge(at(CLICKED))), ["REJECTED_OUTSIDE_DATES"], "judged once");
    assert_eq!(codes(&replayed(&mut feed, 3)), ["QUALIFIED"]);
    // Another end, later: nothing that was told is taken back.
    let mut fourth = Version { number: 4, ..guide() };
    fourth.dates.until = Some(at(CLICKED));
    feed.offer.versions.insert(4, fourth);
    let late = feed.take([postback(2, "level_10", 3 * HOUR)]);
    assert_eq!(codes(&late), ["QUALIFIED", "QUALIFIED"]);
}

#[test]
fn a_stop_that_was_met_stays_met() {
    let mut feed = two_versions(|_| {});
    feed.offer.stops = vec![kernel::TimeWindow { from: at(CLICKED), until: Some(at(CLICKED + HOUR)) }];
    assert_eq!(codes(&feed.take([postback(1, "Install", 60)])), ["REJECTED_OFFER_PAUSED"]);
    assert_eq!(codes(&replayed(&mut feed, 2)), ["REJECTED_OFFER_PAUSED"]);
}

#[test]
fn where_repeats_are_allowed_after_all_each_step_earns_once() {
    let mut feed = two_versions(|second| event(second, 2).terms.repetitions_allowed = true);
    let order = |receipt: u128, id: &str| {
        let mut one = postback(receipt, "af_purchase", HOUR * i64::try_from(receipt).unwrap());
        one.claims_mut().conversion_id = Some(String::from(id));
        one
    };
    let before = feed.take([order(1, "a"), order(2, "b"), order(3, "b")]);
    assert_eq!(codes(&before), ["QUALIFIED", "DUPLICATE", "DUPLICATE"]);
    let after = replayed(&mut feed, 2);
    assert_eq!(codes(&after), ["QUALIFIED", "QUALIFIED", "DUPLICATE"]);
    let mut occurrences: Vec<&str> = after.conversions.iter().map(|one| one.occurrence.as_str()).collect();
    occurrences.sort_unstable();
    assert_eq!(occurrences, ["id:b", "once"], "the first was told as it is");
    assert_eq!(codes(&feed.take([order(4, "c")]))[3], "QUALIFIED", "and so what still comes");
}

#[test]
fn a_second_replay_releases_what_the_first_put_on_review() {
    let mut feed = two_versions(|second| event(second, 0).terms.deadline_days = Some(1));
    feed.offer.versions.insert(3, version(3, guide().events));
    feed.take([postback(1, "Install", 2 * DAY)]);
    assert_eq!(verdicts(&replayed(&mut feed, 2)), [("Install", "REVIEW_REPLAY")]);
    feed.replayed = vec![2, 3];
    let after = feed.judge(at(CLICKED + 100 * DAY));
    assert_eq!(verdicts(&after), [("Install", "QUALIFIED")]);
    assert_eq!(after.conversions[0].terms.version, 1, "as it was told");
    assert_eq!(judge(&feed.inputs(), at(CLICKED + 100 * DAY)), after);
}
