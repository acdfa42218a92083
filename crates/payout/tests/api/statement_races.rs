//! Closing while others post: every transfer is in exactly one period, and nothing comes into a closed one.

use contracts::{attribution::ConversionVerdict, catalog::TokenRole};
use diesel::sql_query;
use diesel_async::RunQueryDsl;
use serde_json::json;
use test_kit::eventually;
use tokio::task::JoinSet;

use crate::{
    facts::{Tenant, terms},
    stage::{SOON, Stage},
    statements::{MANAGER, earned, of, stage},
};

/// Closes a month through every replica several times at once.
async fn close_from_everywhere(stage: &Stage, month: &str) -> Vec<(u16, String)> {
    let mut calls = JoinSet::new();
    for address in stage.addresses.iter().cycle().take(6) {
        let url = format!("http://{address}/api/v1/statement-periods/{month}/close");
        calls.spawn(async move {
            let request =
                test_kit::http_client().post(url).header("authorization", format!("ApiToken {MANAGER}"));
            let response = request.send().await.expect("an answer");
            (response.status().as_u16(), response.text().await.expect("text"))
        });
    }
    calls.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_while_holds_are_released_leaves_every_transfer_in_one_period() {
    const HELD: u8 = 240;
    let stage = Stage::with(2, |_| ()).await;
    let brownboots = Tenant::new(1);
    stage.introduce(brownboots).await;
    stage.say_catalog([brownboots.token(MANAGER, TokenRole::Manager)]).await;
    let held = |click| ConversionVerdict { terms: Some(terms(1)), ..brownboots.verdict(click) };
    stage.say_verdicts((0..HELD).map(|click| brownboots.qualified(held(click)))).await;
    stage.rows("conversions WHERE status = 'pending'", i64::from(HELD)).await;
    let month = stage.month().await;
    stage.holds_end().await;
    eventually("some are released", SOON, async || {
        stage.count("SELECT count(*) AS count FROM conversions WHERE status = 'success'").await > 20
    })
    .await;
    stage.month_ends().await;
    let answers = close_from_everywhere(&stage, &month).await;
    assert!(answers.iter().all(|answer| answer.0 == 200 && answer.1 == answers[0].1), "{answers:?}");
    let at_closing = stage
        .count(&format!("SELECT count(*) AS count FROM ledger_transfers WHERE period = '{month}-01'"))
        .await;

    stage.rows("conversions WHERE status = 'success'", i64::from(HELD)).await;
    stage.say_verdicts([brownboots.qualified(brownboots.verdict(HELD))]).await;
    stage.rows("conversions WHERE status = 'success'", i64::from(HELD) + 1).await;
    stage.rows(&format!("ledger_transfers WHERE period = '{month}-01'"), at_closing).await;
    stage
        .rows("ledger_transfers WHERE kind IN ('post', 'posted') AND flow = 'payable'", i64::from(HELD) + 1)
        .await;
    stage.rows("statement_periods", 2).await;
    // Each was counted once: the closed statement and the open one come to all of it.
    let next = stage.month().await;
    let (closed, open) =
        (stage.statement("Publisher", &month).await, stage.statement("Publisher", &next).await);
    let all = format!("{}.00", (u32::from(HELD) + 1) * 2);
    assert_eq!(of(&open, ["opening", "closing"]), [of(&closed, ["closing"])[0], all.as_str()]);
    assert_eq!(
        open["lines"][0]["conversions"].as_i64().unwrap()
            + closed["lines"][0]["conversions"].as_i64().unwrap(),
        i64::from(HELD) + 1
    );
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_waits_for_who_is_posting_and_who_comes_later_lands_in_the_next() {
    let (stage, brownboots) = stage().await;
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let month = stage.month().await;
    stage.month_ends().await;
    // Somebody has taken the period, the way a batch does, and is not done.
    let mut posting = stage.database.admin().await;
    for statement in ["BEGIN", "SELECT FROM statement_periods FOR SHARE"] {
        sql_query(statement).execute(&mut posting).await.expect("the lock");
    }
    let mut closing = JoinSet::new();
    closing.spawn({
        let (address, month) = (stage.address, month.clone());
        async move {
            let url = format!("http://{address}/api/v1/statement-periods/{month}/close");
            let request =
                test_kit::http_client().post(url).header("authorization", format!("ApiToken {MANAGER}"));
            request.send().await.expect("an answer").status().as_u16()
        }
    });
    stage.somebody_waits().await;
    // Nobody else does: the month is over, and who posts now takes the next one.
    stage.earn([earned(brownboots, 2)], brownboots).await;
    assert!(closing.try_join_next().is_none(), "it waits");
    stage.rows("statement_periods WHERE closed_at IS NOT NULL", 0).await;
    sql_query("COMMIT").execute(&mut posting).await.expect("it is done");
    assert_eq!(closing.join_all().await, [200]);
    assert_eq!(of(&stage.statement("Publisher", &month).await, ["closing"]), ["2.00"]);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_posts_while_its_period_is_being_closed_waits_and_takes_the_next() {
    let (stage, brownboots) = stage().await;
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let month = stage.month().await;
    // As if a transaction that began in the last moment of the month came to its ledger rows after the closing had begun.
    let mut closing = stage.database.admin().await;
    for statement in
        ["BEGIN", "UPDATE statement_periods SET closed_at = now(), closed_by = gen_random_uuid()"]
    {
        sql_query(statement).execute(&mut closing).await.expect("the lock");
    }
    stage.say_verdicts([brownboots.qualified(earned(brownboots, 2))]).await;
    stage.somebody_waits().await;
    stage.rows("ledger_transfers", 2).await;
    sql_query("COMMIT").execute(&mut closing).await.expect("it is closed");
    stage.rows("conversions WHERE status = 'success'", 2).await;
    stage.rows(&format!("ledger_transfers WHERE period = '{month}-01'"), 2).await;
    stage.rows(&format!("ledger_transfers WHERE period = date '{month}-01' + interval '1 month'"), 2).await;
}

impl Stage {
    /// Waits until a transaction of the service waits for a lock.
    async fn somebody_waits(&self) {
        eventually("somebody waits for a lock", SOON, async || {
            let waiting = "SELECT count(*) AS count FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'";
            self.count(waiting).await > 0
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_around_the_service_is_found() {
    let (stage, brownboots) = stage().await;
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let month = stage.end_and_close().await;
    let publisher = stage.statement("Publisher", &month).await;
    let paid = json!({"reference": "SEPA 1"});
    assert_eq!(stage.of_statement(&publisher, "paid", &paid).await.0, 200);
    assert_eq!(stage.proof().await.differences, Vec::<String>::new());

    // The serving role can change none of it, and neither can the tables' owner.
    let mut serving = stage.database.pool().get().await.unwrap();
    for table in
        ["statements", "statement_lines", "statement_adjustments", "statement_payments", "ledger_checkpoints"]
    {
        let refused = sql_query(format!("DELETE FROM {table}")).execute(&mut serving).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{table}: {refused}");
        let mut admin = stage.database.admin().await;
        let refused = sql_query(format!("DELETE FROM {table}")).execute(&mut admin).await.unwrap_err();
        assert!(refused.to_string().contains("never changed or deleted"), "{table}: {refused}");
    }
    drop(serving);

    // A row that is put into a closed period afterwards, and a checkpoint that is bent.
    let around = [
        format!(
            "INSERT INTO ledger_transfers (tenant_id, transfer_id, conversion_id, status_revision, flow, kind,
                debit_account_id, credit_account_id, currency, amount_micros, period)
            SELECT tenant_id, gen_random_uuid(), conversion_id, status_revision, flow, 'posted', debit_account_id,
                credit_account_id, currency, 1, '{month}-01' FROM ledger_transfers WHERE flow = 'payable'"
        ),
        String::from("ALTER TABLE ledger_checkpoints DISABLE TRIGGER append_only"),
        String::from("UPDATE ledger_checkpoints SET credits_posted = credits_posted + 7 WHERE credits_posted = 2000000"),
    ];
    for statement in around {
        stage.meanwhile(&statement).await;
    }
    let proof = stage.proof().await;
    for found in
        ["is not the transfer its id names", "it says", "its checkpoint of", "from the last checkpoint"]
    {
        assert!(
            proof.differences.iter().any(|line| line.contains(found)),
            "{found}: {:?}",
            proof.differences
        );
    }
    // What is read rests on the checkpoint: it is not folded from the beginning.
    let (_, balances) = stage.get("/api/v1/ledger/balances", Some(MANAGER)).await;
    let payable = balances["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["account"]["kind"] == "publisher_payable");
    assert_eq!(payable.unwrap()["creditsPosted"], json!("2.000007"));
}
