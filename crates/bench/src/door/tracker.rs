//! The users' door: clicks on one shared offer, redirects with a click id, the queue of attribution.

use std::time::Duration;

use anyhow::ensure;
use bus::house::ATTRIBUTION_CLICKS;
use contracts::{envelope::Envelope, tracker::ClickRecorded};
use prost::Message as _;
use system_tests::{ServiceName, lone::CREDENTIAL_KEYS as KEYS};
use test_kit::eventually;
use uuid::Uuid;

use super::{Door, Promise};
use crate::{
    database::{assert_durable, connect},
    load::{Connection, SLOT, Template, click_id},
    nodes::LocalNodes,
    seed::{self, DOMAIN, World},
};

/// An offer is told to a service that runs: it knows it within this, or never.
const KNOWN_WITHIN: Duration = Duration::from_secs(30);

const PROMISE: Promise = Promise {
    ids: "different click ids",
    answered: click_id,
    queue: ATTRIBUTION_CLICKS,
    kept: |fact: &Envelope| {
        let click = ClickRecorded::decode(fact.body.clone()).ok()?;
        Uuid::from_slice(&click.gk_click_id).ok()
    },
};

/// tracker, with an offer that it has read and loaded; and a place it redirected to.
///
/// # Errors
/// When it does not start, or does not take the offer.
pub async fn tracker(nodes: &LocalNodes) -> anyhow::Result<(Door, String)> {
    let world = World::new(KEYS)?;
    let target = format!(
        "/api/v1/offer-link/redirect/{}?pub_click_id={SLOT}&pub_member_id=member-4711\
         &pub_sub_1=placement-7&pub_sub_2=summer&gender=female&age=31",
        world.link
    );
    let mut request = Template::browse(&format!("api.{DOMAIN}.gokart.test"), &target);
    let settings = [("CLICKS__KEYS", KEYS)];
    let door = Door::open(nodes, ServiceName::Tracker, &settings, request.clone(), PROMISE).await?;
    assert_durable(&connect(&door.stack.database(ServiceName::Tracker).app_url()).await?).await?;
    door.broker.publish(seed::for_tracker(&world)).await?;

    let mut connection = Connection::open(door.address).await?;
    let mut place = String::new();
    // No number of the measurement's: a double tap would be answered the same click.
    let request = request.stamped(u64::MAX);
    let click = eventually("tracker redirects to the offer", KNOWN_WITHIN, async || {
        let response = connection.exchange(request).await.map_err(|error| error.to_string())?;
        place = response.header("location").unwrap_or_default().to_owned();
        click_id(&response).ok_or_else(|| format!("it answers {}", response.status))
    })
    .await;
    let (account, _drained) = door.account("tracker, first click", vec![click]).await?;
    ensure!(account.is_settled(), "{}", account.line());
    Ok((door, place))
}
