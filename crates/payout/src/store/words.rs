//! Enums and their words in tables. An unknown word is an error that names its column, never a default.

use diesel::result::Error;
use uuid::Uuid;

use super::column::unreadable;
use crate::domain::{
    ledger::{AccountKind, Flow, Kind},
    limits::{Limit, OverLimit, Period},
    standing::{Actor, Decision, Status, Told},
};

pub(super) const fn status(status: Status) -> &'static str {
    match status {
        Status::Unreached => "unreached",
        Status::Pending => "pending",
        Status::OnReview => "on_review",
        Status::Success => "success",
        Status::Flagged => "flagged",
        Status::Rejected => "rejected",
        Status::Reversed => "reversed",
    }
}

pub(super) fn read_status(word: &str) -> Result<Status, Error> {
    [
        Status::Unreached,
        Status::Pending,
        Status::OnReview,
        Status::Success,
        Status::Flagged,
        Status::Rejected,
        Status::Reversed,
    ]
    .into_iter()
    .find(|known| status(*known) == word)
    .ok_or_else(|| unreadable("status", word))
}

pub(super) const fn actor(actor: Actor) -> &'static str {
    match actor {
        Actor::Time => "time",
        Actor::Verdict => "verdict",
        Actor::Person => "person",
        Actor::Limit => "limit",
    }
}

pub(super) fn read_actor(word: &str) -> Result<Actor, Error> {
    [Actor::Time, Actor::Verdict, Actor::Person, Actor::Limit]
        .into_iter()
        .find(|known| actor(*known) == word)
        .ok_or_else(|| unreadable("status_by", word))
}

pub(super) const fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "approve",
        Decision::Reject => "reject",
        Decision::Restore => "restore",
        Decision::ClearReview => "clear_review",
    }
}

pub(super) fn read_decision(word: &str) -> Result<Decision, Error> {
    Decision::ALL
        .into_iter()
        .find(|known| decision(*known) == word)
        .ok_or_else(|| unreadable("decision", word))
}

pub(super) const fn told(told: Told) -> &'static str {
    match told {
        Told::Pending => "pending",
        Told::Success => "success",
        Told::Rejected => "rejected",
    }
}

pub(super) fn read_told(word: &str) -> Result<Told, Error> {
    [Told::Pending, Told::Success, Told::Rejected]
        .into_iter()
        .find(|known| told(*known) == word)
        .ok_or_else(|| unreadable("told", word))
}

pub(super) fn read_account_kind(word: &str) -> Result<AccountKind, Error> {
    AccountKind::ALL.into_iter().find(|known| known.word() == word).ok_or_else(|| unreadable("kind", word))
}

pub(super) fn read_kind(word: &str) -> Result<Kind, Error> {
    Kind::ALL.into_iter().find(|known| known.word() == word).ok_or_else(|| unreadable("kind", word))
}

pub(super) fn read_flow(word: &str) -> Result<Flow, Error> {
    Flow::ALL.into_iter().find(|known| known.word() == word).ok_or_else(|| unreadable("flow", word))
}

pub(super) fn read_period(word: &str) -> Result<Period, Error> {
    Period::ALL.into_iter().find(|known| known.word() == word).ok_or_else(|| unreadable("period", word))
}

/// As `event_cap week`.
pub(super) fn limit(limit: Limit) -> String {
    let (whose, period) = limit.words();
    format!("{whose} {period}")
}

pub(super) fn read_limit(words: &str) -> Result<Limit, Error> {
    Limit::all().find(|known| limit(*known) == words).ok_or_else(|| unreadable("unpaid_for", words))
}

pub(super) fn read_over_limit(word: &str) -> Result<OverLimit, Error> {
    OverLimit::ALL
        .into_iter()
        .find(|known| known.word() == word)
        .ok_or_else(|| unreadable("over_limit", word))
}

/// A column of a key can not be null; the nil id stands for "all".
pub(super) fn or_nil(id: Option<Uuid>) -> Uuid {
    id.unwrap_or_default()
}

pub(super) fn not_nil(id: Uuid) -> Option<Uuid> {
    Some(id).filter(|id| !id.is_nil())
}
