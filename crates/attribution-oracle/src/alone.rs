//! Rules 1 to 12: what a postback says for itself, read off the table from top to bottom.

use crate::case::{Anchor, Case, Click, DAY, Event, HOUR, Postback, Stray, Terms, Version};

/// A postback by itself.
pub(crate) struct Alone<'a> {
    pub(crate) postback: &'a Postback,
    /// The code of the first rule that stops it.
    pub(crate) stopped: Option<&'static str>,
    /// Rule 7 was asked, and it is flagged.
    pub(crate) flagged: bool,
    /// The event it was mapped to, with the click's terms.
    pub(crate) event: Option<(u64, &'a Terms)>,
}

/// Rule 1 for a postback without a usable click.
#[must_use]
pub fn without_click(stray: &Stray, own_sources: &[String]) -> &'static str {
    let no_ids = !stray.names_something && !stray.names_device;
    let floored = !stray.times.is_empty() && stray.times.iter().all(|time| time.rem_euclid(HOUR) == 0);
    if no_ids && floored {
        return "UNATTRIBUTED_PRIVACY";
    }
    let of_others = stray.media_source.as_ref().is_some_and(|source| {
        let source = source.to_lowercase();
        let own = own_sources.iter().any(|own| own.to_lowercase() == source);
        source == "organic" || (!own_sources.is_empty() && !own)
    });
    if of_others { "UNATTRIBUTED_ORGANIC" } else { "UNATTRIBUTED_NO_CLICK" }
}

pub(crate) fn alone<'a>(case: &'a Case, postback: &'a Postback) -> Alone<'a> {
    let mut found = Alone { postback, stopped: None, flagged: false, event: None };
    found.stopped = first_stop(case, postback, &mut found.flagged, &mut found.event);
    found
}

fn first_stop<'a>(
    case: &'a Case,
    postback: &'a Postback,
    flagged: &mut bool,
    event: &mut Option<(u64, &'a Terms)>,
) -> Option<&'static str> {
    let Some(click) = &case.click else {
        return Some(match (case.ours, case.now < postback.received + 7 * DAY) {
            (false, _) => "UNATTRIBUTED_INVALID_CLICK",
            (true, true) => "WAITING_CLICK",
            (true, false) => "UNATTRIBUTED_UNKNOWN_CLICK",
        });
    };
    if let Some(code) = misfit(case, click, postback) {
        return Some(code);
    }
    if postback.primary == Some(false) {
        return Some("IGNORED_NOT_PRIMARY");
    }
    if postback.reengagement && postback.event == "Install" {
        return Some("IGNORED_REENGAGEMENT");
    }
    if postback.amount.or(postback.usd).is_some_and(|amount| amount < 0) {
        return Some("REFUND");
    }
    *flagged = postback.flagged;
    let speaking = case.speaking(click);
    let own_version = speaking.iter().find(|version| version.number == click.version);
    let named: Option<&Event> =
        speaking.iter().rev().find_map(|version| event_named(version, &postback.event));
    if own_version.is_none() && named.is_none_or(|event| event.introduced <= click.version) {
        return Some("WAITING_TERMS");
    }
    let Some(named) = named else { return Some("UNMAPPED_EVENT") };
    let own = own_version.and_then(|version| version.events.iter().find(|one| one.id == named.id));
    let terms = own.map_or(&named.introduced_terms, |own| &own.terms);
    *event = Some((named.id, terms));
    off_calendar(case, postback)
        .or_else(|| off_target(&speaking, postback))
        .or_else(|| too_late(click, terms, postback))
}

pub(crate) fn event_named<'a>(version: &'a Version, name: &str) -> Option<&'a Event> {
    version.events.iter().find(|event| event.name == name)
}

fn misfit(case: &Case, click: &Click, postback: &Postback) -> Option<&'static str> {
    let credential = case.credentials.iter().find(|one| one.id == postback.credential);
    let generation = credential.and_then(|one| one.generations.get(&postback.generation));
    let (Some(credential), Some(until)) = (credential, generation) else { return Some("WAITING_TERMS") };
    let foreign = credential.advertiser.is_some_and(|advertiser| advertiser != click.advertiser);
    let over = until.is_some_and(|until| postback.received >= until);
    (foreign || over).then_some("REJECTED_CREDENTIAL")
}

fn off_calendar(case: &Case, postback: &Postback) -> Option<&'static str> {
    let newest = case.versions.iter().max_by_key(|version| version.number)?;
    let within = |from: i64, until: Option<i64>| {
        postback.te() >= from && until.is_none_or(|until| postback.te() < until)
    };
    if !within(newest.from, newest.until) {
        Some("REJECTED_OUTSIDE_DATES")
    } else if case.stops.iter().any(|(from, until)| within(*from, *until)) {
        Some("REJECTED_OFFER_PAUSED")
    } else if newest.app.is_some() && postback.app.is_some() && newest.app != postback.app {
        Some("REJECTED_WRONG_APP")
    } else {
        None
    }
}

fn off_target(speaking: &[&Version], postback: &Postback) -> Option<&'static str> {
    let wanted = |list: &[String], stated: Option<&String>| {
        list.is_empty() || stated.is_none_or(|stated| list.contains(stated))
    };
    let hit = speaking.iter().any(|version| {
        wanted(&version.countries, postback.country.as_ref())
            && wanted(&version.platforms, postback.platform.as_ref())
    });
    (!hit).then_some("REJECTED_TARGETING")
}

fn too_late(click: &Click, terms: &Terms, postback: &Postback) -> Option<&'static str> {
    let days = terms.deadline_days?;
    let anchor = match terms.anchor {
        Anchor::Click => click.at,
        Anchor::Install => postback.install_time.unwrap_or(click.at),
    };
    (postback.te() > anchor + days * DAY).then_some("REJECTED_LATE")
}
