//! A bound for journeys. Each is judged whole, so a click that thousands of postbacks name, by a loop in somebody's
//! integration or on purpose, would cost more with each of them, until a batch with one takes longer than it may and
//! everything stands behind it. What is beyond the bound is kept raw and buried, with an alarm.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{envelope::Envelope, read};
use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::FactId;
use postgres_kit::dead_items::{self, DeadItem};

use super::{Attributor, POSTBACKS};
use crate::{
    facts::Received,
    store::{JourneyKey, named, postbacks::KnownPostbacks},
};

/// Postbacks that one journey takes: far more than any user's life in an app has.
const JOURNEY_POSTBACKS_MAX: usize = 2_000;
const REASON: &str = "its click has 2000 postbacks already, and a journey takes no more";

impl Attributor {
    /// Takes out of a batch what is too much for its journey, the latest received first, and buries it. The journeys
    /// are locked, so what is known of them stays true.
    pub(super) async fn turn_away(
        &self,
        connection: &mut AsyncPgConnection,
        items: &[Envelope],
        known: &KnownPostbacks,
        fresh: &mut BTreeMap<JourneyKey, Vec<&Received>>,
    ) -> QueryResult<()> {
        let mut away = BTreeSet::new();
        for (key, postbacks) in fresh.iter_mut() {
            let room = JOURNEY_POSTBACKS_MAX.saturating_sub(known.get(key).map_or(0, Vec::len));
            if postbacks.len() <= room {
                continue;
            }
            postbacks.sort_by_key(|one| (one.stamped.received_at, one.stamped.receipt));
            let too_many = postbacks.split_off(room);
            tracing::error!(journey = %named(*key), postbacks = too_many.len(), "buried: {REASON}");
            away.extend(too_many.iter().map(|one| FactId::from_uuid(one.stamped.receipt.as_uuid())));
        }
        if away.is_empty() {
            return Ok(());
        }
        fresh.retain(|_, postbacks| !postbacks.is_empty());
        // An item that came twice in the batch is buried once.
        let too_many = items.iter().filter(|item| read::fact_id(item).is_ok_and(|id| away.remove(&id)));
        let dead: Vec<_> = too_many.map(|item| DeadItem::of(item, REASON)).collect();
        self.meters.turned_away(dead.len());
        dead_items::bury(connection, POSTBACKS, &dead).await
    }
}
