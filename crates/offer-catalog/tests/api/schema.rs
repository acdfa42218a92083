//! The tables: that they can be taken back, and that `schema.rs` says what they are.

use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

#[derive(Debug, PartialEq, QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    told: String,
}

async fn columns(connection: &mut AsyncPgConnection) -> Vec<Column> {
    sql_query(
        "SELECT format('%s.%s %s %s', table_name, column_name, data_type, is_nullable) AS told
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1",
    )
    .load(connection)
    .await
    .expect("columns")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migrations_can_be_taken_back_and_made_again() {
    let database = test_kit::database("offer-catalog", offer_catalog::migrate).await;
    let before = columns(&mut database.admin().await).await;
    postgres_kit::migrate::revert(&database.settings(), MIGRATIONS).await.unwrap();
    let without = columns(&mut database.admin().await).await;
    assert!(!without.iter().any(|column| column.told.starts_with("offer")), "{without:?}");
    offer_catalog::migrate(database.settings()).await.unwrap();
    assert_eq!(columns(&mut database.admin().await).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_is_current() {
    let database = test_kit::database("offer-catalog", offer_catalog::migrate).await;
    let mut found = Vec::new();
    for column in columns(&mut database.admin().await).await {
        let mut words = column.told.split(' ');
        let (Some(name), Some((_, nullable))) = (words.next(), column.told.rsplit_once(' ')) else {
            continue;
        };
        let (table, column) = name.split_once('.').unwrap();
        found.push((table.to_owned(), column.to_owned(), nullable == "YES"));
    }
    let text = include_str!("../../src/store/schema.rs");
    let mut table = String::new();
    let mut declared = 0;
    for line in text.lines().map(str::trim) {
        if let Some((name, _)) = line.strip_suffix('{').and_then(|line| line.split_once(" (")) {
            name.clone_into(&mut table);
        } else if let Some((column, kind)) = line.split_once(" -> ") {
            let expected = (table.clone(), column.to_owned(), kind.starts_with("Nullable"));
            assert!(found.contains(&expected), "{expected:?} is not in the database");
            declared += 1;
        }
    }
    // Every column of every table of ours is declared.
    let kit = ["__diesel_schema_migrations", "outbox", "inbox", "dead_items", "api_tokens"];
    let ours = found.iter().filter(|(table, ..)| !kit.contains(&table.as_str())).count();
    assert_eq!(declared, ours);
}
