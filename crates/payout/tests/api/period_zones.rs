//! Periods follow the tenant's zone, and stay as they were made.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use kernel::Timestamp;
use payout::domain::statements::next_period;
use serde_json::json;

use crate::{
    facts::Tenant,
    stage::Stage,
    statements::{MANAGER, earned, stage},
};

#[derive(QueryableByName)]
struct Month {
    #[diesel(sql_type = Text)]
    zone: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Timestamptz)]
    begins: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    ends: DateTime<Utc>,
}

#[tokio::test]
async fn months_begin_when_the_database_says_so_too_in_every_zone() {
    let stage = Stage::set().await;
    // Clocks that change at midnight, at the turn of a month, by half an hour; quarters of hours; both ends of the day.
    let zones = [
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "Africa/Cairo",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",
        "America/St_Johns",
        "Africa/Casablanca",
        "UTC",
    ];
    let query = "SELECT zone, to_char(month, 'YYYY-MM') AS name, month AT TIME ZONE zone AS begins,
            (month + interval '1 month') AT TIME ZONE zone AS ends
        FROM unnest(string_to_array($1, ' ')) AS zone
        CROSS JOIN generate_series(timestamp '2007-01-01', timestamp '2034-12-01', interval '1 month') AS month";
    let mut admin = stage.database.admin().await;
    let months: Vec<Month> =
        sql_query(query).bind::<Text, _>(zones.join(" ")).load(&mut admin).await.expect("months");
    assert_eq!(months.len(), zones.len() * 28 * 12);
    for month in months {
        let begins = Timestamp::from_micros(month.begins.timestamp_micros());
        let ends = Timestamp::from_micros(month.ends.timestamp_micros());
        let zone = month.zone.parse().expect("a zone");
        for moment in [begins, ends.saturating_add_micros(-1)] {
            let period = next_period(None, zone, moment);
            let found = (period.month.to_string(), period.begins_at, period.ends_at);
            assert_eq!(found, (month.name.clone(), begins, ends), "{}", month.zone);
        }
    }
    stage.strike().await;
}

#[tokio::test]
async fn a_new_zone_holds_from_the_next_period_on() {
    let (stage, brownboots) = stage().await;
    stage.say_catalog([brownboots.in_zone(2, "Pacific/Kiritimati")]).await;
    stage.earn([earned(brownboots, 1)], brownboots).await;
    stage.say_catalog([brownboots.in_zone(3, "Europe/Berlin")]).await;
    stage.earn([earned(brownboots, 2)], brownboots).await;
    let (_, periods) = stage.get("/api/v1/statement-periods", Some(MANAGER)).await;
    assert_eq!(periods["items"].as_array().unwrap().len(), 1);
    assert_eq!(periods["items"][0]["timeZone"], json!("Pacific/Kiritimati"));
    stage
        .rows(
            "statement_periods WHERE begins_at = date_trunc('month', now(), 'Pacific/Kiritimati')
                AND ends_at = date_trunc('month', now(), 'Pacific/Kiritimati') + interval '1 month'",
            1,
        )
        .await;
    stage.end_and_close().await;
    stage.earn([earned(brownboots, 3)], brownboots).await;
    let (_, periods) = stage.get("/api/v1/statement-periods", Some(MANAGER)).await;
    let [newer, older] = [0, 1].map(|place| periods["items"][place].clone());
    assert_eq!(newer["timeZone"], json!("Europe/Berlin"));
    assert_eq!(newer["beginsAt"], older["endsAt"], "neither gap nor overlap");
    stage.strike().await;
}

#[tokio::test]
async fn the_release_before_this_one_still_posts_while_both_run() {
    let (stage, brownboots) = stage().await;
    // As that release writes: without a period, also when there is none yet.
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let columns = "tenant_id, conversion_id, status_revision, flow, kind, debit_account_id, credit_account_id, currency";
    let insert = format!(
        "INSERT INTO ledger_transfers (transfer_id, amount_micros, {columns})
        SELECT gen_random_uuid(), 1, {columns} FROM ledger_transfers LIMIT 1"
    );
    stage.meanwhile(&insert).await;
    stage.rows("ledger_transfers JOIN statement_periods USING (tenant_id, period)", 3).await;
    let stranger = Tenant::new(2);
    let insert = insert.replace(
        "SELECT gen_random_uuid(), 1, tenant_id",
        &format!("SELECT gen_random_uuid(), 1, '{}'", stranger.0),
    );
    stage.meanwhile(&insert).await;
    stage
        .rows("statement_periods WHERE time_zone = 'UTC' AND begins_at <= now() AND now() < ends_at", 2)
        .await;
}
