//! What the API shows of statements. Amounts are decimal text in the statement's currency.

use kernel::{Currency, Micros};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    domain::{
        ledger::AccountKind,
        statements::{Month, minor_digits},
    },
    flows::statements::{AdjustmentRow, LineRow, PeriodRow, View, Whole},
    http::json::moment,
};

/// A statement period.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "period": "2026-11", "timeZone": "Europe/Berlin", "beginsAt": "2026-10-31T23:00:00.000Z",
    "endsAt": "2026-11-30T23:00:00.000Z", "state": "Closed", "closedAt": "2026-12-02T08:30:00.000Z"
}))]
pub struct PeriodBody {
    /// The month.
    #[schema(example = "2026-11")]
    pub period: String,
    /// The zone it was made in, an IANA name; a tenant's new zone holds from the next period on.
    pub time_zone: String,
    /// Its first moment.
    pub begins_at: String,
    /// The first moment after it.
    pub ends_at: String,
    /// `Running`, `Over` (it may be closed) or `Closed`.
    pub state: &'static str,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<String>,
}

/// The figures of a statement. All amounts are of its currency; what is taken off is below 0 only where it says so.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "statementId": "5d6e2f10-8a4b-8c3d-9e7f-1a2b3c4d5e6f", "period": "2026-11", "state": "Closed", "of": "Publisher",
    "partyId": "0193a1f0-0000-7000-8000-000000000002", "partyName": "Rewardville", "currency": "USD",
    "opening": "120.005", "earned": "343.00", "reversed": "3.00", "adjusted": "10.00", "paid": "120.00", "closing": "350.005",
    "carriedIn": "0.005", "due": "350.00", "carriedOut": "0.005"
}))]
pub struct StatementBody {
    /// The same before and after its period is closed.
    pub statement_id: Uuid,
    /// The month.
    #[schema(example = "2026-11")]
    pub period: String,
    /// `Open`: as of this moment; `Closed`: for ever.
    pub state: &'static str,
    /// Whose account: of a `Publisher` (what is owed to it) or an `Advertiser` (what it owes).
    pub of: &'static str,
    /// The publisher or advertiser.
    pub party_id: Uuid,
    /// Its name: of an open period as it is now, of a closed one as it was when that was closed; absent when payout knew none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub party_name: String,
    /// ISO 4217.
    #[schema(example = "USD")]
    pub currency: String,
    /// The posted balance of the account before the period.
    pub opening: String,
    /// Posted for conversions.
    pub earned: String,
    /// Taken back from what was posted, in this period or an earlier one.
    pub reversed: String,
    /// What people added; below 0 when they took something off.
    pub adjusted: String,
    /// What was paid within the period, for earlier statements.
    pub paid: String,
    /// The posted balance after the period.
    pub closing: String,
    /// What earlier statements left: less than a minor unit, or a debt, which is below 0.
    pub carried_in: String,
    /// What this statement asks for: `carriedIn` + `earned` − `reversed` + `adjusted`, rounded down to the currency's minor
    /// unit; 0 when that is a debt.
    pub due: String,
    /// The rest, for the next statement.
    pub carried_out: String,
    /// When it was paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<String>,
    /// With which reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_reference: Option<String>,
}

/// A statement with everything in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WholeStatementBody {
    /// The figures.
    #[serde(flatten)]
    pub statement: StatementBody,
    /// By offer and event.
    pub lines: Vec<LineBody>,
    /// What people added within the period.
    pub adjustments: Vec<AdjustmentBody>,
}

/// What one event of an offer came to.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "offerId": "0194a3c0-0000-7000-8000-000000000001", "offerName": "Golfin iOS",
    "offerEventId": "0194a3c0-0000-7000-8000-0000000000e2", "eventId": "level_10", "eventName": "Reach Level 10",
    "conversions": 114, "earned": "343.00", "reversals": 1, "reversed": "3.00", "amount": "340.00"
}))]
pub struct LineBody {
    /// The offer.
    pub offer_id: Uuid,
    /// Its name.
    pub offer_name: String,
    /// The event of the offer.
    pub offer_event_id: Uuid,
    /// Its Event ID.
    pub event_id: String,
    /// Its user-facing name.
    pub event_name: String,
    /// How often something was posted for it.
    pub conversions: i64,
    /// How much.
    pub earned: String,
    /// How often that was taken back, in this period or an earlier one.
    pub reversals: i64,
    /// How much.
    pub reversed: String,
    /// `earned` − `reversed`; below 0 when more was taken back than earned.
    pub amount: String,
}

