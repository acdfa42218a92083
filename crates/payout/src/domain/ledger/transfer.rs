//! One row of the ledger. Its id is computed, so the same entry can not be made twice, and an entry that differs from one
//! with its id is an alarm and not a second entry.

use kernel::{ConversionId, Micros, TenantId, TransferId};

use super::account::{Account, derive};

/// Which flow of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Receivable → payable: the publisher's part of the revenue.
    Payable,
    /// Receivable → margin: the rest of the revenue.
    Margin,
    /// Margin → payable: what a payout takes beyond the revenue.
    Loss,
    /// Between the margin and a party's account: a person's correction of a statement.
    Adjustment,
    /// Payable → settled, or settled → receivable: a statement was paid.
    Settlement,
}

/// What a row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Reserves; exactly one post or void follows, if anything.
    Pending,
    /// Posts a reservation.
    Post,
    /// Gives a reservation up.
    Void,
    /// Posts without a reservation.
    Posted,
    /// Posts the opposite of what was posted.
    Reversal,
}

impl Flow {
    /// Every flow.
    pub const ALL: [Self; 5] = [Self::Payable, Self::Margin, Self::Loss, Self::Adjustment, Self::Settlement];

    /// The word in tables, ids and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Payable => "payable",
            Self::Margin => "margin",
            Self::Loss => "loss",
            Self::Adjustment => "adjustment",
            Self::Settlement => "settlement",
        }
    }
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Post, Self::Void, Self::Posted, Self::Reversal];

    /// The word in tables, ids and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Post => "post",
            Self::Void => "void",
            Self::Posted => "posted",
            Self::Reversal => "reversal",
        }
    }
}

/// One row: `amount` from the credit side's account to the debit side's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// Computed from conversion, revision and leg (flow and kind), or from the statement.
    pub id: TransferId,
    /// What the row does.
    pub kind: Kind,
    /// Which flow.
    pub flow: Flow,
    /// The reservation that is posted or voided.
    pub pending: Option<TransferId>,
    /// Debited.
    pub debit: Account,
    /// Credited.
    pub credit: Account,
    /// How much; above 0.
    pub amount: Micros,
    /// The conversion's status revision that made it; 0 for a statement's.
    pub revision: u64,
}

/// The id of the row that a revision of a conversion makes for a flow.
#[must_use]
pub fn transfer_id(
    tenant: TenantId,
    conversion: ConversionId,
    revision: u64,
    flow: Flow,
    kind: Kind,
) -> TransferId {
    TransferId::from_uuid(derive(
        "gokart transfer 1",
        &[
            tenant.as_uuid().as_bytes(),
            conversion.as_uuid().as_bytes(),
            &revision.to_be_bytes(),
            flow.word().as_bytes(),
            b".",
            kind.word().as_bytes(),
        ],
    ))
}
