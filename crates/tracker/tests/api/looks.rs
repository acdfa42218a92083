//! Who only looks makes no click.

use contracts::catalog::OfferStatus;
use reqwest::{Method, StatusCode};
use test_kit::eventually;

use crate::{
    facts::Offer,
    stage::{SOON, Stage},
};

const QUERY: &str = "pub_click_id=c&pub_member_id=m";
const SLACK: &str = "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)";

#[tokio::test]
async fn a_preview_names_the_offer_and_makes_no_click() {
    let stage = Stage::with(Offer(2).version()).await;
    let page = stage.follow(Offer(2), QUERY, &[("user-agent", SLACK)]).await;
    assert_eq!((page.status, page.location()), (StatusCode::OK, None));
    assert!(page.body.contains("<title>Play &lt;Golfin&gt; &amp; win</title>"), "{}", page.body);
    assert!(page.body.contains("property=\"og:title\""), "{}", page.body);
    let head = stage.call(Method::HEAD, Offer(2), QUERY, &[]).await;
    assert_eq!((head.status, head.location(), head.body.as_str()), (StatusCode::OK, None, ""));
    for (name, value) in [("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch")] {
        let ahead = stage.follow(Offer(2), QUERY, &[(name, value)]).await;
        assert_eq!((ahead.status, ahead.location()), (StatusCode::FORBIDDEN, None), "{name}");
    }

    let click = stage.follow(Offer(2), QUERY, &[]).await.click();
    let recorded = stage.recorded(1).await;
    assert_eq!(recorded.len(), 1, "only the user who followed the link made a click");
    assert_eq!(uuid::Uuid::from_slice(&recorded[0].gk_click_id).unwrap().to_string(), click);

    stage.say([Offer(2).changed(2, OfferStatus::Paused)]).await;
    eventually("a paused offer shows nothing", SOON, async || {
        let page = stage.follow(Offer(2), QUERY, &[("user-agent", SLACK)]).await;
        if page.status == StatusCode::NOT_FOUND { Ok(()) } else { Err(page) }
    })
    .await;
    stage.strike().await;
}