/// What somebody added.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "statementId": "5d6e2f10-8a4b-8c3d-9e7f-1a2b3c4d5e6f", "reference": "ticket-4711", "period": "2026-12", "amount": "-4.00",
    "reason": "Counted twice in November.", "transferId": "5f0c2f64-9a2b-5c1d-8e3f-7d6a1b2c3d4e",
    "adjustedAt": "2026-12-03T09:00:00.000Z"
}))]
pub struct AdjustmentBody {
    /// The statement that was corrected.
    pub statement_id: Uuid,
    /// By which the same adjustment is known again.
    pub reference: String,
    /// The period it landed in: the statement's own while that was open, else the one open then.
    pub period: String,
    /// Above 0: the publisher is owed, or the advertiser owes, more.
    pub amount: String,
    /// Why.
    pub reason: String,
    /// The ledger's row.
    pub transfer_id: Uuid,
    /// When.
    pub adjusted_at: String,
}

pub(super) fn period(row: &PeriodRow) -> PeriodBody {
    PeriodBody {
        period: row.month().to_string(),
        time_zone: row.time_zone.clone(),
        begins_at: moment(row.begins_at),
        ends_at: moment(row.ends_at),
        state: match (row.closed_at, row.is_over) {
            (Some(_), _) => "Closed",
            (None, true) => "Over",
            (None, false) => "Running",
        },
        closed_at: row.closed_at.map(moment),
    }
}

pub(super) fn statement(view: &View) -> StatementBody {
    let figures = &view.figures;
    StatementBody {
        statement_id: view.id.0,
        period: view.month.to_string(),
        state: if view.is_closed { "Closed" } else { "Open" },
        of: if view.account.kind == AccountKind::AdvertiserReceivable { "Advertiser" } else { "Publisher" },
        party_id: view.account.party,
        party_name: view.party_name.clone(),
        currency: view.account.currency.to_string(),
        opening: amount(figures.opening),
        earned: amount(figures.movements.earned),
        reversed: amount(figures.movements.reversed),
        adjusted: amount(figures.movements.adjusted),
        paid: amount(figures.movements.paid),
        closing: amount(figures.closing),
        carried_in: amount(figures.carried_in),
        due: coins(figures.due, view.account.currency),
        carried_out: amount(figures.carried_out),
        settled_at: view.settled.as_ref().map(|settled| moment(settled.at)),
        settled_reference: view.settled.as_ref().map(|settled| settled.reference.clone()),
    }
}

pub(super) fn whole(whole: &Whole) -> WholeStatementBody {
    WholeStatementBody {
        statement: statement(&whole.view),
        lines: whole.lines.iter().map(line).collect(),
        adjustments: whole.adjustments.iter().map(adjustment).collect(),
    }
}

fn line(row: &LineRow) -> LineBody {
    let (earned, reversed) = (i128::from(row.earned_micros), i128::from(row.reversed_micros));
    LineBody {
        offer_id: row.offer_id,
        offer_name: row.offer_name.clone(),
        offer_event_id: row.offer_event_id,
        event_id: row.event_id.clone(),
        event_name: row.event_name.clone(),
        conversions: row.conversions,
        earned: amount(earned),
        reversals: row.reversals,
        reversed: amount(reversed),
        amount: amount(earned.saturating_sub(reversed)),
    }
}

pub(super) fn adjustment(row: &AdjustmentRow) -> AdjustmentBody {
    AdjustmentBody {
        statement_id: row.statement_id,
        reference: row.reference.clone(),
        period: Month::of_day(row.period).to_string(),
        amount: amount(i128::from(row.amount_micros)),
        reason: row.reason.clone(),
        transfer_id: row.transfer_id,
        adjusted_at: moment(row.adjusted_at),
    }
}

fn amount(micros: i128) -> String {
    let end = if micros < 0 { i64::MIN } else { i64::MAX };
    Micros(i64::try_from(micros).unwrap_or(end)).to_string()
}

/// Whole minor units, with as many digits as the currency has.
fn coins(micros: i128, currency: Currency) -> String {
    let text = amount(micros);
    let digits = usize::try_from(minor_digits(currency)).unwrap_or_default();
    match text.split_once('.') {
        Some((units, _)) if digits == 0 => units.to_owned(),
        Some((units, fraction)) => format!("{units}.{fraction:0<digits$}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_written_as_the_currency_has_it() {
        for (code, micros, written) in [
            ("USD", 12_340_000, "12.34"),
            ("USD", 12_000_000, "12.00"),
            ("JPY", 12_000_000, "12"),
            ("KWD", 12_345_000, "12.345"),
            ("KWD", 12_000_000, "12.000"),
            ("CLF", 12_345_600, "12.3456"),
        ] {
            assert_eq!(coins(micros, code.parse().unwrap()), written, "{code}");
        }
    }
}
