//! Many publishers, each with an endpoint of its own on a host of its own.

use std::ops::Range;

use bus::Route;
use contracts::{
    attribution::ConversionQualified,
    catalog::{ConversionStatus, PostbackMethod, PublisherChanged},
    envelope::Envelope,
};
use kernel::{PublisherId, Timestamp};
use uuid::Uuid;

use super::{
    EVENTS, World,
    catalog::{for_payout_of, said, sealed_endpoint},
    verdicts::{Telling, qualified_for},
};
use crate::{beside, load::NEVER};

/// Pauses every endpoint that payout knows, as ten answers of 410 in a row do, but for the line in the audit: what is to be told
/// is written and waits until somebody ends the pause. Time does not.
pub const PAUSE_ENDPOINTS: &str = "INSERT INTO endpoint_conditions (tenant_id, endpoint_id, gone, paused_at)
    SELECT tenant_id, endpoint_id, 10, now() FROM postback_endpoints
    ON CONFLICT (tenant_id, endpoint_id) DO UPDATE
    SET gone = 10, paused_at = now(), open_until = NULL, probing = false";

/// The publishers of a world. Those that never answer come first.
#[derive(Debug)]
pub struct Publishers {
    ids: Vec<PublisherId>,
    never: usize,
}

/// Conversions of some of the publishers, in turn.
#[derive(Debug, Clone)]
pub struct Wave {
    /// Numbers of conversions; three are one click's, and so one publisher's.
    pub numbers: Range<u64>,
    /// Whose.
    pub whose: Whose,
    /// All of them: by that they are found again.
    pub received_at: Timestamp,
    /// Days until they are released; 0: at once.
    pub pending_days: u32,
}

/// Which publishers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those that answer.
    Healthy,
    /// Those that never do.
    Never,
}

impl Publishers {
    /// So many, some of which never answer.
    pub fn new(count: u8, never: u8) -> Self {
        let ids = (0..count).map(|_| PublisherId::from_uuid(Uuid::now_v7())).collect();
        Self { ids, never: usize::from(never) }
    }

    /// What payout must know of the world and of them. Each hears of every Success by a signed `POST` to `port` of its host.
    ///
    /// # Errors
    /// When the key is none.
    pub fn facts(
        &self,
        world: &World,
        sealing_keys: &str,
        port: u16,
    ) -> anyhow::Result<Vec<(Route, Envelope)>> {
        let mut facts = for_payout_of(world);
        for (place, (id, number)) in self.ids.iter().zip(1_u8..).enumerate() {
            let path = if place < self.never { NEVER } else { "/postback" };
            let url = format!("http://{}:{port}{path}?key={{conversion_id}}", beside::host(number));
            let mut endpoint = sealed_endpoint(world, sealing_keys, u64::from(number), url)?;
            endpoint.method = PostbackMethod::PostJson.into();
            endpoint.statuses = vec![ConversionStatus::Success.into()];
            let publisher = PublisherChanged {
                tenant_id: world.tenant.to_vec(),
                publisher_id: id.to_vec(),
                version: 1,
                name: format!("Publisher {number}"),
                active: true,
                endpoints: vec![endpoint],
                ..PublisherChanged::default()
            };
            facts.push(said(world, &publisher));
        }
        Ok(facts)
    }

    /// One that answers.
    pub fn last(&self) -> PublisherId {
        self.ids[self.ids.len() - 1]
    }

    /// The first host that answers, and how many do.
    pub fn healthy_hosts(&self) -> (u8, u8) {
        let number = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        (number(self.never + 1), number(self.ids.len() - self.never))
    }

    /// What attribution says of a wave.
    pub fn verdicts<'a>(
        &'a self,
        world: &'a World,
        wave: &'a Wave,
    ) -> impl Iterator<Item = (Route, Envelope)> + 'a {
        let some = match wave.whose {
            Whose::Healthy => &self.ids[self.never..],
            Whose::Never => &self.ids[..self.never],
        };
        wave.numbers.clone().map(|number| {
            let click = usize::try_from(number / EVENTS.len() as u64).unwrap_or_default();
            let telling = Telling {
                publisher: some[click % some.len()],
                received_at: wave.received_at,
                pending_days: wave.pending_days,
            };
            (Route::of::<ConversionQualified>(), qualified_for(world, number, telling))
        })
    }
}
