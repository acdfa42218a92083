//! Where a line of a report ended.

use std::fmt;

use kernel::{Currency, Micros, ReceiptId};

use super::{pairing::Reached, row::ReportRow};
use crate::domain::Code;

/// What payout made of a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its status.
    pub status: PaymentStatus,
    /// What became of telling the publisher that status.
    pub delivery: Delivery,
}

/// A conversion's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Not due yet, or on review.
    Pending,
    /// Paid.
    Success,
    /// Not paid, for this reason.
    Rejected(String),
}

/// What became of telling the publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing has been heard: on its way, or nobody asked to be told.
    None,
    /// At least one endpoint has it.
    Delivered,
    /// Every attempt failed, or it was stopped.
    Failed,
}

/// The buckets of a reconciliation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    /// No click of ours.
    NoClick,
    /// No postback here.
    NeverReached,
    /// A postback that does not pay.
    ReachedNotPaid,
    /// It counts and is not due yet.
    Pending,
    /// Paid, and the publisher has not been told.
    PaidNotDelivered,
    /// Paid for another amount.
    Differs,
    /// Paid and told.
    Agrees,
}

impl Bucket {
    /// Every bucket.
    pub const ALL: [Self; 7] = [
        Self::NoClick,
        Self::NeverReached,
        Self::ReachedNotPaid,
        Self::Pending,
        Self::PaidNotDelivered,
        Self::Differs,
        Self::Agrees,
    ];

    /// As the API and the database write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoClick => "noClick",
            Self::NeverReached => "neverReached",
            Self::ReachedNotPaid => "reachedNotPaid",
            Self::Pending => "pending",
            Self::PaidNotDelivered => "paidNotDelivered",
            Self::Differs => "differs",
            Self::Agrees => "agrees",
        }
    }
}

/// What differs between a line and its postback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The amounts: the report's and the postback's.
    Amount(Option<Micros>, Option<Micros>),
    /// The currencies.
    Currency(Option<Currency>, Option<Currency>),
}

impl fmt::Display for Difference {
    /// For people: what the report says, and what came.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn or_none(value: Option<impl fmt::Display>) -> String {
            value.map_or_else(|| String::from("none"), |value| value.to_string())
        }
        match self {
            Self::Amount(reported, came) => {
                write!(out, "amount: the report says {}, {} came", or_none(*reported), or_none(*came))
            }
            Self::Currency(reported, came) => {
                write!(out, "currency: the report says {}, {} came", or_none(*reported), or_none(*came))
            }
        }
    }
}

/// A line's bucket, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The bucket.
    pub bucket: Bucket,
    /// Its postback.
    pub receipt: Option<ReceiptId>,
    /// The stable code within the bucket: of the decision, of payout's refusal, or what differs; empty where the bucket
    /// says it all.
    pub code: String,
    /// What differs.
    pub difference: Option<Difference>,
}

/// The bucket of a line, given its postback.
///
/// A repeat (`DUPLICATE`) and a refund are not paid, and say so by their code: AppsFlyer's report counts them, too.
/// An amount that only one of the two has is a difference when it is the report that has it: then the postback template
/// lacks it.
#[must_use]
pub fn outcome(row: &ReportRow, reached: Option<&Reached>) -> Outcome {
    let plain = |bucket, code: &str| Outcome {
        bucket,
        receipt: reached.map(|postback| postback.receipt),
        code: String::from(code),
        difference: None,
    };
    let Some(postback) = reached else {
        return plain(if row.click.is_some() { Bucket::NeverReached } else { Bucket::NoClick }, "");
    };
    if postback.code != Code::Qualified {
        return plain(Bucket::ReachedNotPaid, postback.code.as_str());
    }
    // Until payout has said anything, it is under way.
    let Some(payment) = &postback.payment else { return plain(Bucket::Pending, "") };
    match &payment.status {
        PaymentStatus::Pending => plain(Bucket::Pending, ""),
        PaymentStatus::Rejected(code) => plain(Bucket::ReachedNotPaid, code),
        PaymentStatus::Success => {
            if let Some((code, difference)) = difference(row, postback) {
                return Outcome { difference: Some(difference), ..plain(Bucket::Differs, code) };
            }
            match payment.delivery {
                Delivery::Delivered => plain(Bucket::Agrees, ""),
                Delivery::Failed => plain(Bucket::PaidNotDelivered, "FAILED"),
                Delivery::None => plain(Bucket::PaidNotDelivered, "NOT_HEARD_OF"),
            }
        }
    }
}

