//! payout: qualified conversions a second to the posted ledger entry. Pending time 0. Once of a publisher that has no
//! endpoint, so no delivery is written; once of one whose endpoint is paused, so each conversion's transaction writes its
//! delivery, which waits. Nothing is sent in either: what that costs is what `outbound` measures.

use std::sync::Arc;

use anyhow::ensure;
use bus::{Route, house::PAYOUT_CONVERSIONS};
use contracts::{attribution::ConversionQualified, catalog::PostbackEndpoint, envelope::Envelope};
use system_tests::{ServiceName, StackOptions, lone::CREDENTIAL_KEYS as KEYS};

use super::{Context, Outcome};
use crate::{
    database::count,
    flow::{Contest, Flow, Known, Plan, Rig},
    report::{Account, Aim, Comparison},
    seed::{self, PAUSE_ENDPOINTS, World},
};

/// Sizes at full scale.
const EVENTS: u64 = 60_000;
const EVENTS_ONE_BY_ONE: u64 = 1_000;
const ROUNDS: usize = 3;

/// Where the publisher would hear. Nobody listens there: nothing is sent.
const URL: &str = "http://127.0.0.1:9/postback?key={conversion_id}";

/// What a conversion leaves for its publisher.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    /// Nothing: the publisher has no endpoint.
    Absent,
    /// One delivery, which is not sent: the publisher's one endpoint is paused.
    Waits,
}

impl Delivery {
    const fn title(self) -> &'static str {
        match self {
            Self::Absent => "payout: conversions to the posted ledger entry",
            Self::Waits => "payout: conversions to the posted ledger entry and a delivery that waits",
        }
    }

    const fn notes(self) -> &'static [&'static str] {
        match self {
            Self::Absent => &["pending time 0, no endpoint at the publisher: no delivery is written"],
            Self::Waits => &[
                "pending time 0, one endpoint at the publisher: a delivery is in each one's transaction",
                "the endpoint is paused, as by ten 410: commits wake the deliverer, and it sends nothing",
            ],
        }
    }
}

struct Payout {
    world: Arc<World>,
    endpoints: Vec<PostbackEndpoint>,
}

impl Payout {
    fn new(delivery: Delivery) -> anyhow::Result<Self> {
        let world = Arc::new(World::new(KEYS)?);
        let endpoints = match delivery {
            Delivery::Absent => Vec::new(),
            Delivery::Waits => vec![seed::endpoint(&world, KEYS, URL.to_owned())?],
        };
        Ok(Self { world, endpoints })
    }
}

impl Flow for Payout {
    const SERVICE: ServiceName = ServiceName::Payout;
    const QUEUE: &'static str = PAYOUT_CONVERSIONS;
    const DONE: &'static str =
        "SELECT count(*) FROM ledger_transfers WHERE flow = 'payable' AND kind IN ('post', 'posted')";
    const EVENTS: &'static str = "conversions";

    fn settings(&self, options: StackOptions) -> StackOptions {
        options.set(Self::SERVICE, "SEALING__KEYS", KEYS)
    }

    fn known(&self, _events: u64) -> Vec<Known> {
        vec![Known {
            facts: seed::for_payout(&self.world, self.endpoints.clone()),
            query: "SELECT (SELECT count(*) FROM tenants) + (SELECT count(*) FROM publishers)
                + (SELECT count(*) FROM offers) + (SELECT count(*) FROM postback_endpoints)",
            count: 3 + self.endpoints.len() as u64,
        }]
    }

    /// All the endpoints there are.
    fn arranged(&self) -> Option<&'static str> {
        Some(PAUSE_ENDPOINTS)
    }

    fn event(&self, number: u64) -> (Route, Envelope) {
        (Route::of::<ConversionQualified>(), seed::qualified(&self.world, number))
    }
}

/// Measures.
pub async fn measure(context: Context<'_>) -> anyhow::Result<Outcome> {
    let mut outcome = hold(context, Delivery::Absent).await?;
    let with_delivery = hold(context, Delivery::Waits).await?;
    outcome.rows.extend(with_delivery.rows);
    outcome.accounts.extend(with_delivery.accounts);
    Ok(outcome)
}

async fn hold(context: Context<'_>, delivery: Delivery) -> anyhow::Result<Outcome> {
    context.progress.say(delivery.title());
    let scale = context.scale;
    let plan = Plan {
        events: scale.events(EVENTS, 600),
        events_one_by_one: scale.events(EVENTS_ONE_BY_ONE, 100),
        rounds: scale.rounds(ROUNDS),
    };
    let world = |_events: u64| Payout::new(delivery);
    let found = async |rig: &Rig, sent: u64| account(rig, sent, delivery).await;
    let contest = Contest::hold(context.nodes, &context.progress, plan, world, found).await?;
    let mut notes = vec![format!("the flow writes {}", contest.written)];
    notes.extend(delivery.notes().iter().copied().map(str::to_owned));
    let comparison = Comparison {
        title: delivery.title(),
        subject: contest.flow,
        beside: vec![(contest.bare, Aim::Share(0.5)), (contest.one_by_one, Aim::Times(10.0))],
        notes,
    };
    Ok(Outcome::of(&comparison, contest.accounts))
}

/// Conversions sent against conversions, both legs of the ledger (two dollars owed, one paid, one kept), and deliveries.
async fn account(rig: &Rig, sent: u64, delivery: Delivery) -> anyhow::Result<Account> {
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
    let account = Account::of("payout", sent)
        .found("conversions in Success", success)
        .found("payables posted", payable)
        .found("margins posted", margin)
        .remark((dead > 0).then(|| format!("{dead} dead items")));
    // No two of one conversion wait for one endpoint, so these are of as many conversions. Nobody has taken one.
    let waiting = "SELECT count(*) FROM deliveries JOIN conversions USING (tenant_id, conversion_id)
        WHERE status = 'success' AND told = 'success'
            AND state = 'waiting' AND attempts = 0 AND lease IS NULL";
    match delivery {
        Delivery::Absent => {
            let written = count(&rig.admin, "SELECT count(*) FROM deliveries").await?;
            ensure!(written == 0, "{written} deliveries for a publisher that has no endpoint");
            Ok(account)
        }
        Delivery::Waits => Ok(account.found("deliveries that wait", count(&rig.admin, waiting).await?)),
    }
}
