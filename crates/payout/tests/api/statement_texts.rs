//! Statements as files and on paper, and what a publisher may see of them.

use contracts::attribution::ConversionVerdict;
use serde_json::json;
use uuid::Uuid;

use crate::{
    facts::{ADVERTISER, PUBLISHER},
    statements::{MANAGER, PARTNER, earned, stage},
};

#[tokio::test]
async fn a_publisher_reads_its_own_statement_without_the_advertisers_prices() {
    let (stage, brownboots) = stage().await;
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
        assert!(!text.contains("3.00") && !text.contains(&Uuid::from_u128(ADVERTISER).to_string()), "{text}");
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
