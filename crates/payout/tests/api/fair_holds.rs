//! Whose holds are released first when more are over than one batch takes.

use contracts::{attribution::ConversionVerdict, catalog::PublisherChanged};
use uuid::Uuid;

use crate::{
    facts::{PUBLISHER, Tenant, terms},
    stage::Stage,
};

/// Holds of a publisher.
fn held(
    tenant: Tenant,
    publisher: u128,
    clicks: std::ops::Range<u8>,
) -> impl Iterator<Item = ConversionVerdict> {
    clicks.map(move |click| ConversionVerdict {
        publisher_id: Uuid::from_u128(publisher).as_bytes().to_vec(),
        terms: Some(terms(3)),
        ..tenant.verdict(click)
    })
}

/// One replica, which releases so many at once, and so many tenants; no publisher wants to hear.
async fn stage(batch: u16, tenants: &[Tenant]) -> Stage {
    let stage = Stage::with(1, |settings| settings.holds.batch = batch).await;
    for tenant in tenants {
        let facts =
            [tenant.changed(1, &[]), tenant.envelope(&tenant.offer(1)), tenant.publisher(1, Vec::new())];
        stage.say_catalog(facts).await;
    }
    stage
}

async fn introduce(stage: &Stage, tenant: Tenant, publisher: u128) {
    let known = PublisherChanged {
        tenant_id: tenant.0.to_vec(),
        publisher_id: Uuid::from_u128(publisher).as_bytes().to_vec(),
        version: 1,
        active: true,
        ..PublisherChanged::default()
    };
    stage.say_catalog([tenant.envelope(&known)]).await;
}

async fn say(stage: &Stage, tenant: Tenant, verdicts: impl Iterator<Item = ConversionVerdict>) {
    stage.say_verdicts(verdicts.map(|verdict| tenant.qualified(verdict))).await;
}

/// What the first tenant's first publisher has.
fn of_the_big_one() -> String {
    format!("tenant_id = '{}' AND publisher_id = '{}'", Tenant::new(1).0, Uuid::from_u128(PUBLISHER))
}

/// At one moment every hold is over: the big one's for an hour, everybody else's just now.
async fn all_end(stage: &Stage) {
    let big = of_the_big_one();
    let end = format!(
        "UPDATE conversions SET hold_ends_at = now() - CASE WHEN {big} THEN interval '1 hour' ELSE interval '0' END
        WHERE status = 'pending'"
    );
    stage.meanwhile(&end).await;
}

/// How many of the big one's were released until the moment that a query finds.
async fn before(stage: &Stage, moment: &str) -> i64 {
    let big = of_the_big_one();
    let until = format!("status = 'success' AND changed_at <= ({moment})");
    stage.count(&format!("SELECT count(*) AS count FROM conversions WHERE {big} AND {until}")).await
}

#[tokio::test]
async fn a_few_holds_do_not_wait_until_the_many_of_another_publisher_are_released() {
    const SMALL: u128 = 0xb2;
    let tenant = Tenant::new(1);
    let stage = stage(10, &[tenant]).await;
    introduce(&stage, tenant, SMALL).await;
    say(&stage, tenant, held(tenant, PUBLISHER, 0..200)).await;
    say(&stage, tenant, held(tenant, SMALL, 200..205)).await;
    stage.rows("conversions WHERE status = 'pending'", 205).await;

    all_end(&stage).await;
    stage.rows("conversions WHERE status = 'success'", 205).await;
    let few = format!("SELECT max(changed_at) FROM conversions WHERE NOT ({})", of_the_big_one());
    // One batch of those that waited longest, and half of the next.
    let many = before(&stage, &few).await;
    assert!(many <= 15, "{many} of the big one were released before the last one of the small one");
    stage.rows("conversion_history WHERE status = 'success'", 205).await;
    stage.strike().await;
}

