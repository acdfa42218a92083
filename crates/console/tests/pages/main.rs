//! The pages as a browser meets them, in front of three scripted services.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

mod stage;

use stage::{CLICK, Stage, TOKEN, refused};
use wiremock::ResponseTemplate;

#[tokio::test]
async fn a_token_that_is_not_known_opens_nothing() {
    let stage = Stage::start().await;
    let answer = stage.sign_in("gkt_wrong").await;
    assert_eq!(answer.status, 401);
    assert!(answer.body.contains("unknown, revoked or expired"));
    assert!(answer.cookies.iter().all(|cookie| !cookie.starts_with("gokart_console=")));
    assert!(!answer.body.contains("gkt_wrong"));
}

#[tokio::test]
async fn a_sign_in_needs_the_form_and_its_cookie() {
    let stage = Stage::start().await;
    let form = [("api_token", TOKEN), ("form_token", "00")];
    assert_eq!(stage.post("/login", "gokart_sign_in=11", &form).await.status, 403);
    assert_eq!(stage.post("/login", "", &[("api_token", TOKEN), ("form_token", "")]).await.status, 403);
}

#[tokio::test]
async fn signed_in_until_the_session_ends() {
    let stage = Stage::start().await;
    assert_eq!(stage.get("/", "").await.location.as_deref(), Some("/login"));
    let cookie = stage.session().await;
    assert_eq!(stage.get("/", &cookie).await.status, 200);
    stage.minutes_pass(479);
    assert_eq!(stage.get("/", &cookie).await.status, 200);
    stage.minutes_pass(1);
    assert_eq!(stage.get("/", &cookie).await.status, 303);
}

#[tokio::test]
async fn signed_out_with_the_button_of_the_page_only() {
    let stage = Stage::start().await;
    let cookie = stage.session().await;
    assert_eq!(stage.post("/logout", &cookie, &[("form_token", "guessed")]).await.status, 403);
    let form_token = stage.get("/", &cookie).await.form_token();
    assert_eq!(stage.post("/logout", &cookie, &[("form_token", &form_token)]).await.status, 303);
    assert_eq!(stage.get("/", &cookie).await.status, 303);
}

#[tokio::test]
async fn offers_are_shown_and_what_they_hold_is_text() {
    let stage = Stage::start().await;
    let page = stage.get("/", &stage.session().await).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", page.body);
    assert!(!page.body.contains("<script"));
    for shown in ["Brownboots", "Ready", "Rewardville", "https://track.example/x?pub_click_id={}&amp;a=1"] {
        assert!(page.body.contains(shown), "{shown} is missing: {}", page.body);
    }
    assert!(page.policy.starts_with("default-src 'none'; style-src 'self'"));
    let css = stage.get("/static/console.css", "").await;
    assert_eq!((css.status, css.body.contains("body {")), (200, true));
}

#[tokio::test]
async fn the_whole_story_is_on_one_page() {
    let stage = Stage::start().await;
    let page = stage.get(&format!("/story?gk_click_id={CLICK}"), &stage.session().await).await;
    assert_eq!(page.status, 200, "{}", page.body);
    for shown in [
        "2026-11-22T10:00:00Z",
        "QUALIFIED",
        "It counts.",
        "9. Is the event mapped in the offer? Yes.",
        "WAITING_SEQUENCE",
        "Reach Level 10",
        "Success",
        "4.99 USD",
        "advertiser_receivable → publisher_payable",
        "delivered",
        "HTTP 204",
        "connection refused",
    ] {
        assert!(page.body.contains(shown), "{shown} is missing: {}", page.body);
    }
}

#[tokio::test]
async fn a_click_nobody_knows_gets_a_page_that_says_so() {
    let stage = Stage::start().await;
    let cookie = stage.session().await;
    let unknown = stage.get("/story?gk_click_id=0193a1f0-0000-7000-8000-00000000dead", &cookie).await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.body.contains("Nobody has heard of this click"));
    let senseless = stage.get("/story?gk_click_id=%3Cscript%3E", &cookie).await;
    assert_eq!(senseless.status, 400);
    assert!(senseless.body.contains("no click id") && !senseless.body.contains("<script"));
}

