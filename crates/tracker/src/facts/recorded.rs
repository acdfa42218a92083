//! `ClickRecorded`.

use kernel::{ClickId, Timestamp};

use super::{
    shared::{Visitor, write_parameters, write_visitor},
    wire::Message,
};
use crate::domain::{ClickParameters, LiveOffer};

/// Usual length of the fact, so that it is written without growing.
const USUAL_BYTES: usize = 512;

/// A click that was redirected.
#[derive(Debug)]
pub struct Recorded<'a> {
    /// The offer it was made on.
    pub offer: &'a LiveOffer,
    /// Its id.
    pub click: ClickId,
    /// When.
    pub at: Timestamp,
    /// What the link carried.
    pub parameters: &'a ClickParameters<'a>,
    /// Who followed it.
    pub visitor: Visitor<'a>,
}

impl Recorded<'_> {
    /// The encoded fact.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(USUAL_BYTES);
        let mut out = Message(&mut bytes);
        out.id(1, self.offer.tenant.as_uuid());
        out.id(2, self.click.as_uuid());
        out.micros(3, self.at.as_micros());
        out.id(4, self.offer.link.as_uuid());
        out.id(5, self.offer.offer.as_uuid());
        out.number(6, self.offer.version);
        out.id(7, self.offer.advertiser.as_uuid());
        out.id(8, self.offer.publisher.as_uuid());
        out.message(9, |out| write_parameters(out, self.parameters));
        out.message(10, |out| write_visitor(out, &self.visitor));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use contracts::tracker::ClickRecorded;
    use proptest::prelude::*;
    use prost::Message as _;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{Platform, sample_offer},
        facts::shared::samples::{message_of, parameters, visitor_of},
    };

    proptest! {
        #[test]
        fn it_is_the_message_that_prost_would_write(
            parameters in parameters(),
            at in any::<i64>(),
            user_agent in "\\PC{0,200}",
            address in prop::option::of(any::<IpAddr>()),
            version in any::<u32>(),
            country in prop::option::of("[A-W]{2}"),
            platform in prop::option::of(prop_oneof![Just(Platform::Ios), Just(Platform::Browser)]),
        ) {
            let offer = LiveOffer { version, ..sample_offer() };
            let country = country.and_then(|code| code.parse().ok());
            let visitor = Visitor { ip_address: address, user_agent: &user_agent, country, platform };
            let click = ClickId::from_uuid(Uuid::from_u128(9));
            let written =
                Recorded { offer: &offer, click, at: Timestamp::from_micros(at), parameters: &parameters, visitor };
            let message = ClickRecorded {
                tenant_id: offer.tenant.to_vec(),
                gk_click_id: click.to_vec(),
                clicked_at_micros: at,
                link_id: offer.link.to_vec(),
                offer_id: offer.offer.to_vec(),
                offer_version: version,
                advertiser_id: offer.advertiser.to_vec(),
                publisher_id: offer.publisher.to_vec(),
                publisher_parameters: Some(message_of(&parameters)),
                visitor: Some(visitor_of(&visitor)),
            };
            prop_assert_eq!(written.encoded(), message.encode_to_vec());
        }
    }
}
