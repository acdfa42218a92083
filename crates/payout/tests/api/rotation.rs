//! A secret is replaced while postbacks go out: whoever knows either one can check them, until the old one's time is over.

use contracts::catalog::{PostbackMethod, SealedSecret};
use kernel::Clock as _;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use signing::webhook::WebhookSecret;
use standardwebhooks::Webhook;
use test_kit::{Answer, Delivery};

use crate::{
    facts::{Tenant, secret},
    frozen::Frozen,
};

const HOUR: i64 = 3_600_000_000;

/// Somebody who knows one secret and signs with the official library what it hears. It does not ask what time it is: here
/// time stands still.
struct Receiver(WebhookSecret);

impl Receiver {
    fn believes(&self, delivery: &Delivery) -> bool {
        let header = |name| delivery.header(name).unwrap();
        let signed =
            if delivery.method == "GET" { delivery.target().into_bytes() } else { delivery.body.clone() };
        let library = Webhook::new(self.0.to_text().expose_secret()).unwrap();
        let stamp = header("webhook-timestamp").parse().unwrap();
        let expected = library.sign(header("webhook-id"), stamp, &signed).unwrap();
        header("webhook-signature").split(' ').any(|signature| signature == expected)
    }
}

#[rstest]
#[case::get(PostbackMethod::Get)]
#[case::post(PostbackMethod::PostJson)]
#[tokio::test]
async fn both_receivers_believe_during_a_rotation_and_only_the_new_one_after_it(
    #[case] method: PostbackMethod,
) {
    let (stage, frozen) = Frozen::stage(|settings| settings.delivery.poll_ms = 20).await;
    let brownboots = Tenant::new(1);
    let purchase = |click| frozen.purchase(brownboots, click);
    let (old, new, stranger) = (Receiver(secret(1)), Receiver(secret(2)), Receiver(secret(3)));
    let believed =
        |delivery: &Delivery| (old.believes(delivery), new.believes(delivery), stranger.believes(delivery));
    let mut endpoint = brownboots.endpoint(stage.template());
    endpoint.method = method.into();
    stage
        .say_catalog([
            brownboots.envelope(&brownboots.offer(1)),
            brownboots.publisher(1, vec![endpoint.clone()]),
        ])
        .await;
    stage.say_verdicts([purchase(1)]).await;
    assert_eq!(believed(&stage.told(1).await[0]), (true, false, false), "before");

    // The catalog's word: the new one signs, and the old one beside it for an hour.
    endpoint.signing_secrets = vec![
        SealedSecret { sealed: brownboots.sealed(&secret(2)), valid_until_micros: None },
        SealedSecret {
            sealed: brownboots.sealed(&secret(1)),
            valid_until_micros: Some(frozen.now().as_micros() + HOUR),
        },
    ];
    stage.say_catalog([brownboots.publisher(2, vec![endpoint])]).await;
    stage.say_verdicts([purchase(2)]).await;
    assert_eq!(believed(&stage.told(2).await[1]), (true, true, false), "at its beginning");

    frozen.pass(&stage, HOUR - 10_000_000).await;
    // The last attempt within the hour fails, so that the next one is made after it.
    stage.publisher.answer("/cb", [Answer::status(500), Answer::status(200)]);
    stage.say_verdicts([purchase(3)]).await;
    assert_eq!(believed(&stage.told(3).await[2]), (true, true, false), "at its end");
    stage.rows("deliveries WHERE state = 'waiting' AND attempts = 1 AND lease IS NULL", 1).await;

    frozen.pass(&stage, 10_000_000).await;
    let heard = stage.told(4).await;
    assert_eq!(heard[2].header("webhook-id"), heard[3].header("webhook-id"), "the same message");
    assert_eq!(believed(&heard[3]), (false, true, false), "its second attempt, after the hour");
    stage.say_verdicts([purchase(4)]).await;
    assert_eq!(believed(&stage.told(5).await[4]), (false, true, false), "after");
    stage.strike().await;
}
