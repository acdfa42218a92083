//! The proof of the ledger finds each thing that it is for: rows are changed around the service, one way after the other.

use contracts::attribution::ConversionVerdict;
use diesel_async::SimpleAsyncConnection as _;
use serde_json::json;

use crate::{
    facts::{Tenant, terms},
    stage::Stage,
    statements::{earned, stage},
};

/// What is changed, and put back.
const TABLES: [&str; 10] = [
    "conversions",
    "ledger_accounts",
    "ledger_checkpoints",
    "ledger_transfers",
    "limit_usage",
    "statement_adjustments",
    "statement_lines",
    "statement_payments",
    "statement_periods",
    "statements",
];

/// What somebody does around the service, and what the proof says of it.
const DEEDS: [(&str, &[&str]); 18] = [
    (
        "UPDATE ledger_accounts SET currency = 'EUR' WHERE kind = 'margin'",
        &["is not the account its id names", "mixes currencies", "EUR: debits", "USD: debits"],
    ),
    ("DELETE FROM ledger_accounts WHERE kind = 'margin'", &["names an account that is not there"]),
    (
        "UPDATE ledger_transfers SET amount_micros = amount_micros + 1 WHERE kind = 'void' AND flow = 'payable'",
        &["resolves no reservation that is like it"],
    ),
    (
        "UPDATE ledger_transfers SET amount_micros = 1 WHERE kind = 'pending'",
        &["more was resolved than reserved", "resolves no reservation that is like it"],
    ),
    (
        "UPDATE ledger_transfers SET status_revision = 7 WHERE kind = 'reversal'",
        &["is not the transfer its id names"],
    ),
    (
        "UPDATE conversions SET books = 'empty', books_since = NULL WHERE status = 'pending'",
        &["its entries are not what its status says"],
    ),
    (
        "DELETE FROM ledger_transfers WHERE conversion_id = (SELECT conversion_id FROM conversions WHERE status = 'pending');
        UPDATE conversions SET books = 'empty', books_since = NULL WHERE status = 'pending'",
        &["its entries are not what its status says"],
    ),
    (
        "UPDATE limit_usage SET conversions = conversions + 1 WHERE period = 'all_time'",
        &["the limits' counter of the all_time"],
    ),
    (
        "UPDATE statements SET earned_micros = earned_micros + 1, closing_micros = closing_micros + 1,
            carried_out_micros = carried_out_micros + 1",
        &["it says"],
    ),
    ("UPDATE statements SET statement_id = gen_random_uuid()", &["there is nothing it could be of"]),
    ("UPDATE statement_lines SET conversions = conversions + 1", &["its line of offer"]),
    ("UPDATE statement_lines SET offer_id = gen_random_uuid()", &["its line of offer"]),
    ("DELETE FROM statement_lines", &["its line of offer"]),
    (
        "UPDATE statement_adjustments SET amount_micros = amount_micros + 1",
        &["is not the adjustment of statement"],
    ),
    ("DELETE FROM statement_payments", &["is not the settlement of statement"]),
    (
        "UPDATE statement_periods SET begins_at = begins_at - interval '1 hour' WHERE closed_at IS NULL",
        &["it overlaps"],
    ),
    ("DELETE FROM statement_periods WHERE closed_at IS NULL", &["it has transfers and is not there"]),
    (
        "UPDATE ledger_checkpoints SET period = period + interval '2 months'",
        &["its checkpoint of", "which is not closed"],
    ),
];

/// A month that is closed, corrected and paid, and one that goes on; a conversion in every state of the books.
async fn a_bit_of_everything() -> (Stage, Tenant) {
    let (stage, brownboots) = stage().await;
    stage.earn([earned(brownboots, 1), earned(brownboots, 2)], brownboots).await;
    let month = stage.end_and_close().await;
    let publisher = stage.statement("Publisher", &month).await;
    let bonus = json!({"amount": "0.50", "reference": "B-1", "reason": "A bonus."});
    let (status, made) = stage.of_statement(&publisher, "adjustments", &bonus).await;
    assert_eq!(status, 200, "{made}");
    let (status, paid) = stage.of_statement(&publisher, "paid", &json!({"reference": "SEPA 1"})).await;
    assert_eq!(status, 200, "{paid}");

    let held = |click| ConversionVerdict { terms: Some(terms(3)), ..brownboots.verdict(click) };
    stage.say_verdicts([brownboots.qualified(held(3)), brownboots.qualified(held(4))]).await;
    stage.rows("conversions WHERE status = 'pending'", 2).await;
    stage.say_verdicts([brownboots.vetoed(&held(3)), brownboots.vetoed(&earned(brownboots, 2))]).await;
    stage.rows("conversions WHERE status = 'rejected'", 1).await;
    stage.rows("conversions WHERE status = 'reversed'", 1).await;
    (stage, brownboots)
}

#[tokio::test]
async fn each_thing_that_is_done_around_the_service_is_found_and_named() {
    let (stage, _) = a_bit_of_everything().await;
    assert_eq!(stage.proof().await.differences, Vec::<String>::new());
    let mut admin = stage.database.admin().await;
    // Without the triggers that keep the past, as who can do this can do that.
    admin.batch_execute("SET session_replication_role = replica; CREATE SCHEMA kept").await.unwrap();
    for table in TABLES {
        admin.batch_execute(&format!("CREATE TABLE kept.{table} AS TABLE {table}")).await.unwrap();
    }
    for (deed, found) in DEEDS {
        admin.batch_execute(deed).await.unwrap_or_else(|error| panic!("{deed}: {error}"));
        let differences = stage.proof().await.differences;
        for words in found {
            assert!(differences.iter().any(|line| line.contains(words)), "{deed}: {words}: {differences:#?}");
        }
        for table in TABLES {
            let back = format!("BEGIN; DELETE FROM {table}; INSERT INTO {table} TABLE kept.{table}; COMMIT");
            admin.batch_execute(&back).await.unwrap();
        }
    }
    drop(admin);
    stage.strike().await;
}
