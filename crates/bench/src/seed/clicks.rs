//! Clicks as tracker records them.

use std::collections::BTreeMap;

use contracts::{
    catalog::Platform,
    envelope::Envelope,
    tracker::{ClickRecorded, PublisherParameters, Visitor},
};
use uuid::Uuid;

use super::World;

/// The fact of click `number`.
pub fn click(world: &World, number: u64) -> Envelope {
    recorded(world, number, parameters(number))
}

/// The same of nobody in particular: copies of it are not one member's, who could do each step once only.
pub fn click_of_nobody(world: &World, number: u64) -> Envelope {
    recorded(world, number, PublisherParameters { pub_member_id: String::new(), ..parameters(number) })
}

fn recorded(world: &World, number: u64, parameters: PublisherParameters) -> Envelope {
    world.sealed(
        Uuid::now_v7(),
        &ClickRecorded {
            tenant_id: world.tenant.to_vec(),
            gk_click_id: world.click_id(number).to_vec(),
            clicked_at_micros: world.clicked_at().as_micros(),
            link_id: world.link.to_vec(),
            offer_id: world.offer.to_vec(),
            offer_version: 1,
            advertiser_id: world.advertiser.to_vec(),
            publisher_id: world.publisher.to_vec(),
            publisher_parameters: Some(parameters),
            visitor: Some(visitor()),
        },
    )
}

pub(super) fn parameters(number: u64) -> PublisherParameters {
    PublisherParameters {
        pub_click_id: format!("{number:016x}"),
        pub_member_id: format!("member-{number}"),
        pub_subs: BTreeMap::from([(1, "placement-7".to_owned())]),
        gender: None,
        age: None,
    }
}

pub(super) fn visitor() -> Visitor {
    Visitor {
        ip_address: "203.0.113.7".to_owned(),
        user_agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15".to_owned(),
        country: Some("US".to_owned()),
        platform: Some(Platform::Ios.into()),
    }
}
