//! What becomes of a conversion.

use crate::price::{Amount, Money, Rates, Terms, Unknown, price};

/// Whole days are of this length, in microseconds.
const DAY: i64 = 86_400_000_000;

/// Where a conversion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nobody has heard of it.
    Unreached,
    /// Waits for its time.
    Pending,
    /// Waits for a person.
    OnReview,
    /// Earned.
    Success,
    /// Earned, with fraud reported after it.
    Flagged,
    /// Refused before it was earned.
    Rejected,
    /// Taken back.
    Reversed,
}

/// Attribution's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Nothing reached the step.
    Unreached,
    /// Earned.
    Qualified,
    /// A person must look.
    OnReview,
    /// Refused.
    Vetoed,
}

/// Attribution's verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The highest counts.
    pub revision: u64,
    /// What it says.
    pub word: Word,
    /// Whether fraud takes back what was earned.
    pub reverses: bool,
    /// When the postback was received.
    pub received_at: i64,
    /// The pending time.
    pub days: u16,
    /// What the user spent.
    pub amount: Option<Amount>,
    /// The terms.
    pub terms: Terms,
    /// A person has rejected a step before it, and whoever sent this had not heard of that yet.
    pub is_behind: bool,
}

/// A person's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is earned.
    Approve,
    /// It is not.
    Reject,
    /// It is, after all.
    Restore,
    /// Time may decide.
    ClearReview,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A verdict arrives.
    Verdict(Verdict),
    /// A person decides.
    Decision(Decision),
    /// A person rejects a step before it.
    Held,
    /// And takes that back; nothing else is rejected.
    LetGo,
    /// The tenant's rates are heard, as a whole.
    Rates(Rates),
    /// What waits for a rate is tried with those of now.
    Pricing,
    /// Time looks.
    Time,
}

/// What the books hold of a conversion: on whose account how much, credits less debits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Books {
    /// Reserved: advertiser, publisher, margin.
    pub pending: [i128; 3],
    /// Posted: advertiser, publisher, margin.
    pub posted: [i128; 3],
}

/// What keeps a conversion on review until it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// A rate.
    Rate,
    /// A rejection before it is taken back.
    Restore,
}

/// A conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// Where it is.
    pub status: Status,
    /// What it is worth.
    pub money: Option<Money>,
    newest: u64,
    due: i64,
    amount: Option<Amount>,
    /// Of the newest verdict.
    terms: Option<Terms>,
    /// Of the tenant.
    rates: Rates,
    /// A person has rejected a step before it, of which attribution has not heard.
    is_behind: bool,
    /// A person has put it where it is.
    is_ruled: bool,
    /// Without this, which is lifted by itself, it would not be on review.
    for_want_of: Option<Want>,
}

impl Default for Conversion {
    fn default() -> Self {
        let (newest, due) = (0, i64::MAX);
        Self {
            status: Status::Unreached,
            money: None,
            newest,
            due,
            amount: None,
            terms: None,
            rates: Rates::new(),
            is_behind: false,
            is_ruled: false,
            for_want_of: None,
        }
    }
}

impl Conversion {
    /// What happens at `now`. Whether it was news: an old verdict is none, nor is a decision that can not be; then nothing has
    /// changed.
    pub fn step(&mut self, step: &Step, now: i64) -> bool {
        let is_news = match step {
            Step::Verdict(verdict) => self.hear(verdict),
            Step::Decision(decision) => self.decide(*decision),
            Step::Held => {
                self.is_behind = true;
                self.hold();
                true
            }
            Step::Rates(rates) => {
                self.rates.clone_from(rates);
                true
            }
            Step::Pricing => {
                self.try_the_rates();
                true
            }
            Step::LetGo => {
                self.is_behind = false;
                if self.for_want_of == Some(Want::Restore) {
                    self.status = Status::Pending;
                    self.for_want_of = None;
                }
                true
            }
            Step::Time => true,
        };
        // Whatever it was: time releases what is plainly pending, and nothing else.
        if is_news && self.status == Status::Pending && now >= self.due {
            self.status = Status::Success;
            self.is_ruled = false;
        }
        is_news
    }

    /// What the books must hold.
    #[must_use]
    pub fn books(&self) -> Books {
        let held = self.money.map_or([0; 3], |Money { revenue, payout }| {
            let (revenue, payout) = (i128::from(revenue), i128::from(payout));
            [revenue.saturating_neg(), payout, revenue.saturating_sub(payout)]
        });
        match self.status {
            Status::Unreached | Status::Rejected | Status::Reversed => Books::default(),
            Status::Pending | Status::OnReview => Books { pending: held, ..Books::default() },
            Status::Success | Status::Flagged => Books { posted: held, ..Books::default() },
        }
    }

    /// What its publisher was told last: Pending 1, Success 2, Rejected 3, with the payout that counts.
    #[must_use]
    pub fn told(&self) -> (u8, Option<i64>) {
        let payout = self.money.map(|money| money.payout);
        match self.status {
            Status::Unreached => (0, None),
            Status::Pending | Status::OnReview => (1, payout),
            Status::Success | Status::Flagged => (2, payout),
            Status::Rejected | Status::Reversed => (3, None),
        }
    }

    const fn is_earned(&self) -> bool {
        matches!(self.status, Status::Success | Status::Flagged)
    }

