//! Statements as files and on paper, and what a publisher may see of them.

use contracts::{attribution::ConversionVerdict, catalog::AdvertiserChanged};
use serde_json::{Value, json};
use test_kit::eventually;
use uuid::Uuid;

use crate::{
    facts::{ADVERTISER, PUBLISHER, Tenant},
    stage::{SOON, Stage},
    statements::{MANAGER, PARTNER, earned, stage},
};

#[tokio::test]
async fn a_publisher_reads_its_own_statement_without_the_advertisers_prices() {
    let (stage, brownboots) = stage().await;
    stage.say_catalog([brownboots.envelope(&brownboots.advertiser(1, "Golfin Studios"))]).await;
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let month = stage.end_and_close().await;
    let (advertiser, publisher) =
        (stage.statement("Advertiser", &month).await, stage.statement("Publisher", &month).await);
    let (status, list) = stage.get("/api/v1/statements", Some(PARTNER)).await;
    assert_eq!((status, &list["total"]), (200, &json!(1)));
    assert_eq!(list["items"][0]["statementId"], publisher["statementId"]);
    for none in [
        format!("?advertiser_id={}", Uuid::from_u128(ADVERTISER)),
        format!("?publisher_id={}", Uuid::from_u128(0xb2)),
        String::from("?of=Advertiser"),
    ] {
        let (status, list) = stage.get(&format!("/api/v1/statements{none}"), Some(PARTNER)).await;
        assert_eq!((status, &list["total"], &list["items"]), (200, &json!(0), &json!([])), "{none}");
    }
    let own = format!("/api/v1/statements/{}", publisher["statementId"].as_str().unwrap());
    let foreign = format!("/api/v1/statements/{}", advertiser["statementId"].as_str().unwrap());
    for form in ["", "/csv", "/print"] {
        let (status, _, text) = stage.text(&format!("{own}{form}"), PARTNER).await;
        assert_eq!(status, 200, "{text}");
        let advertiser = Uuid::from_u128(ADVERTISER).to_string();
        for hidden in ["3.00", "Golfin Studios", &advertiser] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
        assert_eq!(stage.text(&format!("{foreign}{form}"), PARTNER).await.0, 404);
    }
    // The tenant's own people find both, by party too.
    for (filter, id) in [("advertiser_id", ADVERTISER), ("publisher_id", PUBLISHER)] {
        let path = format!("/api/v1/statements?{filter}={}", Uuid::from_u128(id));
        assert_eq!(stage.get(&path, Some(MANAGER)).await.1["total"], json!(1));
    }
    stage.strike().await;
}

