//! payout: qualified conversions a second to the posted ledger entry. Pending time 0; the publisher has no endpoint, so no
//! delivery is in the figure: what a delivery costs is part of the delay measurement.

use std::sync::Arc;

use anyhow::ensure;
use bus::{Route, house::PAYOUT_CONVERSIONS};
use contracts::{attribution::ConversionQualified, envelope::Envelope};
use system_tests::{ServiceName, StackOptions, lone::CREDENTIAL_KEYS as KEYS};

use super::{Context, Outcome};
use crate::{
    database::count,
    flow::{Contest, Flow, Known, Plan, Rig},
    report::{Account, Aim, Comparison},
    seed::{self, World},
};

/// Sizes at full scale.
const EVENTS: u64 = 60_000;
const EVENTS_ONE_BY_ONE: u64 = 1_000;
const ROUNDS: usize = 3;

struct Payout {
    world: Arc<World>,
}

impl Payout {
    fn new(_events: u64) -> anyhow::Result<Self> {
        Ok(Self { world: Arc::new(World::new(KEYS)?) })
    }
}

impl Flow for Payout {
    const SERVICE: ServiceName = ServiceName::Payout;
    const QUEUE: &'static str = PAYOUT_CONVERSIONS;
    const DONE: &'static str =
        "SELECT count(*) FROM ledger_transfers WHERE flow = 'payable' AND kind IN ('post', 'posted')";
    const EVENTS: &'static str = "conversions";

    fn settings(&self, options: StackOptions) -> StackOptions {
        options
    }

    fn known(&self, _events: u64) -> Vec<Known> {
        vec![Known {
            facts: seed::for_payout(&self.world, Vec::new()),
            query: "SELECT (SELECT count(*) FROM tenants) + (SELECT count(*) FROM publishers)
                + (SELECT count(*) FROM offers)",
            count: 3,
        }]
    }

    fn event(&self, number: u64) -> (Route, Envelope) {
        (Route::of::<ConversionQualified>(), seed::qualified(&self.world, number))
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
    let contest = Contest::hold(context.nodes, &context.progress, plan, Payout::new, account).await?;
    let comparison = Comparison {
        title: "payout: conversions to the posted ledger entry",
        subject: contest.flow,
        beside: vec![(contest.bare, Aim::Share(0.5)), (contest.one_by_one, Aim::Times(10.0))],
        notes: vec![
            format!("the flow writes {}", contest.written),
            "pending time 0, no endpoint at the publisher: nothing is delivered here".to_owned(),
        ],
    };
    Ok(Outcome::of(&comparison, contest.accounts))
}

/// Conversions sent against conversions, and both legs of the ledger: two dollars owed, one paid, one kept.
async fn account(rig: &Rig, sent: u64) -> anyhow::Result<Account> {
    let success = count(&rig.admin, "SELECT count(*) FROM conversions WHERE status = 'success'").await?;
    let posted = |flow: &str| {
        format!(
            "SELECT count(DISTINCT conversion_id) FROM ledger_transfers
            WHERE flow = '{flow}' AND kind IN ('post', 'posted') AND amount_micros = 1000000"
        )
    };
    let payable = count(&rig.admin, &posted("payable")).await?;
    let margin = count(&rig.admin, &posted("margin")).await?;
    let uneven = count(
        &rig.admin,
        "SELECT count(*) FROM (SELECT currency FROM ledger_balances GROUP BY currency
            HAVING sum(debits_posted) <> sum(credits_posted)) AS uneven",
    )
    .await?;
    ensure!(uneven == 0, "the ledger does not balance");
    let dead = count(&rig.admin, "SELECT count(*) FROM dead_items").await?;
    Ok(Account::of("payout", sent)
        .found("conversions in Success", success)
        .found("payables posted", payable)
        .found("margins posted", margin)
        .remark((dead > 0).then(|| format!("{dead} dead items"))))
}
