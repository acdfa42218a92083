//! Everything a journey's verdict depends on.

use std::collections::BTreeMap;

use kernel::{ClickId, CredentialId, OfferEventId, ReceiptId, TenantId};

use super::{
    click::Click,
    code::Code,
    conversion::{Slot, TermsSource},
    credential::Credential,
    offer::Offer,
    people::PersonDecision,
    postback::Stamped,
};

/// A journey, loaded.
#[derive(Debug, Clone)]
pub struct JourneyInputs<'a> {
    /// Whose journey.
    pub tenant: TenantId,
    /// The journey's name.
    pub click_id: ClickId,
    /// Whether the click id carries our MAC.
    pub click_id_is_ours: bool,
    /// The click, once it has arrived.
    pub click: Option<Click>,
    /// Every postback that names this click, in any order.
    pub postbacks: Vec<Stamped>,
    /// The click's offer; empty while nothing of it is known here.
    pub offer: &'a Offer,
    /// The tenant's credentials that the postbacks came in under, as far as they are known here.
    pub credentials: &'a BTreeMap<CredentialId, Credential>,
    /// Who held which slot so far.
    pub held: BTreeMap<Slot, Held>,
    /// What people decided.
    pub people: Vec<PersonDecision>,
    /// Which of its member's clicks did an event of the offer first; an event that none has done is not in it.
    pub first_clicks: BTreeMap<OfferEventId, ClickId>,
    /// The versions under whose terms it was replayed for real, the latest last: see `replay`.
    pub replayed: Vec<u32>,
    /// The version whose dates and app rule 10 asks, when it is not the newest.
    pub dated_by: Option<u32>,
}

/// Who holds a slot: the first that was committed, so that what was told stays told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The postback that fills the slot.
    pub holder: ReceiptId,
    /// The postback whose amount counts.
    pub amount_from: Option<ReceiptId>,
    /// The conversion is no longer Pending, as far as payout has said: an amount that comes now is too late to count.
    pub amount_closed: bool,
    /// The terms it was told with: replays under several versions tell apart whose slot it is.
    pub terms: TermsSource,
}

/// What a rule found when it first ran, by what was known then; a later stop, change of dates or revocation does not
/// change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SettledOnce {
    /// The rule has not run.
    #[default]
    NotYet,
    /// It passed.
    Passed,
    /// It stopped with this code.
    Stopped(Code),
}

/// The rules that run once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Rule 4.
    pub fit: SettledOnce,
    /// Rule 10.
    pub calendar: SettledOnce,
}
