//! What can not be handled stays visible, and comes back once.

use std::time::Duration;

use kernel::TenantId;
use postgres_kit::{
    DbError, Retries,
    dead_items::{self, DeadItem, DeadItemsCommand, Selection},
    transact,
};
use uuid::Uuid;

use super::{count, database, fact, run};

const TENANT: Option<TenantId> = Some(TenantId::from_uuid(Uuid::from_u128(7)));

fn item(number: u128, reason: &str) -> DeadItem {
    DeadItem {
        tenant_id: TENANT,
        fact_id: Some(fact(number)),
        fact: String::from("tracker.v1.ClickRecorded"),
        item: vec![0, 255, 0],
        reason: reason.to_owned(),
    }
}

#[tokio::test]
async fn a_redelivered_item_is_the_same_dead_item() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    dead_items::bury(&mut connection, "a", &[item(1, "first")]).await.expect("buried");
    dead_items::bury(&mut connection, "a", &[item(1, "second"), item(2, "other"), item(1, "third")])
        .await
        .expect("buried again, twice in one batch");
    let buried = dead_items::list(&mut connection, TENANT, None, 10).await.expect("a list");
    let seen: Vec<_> = buried.iter().map(|buried| (buried.item.reason.as_str(), buried.burials)).collect();
    assert_eq!(seen, [("third", 2), ("other", 1)]);
    assert_eq!(buried[0].item.item, [0, 255, 0], "the item is as it came");
}

#[tokio::test]
async fn broken_text_is_stored_all_the_same() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    let mut broken = item(1, &format!("nul \0 and {}", "ä".repeat(5_000)));
    broken.fact = String::from("\0");
    broken.tenant_id = None;
    broken.fact_id = None;
    dead_items::bury(&mut connection, "a", &[broken.clone(), broken]).await.expect("buried");
    let buried = dead_items::list(&mut connection, None, None, 10).await.expect("a list");
    assert_eq!(buried.len(), 2, "without an id each is its own");
    assert!(buried[0].item.reason.starts_with("nul \u{fffd} and ä"));
    assert!(buried[0].item.reason.len() <= 4_096);
    assert_eq!(buried[0].item.fact, "\u{fffd}");
}

#[tokio::test]
async fn a_tenant_sees_and_takes_only_its_own() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    dead_items::bury(&mut connection, "a", &[item(1, "mine")]).await.expect("buried");
    let other = Some(TenantId::from_uuid(Uuid::from_u128(8)));
    assert_eq!(dead_items::list(&mut connection, other, None, 10).await, Ok(Vec::new()));
    let id = dead_items::list(&mut connection, TENANT, None, 10).await.expect("a list")[0].id;
    assert_eq!(dead_items::take(&mut connection, other, &[id]).await, Ok(Vec::new()));
    assert_eq!(
        dead_items::list(&mut connection, TENANT, Some(id), 10).await,
        Ok(Vec::new()),
        "after the last"
    );
}

#[tokio::test]
async fn a_replay_that_fails_puts_the_item_back() {
    let database = database().await;
    let pool = database.pool();
    let id = {
        let mut connection = pool.get().await.expect("a connection");
        dead_items::bury(&mut connection, "a", &[item(1, "poison")]).await.expect("buried");
        dead_items::list(&mut connection, TENANT, None, 10).await.expect("a list")[0].id
    };
    let failed: Result<(), DbError> = transact(&pool, Retries::NONE, async |connection| {
        assert_eq!(dead_items::take(connection, TENANT, &[id]).await?.len(), 1);
        Err(diesel::result::Error::RollbackTransaction.into())
    })
    .await;
    assert!(failed.is_err());
    let taken: Result<_, DbError> = transact(&pool, Retries::NONE, async |connection| {
        Ok(dead_items::take(connection, TENANT, &[id, id + 1]).await?)
    })
    .await;
    assert_eq!(taken.expect("taken")[0].item, item(1, "poison"));
    let mut connection = pool.get().await.expect("a connection");
    assert_eq!(dead_items::take(&mut connection, TENANT, &[id]).await, Ok(Vec::new()), "only once");
}

fn of(number: u128, fact: &str) -> DeadItem {
    DeadItem { fact: fact.to_owned(), ..item(number, "mended since") }
}

const RECEIVED: &str = "gokart.ingest.v1.PostbackReceived";

