//! The same link, member and `pub_click_id` again, at once.

use crate::{facts::Offer, stage::Stage};

#[tokio::test]
async fn a_double_tap_is_one_click() {
    let stage = Stage::with(Offer(2).version()).await;
    stage.share(Offer(3), Offer(3).version()).await;
    let query = "pub_click_id=c&pub_member_id=m";
    let first = stage.follow(Offer(2), query, &[]).await;
    let second = stage.follow(Offer(2), &format!("{query}&pub_sub_1=other"), &[]).await;
    assert_eq!(first.location(), second.location());
    let mut clicks = vec![first.click()];
    for (offer, query) in [
        (Offer(2), "pub_click_id=c&pub_member_id=other"),
        (Offer(2), "pub_click_id=other&pub_member_id=m"),
        (Offer(3), query),
    ] {
        clicks.push(stage.follow(offer, query, &[]).await.click());
    }
    clicks.sort_unstable();
    clicks.dedup();
    assert_eq!(clicks.len(), 4, "anything else is a click of its own");
    // What was said later has arrived, so a fifth click would have, too.
    stage.follow(Offer(2), "pub_click_id=last&pub_member_id=m", &[]).await;
    assert_eq!(stage.recorded(5).await.len(), 5);
    stage.strike().await;
}