    fn hear(&mut self, verdict: &Verdict) -> bool {
        if verdict.revision <= self.newest {
            return false;
        }
        self.newest = verdict.revision;
        let is_final = self.is_earned() || self.status == Status::Reversed;
        if !is_final {
            let hold = i64::from(verdict.days).saturating_mul(DAY);
            self.due = verdict.received_at.saturating_add(hold);
        }
        self.terms = Some(verdict.terms);
        self.is_behind = verdict.is_behind;
        let is_clear = verdict.word == Word::Unreached || self.learn_the_price(verdict, is_final);
        if self.is_ruled {
            return true;
        }
        // Attribution speaks anew, of this as of everything.
        self.for_want_of = None;
        // A price that is not clear is no fraud.
        let takes_back = verdict.reverses && verdict.word != Word::Qualified;
        let word = if verdict.word == Word::Qualified && !is_clear { Word::OnReview } else { verdict.word };
        self.status = match word {
            Word::Unreached if self.status == Status::Unreached => Status::Unreached,
            Word::Qualified if self.is_earned() => Status::Success,
            Word::Qualified => Status::Pending,
            // What was earned stays so, unless the offer takes it back; what was taken back stays taken.
            _ if self.status == Status::Reversed => Status::Reversed,
            Word::OnReview | Word::Vetoed if self.is_earned() && takes_back => Status::Reversed,
            _ if self.is_earned() => Status::Flagged,
            Word::OnReview => Status::OnReview,
            Word::Vetoed | Word::Unreached => Status::Rejected,
        };
        // Attribution's own doubts are not lifted by a rate.
        if verdict.word == Word::Qualified
            && self.status == Status::OnReview
            && self.money.is_none()
            && price(&verdict.terms, self.amount, &self.rates) == Err(Unknown::NoRate)
        {
            self.for_want_of = Some(Want::Rate);
        }
        if verdict.is_behind {
            self.hold();
        }
        true
    }

    /// A rate that has come makes it Pending, as attribution had said; a price at which somebody loses waits for a person.
    fn try_the_rates(&mut self) {
        let Some(terms) = self.terms.filter(|_| self.for_want_of == Some(Want::Rate)) else { return };
        let known = price(&terms, self.amount, &self.rates);
        if known == Err(Unknown::NoRate) {
            return;
        }
        self.for_want_of = None;
        self.money = known.ok();
        if self.money.is_some_and(|money| money.payout <= money.revenue) {
            self.status = Status::Pending;
            if self.is_behind {
                self.hold();
            }
        }
    }

    /// What waits for its time waits for a person; what a person has put there does not.
    const fn hold(&mut self) {
        if matches!(self.status, Status::Pending) && !self.is_ruled {
            self.status = Status::OnReview;
            self.for_want_of = Some(Want::Restore);
        }
    }

    /// The price is fixed once it is known, and made again only when another amount is reported before it was earned. Whether
    /// time may release at this price.
    fn learn_the_price(&mut self, verdict: &Verdict, is_final: bool) -> bool {
        let is_fixed = self.money.is_some() && (is_final || self.amount == verdict.amount);
        if !is_fixed {
            let known = price(&verdict.terms, verdict.amount, &self.rates).ok();
            let is_clear = known.is_some_and(|money| money.payout <= money.revenue);
            // A person's word stands, and with it the price at which it was given.
            if is_clear || self.money.is_none() || !self.is_ruled {
                self.money = known;
                self.amount = verdict.amount;
            }
        }
        match self.money {
            None => false,
            Some(money) => is_fixed && is_final || money.payout <= money.revenue,
        }
    }

    fn decide(&mut self, decision: Decision) -> bool {
        let Some(status) = allowed(self.status, decision) else { return false };
        let is_refusal = matches!(status, Status::Rejected | Status::Reversed);
        if !is_refusal && self.money.is_none() {
            // By the rates of now. At a loss nobody says yes without having seen it.
            let known = self.terms.and_then(|terms| price(&terms, self.amount, &self.rates).ok());
            let Some(money) = known.filter(|money| money.payout <= money.revenue) else { return false };
            self.money = Some(money);
        }
        self.status = status;
        self.for_want_of = None;
        self.is_ruled = true;
        true
    }
}

/// Where a decision leads; everything that is not here is refused.
fn allowed(from: Status, decision: Decision) -> Option<Status> {
    const TABLE: [(Status, Decision, Status); 11] = [
        (Status::Pending, Decision::Approve, Status::Success),
        (Status::OnReview, Decision::Approve, Status::Success),
        (Status::Flagged, Decision::Approve, Status::Success),
        (Status::Pending, Decision::Reject, Status::Rejected),
        (Status::OnReview, Decision::Reject, Status::Rejected),
        (Status::Success, Decision::Reject, Status::Reversed),
        (Status::Flagged, Decision::Reject, Status::Reversed),
        (Status::Rejected, Decision::Restore, Status::Success),
        (Status::Reversed, Decision::Restore, Status::Success),
        (Status::OnReview, Decision::ClearReview, Status::Pending),
        (Status::Flagged, Decision::ClearReview, Status::Success),
    ];
    TABLE.iter().find(|(known, asked, _)| (*known, *asked) == (from, decision)).map(|(.., to)| *to)
}