#[tokio::test]
async fn who_does_not_answer_is_named() {
    let stage = Stage::start().await;
    let cookie = stage.session().await;
    stage.payout.reset().await;
    refused(&stage.payout, 503).await;
    let story = stage.get(&format!("/story?gk_click_id={CLICK}"), &cookie).await;
    assert_eq!(story.status, 502);
    assert!(
        story.body.contains("payout did not answer") && story.body.contains("QUALIFIED"),
        "{}",
        story.body
    );
    stage.offer_catalog.reset().await;
    refused(&stage.offer_catalog, 500).await;
    let offers = stage.get("/", &cookie).await;
    assert_eq!(offers.status, 502);
    assert!(offers.body.contains("offer-catalog did not answer"));
}

#[tokio::test]
async fn a_token_that_was_revoked_leads_back_to_the_door() {
    let stage = Stage::start().await;
    let cookie = stage.session().await;
    stage.offer_catalog.reset().await;
    refused(&stage.offer_catalog, 401).await;
    assert_eq!(stage.get("/postback", &cookie).await.location.as_deref(), Some("/login"));
}

#[tokio::test]
async fn a_redirect_does_not_carry_the_token_away() {
    let stage = Stage::start().await;
    let cookie = stage.session().await;
    stage.offer_catalog.reset().await;
    let elsewhere = format!("{}/stolen", stage.payout.uri());
    stage::any(&stage.offer_catalog, ResponseTemplate::new(302).insert_header("location", elsewhere)).await;
    assert_eq!(stage.get("/", &cookie).await.status, 502);
    assert!(stage.payout.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_reveal_needs_the_form_token_of_the_page() {
    let stage = Stage::start().await;
    let cookie = stage.session().await;
    let masked = stage.get("/postback", &cookie).await;
    assert!(masked.body.contains("••••••••") && !masked.body.contains("the-signature"));
    let eye = format!("/postback/{}/reveal", stage::CREDENTIAL);
    assert_eq!(stage.post(&eye, &cookie, &[("form_token", "guessed")]).await.status, 403);
    assert_eq!(stage.reveals().await, 0);

    let shown = stage.post(&eye, &cookie, &[("form_token", &masked.form_token())]).await;
    assert_eq!((shown.status, stage.reveals().await), (200, 1));
    assert_eq!(shown.cache_control, "no-store");
    for value in ["the-signature", "t1/t2/t3/", "Brownboots", "https://api.example/api/v1/t1/t2/t3/"] {
        assert!(shown.body.contains(value), "{value} is missing");
    }
}

#[tokio::test]
async fn the_postback_page_says_who_still_uses_which_generation() {
    let stage = Stage::start().await;
    let page = stage.get("/postback", &stage.session().await).await.body;
    for told in [
        "Generation 1, valid until 2026-02-09T03:04:05.000Z, last used 2026-02-03T04:05:06.000Z.",
        "id123456789: last used 2026-02-03T04:05:06.000Z, 7 postbacks",
        "Other apps, or none named: last used 2026-01-03T04:05:06.000Z, 1 postbacks",
        "Generation 2, never used yet.",
    ] {
        assert!(page.contains(told), "{told} is missing in {page}");
    }
}

#[tokio::test]
async fn the_api_token_is_nowhere_in_what_a_browser_gets() {
    let stage = Stage::start().await;
    let signed_in = stage.sign_in(TOKEN).await;
    for cookie in &signed_in.cookies {
        assert!(!cookie.contains(TOKEN));
        assert!(cookie.contains("HttpOnly; SameSite=Strict") && cookie.ends_with("; Secure"), "{cookie}");
    }
    let cookie = stage.session().await;
    for path in ["/", "/story", "/postback", "/login", &format!("/story?gk_click_id={CLICK}")] {
        let page = stage.get(path, &cookie).await;
        assert!(!page.body.contains(TOKEN), "{path}");
        assert_eq!(page.cache_control, "no-store", "{path}");
    }
}