#[tokio::test]
async fn a_replay_goes_the_way_it_came_and_is_marked() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    let strange = DeadItem { fact_id: None, ..of(4, RECEIVED) };
    dead_items::bury(&mut connection, "attribution.postbacks", &[of(1, RECEIVED), of(3, "a.b.C"), strange])
        .await
        .expect("buried");
    dead_items::bury(&mut connection, "outbox", &[of(2, "payout.events budget.state-changed.v1")])
        .await
        .expect("buried");
    let replayed = dead_items::replay(&mut connection, &Selection::all(), None).await.expect("replayed");
    assert_eq!((replayed.sent, replayed.without_a_way), (2, 2));
    let waiting = "SELECT count(*) AS count FROM outbox WHERE (exchange, routing_key) IN \
                   (('ingest.events', 'postback.received.v1'), ('payout.events', 'budget.state-changed.v1'))";
    assert_eq!(count(&mut connection, waiting).await, 2);

    // Marked: a second replay leaves them alone, unless it is told to.
    let second = dead_items::replay(&mut connection, &Selection::all(), None).await.expect("replayed");
    assert_eq!(second.sent, 0);
    let again = Selection { again: true, ..Selection::all() };
    assert_eq!(dead_items::replay(&mut connection, &again, None).await.expect("replayed").sent, 2);

    // Buried again: the mark goes, and it is counted.
    dead_items::bury(&mut connection, "attribution.postbacks", &[of(1, RECEIVED)]).await.expect("buried");
    let of_consumer = Selection { consumer: Some(String::from("attribution.postbacks")), ..Selection::all() };
    assert_eq!(dead_items::replay(&mut connection, &of_consumer, None).await.expect("replayed").sent, 1);
    let buried = "SELECT count(*) AS count FROM dead_items WHERE burials = 2 AND replayed_at IS NOT NULL";
    assert_eq!(count(&mut connection, buried).await, 1);

    // Forgotten when its time is over, and only what went its way.
    let kept = Duration::from_hours(1);
    assert_eq!(dead_items::forget_replayed(&mut connection, kept).await.expect("kept"), 0);
    run(&pool, "UPDATE dead_items SET replayed_at = replayed_at - interval '2 hours'").await;
    assert_eq!(dead_items::forget_replayed(&mut connection, kept).await.expect("forgotten"), 2);
    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM dead_items").await, 2);
}

#[tokio::test]
async fn the_command_lists_replays_what_it_is_told_and_discards() {
    #[derive(clap::Parser)]
    struct Line {
        #[command(subcommand)]
        command: DeadItemsCommand,
    }
    async fn said(pool: &postgres_kit::Pool, line: &str) -> String {
        let line = <Line as clap::Parser>::try_parse_from(line.split(' ')).expect(line);
        match dead_items::run(line.command, pool).await {
            Ok(text) => text,
            Err(error) => format!("error: {error}"),
        }
    }
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    assert_eq!(said(&pool, "dead-items list").await, "nothing is buried");
    let many: Vec<_> = (1..=1_203).map(|number| of(number, RECEIVED)).collect();
    dead_items::bury(&mut connection, "attribution.postbacks", &many).await.expect("buried");
    dead_items::bury(&mut connection, "attribution.clicks", &[item(5_000, "two\nlines")])
        .await
        .expect("buried");
    let listed = said(&pool, "dead-items list --consumer attribution.clicks").await;
    assert!(
        listed.ends_with("tracker.v1.ClickRecorded tenant 00000000-0000-0000-0000-000000000007: two lines")
    );
    assert_eq!(said(&pool, "dead-items list --limit 7").await.lines().count(), 7);
    assert!(said(&pool, "dead-items replay").await.starts_with("error: say which: --id"));
    let text = said(&pool, "dead-items replay --consumer attribution.postbacks --reason mended").await;
    assert_eq!(text, "1203 on their way again", "in as many transactions as it takes");
    assert_eq!(count(&mut connection, "SELECT count(*) AS count FROM outbox").await, 1_203);
    assert!(said(&pool, "dead-items replay --all").await.starts_with("0 on their way again\n1 left: "));
    let id = count(&mut connection, "SELECT max(id) AS count FROM dead_items").await;
    assert_eq!(said(&pool, &format!("dead-items discard --id {id}")).await, "1 discarded");
    assert_eq!(said(&pool, "dead-items list").await, "nothing is buried");
    assert!(said(&pool, "dead-items list --replayed").await.contains("on its way again since"));
}
