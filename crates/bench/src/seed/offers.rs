//! Offers as the catalog keeps them: one that was made through its API, and copies of it.

use anyhow::Context as _;
use serde_json::json;
use system_tests::catalog::{Publisher, Tenant};
use tokio_postgres::Client;

/// The guide's offer, shared with a publisher; answers its id.
///
/// # Errors
/// When the catalog refuses.
pub async fn shared_offer(tenant: &Tenant, publisher: &Publisher) -> anyhow::Result<String> {
    let advertiser = tenant.advertiser("Golfin").await?;
    let fields = json!({
        "offerType": "MultiEvent", "trackingSystem": "AppsFlyer", "advertiserId": advertiser, "name": "Golfin iOS",
        "trackingSystemLink": "https://app.appsflyer.com/id123456789?pid=gokart_int",
        "headline": "Play golf, earn coins", "shortDescription": "Install Golfin and reach level 10.",
        "categories": ["Golf", "Sports"], "budget": {"total": "5000.00"}, "currency": "USD", "launchDate": "2026-01-01",
        "ageRanges": ["18+"], "platforms": ["IOS"], "countries": ["US", "ZA", "AU"],
        "events": [
            {"eventId": "Install", "name": "Install", "sequenceNumber": 1, "pendingTime": 0, "revenue": "2.00", "payout": "1.00"},
            {"eventId": "level_10", "name": "Reach Level 10", "sequenceNumber": 2, "pendingTime": 0, "revenue": "5.00", "payout": "3.00"},
        ],
    });
    let offer = tenant.offer(&fields).await?;
    Ok(tenant.share(&offer, publisher).await?.offer_id)
}

/// Copies an offer with its version, events, names and share so many times. The copies are as the API would have made them, a
/// second apart, but for their facts: nobody was told.
///
/// # Errors
/// The server's.
pub async fn copy_offer(admin: &Client, offer: &str, copies: u64) -> anyhow::Result<()> {
    let columns = |table: &'static str| async move {
        let query = "SELECT column_name::text FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position";
        let rows = admin.query(query, &[&table]).await?;
        rows.iter().map(|row| row.try_get::<_, String>(0)).collect::<Result<Vec<_>, _>>()
    };
    admin
        .batch_execute(&format!(
            "CREATE TEMP TABLE copies AS SELECT gen_random_uuid() AS new_offer, gen_random_uuid() AS new_link, number
             FROM generate_series(1, {copies}) AS number"
        ))
        .await?;
    for table in ["offers", "offer_versions", "offer_events", "offer_event_names", "offer_shares"] {
        let columns = columns(table).await?;
        let values: Vec<String> = columns
            .iter()
            .map(|column| match column.as_str() {
                "offer_id" => "new_offer".to_owned(),
                "link_id" => "new_link".to_owned(),
                moment @ ("created_at" | "shared_at") => format!("{moment} - number * interval '1 second'"),
                other => format!("{table}.{other}"),
            })
            .collect();
        admin
            .batch_execute(&format!(
                "INSERT INTO {table} ({}) SELECT {} FROM {table}, copies WHERE offer_id = '{offer}'",
                columns.join(", "),
                values.join(", ")
            ))
            .await
            .with_context(|| format!("copying rows of {table}"))?;
    }
    admin.batch_execute("DROP TABLE copies").await?;
    Ok(())
}
