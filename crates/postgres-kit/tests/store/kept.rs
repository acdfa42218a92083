//! A kept statement is prepared once for each connection.

use diesel::{sql_query, sql_types::Integer};
use diesel_async::RunQueryDsl;
use postgres_kit::kept;

use super::{Count, count, database};

#[tokio::test]
async fn a_kept_statement_is_prepared_once() {
    let database = database().await;
    let pool = database.pool();
    let mut connection = pool.get().await.expect("a connection");
    let prepared = "SELECT count(*) AS count FROM pg_prepared_statements WHERE statement LIKE '%kept statement%' \
                    AND statement NOT LIKE '%pg_prepared_statements%'";
    for number in 1..=3 {
        let row: Count =
            kept(sql_query("SELECT $1::bigint AS count /* kept statement */").bind::<Integer, _>(number))
                .get_result(&mut connection)
                .await
                .expect("a number");
        assert_eq!(row.count, i64::from(number));
        assert_eq!(count(&mut connection, prepared).await, 1);
    }
}
