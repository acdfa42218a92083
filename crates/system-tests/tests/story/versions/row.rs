//! One row: a field of an offer, how it is changed, and what attribution has to make of it.

use contracts::{attribution::ConversionVerdict, catalog::OfferVersionCreated};
use serde_json::{Value, json};

/// Stands for the id of another advertiser of the tenant.
pub const ANOTHER_ADVERTISER: &str = "another advertiser";

/// For whom the change counts: the right column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// Clicks from then on; journeys under way keep their click's version.
    NewClicks,
    /// Journeys under way too.
    OpenJourneys,
    /// Everything that happens from then on, whatever click it belongs to.
    AtOnce,
    /// It can not change once the offer was created.
    Never,
}

impl Applies {
    /// The catalog's own word, in what a change says it touches.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NewClicks => "NewClicks",
            Self::OpenJourneys => "OpenJourneys",
            Self::AtOnce => "AtOnce",
            Self::Never => "",
        }
    }
}

/// What changes.
#[derive(Clone, Copy)]
pub enum Change {
    /// Fields, with a PUT.
    Fields(fn(&mut Value)),
    /// The status, with a POST below the offer.
    Status(&'static str, &'static str),
}

/// A value in a version as attribution keeps it, before and after.
pub struct Held {
    /// Finds it.
    pub of: fn(&OfferVersionCreated) -> Value,
    /// In version 1.
    pub was: Value,
    /// In version 2.
    pub is: Value,
}

/// A value in a conversion's verdict, as payout gets it.
pub struct Told {
    /// Finds it.
    pub of: fn(&ConversionVerdict) -> Value,
    /// For the click that was made before the change.
    pub earlier: Value,
    /// For the click that was made after it.
    pub later: Value,
    /// The versions whose terms they have.
    pub terms: [u32; 2],
}

/// Postbacks as AppsFlyer sends them, without the click id; a time such as `-2h` is that long ago.
pub type Calls = &'static [&'static str];
/// The current codes of a journey's postbacks, in the order of their receipt.
pub type Codes = &'static [&'static str];

/// One row of the table.
pub struct Row {
    /// Its published name; `events.` before a field of an event.
    pub field: &'static str,
    /// For whom it counts.
    pub applies: Applies,
    /// The offer before, as it differs from the one that all rows begin with.
    pub base: fn(&mut Value),
    /// The change.
    pub change: Change,
    /// In attribution's read model; none: it is not told to other services, and the versions are alike there.
    pub held: Option<Held>,
    /// In the verdict on the last postback of each click.
    pub told: Option<Told>,
    /// What the earlier click's user does before the change, and the codes of that.
    pub before: (Calls, Codes),
    /// The codes of the same once the change is known.
    pub lifted: Codes,
    /// What both clicks' users do after it.
    pub after: Calls,
    /// The codes of that for the earlier click and for the later.
    pub codes: [Codes; 2],
    /// Hours that the earlier click's journey waits, before and after.
    pub waits: Option<[i64; 2]>,
    /// Whether the tracker takes no more clicks after it.
    pub closes: bool,
}

impl Row {
    /// A row that shows an Install of each click after the change, and that both count.
    pub fn new(field: &'static str, applies: Applies, change: fn(&mut Value)) -> Self {
        Self {
            field,
            applies,
            base: |_offer| {},
            change: Change::Fields(change),
            held: None,
            told: None,
            before: (&[], &[]),
            lifted: &[],
            after: &["cnv_event_id=Install"],
            codes: [&["QUALIFIED"], &["QUALIFIED"]],
            waits: None,
            closes: false,
        }
    }

    /// A row about the status.
    pub fn status(name: &'static str, path: &'static str, body: &'static str) -> Self {
        Self { change: Change::Status(path, body), ..Self::new(name, Applies::AtOnce, |_offer| {}) }
    }

    /// The offer before the change.
    pub fn base(self, base: fn(&mut Value)) -> Self {
        Self { base, ..self }
    }

    /// What the read model holds of it.
    pub fn held(
        self,
        of: fn(&OfferVersionCreated) -> Value,
        was: impl Into<Value>,
        is: impl Into<Value>,
    ) -> Self {
        Self { held: Some(Held { of, was: was.into(), is: is.into() }), ..self }
    }

    /// What payout is told of it: the earlier click keeps what is held of its version when the change is for new clicks only.
    pub fn told(self, of: fn(&ConversionVerdict) -> Value) -> Self {
        let held = self.held.as_ref().expect("what is told is held");
        let (was, is) = (held.was.clone(), held.is.clone());
        let earlier = if self.applies == Applies::NewClicks { was } else { is.clone() };
        Self { told: Some(Told { of, earlier, later: is, terms: [1, 2] }), ..self }
    }

    /// What happened before the change, its codes, and what became of them.
    pub fn before(self, calls: Calls, codes: Codes, lifted: Codes) -> Self {
        Self { before: (calls, codes), lifted, ..self }
    }

    /// What happens after the change, with the codes of the earlier and of the later click.
    pub fn after(self, calls: Calls, earlier: Codes, later: Codes) -> Self {
        Self { after: calls, codes: [earlier, later], ..self }
    }

    /// The hours that the earlier journey waits, before and after.
    pub fn waits(self, before: i64, after: i64) -> Self {
        Self { waits: Some([before, after]), ..self }
    }

    /// From then on there are no clicks.
    pub fn closes(self) -> Self {
        Self { closes: true, ..self }
    }

    /// The version whose terms the earlier click gets is the one that introduced the event.
    pub fn introduced(mut self) -> Self {
        if let Some(told) = &mut self.told {
            told.terms = [2, 2];
        }
        self
    }
}

/// The offer that all rows begin with: the guide's, with a link for those it can not take.
pub fn offer(advertiser: &str) -> Value {
    let mut offer = system_tests::guide::golfin_ios(advertiser, 0);
    offer["acceptedWarnings"] = json!([
        "no_creative",
        "launch_in_past",
        "sequence_gap",
        "sequence_first_number",
        "link_host",
        "payout_above_revenue",
        "deadline_below_min_times"
    ]);
    offer
}