fn difference(row: &ReportRow, postback: &Reached) -> Option<(&'static str, Difference)> {
    row.amount?;
    if row.currency.is_some() && postback.currency.is_some() && row.currency != postback.currency {
        return Some(("CURRENCY", Difference::Currency(row.currency, postback.currency)));
    }
    (row.amount != postback.amount).then_some(("AMOUNT", Difference::Amount(row.amount, postback.amount)))
}

#[cfg(test)]
mod tests {
    use kernel::ClickId;
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;
    use crate::domain::samples::at;

    fn row(click: bool, amount: Option<i64>) -> ReportRow {
        ReportRow {
            line: 2,
            click: click.then(|| ClickId::from_uuid(Uuid::max())),
            is_install: false,
            event_name: None,
            event_id: None,
            event_time: None,
            conversion_id: None,
            amount: amount.map(Micros),
            currency: amount.map(|_| Currency::USD),
        }
    }

    fn reached(code: Code, payment: Option<(PaymentStatus, Delivery)>, amount: Option<i64>) -> Reached {
        Reached {
            receipt: ReceiptId::from_uuid(Uuid::from_u128(1)),
            received_at: at(0),
            event_ids: Vec::new(),
            event_name: None,
            event_time: None,
            conversion_id: None,
            amount: amount.map(Micros),
            currency: amount.map(|_| Currency::USD),
            code,
            payment: payment.map(|(status, delivery)| Payment { status, delivery }),
        }
    }

    #[test]
    fn without_a_postback_it_never_reached_us_or_was_never_ours() {
        assert_eq!(outcome(&row(true, None), None).bucket, Bucket::NeverReached);
        assert_eq!(outcome(&row(false, None), None).bucket, Bucket::NoClick);
    }

    #[rstest]
    #[case::by_its_code(Code::UnmappedEvent, None, Bucket::ReachedNotPaid, "UNMAPPED_EVENT")]
    #[case::repeat(Code::Duplicate, None, Bucket::ReachedNotPaid, "DUPLICATE")]
    #[case::payout_silent(Code::Qualified, None, Bucket::Pending, "")]
    #[case::not_due(Code::Qualified, Some((PaymentStatus::Pending, Delivery::None)), Bucket::Pending, "")]
    #[case::over_the_cap(
        Code::Qualified,
        Some((PaymentStatus::Rejected(String::from("REJECTED_CAP")), Delivery::None)),
        Bucket::ReachedNotPaid,
        "REJECTED_CAP"
    )]
    #[case::told(Code::Qualified, Some((PaymentStatus::Success, Delivery::Delivered)), Bucket::Agrees, "")]
    #[case::not_told(
        Code::Qualified,
        Some((PaymentStatus::Success, Delivery::None)),
        Bucket::PaidNotDelivered,
        "NOT_HEARD_OF"
    )]
    #[case::given_up(
        Code::Qualified,
        Some((PaymentStatus::Success, Delivery::Failed)),
        Bucket::PaidNotDelivered,
        "FAILED"
    )]
    fn with_one_it_is_where_that_is(
        #[case] code: Code,
        #[case] payment: Option<(PaymentStatus, Delivery)>,
        #[case] bucket: Bucket,
        #[case] says: &str,
    ) {
        let found = outcome(&row(true, None), Some(&reached(code, payment, None)));
        assert_eq!((found.bucket, found.code.as_str()), (bucket, says));
        assert!(found.receipt.is_some());
    }

    #[rstest]
    #[case::equal(Some(5), Some(5), Bucket::Agrees)]
    #[case::another(Some(5), Some(4), Bucket::Differs)]
    #[case::lost_on_the_way(Some(5), None, Bucket::Differs)]
    #[case::not_in_the_report(None, Some(5), Bucket::Agrees)]
    fn amounts_are_compared_when_the_report_has_one(
        #[case] reported: Option<i64>,
        #[case] came: Option<i64>,
        #[case] bucket: Bucket,
    ) {
        let paid = Some((PaymentStatus::Success, Delivery::Delivered));
        let found = outcome(&row(true, reported), Some(&reached(Code::Qualified, paid, came)));
        assert_eq!(found.bucket, bucket);
        assert_eq!(found.difference.is_some(), bucket == Bucket::Differs);
    }

    #[test]
    fn another_currency_is_another_amount() {
        let paid = Some((PaymentStatus::Success, Delivery::Delivered));
        let mut postback = reached(Code::Qualified, paid, Some(5));
        postback.currency = Some("EUR".parse().unwrap());
        assert_eq!(outcome(&row(true, Some(5)), Some(&postback)).code, "CURRENCY");
    }
}