#[tokio::test]
async fn more_publishers_than_a_batch_has_places_for_take_turns_across_tenants() {
    // Both tenants call their publishers alike.
    let tenants = [Tenant::new(1), Tenant::new(2)];
    let stage = stage(3, &tenants).await;
    for publisher in 0xb2..0xb6 {
        introduce(&stage, tenants[0], publisher).await;
        introduce(&stage, tenants[1], publisher).await;
    }
    say(&stage, tenants[0], held(tenants[0], PUBLISHER, 0..150)).await;
    for (clicks, publisher) in (150_u8..).step_by(2).zip(0xb2..0xb6) {
        for tenant in tenants {
            say(&stage, tenant, held(tenant, publisher, clicks..clicks + 2)).await;
        }
    }
    stage.rows("conversions WHERE status = 'pending'", 166).await;

    all_end(&stage).await;
    stage.rows("conversions WHERE status = 'success'", 166).await;
    let firsts = format!(
        "SELECT max(first) FROM (SELECT min(changed_at) AS first FROM conversions WHERE NOT ({})
            GROUP BY tenant_id, publisher_id) AS firsts",
        of_the_big_one()
    );
    // Nine publishers, three of them in each batch behind the first one.
    let many = before(&stage, &firsts).await;
    assert!(many <= 4, "{many} of the big one were released before everybody had a turn");
    let few = format!("SELECT max(changed_at) FROM conversions WHERE NOT ({})", of_the_big_one());
    let many = before(&stage, &few).await;
    assert!(many <= 5, "{many} of the big one were released before everybody had two turns");
    stage.strike().await;
}

#[tokio::test]
async fn one_conversion_that_can_not_be_released_is_put_off_in_its_publishers_turn() {
    const SMALL: u128 = 0xb2;
    let tenant = Tenant::new(1);
    let stage = stage(10, &[tenant]).await;
    introduce(&stage, tenant, SMALL).await;
    say(&stage, tenant, held(tenant, PUBLISHER, 0..100)).await;
    say(&stage, tenant, held(tenant, SMALL, 100..105)).await;
    stage.rows("conversions WHERE status = 'pending'", 105).await;
    // A revenue that no payout can be taken from.
    let spoil = format!(
        "UPDATE conversions SET revenue_micros = -9223372036854775808 WHERE conversion_id = '{}'",
        tenant.conversion_id(102)
    );
    stage.meanwhile(&spoil).await;

    all_end(&stage).await;
    stage.rows("conversions WHERE status = 'success'", 104).await;
    let put_off = "conversions WHERE status = 'pending' AND hold_ends_at > now() + interval '50 minutes'";
    stage.rows(put_off, 1).await;
    let moment = "SELECT hold_ends_at - interval '1 hour' FROM conversions WHERE status = 'pending'";
    let many = before(&stage, moment).await;
    assert!(many <= 20, "{many} of the big one were released before the one was put off");

    stage.meanwhile("UPDATE conversions SET revenue_micros = 3000000 WHERE status = 'pending'").await;
    stage.holds_end().await;
    stage.rows("conversions WHERE status = 'success'", 105).await;
    stage.strike().await;
}

#[tokio::test]
async fn many_that_can_not_be_released_do_not_hold_up_another_publisher() {
    const SMALL: u128 = 0xb2;
    let tenant = Tenant::new(1);
    let stage = stage(10, &[tenant]).await;
    introduce(&stage, tenant, SMALL).await;
    say(&stage, tenant, held(tenant, PUBLISHER, 0..60)).await;
    say(&stage, tenant, held(tenant, SMALL, 60..65)).await;
    stage.rows("conversions WHERE status = 'pending'", 65).await;
    let big = of_the_big_one();
    // A revenue that no payout can be taken from, in all that waited longest.
    stage
        .meanwhile(&format!("UPDATE conversions SET revenue_micros = -9223372036854775808 WHERE {big}"))
        .await;

    all_end(&stage).await;
    stage.rows("conversions WHERE status = 'success'", 5).await;
    let put_off = format!("status = 'pending' AND hold_ends_at > now() + interval '50 minutes' AND {big}");
    stage.rows(&format!("conversions WHERE {put_off}"), 60).await;
    let last = format!("SELECT max(changed_at) FROM conversions WHERE NOT ({big})");
    let before = format!(
        "SELECT count(*) AS count FROM conversions WHERE {big} AND hold_ends_at - interval '1 hour' <= ({last})"
    );
    let many = stage.count(&before).await;
    assert!(many <= 15, "{many} of the big one were put off before the last of the small one was released");

    stage.meanwhile(&format!("UPDATE conversions SET revenue_micros = 3000000 WHERE {big}")).await;
    stage.holds_end().await;
    stage.rows("conversions WHERE status = 'success'", 65).await;
    stage.strike().await;
}
