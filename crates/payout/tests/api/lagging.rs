//! Nothing is released by time while a veto may stand in the queue.

use std::sync::OnceLock;

use bus::BusSettings;
use contracts::{
    attribution::ConversionVerdict,
    envelope::Envelope,
    payout::{ActorKind, ConversionStatusChanged},
};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use secrecy::ExposeSecret as _;
use test_kit::{FaultProxy, eventually};

use crate::{
    facts::{Tenant, terms},
    stage::{SOON, Stage, metric},
};

const MINUTE: i64 = 60_000_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// The same, said so long ago.
pub(crate) fn said_before(micros: i64, item: Envelope) -> Envelope {
    Envelope { recorded_at_micros: item.recorded_at_micros - micros, ..item }
}

fn held(tenant: Tenant, click: u8) -> ConversionVerdict {
    ConversionVerdict { terms: Some(terms(3)), ..tenant.verdict(click) }
}

/// Stops the recording of verdicts, and nothing else, for as long as the connection lives.
pub(crate) async fn stop_recording(stage: &Stage) -> AsyncPgConnection {
    let mut admin = stage.database.admin().await;
    admin.batch_execute("BEGIN; LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE").await.expect("a lock");
    admin
}

impl Stage {
    /// Waits until each of so many replicas has looked for what is due, again and again, for two seconds from now.
    pub(crate) async fn looks_for_a_while(&self, replicas: i64) {
        let mark = self.count("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS count").await;
        let later = format!(
            "replicas WHERE seen_at > 'epoch'::timestamptz + ({mark} + 2000) * interval '1 millisecond'"
        );
        self.rows(&later, replicas).await;
    }
}

