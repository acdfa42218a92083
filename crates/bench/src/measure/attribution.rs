//! attribution: postbacks a second to the committed decision.

use std::{collections::HashSet, sync::Arc};

use bus::{
    Route,
    house::{ATTRIBUTION_POSTBACKS, PAYOUT_CONVERSIONS},
};
use contracts::{
    attribution::ConversionQualified, envelope::Envelope, ingest::PostbackReceived, open,
    tracker::ClickRecorded,
};
use system_tests::{ServiceName, StackOptions, lone::CREDENTIAL_KEYS as KEYS};

use super::{Context, Outcome};
use crate::{
    database::count,
    flow::{Contest, Flow, Known, Plan, Rig},
    report::{Account, Aim, Comparison},
    seed::{self, Postbacks, World},
};

/// Sizes at full scale.
const EVENTS: u64 = 30_000;
const EVENTS_ONE_BY_ONE: u64 = 1_000;
const ROUNDS: usize = 3;

/// attribution, and what it works on.
pub(super) struct Attribution {
    world: Arc<World>,
    postbacks: Postbacks,
}

impl Attribution {
    pub(super) fn new(events: u64) -> anyhow::Result<Self> {
        let world = Arc::new(World::new(KEYS)?);
        let postbacks = Postbacks::new(Arc::clone(&world), events);
        Ok(Self { world, postbacks })
    }

    pub(super) fn world(&self) -> Arc<World> {
        Arc::clone(&self.world)
    }
}

impl Flow for Attribution {
    const SERVICE: ServiceName = ServiceName::Attribution;
    const QUEUE: &'static str = ATTRIBUTION_POSTBACKS;
    const DONE: &'static str = "SELECT count(*) FROM decisions WHERE is_current";
    const EVENTS: &'static str = "postbacks";

    fn settings(&self, options: StackOptions) -> StackOptions {
        options.set(Self::SERVICE, "CLICKS__KEYS", KEYS)
    }

    fn known(&self, events: u64) -> Vec<Known> {
        let clicks = self.postbacks.clicks(events);
        vec![
            Known {
                facts: seed::for_attribution(&self.world),
                query: "SELECT (SELECT count(*) FROM tenants) + (SELECT count(*) FROM credentials)
                    + (SELECT count(*) FROM offers) + (SELECT count(*) FROM offer_versions)",
                count: 4,
            },
            Known {
                facts: (0..clicks)
                    .map(|number| (Route::of::<ClickRecorded>(), seed::click(&self.world, number)))
                    .collect(),
                query: "SELECT count(*) FROM journeys WHERE click IS NOT NULL",
                count: clicks,
            },
        ]
    }

    fn event(&self, number: u64) -> (Route, Envelope) {
        (Route::of::<PostbackReceived>(), self.postbacks.envelope(number))
    }
}

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let scale = context.scale;
    let plan = Plan {
        events: scale.events(EVENTS, 600),
        events_one_by_one: scale.events(EVENTS_ONE_BY_ONE, 100),
        rounds: scale.rounds(ROUNDS),
    };
    let contest = Contest::hold(context.nodes, &context.progress, plan, Attribution::new, account).await?;
    let comparison = Comparison {
        title: "attribution: postbacks to the committed decision",
        subject: contest.flow,
        beside: vec![(contest.bare, Aim::Share(0.5)), (contest.one_by_one, Aim::Times(10.0))],
        notes: vec![format!("the flow writes {}", contest.written)],
    };
    Ok(Outcome::of(&comparison, contest.accounts))
}

/// Postbacks sent against raw rows, decisions, and the conversions that payout was told of.
async fn account(rig: &Rig, sent: u64) -> anyhow::Result<Account> {
    let stored = count(&rig.admin, "SELECT count(DISTINCT receipt) FROM postbacks").await?;
    let decided = count(&rig.admin, "SELECT count(*) FROM decisions WHERE is_current").await?;
    let qualified =
        count(&rig.admin, "SELECT count(*) FROM decisions WHERE is_current AND code = 'QUALIFIED'").await?;
    let dead = count(&rig.admin, "SELECT count(*) FROM dead_items").await?;
    let mut told = HashSet::new();
    rig.broker
        .drain(PAYOUT_CONVERSIONS, sent, |fact| {
            let verdict = open::<ConversionQualified>(&fact).ok().and_then(|fact| fact.verdict);
            told.extend(verdict.map(|verdict| verdict.conversion_id));
        })
        .await?;
    Ok(Account::of("attribution", sent)
        .found("raw postbacks", stored)
        .found("decisions", decided)
        .found("of them qualified", qualified)
        .found("conversions told", told.len() as u64)
        .remark((dead > 0).then(|| format!("{dead} dead items"))))
}
