//! Pending times, judged by the database's clock.

use contracts::{
    attribution::ConversionVerdict,
    catalog::ConversionStatus,
    payout::{ActorKind, ConversionStatusChanged},
};

use crate::{
    facts::{Tenant, terms},
    stage::Stage,
};

#[tokio::test]
async fn a_hold_reserves_and_its_end_posts_and_tells() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(1) };
    let received = held.received_at_micros;
    stage.say_verdicts([brownboots.qualified(held)]).await;
    let pending = stage.said_count::<ConversionStatusChanged>(1).await;
    assert_eq!(pending[0].status(), ConversionStatus::Pending);
    assert_eq!(pending[0].due_at_micros, Some(received + 3 * 86_400_000_000));
    stage.rows("ledger_transfers WHERE kind = 'pending'", 2).await;
    assert!(stage.publisher.deliveries().is_empty(), "nothing is told before its time");

    stage.holds_end().await;
    stage.told(1).await;
    let released = stage.said_count::<ConversionStatusChanged>(2).await;
    assert_eq!((released[1].status(), released[1].actor()), (ConversionStatus::Success, ActorKind::Time));
    assert_eq!(released[1].status_revision, 2);
    stage.rows("ledger_transfers WHERE kind = 'post' AND pending_transfer_id IS NOT NULL", 2).await;
    stage.strike().await;
}

#[tokio::test]
async fn two_sweepers_release_each_hold_once() {
    let stage = Stage::with(2, |_| ()).await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let held = |click| ConversionVerdict { terms: Some(terms(1)), ..brownboots.verdict(click) };
    stage.say_verdicts((0..100).map(|click| brownboots.qualified(held(click)))).await;
    stage.rows("conversions WHERE status = 'pending'", 100).await;
    stage.holds_end().await;
    stage.rows("conversions WHERE status = 'success'", 100).await;
    stage.rows("deliveries WHERE state = 'delivered'", 100).await;
    assert_eq!(stage.publisher.deliveries().len(), 100);
    stage.rows("ledger_transfers WHERE kind = 'post'", 200).await;
    stage.rows("conversion_history", 200).await;
    stage.strike().await;
}

#[tokio::test]
async fn a_veto_in_the_hold_gives_the_reservation_up_and_tells_nobody() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let held = ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(1) };
    // One after the other: heard together, the newer would be all that there ever was.
    stage.say_verdicts([brownboots.qualified(held.clone())]).await;
    stage.rows("conversions WHERE status = 'pending' AND books = 'reserved' AND counted = 'taken'", 1).await;
    stage.rows("ledger_transfers WHERE kind = 'pending'", 2).await;
    stage.say_verdicts([brownboots.vetoed(&held)]).await;
    stage
        .rows(
            "conversions WHERE status = 'rejected' AND reason_code = 'REJECTED_FRAUD' AND books = 'empty'
                AND counted = 'nowhere'",
            1,
        )
        .await;
    let voided = "ledger_transfers AS void JOIN ledger_transfers AS reserved
        ON void.kind = 'void' AND reserved.transfer_id = void.pending_transfer_id";
    stage.rows(voided, 2).await;
    stage.rows("ledger_transfers", 4).await;
    stage.rows("limit_usage WHERE conversions > 0", 0).await;
    stage.holds_end().await;
    // A second click goes all the way, so the first had its chance.
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(2))]).await;
    let heard = stage.told(1).await;
    assert_eq!(heard[0].param("c").as_deref(), Some("pub click 2"));
    stage.strike().await;
}

#[tokio::test]
async fn one_conversion_that_can_not_be_released_holds_up_nobody_else() {
    let stage = Stage::set().await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let held = |click| ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(click) };
    stage.say_verdicts((0..3).map(|click| brownboots.qualified(held(click)))).await;
    stage.rows("conversions WHERE status = 'pending'", 3).await;
    // A revenue that no payout can be taken from.
    stage
        .meanwhile(
            "UPDATE conversions SET revenue_micros = -9223372036854775808
            WHERE conversion_id = (SELECT conversion_id FROM conversions LIMIT 1)",
        )
        .await;
    stage.holds_end().await;
    stage.rows("conversions WHERE status = 'success'", 2).await;
    stage
        .rows("conversions WHERE status = 'pending' AND hold_ends_at > now() + interval '50 minutes'", 1)
        .await;

    stage.meanwhile("UPDATE conversions SET revenue_micros = 3000000").await;
    stage.holds_end().await;
    stage.rows("conversions WHERE status = 'success'", 3).await;
    stage.strike().await;
}
