//! What an offer looks like to a client.

use crate::catalog::Catalog;

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_shown_with_the_published_names() {
    let catalog = Catalog::start().await;
    let token = catalog.tenant("Brownboots").await;
    let id = catalog.offer(&token).await;
    let shown = catalog.get(&format!("/offers/{id}"), &token).await.ok();
    insta::assert_json_snapshot!(shown, {
        ".offerId" => "[id]",
        ".advertiserId" => "[id]",
        ".events[].offerEventId" => "[id]",
        ".createdAt" => "[time]",
        ".updatedAt" => "[time]",
    });
}
