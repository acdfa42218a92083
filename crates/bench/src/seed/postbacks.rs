//! Postbacks as AppsFlyer sends them and as ingest publishes them.

use std::sync::Arc;

use contracts::{
    envelope::Envelope,
    ingest::{HttpMethod, PostbackReceived},
};
use kernel::ClickId;
use uuid::Uuid;

use super::{EVENTS, Step, World};
use crate::load::SLOT;

/// Most users who do the same step one after the other, before any of them does the next: so a batch holds as many
/// journeys as postbacks, as in life, and every postback finds its predecessor.
const USERS_IN_STEP: u64 = 1_000;
const STEPS: u64 = EVENTS.len() as u64;

/// All postbacks of a world: three for each click, in a fixed order.
#[derive(Debug, Clone)]
pub struct Postbacks {
    world: Arc<World>,
    users_in_step: u64,
}

impl Postbacks {
    /// Of this world, `count` of them; fewer have smaller groups, so that all steps come up.
    pub fn new(world: Arc<World>, count: u64) -> Self {
        Self { world, users_in_step: (count / STEPS).clamp(1, USERS_IN_STEP) }
    }

    /// How many clicks `count` postbacks need.
    pub const fn clicks(&self, count: u64) -> u64 {
        count.div_ceil(STEPS * self.users_in_step) * self.users_in_step
    }

    /// Postback `number` as ingest publishes it. Its receipt is fresh: another call is another receipt.
    pub fn envelope(&self, number: u64) -> Envelope {
        let (click, step) = self.place(number);
        let query = query(self.world.click_id(click), step, &format!("{number:016x}"), &self.world);
        received(&self.world, query)
    }

    /// The query of a call that reports the first step of click `number`.
    pub fn install(&self, number: u64) -> String {
        query(self.world.click_id(number), EVENTS[0], &format!("{number:016x}"), &self.world)
    }

    /// The query of a call that differs from others of its kind in its conversion id only.
    pub fn template(&self) -> String {
        query(self.world.click_id(0), EVENTS[1], SLOT, &self.world)
    }

    fn place(&self, number: u64) -> (u64, Step) {
        let users = self.users_in_step;
        let (group, rest) = (number / (STEPS * users), number % (STEPS * users));
        let step = usize::try_from(rest / users).unwrap_or_default();
        (group * users + rest % users, EVENTS[step])
    }
}

/// An Install of this click.
pub fn install(world: &World, click: ClickId, conversion: &str) -> Envelope {
    received(world, query(click, EVENTS[0], conversion, world))
}

/// A postback of the second step, which waits for the first.
pub fn second_step(world: &World, click: ClickId, conversion: &str) -> Envelope {
    received(world, query(click, EVENTS[1], conversion, world))
}

fn received(world: &World, query: String) -> Envelope {
    world.sealed(
        Uuid::now_v7(),
        &PostbackReceived {
            tenant_id: world.tenant.to_vec(),
            credential_id: world.credential.to_vec(),
            credential_generation: 1,
            method: HttpMethod::Get.into(),
            query: query.into_bytes(),
            content_type: String::new(),
            body: Vec::new(),
            caller_ip: "198.51.100.20".to_owned(),
            caller_outside_ranges: false,
        },
    )
}

/// What AppsFlyer's own in-app event template holds; some 650 bytes.
fn query(click: ClickId, step: Step, conversion: &str, world: &World) -> String {
    let at = world.clicked_at().saturating_add_seconds(60 * step.minutes_after_click).as_millis();
    let installed = world.clicked_at().saturating_add_seconds(60 * EVENTS[0].minutes_after_click).as_millis();
    let event = step.event_id;
    format!(
        "gk_click_id={click}&cnv_event_id={event}&cnv_event_name={event}&cnv_conversion_id={conversion}\
         &cnv_amount=4.99&cnv_currency=USD&event_time={at}&install_time={installed}\
         &app_id=id1234567890&bundle_id=com.golfin.game&country_code=US&platform=ios\
         &appsflyer_id=1763812345678-7654321&idfa=00000000-0000-0000-0000-000000000000\
         &idfv=7A2F9C11-4E0B-4F5D-9C55-0B1D2E3F4A5B&cnv_conversion_ip_address=203.0.113.7\
         &af_siteid=demo-partner&is_retargeting=false&is_primary_attribution=true\
         &match_type=id_matching&attributed_touch_type=click&media_source=gokart_int\
         &event_value=%7B%22af_revenue%22%3A4.99%2C%22af_currency%22%3A%22USD%22%7D"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn every_click_meets_its_events_in_their_order() {
        let count = 2 * STEPS * USERS_IN_STEP;
        let world = World::new("1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
        let postbacks = Postbacks::new(Arc::new(world), count);
        let mut last = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for number in 0..count {
            let (click, step) = postbacks.place(number);
            assert!(seen.insert((click, step.event_id)));
            let minutes = last.insert(click, step.minutes_after_click);
            assert!(minutes.is_none_or(|before| before < step.minutes_after_click));
        }
        assert_eq!(last.len() as u64, postbacks.clicks(count));
    }
}
