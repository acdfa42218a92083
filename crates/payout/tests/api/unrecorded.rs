//! While what was told can not be written down yet: others are told meanwhile, but not without bound, and nobody twice.

use diesel::sql_query;
use diesel_async::RunQueryDsl as _;

use crate::{facts::Tenant, stage::Stage};

#[tokio::test]
async fn who_has_answered_keeps_nobody_waiting_and_what_is_not_recorded_is_bounded() {
    const IN_FLIGHT: usize = 2;
    let stage = Stage::with(1, |settings| {
        settings.delivery.in_flight = IN_FLIGHT;
        settings.delivery.per_publisher = 100;
    })
    .await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    let mut admin = stage.database.admin().await;
    for statement in ["BEGIN", "LOCK TABLE delivery_attempts IN EXCLUSIVE MODE"] {
        sql_query(statement).execute(&mut admin).await.unwrap();
    }
    stage.say_verdicts((0..20).map(|click| brownboots.qualified(brownboots.verdict(click)))).await;
    // More than there are slots, although nothing is recorded.
    stage.told(IN_FLIGHT + 1).await;
    stage.rows("deliveries", 20).await;
    // The deliverer hears of another one, and has no room for it.
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(20))]).await;
    stage.rows("deliveries WHERE state = 'waiting'", 21).await;
    let heard = stage.publisher.deliveries_to("/cb").len();
    assert!(heard <= 4 * IN_FLIGHT, "{heard} were told and not recorded");

    sql_query("COMMIT").execute(&mut admin).await.unwrap();
    stage.rows("deliveries WHERE state = 'delivered' AND attempts = 1", 21).await;
    assert_eq!(stage.publisher.deliveries_to("/cb").len(), 21, "each once");
    stage.strike().await;
}
