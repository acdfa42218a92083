//! Days that are over go when they are older than the settings keep, and only by the function's hand.

use diesel::sql_query;
use diesel_async::RunQueryDsl as _;

use crate::{facts::Tenant, stage::Stage};

const DAY: i64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn old_days_are_dropped_and_young_ones_stay() {
    let tenant = Tenant::new(1);
    let stage = Stage::with(&tenant).await;
    // Known before its postbacks: each of them is decided once.
    stage.say_first_click(tenant.click(1)).await;
    // Of yesterday; of before raw postbacks are kept; of before anything is kept. The old ones have no partition of
    // their own and go through the default one.
    let days = [-1, -100, -410].map(|day| tenant.postback(1, "mystery", day * DAY));
    stage.say_postbacks(days).await;
    stage.rows("SELECT count(*) AS count FROM journey_postbacks", 3).await;
    // Days of long ago, as they were made in their time.
    for (parent, day) in
        [("postbacks", 100), ("postbacks", 93), ("postbacks", 92), ("decisions", 401), ("decisions", 400)]
    {
        stage
            .meddle(&format!(
                "DO $$ DECLARE day date := timezone('UTC', now())::date - {day}; BEGIN
                    EXECUTE format('CREATE TABLE {parent}_%s PARTITION OF {parent} FOR VALUES FROM (%L) TO (%L)',
                        to_char(day, 'YYYYMMDD'), timezone('UTC', (day - 5000)::timestamp),
                        timezone('UTC', (day - 4999)::timestamp));
                END $$"
            ))
            .await;
    }
    let old = |parent: &str, day: i64| {
        format!(
            "SELECT count(*) AS count FROM pg_class
            WHERE relname = '{parent}_' || to_char(timezone('UTC', now())::date - {day}, 'YYYYMMDD')"
        )
    };
    // A start looks at once.
    let stage = stage.again().await;
    for (parent, day, left) in [
        ("postbacks", 100, 0),
        ("postbacks", 93, 0),
        ("postbacks", 92, 1),
        ("decisions", 401, 0),
        ("decisions", 400, 1),
    ] {
        stage.rows(&old(parent, day), left).await;
    }
    stage.rows("SELECT count(*) AS count FROM postbacks", 1).await;
    stage.rows("SELECT count(*) AS count FROM decisions", 2).await;
    // What is needed to judge stays for as long as the journey.
    assert_eq!(stage.count("SELECT count(*) AS count FROM journey_postbacks").await, 3);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_that_serves_can_drop_nothing_but_days_that_are_too_old() {
    let stage = Stage::set().await;
    let pool = postgres_kit::pool(&stage.database.settings()).expect("a pool");
    let mut serving = pool.get().await.expect("a connection");
    for refused in [
        "DROP TABLE postbacks_default",
        "SELECT attribution_drop_partition('journeys', 92)",
        "SELECT attribution_drop_partition('postbacks', 7)",
        "SELECT attribution_drop_partition('postbacks', -1)",
        "SELECT attribution_drop_partition('postbacks', NULL)",
    ] {
        let outcome = sql_query(refused).execute(&mut serving).await;
        assert!(outcome.is_err(), "{refused}: {outcome:?}");
    }
    let young = "SELECT count(*) AS count FROM pg_inherits WHERE inhparent = 'postbacks'::regclass";
    assert_eq!(stage.count(young).await, 17, "yesterday, today, fourteen days ahead, and the default one");
    stage.strike().await;
}
