//! `ClickRefused`.

use contracts::tracker::RefusalReason;
use kernel::Timestamp;

use super::{
    shared::{Visitor, write_parameters, write_visitor},
    wire::Message,
};
use crate::domain::{ClickParameters, LiveOffer, Refusal};

/// Usual length of the fact, so that it is written without growing.
const USUAL_BYTES: usize = 512;

/// A click that was not sent to the advertiser.
#[derive(Debug)]
pub struct Refused<'a> {
    /// The offer it was made on.
    pub offer: &'a LiveOffer,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub refusal: Refusal,
    /// What the link carried.
    pub parameters: &'a ClickParameters<'a>,
    /// Who followed it.
    pub visitor: Visitor<'a>,
    /// Whether the user was sent to the offer's fallback link.
    pub sent_to_fallback: bool,
}

impl Refused<'_> {
    /// The encoded fact.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        let mut out = Message(&mut bytes);
        out.id(1, self.offer.tenant.as_uuid());
        out.micros(2, self.at.as_micros());
        out.id(3, self.offer.link.as_uuid());
        out.id(4, self.offer.offer.as_uuid());
        out.present_number(5, self.offer.version);
        out.id(6, self.offer.publisher.as_uuid());
        out.number(7, i32::from(reason(self.refusal)).unsigned_abs());
        out.message(8, |out| write_parameters(out, self.parameters));
        out.message(9, |out| write_visitor(out, &self.visitor));
        out.number(10, self.sent_to_fallback);
        bytes
    }
}

const fn reason(refusal: Refusal) -> RefusalReason {
    match refusal {
        Refusal::NotLive => RefusalReason::NotLive,
        Refusal::Paused => RefusalReason::Paused,
        Refusal::OutsideDates => RefusalReason::OutsideDates,
        Refusal::BrokenLink => RefusalReason::BrokenLink,
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
            parameters in parameters(), at in any::<i64>(), sent_to_fallback in any::<bool>(),
        ) {
            let offer = sample_offer();
            let visitor = Visitor { ip_address: None, user_agent: "agent" };
            let written = Refused {
                offer: &offer,
                at: Timestamp::from_micros(at),
                refusal: Refusal::Paused,
                parameters: &parameters,
                visitor,
                sent_to_fallback,
            };
            let message = ClickRefused {
                tenant_id: offer.tenant.to_vec(),
                refused_at_micros: at,
                link_id: offer.link.to_vec(),
                offer_id: Some(offer.offer.to_vec()),
                offer_version: Some(offer.version),
                publisher_id: Some(offer.publisher.to_vec()),
                reason: RefusalReason::Paused.into(),
                publisher_parameters: Some(message_of(&parameters)),
                visitor: Some(visitor_of(&visitor)),
                sent_to_fallback,
                link_text: String::new(),
                parameter: String::new(),
            };
            prop_assert_eq!(written.encoded(), message.encode_to_vec());
        }
    }
}
