//! Imports: what a provider says about its offers, row by row.

use std::collections::BTreeSet;

use kernel::{OfferId, TenantId, Timestamp, TokenId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{lint::Code, offer::OfferFields, problems::FieldProblem};

/// Whose offers they are when the call does not say it.
pub const PROVIDER: &str = "custom";
/// The most offers of one call.
pub const ROWS_MAX: usize = 10_000;
/// The largest offer: a hundred events and every text at its longest fit.
pub const ROW_BYTES_MAX: usize = 256 * 1_024;
/// The largest call: ten thousand offers of 6 KiB.
pub const BODY_BYTES_MAX: usize = 64 * 1_024 * 1_024;

macro_rules! words {
    ($(#[$about:meta])* $kind:ident { $($(#[$doc:meta])* $name:ident,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $kind {
            $($(#[$doc])* $name,)+
        }

        impl $kind {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word in tables and JSON.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// Reads [`Self::as_str`] back.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words! {
    /// What an import says about offers that it does not name.
    Operation {
        /// Nothing.
        Insert,
        /// They are paused, once every row has succeeded.
        Synchronize,
    }
}

words! {
    /// How far an import is.
    ImportState {
        /// Its rows are coming in; nobody sees it yet.
        Receiving,
        /// An earlier one of its provider goes first, or nobody has begun.
        Waiting,
        /// Rows are worked off.
        Running,
        /// Every row has succeeded, and absent offers are being paused.
        Pausing,
        /// Done, every row.
        Succeeded,
        /// Done, and some rows failed.
        Partial,
    }
}

words! {
    /// What became of a row.
    Outcome {
        /// A new offer.
        Created,
        /// A new version, or an offer that goes on again.
        Changed,
        /// It says what is there already.
        Unchanged,
        /// Nothing was done.
        Failed,
    }
}

/// What a call says beside its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRequest {
    /// Whose offers they are.
    pub provider: String,
    /// Made up by the caller.
    pub concurrency_request_id: String,
    /// About offers that are not named.
    pub operation: Operation,
    /// Warnings that are meant, in every row.
    pub codes: BTreeSet<Code>,
}

/// An import.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "ids are called by their full names everywhere")]
pub struct Import {
    /// Whose.
    pub tenant_id: TenantId,
    /// Its id.
    pub import_id: Uuid,
    /// How far it is.
    pub state: ImportState,
    /// Who sent it.
    pub imported_by: TokenId,
    /// What was asked.
    pub request: ImportRequest,
    /// How many rows.
    pub rows: u32,
    /// How many absent offers were paused.
    pub paused: u32,
    /// When it was whole.
    pub received_at: Option<Timestamp>,
    /// When it was done.
    pub finished_at: Option<Timestamp>,
}

/// How many rows came to which end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// New offers.
    pub created: u32,
    /// New versions.
    pub changed: u32,
    /// As they were.
    pub unchanged: u32,
    /// Not done.
    pub failed: u32,
}

impl Counts {
    /// How many of so many rows have an end, in whole percent: 100 only when all have.
    #[must_use]
    pub fn percent(&self, rows: u32) -> u32 {
        let done = u64::from(self.created)
            .saturating_add(u64::from(self.changed))
            .saturating_add(u64::from(self.unchanged))
            .saturating_add(u64::from(self.failed));
        let percent = done.saturating_mul(100).checked_div(u64::from(rows)).unwrap_or(100);
        u32::try_from(percent).unwrap_or(100).min(100)
    }
}

/// One row as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOffer {
    /// What the provider calls its offer.
    pub external_id: Option<String>,
    /// Which offer it is, when the caller knows.
    pub offer_id: Option<OfferId>,
    /// What it is to be.
    pub fields: OfferFields,
    /// Warnings that are meant.
    pub codes: BTreeSet<Code>,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowResult {
    /// From 1.
    pub row: u32,
    /// As it came.
    pub external_id: Option<String>,
    /// Its end; `None` while it waits.
    pub outcome: Option<Outcome>,
    /// Which offer it is.
    pub offer_id: Option<OfferId>,
    /// What was wrong.
    pub problems: Vec<RowProblem>,
}

/// A wrong field of a row, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// Which; empty when it is the row as a whole.
    pub field: String,
    /// What would be right.
    pub detail: String,
}

impl RowProblem {
    /// Of a row whose external id row `first` of the same import has.
    #[must_use]
    pub fn repeated(first: usize) -> Self {
        Self {
            field: String::from("externalId"),
            detail: format!("is the externalId of row {first} already; an import names each offer once"),
        }
    }
}

impl From<FieldProblem> for RowProblem {
    fn from(problem: FieldProblem) -> Self {
        Self { field: problem.field, detail: problem.detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_percent_is_all() {
        let counts = |unchanged| Counts { unchanged, failed: 1, ..Counts::default() };
        let percents = [counts(0), counts(99), counts(9_998), counts(9_999)].map(|it| it.percent(10_000));
        assert_eq!(percents, [0, 1, 99, 100]);
    }

    #[test]
    fn words_read_back() {
        for state in ImportState::ALL {
            assert_eq!(ImportState::parse(state.as_str()), Some(*state));
        }
    }
}
