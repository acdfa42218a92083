//! `ClickRefused`.

use std::sync::LazyLock;

use contracts::tracker::RefusalReason;
use kernel::{LinkId, Timestamp};

use super::{
    shared::{Visitor, write_parameters, write_visitor},
    wire::Message,
};
use crate::domain::{ClickParameters, LiveOffer, Refusal};

/// Usual length of the fact, so that it is written without growing.
const USUAL_BYTES: usize = 512;

static NO_PARAMETERS: LazyLock<ClickParameters<'static>> = LazyLock::new(ClickParameters::default);

/// A click that was not sent to the advertiser.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// The offer it was made on; `None` when the link is unknown.
    pub offer: Option<&'a LiveOffer>,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: RefusalReason,
    /// What the link carried.
    pub parameters: &'a ClickParameters<'a>,
    /// Who followed it.
    pub visitor: Visitor<'a>,
    /// Whether the user was sent to the offer's fallback link.
    pub sent_to_fallback: bool,
    /// What stood in the place of an unknown link.
    pub link_text: &'a str,
    /// Which parameters were missing.
    pub parameter: &'a str,
}

impl<'a> Refused<'a> {
    /// A refusal of which nothing more is known yet.
    #[must_use]
    pub fn at(at: Timestamp, visitor: Visitor<'a>) -> Self {
        Self {
            offer: None,
            at,
            reason: RefusalReason::Unspecified,
            parameters: &NO_PARAMETERS,
            visitor,
            sent_to_fallback: false,
            link_text: "",
            parameter: "",
        }
    }

    /// The encoded fact.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        let mut out = Message(&mut bytes);
        if let Some(offer) = self.offer {
            out.id(1, offer.tenant.as_uuid());
        }
        out.micros(2, self.at.as_micros());
        if let Some(offer) = self.offer {
            out.id(3, offer.link.as_uuid());
            out.id(4, offer.offer.as_uuid());
            out.present_number(5, offer.version);
            out.id(6, offer.publisher.as_uuid());
        }
        out.number(7, i32::from(self.reason).unsigned_abs());
        out.message(8, |out| write_parameters(out, self.parameters));
        out.message(9, |out| write_visitor(out, &self.visitor));
        out.number(10, self.sent_to_fallback);
        out.bytes(11, kept(self.link_text).as_bytes());
        out.bytes(12, self.parameter.as_bytes());
        bytes
    }
}

/// An id that leads nowhere is worth a look; any other text is a stranger's, and may be a secret that was pasted there.
fn kept(link_text: &str) -> &str {
    if link_text.parse::<LinkId>().is_ok() { link_text } else { "" }
}

/// The contract's word for a refusal.
#[must_use]
pub const fn reason_of(refusal: Refusal) -> RefusalReason {
    match refusal {
        Refusal::NotLive => RefusalReason::NotLive,
        Refusal::Paused => RefusalReason::Paused,
        Refusal::OutsideDates => RefusalReason::OutsideDates,
        Refusal::BudgetSpent => RefusalReason::BudgetSpent,
        Refusal::BrokenLink => RefusalReason::BrokenLink,
        Refusal::Country => RefusalReason::Country,
        Refusal::Platform => RefusalReason::Platform,
        Refusal::Gender => RefusalReason::Gender,
        Refusal::Age => RefusalReason::Age,
    }
}

#[cfg(test)]
mod tests {
    use contracts::tracker::ClickRefused;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;
    use crate::{
        domain::sample_offer,
        facts::shared::samples::{message_of, parameters, visitor_of},
    };

    proptest! {
        #[test]
        fn it_is_the_message_that_prost_would_write(
            parameters in parameters(),
            at in any::<i64>(),
            sent_to_fallback in any::<bool>(),
            is_known in any::<bool>(),
            link_text in "\\PC{0,40}",
            parameter in "\\PC{0,40}",
        ) {
            let offer = sample_offer();
            let known = is_known.then_some(&offer);
            let visitor = Visitor { user_agent: "agent", ..Visitor::default() };
            let written = Refused {
                offer: known,
                reason: RefusalReason::Paused,
                parameters: &parameters,
                sent_to_fallback,
                link_text: &link_text,
                parameter: &parameter,
                ..Refused::at(Timestamp::from_micros(at), visitor)
            };
            let message = ClickRefused {
                tenant_id: known.map(|offer| offer.tenant.to_vec()).unwrap_or_default(),
                refused_at_micros: at,
                link_id: known.map(|offer| offer.link.to_vec()).unwrap_or_default(),
                offer_id: known.map(|offer| offer.offer.to_vec()),
                offer_version: known.map(|offer| offer.version),
                publisher_id: known.map(|offer| offer.publisher.to_vec()),
                reason: RefusalReason::Paused.into(),
                publisher_parameters: Some(message_of(&parameters)),
                visitor: Some(visitor_of(&visitor)),
                sent_to_fallback,
                link_text: kept(&link_text).to_owned(),
                parameter: parameter.clone(),
            };
            prop_assert_eq!(written.encoded(), message.encode_to_vec());
        }
    }

    #[test]
    fn of_what_stands_in_a_links_place_only_an_id_is_kept() {
        let id = "0193a1f0-0000-7000-8000-000000000001";
        assert_eq!(kept(id), id);
        for text in ["", "x", "whsec_c2VjcmV0", "0193a1f0-0000-7000-8000-000000000001?x=secret"] {
            assert_eq!(kept(text), "");
        }
    }
}
