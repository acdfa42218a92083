//! The ledger as the API shows it.

use kernel::Micros;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MoneyBody, moment};
use crate::{
    domain::statements::Month,
    flows::read::{BalanceRow, TransferRow},
};

/// One row of the ledger.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "transferId": "5f0c2f64-9a2b-5c1d-8e3f-7d6a1b2c3d4e",
    "conversionId": "0198d001-77aa-7b52-8f11-4b7c2a90e6d3",
    "period": "2026-12",
    "statusRevision": 2,
    "flow": "payable",
    "kind": "post",
    "pendingTransferId": "3b9d1e77-2c4f-5a60-9b81-0e5f6a7b8c9d",
    "debit": {"kind": "advertiser_receivable", "partyId": "0193a1f0-0000-7000-8000-000000000001"},
    "credit": {"kind": "publisher_payable", "partyId": "0193a1f0-0000-7000-8000-000000000002"},
    "amount": {"amount": "3.00", "currency": "USD"},
    "recordedAt": "2026-12-02T10:15:31.000Z"
}))]
pub struct TransferBody {
    /// Computed from conversion, revision, flow and kind, or from the statement.
    pub transfer_id: Uuid,
    /// The conversion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion_id: Option<Uuid>,
    /// The statement that was adjusted or paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_id: Option<Uuid>,
    /// The statement period it belongs to, for ever.
    pub period: String,
    /// The conversion's change that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_revision: Option<i64>,
    /// `payable`, `margin`, `loss`, `adjustment` or `settlement`.
    pub flow: String,
    /// `pending`, `post`, `void`, `posted` or `reversal`.
    pub kind: String,
    /// The reservation that is posted or voided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_transfer_id: Option<Uuid>,
    /// Debited.
    pub debit: AccountBody,
    /// Credited.
    pub credit: AccountBody,
    /// How much.
    pub amount: MoneyBody,
    /// When.
    pub recorded_at: String,
}

/// An account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"kind": "publisher_payable", "partyId": "0193a1f0-0000-7000-8000-000000000002"}))]
pub struct AccountBody {
    /// `advertiser_receivable`, `publisher_payable`, `margin` or `settled`.
    pub kind: String,
    /// The advertiser or publisher; absent for margin and settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party_id: Option<Uuid>,
}

/// A balance.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "account": {"kind": "publisher_payable", "partyId": "0193a1f0-0000-7000-8000-000000000002"},
    "currency": "USD",
    "pending": "12.00",
    "posted": "340.00",
    "debitsPending": "0.00",
    "debitsPosted": "3.00",
    "creditsPending": "12.00",
    "creditsPosted": "343.00"
}))]
pub struct BalanceBody {
    /// The account.
    pub account: AccountBody,
    /// In which currency.
    pub currency: String,
    /// Reserved, on the side the account grows on.
    pub pending: String,
    /// Posted, on the side the account grows on.
    pub posted: String,
    /// What is reserved on the debit side.
    pub debits_pending: String,
    /// What is posted on the debit side.
    pub debits_posted: String,
    /// What is reserved on the credit side.
    pub credits_pending: String,
    /// What is posted on the credit side.
    pub credits_posted: String,
}

pub(in crate::http) fn transfer(row: TransferRow) -> TransferBody {
    TransferBody {
        transfer_id: row.transfer_id,
        conversion_id: row.conversion_id,
        statement_id: row.statement_id,
        period: Month::of_day(row.period).to_string(),
        status_revision: row.status_revision,
        flow: row.flow,
        kind: row.kind,
        pending_transfer_id: row.pending_transfer_id,
        debit: account(row.debit_kind, row.debit_party_id),
        credit: account(row.credit_kind, row.credit_party_id),
        amount: MoneyBody { amount: Micros(row.amount_micros).to_string(), currency: row.currency },
        recorded_at: moment(row.recorded_at),
    }
}

pub(in crate::http) fn balance(row: BalanceRow) -> BalanceBody {
    let text = |micros: i64| Micros(micros).to_string();
    // A receivable grows by debits, everything else by credits.
    let grows_by_debits = row.kind == "advertiser_receivable";
    let net = |debits: i64, credits: i64| {
        text(if grows_by_debits { debits.saturating_sub(credits) } else { credits.saturating_sub(debits) })
    };
    BalanceBody {
        pending: net(row.debits_pending, row.credits_pending),
        posted: net(row.debits_posted, row.credits_posted),
        account: account(row.kind, row.party_id),
        currency: row.currency,
        debits_pending: text(row.debits_pending),
        debits_posted: text(row.debits_posted),
        credits_pending: text(row.credits_pending),
        credits_posted: text(row.credits_posted),
    }
}

fn account(kind: String, party: Uuid) -> AccountBody {
    AccountBody { kind, party_id: (!party.is_nil()).then_some(party) }
}
