//! Replicas that tell each other whether their input lags.

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use postgres_kit::replicas;
use uuid::Uuid;

use super::{count, database};

const OWN: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

async fn compare(connection: &mut AsyncPgConnection, replica: Uuid, lags: bool) -> bool {
    replicas::compare(connection, replica, lags).await.expect("a comparison")
}

async fn run(connection: &mut AsyncPgConnection, statement: &str) {
    connection.batch_execute(statement).await.expect(statement);
}

#[tokio::test]
async fn a_replica_hears_of_the_others_lag_and_not_of_its_own() {
    let database = database().await;
    let connection = &mut database.admin().await;
    run(connection, "CREATE TABLE replicas (replica uuid PRIMARY KEY, lags boolean NOT NULL, seen_at timestamptz NOT NULL)")
        .await;
    assert!(!compare(connection, OWN, true).await, "nobody else is there");
    assert!(compare(connection, OTHER, false).await, "the first one lags");
    assert!(!compare(connection, OWN, false).await, "the second one does not");
    assert!(!compare(connection, OTHER, true).await, "the first one has caught up");

    run(connection, "UPDATE replicas SET seen_at = now() - interval '3 minutes'").await;
    assert!(!compare(connection, OWN, true).await, "one that died is not waited for");
    assert!(compare(connection, OTHER, false).await);

    run(connection, "UPDATE replicas SET seen_at = now() - interval '61 minutes' WHERE lags").await;
    assert!(!compare(connection, OTHER, false).await);
    assert_eq!(count(connection, "SELECT count(*) AS count FROM replicas").await, 1, "its row is gone");

    assert!(!compare(connection, OWN, true).await);
    assert!(compare(connection, OTHER, false).await);
    assert_eq!(replicas::leave(connection, OWN).await, Ok(1));
    assert!(!compare(connection, OTHER, false).await, "whoever left is not waited for either");
}