#[tokio::test]
async fn a_due_hold_whose_veto_stands_in_a_long_late_queue_is_rejected_and_never_released() {
    let mut stage = Stage::with(1, |settings| {
        settings.holds.quiet_seconds = 1;
        settings.bus.batch_items = 20;
    })
    .await;
    stage.attribution_is_well();
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let (doomed, good) = (held(brownboots, 1), held(brownboots, 2));
    stage.say_verdicts([brownboots.qualified(doomed.clone()), brownboots.qualified(good.clone())]).await;
    stage.rows("conversions WHERE status = 'pending'", 2).await;
    stage.kill().await;

    // While nobody reads, the holds end; so does a veto's way, behind two thousand verdicts.
    stage.holds_end().await;
    let others = (0..2_000_u16).map(|number| {
        let click = 3 + u8::try_from(number % 200).unwrap();
        said_before(10 * MINUTE, brownboots.qualified(held(brownboots, click)))
    });
    let veto = said_before(9 * MINUTE, brownboots.vetoed(&doomed));
    stage.say_verdicts(others.chain([veto])).await;
    stage.start_another().await;

    let told = stage.told(1).await;
    assert_eq!(told[0].param("c").as_deref(), Some("pub click 2"), "released soon after the lag");
    stage.rows("conversions WHERE status = 'rejected' AND reason_code = 'REJECTED_FRAUD'", 1).await;
    stage.rows("conversion_history WHERE status = 'success'", 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn what_one_replica_has_in_hand_late_holds_back_the_other_one_too() {
    let stage = Stage::with(2, |settings| settings.holds.quiet_seconds = 1).await;
    stage.attribution_is_well();
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let (doomed, good) = (held(brownboots, 1), held(brownboots, 2));
    stage.say_verdicts([brownboots.qualified(doomed.clone()), brownboots.qualified(good.clone())]).await;
    stage.rows("conversions WHERE status = 'pending'", 2).await;
    stage.rows("replicas WHERE NOT lags", 2).await;

    let locked = stop_recording(&stage).await;
    stage.say_verdicts([said_before(10 * MINUTE, brownboots.vetoed(&doomed))]).await;
    stage.rows("replicas WHERE lags", 1).await;
    stage.holds_end().await;
    stage.looks_for_a_while(2).await;
    stage.rows("replicas WHERE lags", 1).await;
    assert_eq!(stage.count("SELECT count(*) AS count FROM conversions WHERE status = 'pending'").await, 2);
    assert!(stage.publisher.deliveries().is_empty());

    drop(locked);
    stage.told(1).await;
    stage.rows("conversions WHERE status = 'rejected' AND gk_click_id::text LIKE '%01'", 1).await;
    stage.rows("conversions WHERE status = 'success' AND gk_click_id::text LIKE '%02'", 1).await;
    stage.rows("conversion_history WHERE status = 'success'", 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_lag_that_does_not_end_is_seen_and_costs_a_publisher_one_day_at_most() {
    let stage = Stage::with(1, |settings| settings.holds.quiet_seconds = 1).await;
    stage.attribution_is_well();
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([1, 2].map(|click| brownboots.qualified(held(brownboots, click)))).await;
    stage.rows("conversions WHERE status = 'pending'", 2).await;

    // Attribution says this now, and stands before a backlog itself.
    let locked = stop_recording(&stage).await;
    let late = ConversionVerdict {
        oldest_input_at_micros: Some(crate::facts::now().as_micros() - HOUR),
        ..held(brownboots, 3)
    };
    stage.say_verdicts([brownboots.qualified(late)]).await;
    stage.rows("replicas WHERE lags", 1).await;
    stage.meanwhile("UPDATE conversions SET hold_ends_at = now() - interval '20 minutes'").await;
    metric("payout_holds_overdue_seconds", |seconds| seconds >= 20 * 60).await;
    assert_eq!(stage.count("SELECT count(*) AS count FROM conversions WHERE status = 'pending'").await, 2);

    stage
        .meanwhile(
            "UPDATE conversions SET hold_ends_at = now() - interval '25 hours' WHERE gk_click_id::text LIKE '%01'",
        )
        .await;
    stage.told(1).await;
    stage.rows("replicas WHERE lags", 1).await;
    stage.rows("conversions WHERE status = 'pending' AND gk_click_id::text LIKE '%02'", 1).await;

    drop(locked);
    stage.told(2).await;
    metric("payout_holds_overdue_seconds", |seconds| seconds == 0).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_hold_that_ended_on_the_way_here_waits_for_what_stands_behind_it() {
    let mut stage = Stage::with(1, |settings| {
        settings.holds.quiet_seconds = 1;
        settings.bus.batch_items = 1;
    })
    .await;
    stage.attribution_is_well();
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.kill().await;
    // Said three days ago, and the hold of three days is over since an hour.
    let received_at_micros = crate::facts::now().as_micros() - 73 * HOUR;
    let doomed = ConversionVerdict { received_at_micros, ..held(brownboots, 1) };
    let instant = ConversionVerdict { received_at_micros, ..brownboots.verdict(2) };
    let items =
        [brownboots.qualified(doomed.clone()), brownboots.qualified(instant), brownboots.vetoed(&doomed)];
    stage.say_verdicts(items.map(|item| said_before(72 * HOUR, item))).await;
    stage.start_another().await;

    let told = stage.told(1).await;
    assert_eq!(told[0].param("c").as_deref(), Some("pub click 2"), "what has no hold waits for nothing");
    stage.rows("conversions WHERE status = 'rejected'", 1).await;
    stage.rows("conversion_history WHERE status = 'pending'", 1).await;
    stage.rows("conversion_history WHERE status = 'success'", 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn nothing_is_released_before_attribution_says_that_its_own_input_is_read() {
    let stage = Stage::with(1, |settings| settings.holds.quiet_seconds = 1).await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([brownboots.qualified(held(brownboots, 1))]).await;
    stage.rows("conversions WHERE status = 'pending'", 1).await;

    // It may be down, with the veto in its queue.
    stage.holds_end().await;
    stage.looks_for_a_while(1).await;
    stage.rows("conversions WHERE status = 'pending'", 1).await;
    assert!(stage.publisher.deliveries().is_empty());

    stage.attribution_is_well();
    stage.told(1).await;
    stage.strike().await;
}

/// A click, a version or a person leads to verdicts as well, said just now, while postbacks wait.
#[tokio::test]
async fn a_verdict_that_no_postback_led_to_releases_no_hold_while_input_lags() {
    let stage = Stage::with(1, |settings| settings.holds.quiet_seconds = 1).await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    // attribution does not say that its input is read. Three days of hold are over since an hour; zero days are promised to nobody.
    let received_at_micros = crate::facts::now().as_micros() - 73 * HOUR;
    let doomed =
        ConversionVerdict { received_at_micros, oldest_input_at_micros: None, ..held(brownboots, 1) };
    let instant = ConversionVerdict { received_at_micros, ..brownboots.verdict(2) };
    stage.say_verdicts([doomed.clone(), instant].map(|verdict| brownboots.qualified(verdict))).await;
    let told = stage.told(1).await;
    assert_eq!(told[0].param("c").as_deref(), Some("pub click 2"));
    stage.looks_for_a_while(1).await;
    stage.rows("conversions WHERE status = 'pending'", 1).await;

    stage.say_verdicts([brownboots.vetoed(&doomed)]).await;
    stage.rows("conversions WHERE status = 'rejected'", 1).await;
    stage.attribution_is_well();
    stage.looks_for_a_while(1).await;
    stage.rows("conversion_history WHERE status = 'success'", 1).await;
    stage.strike().await;
}

#[tokio::test]
async fn nothing_is_released_while_the_broker_is_away() {
    let wire = OnceLock::new();
    let stage = Stage::with(1, |settings| {
        settings.holds.quiet_seconds = 1;
        let url = settings.bus.url.expose_secret().to_owned();
        let wire = wire.get_or_init(|| FaultProxy::to_server_of(&url));
        settings.bus.url = BusSettings::new(wire.url(&url), "").url;
    })
    .await;
    stage.attribution_is_well();
    let wire = wire.get().expect("a wire");
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_verdicts([brownboots.qualified(held(brownboots, 1))]).await;
    stage.rows("conversions WHERE status = 'pending'", 1).await;

    wire.refuse();
    wire.cut();
    // The sweep knows it before the hold ends.
    stage.becomes_unready().await;
    stage.holds_end().await;
    stage.looks_for_a_while(1).await;
    stage.rows("conversions WHERE status = 'pending'", 1).await;

    wire.heal();
    stage.told(1).await;
    stage.rows("conversion_history WHERE status = 'success' AND status_by = 'time'", 1).await;
    // What the cut has interrupted may be said twice.
    eventually("it is said", SOON, async || {
        let said = stage.said::<ConversionStatusChanged>();
        if said.iter().any(|fact| fact.actor() == ActorKind::Time) {
            Ok(())
        } else {
            Err(format!("{said:?}"))
        }
    })
    .await;
    stage.strike().await;
}