#[tokio::test]
async fn names_are_text_in_a_spreadsheet_and_on_paper() {
    let (stage, brownboots) = stage().await;
    let named = ConversionVerdict {
        offer_name: String::from("=HYPERLINK(\"http://evil.example\",\"Golfin\")"),
        event_name: String::from("<script>alert(1)</script>"),
        ..earned(brownboots, 1)
    };
    stage.earn([named], brownboots).await;
    let month = stage.month().await;
    let open = stage.statement("Publisher", &month).await;
    let body = json!({"reference": "+1", "amount": "-0.50", "reason": "@SUM(A1) & <b>"});
    assert_eq!(stage.of_statement(&open, "adjustments", &body).await.0, 200);
    stage.end_and_close().await;
    let path = format!("/api/v1/statements/{}", open["statementId"].as_str().unwrap());

    let (status, kind, csv) = stage.text(&format!("{path}/csv"), MANAGER).await;
    assert_eq!((status, kind.as_str()), (200, "text/csv; charset=utf-8"));
    assert!(csv.contains("\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"Golfin\"\")\""), "{csv}");
    assert!(csv.contains(",-0.50,USD,'+1,'@SUM(A1) & <b>\r\n") && csv.contains(",1.50,USD,,\r\n"), "{csv}");

    let (status, kind, page) = stage.text(&format!("{path}/print"), MANAGER).await;
    assert_eq!((status, kind.as_str()), (200, "text/html; charset=utf-8"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"), "{page}");
    assert!(page.contains("1.50 USD") && page.contains("Pixel Media") && page.contains("@page"), "{page}");
    stage.strike().await;
}

/// The name on the advertiser's only statement over a month, in the list and whole; absent when it has none.
async fn name_of_advertiser(stage: &Stage, month: &str) -> Option<String> {
    let path = format!("/api/v1/statements?of=Advertiser&period={month}");
    let (_, list) = stage.get(&path, Some(MANAGER)).await;
    let whole = stage.statement("Advertiser", month).await;
    assert_eq!(list.pointer("/items/0/partyName"), whole.get("partyName"));
    whole.get("partyName").and_then(Value::as_str).map(str::to_owned)
}

#[tokio::test]
async fn an_advertiser_goes_by_its_name_and_until_that_is_heard_by_its_id() {
    let (stage, brownboots) = stage().await;
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let month = stage.month().await;
    // Another tenant's advertiser with the same id is somebody else.
    let stranger = Tenant::new(2);
    stage.say_catalog([stranger.envelope(&stranger.advertiser(9, "Somebody else"))]).await;
    assert_eq!(name_of_advertiser(&stage, &month).await, None);
    let open = stage.statement("Advertiser", &month).await;
    let path = format!("/api/v1/statements/{}", open["statementId"].as_str().unwrap());
    let id = Uuid::from_u128(ADVERTISER);
    let (_, _, page) = stage.text(&format!("{path}/print"), MANAGER).await;
    assert!(page.contains(&format!("Advertiser <strong>{id}</strong>")), "{page}");
    let (_, _, csv) = stage.text(&format!("{path}/csv"), MANAGER).await;
    assert!(csv.contains(&format!(",{month},{id},,")), "{csv}");

    let name = "=HYPERLINK(\"http://evil.example\",\"<script>\")";
    stage.say_catalog([brownboots.envelope(&brownboots.advertiser(1, name))]).await;
    assert_eq!(name_of_advertiser(&stage, &month).await.as_deref(), Some(name));
    let (_, _, csv) = stage.text(&format!("{path}/csv"), MANAGER).await;
    let cell = "\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"<script>\"\")\"";
    let named = csv.lines().filter(|line| line.contains(&format!(",{month},{id},{cell},"))).count();
    assert_eq!(named, csv.lines().count() - 1, "{csv}");
    let (_, _, page) = stage.text(&format!("{path}/print"), MANAGER).await;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    let publisher = stage.statement("Publisher", &month).await;
    assert_eq!(publisher["partyName"], json!("Pixel Media"));
    stage.strike().await;
}

#[tokio::test]
async fn a_closed_statement_keeps_the_name_that_its_advertiser_had() {
    let (stage, brownboots) = stage().await;
    let advertiser = |version, name| brownboots.envelope(&brownboots.advertiser(version, name));
    stage.say_catalog([advertiser(1, "Golfin")]).await;
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let first = stage.end_and_close().await;
    stage.say_catalog([advertiser(2, "Golfin Studios")]).await;
    stage.earn([earned(brownboots, 2)], brownboots).await;
    let second = stage.month().await;
    assert_eq!(name_of_advertiser(&stage, &first).await.as_deref(), Some("Golfin"));
    assert_eq!(name_of_advertiser(&stage, &second).await.as_deref(), Some("Golfin Studios"));
    stage.strike().await;
}

#[tokio::test]
async fn the_newest_word_on_an_advertiser_counts_in_whatever_order_it_comes() {
    let (stage, brownboots) = stage().await;
    stage.earn([earned(brownboots, 1)], brownboots).await;
    let month = stage.month().await;
    let said = |version, name| brownboots.envelope(&brownboots.advertiser(version, name));
    // Each batch at once, and by which name the advertiser goes after it.
    let nobody = AdvertiserChanged { advertiser_id: vec![1, 2, 3], ..brownboots.advertiser(9, "Nobody") };
    for (turn, (words, name)) in [
        (vec![said(3, "Golfin"), said(2, "Golf"), said(3, "Golfin")], "Golfin"),
        (vec![said(1, "Go")], "Golfin"),
        (vec![brownboots.envelope(&nobody), said(3, "Golfin, repaired")], "Golfin, repaired"),
        (vec![said(4, "Golfin\0Studios"), said(3, "Golfin")], "Golfin\u{fffd}Studios"),
    ]
    .into_iter()
    .enumerate()
    {
        let behind = brownboots.changed(u64::try_from(turn).unwrap() + 2, &[]);
        stage.say_of_advertisers(words, behind).await;
        eventually(name, SOON, async || {
            let shown = name_of_advertiser(&stage, &month).await;
            if shown.as_deref() == Some(name) { Ok(()) } else { Err(shown) }
        })
        .await;
    }
    // What can not be read is buried alone, and says what is wrong with it.
    stage
        .rows("dead_items WHERE consumer = 'payout.catalog' AND reason LIKE '%field advertiser_id%'", 1)
        .await;
    stage.strike().await;
}
