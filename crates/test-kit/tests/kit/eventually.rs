//! Waiting ends when the condition holds, and a failure explains itself.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use test_kit::eventually;

#[tokio::test]
async fn it_looks_until_it_is_so() {
    let mut looks = 0;
    let seen = eventually("three looks", super::SOON, async || {
        looks += 1;
        (looks == 3).then_some(looks)
    })
    .await;
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn a_failure_says_what_was_awaited_and_what_was_seen() {
    let waiting =
        eventually("the queue to be empty", Duration::from_millis(20), async || Err::<(), _>("7 messages"));
    let panic = AssertUnwindSafe(waiting).catch_unwind().await.expect_err("never empty");
    let text = panic.downcast_ref::<String>().expect("a text");
    assert!(text.contains("the queue to be empty") && text.contains("7 messages"), "{text}");
    assert!(text.contains("eventually.rs"), "where: {text}");
}
