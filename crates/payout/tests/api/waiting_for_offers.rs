//! Verdicts that came before their offers.

use contracts::{attribution::ConversionVerdict, catalog::OfferVersionCreated};

use crate::{
    facts::{Tenant, terms},
    lagging::{HOUR, said_before, stop_recording},
    stage::Stage,
};

const OFFERS: u8 = 12;

fn offer_id(number: u8) -> Vec<u8> {
    [[0; 15].as_slice(), &[number + 1]].concat()
}

#[tokio::test]
async fn what_waits_for_many_offers_is_counted_as_each_becomes_known_and_the_rest_goes_on_waiting() {
    // Fewer at once than offers become known.
    let stage = Stage::with(2, |settings| settings.limits.batch = 5).await;
    let brownboots = Tenant::new(1);
    stage.say_catalog([brownboots.changed(1, &[]), brownboots.publisher(1, Vec::new())]).await;
    let verdict = |click: u8| ConversionVerdict {
        offer_id: offer_id(click % OFFERS),
        terms: Some(terms(3)),
        ..brownboots.verdict(click)
    };
    stage.say_verdicts((0..8 * OFFERS).map(|click| brownboots.qualified(verdict(click)))).await;
    stage.rows("conversions WHERE counted = 'waiting'", i64::from(8 * OFFERS)).await;

    let offer = |number: u8| OfferVersionCreated { offer_id: offer_id(number), ..brownboots.offer(1) };
    // Neither the first nor the last of the walk, nor all between.
    for number in [5, 0, 11, 3] {
        stage.say_catalog([brownboots.envelope(&offer(number))]).await;
    }
    stage.rows("conversions WHERE counted = 'taken' AND status = 'pending'", 8 * 4).await;
    stage.rows("conversions WHERE counted = 'waiting'", i64::from(8 * OFFERS) - 8 * 4).await;
    for number in [1, 2, 4, 6, 7, 8, 9] {
        stage.say_catalog([brownboots.envelope(&offer(number))]).await;
    }
    stage.rows("conversions WHERE counted = 'waiting'", 8).await;
    stage.strike().await;
}

#[tokio::test]
async fn an_offer_that_becomes_known_while_input_lags_releases_nothing() {
    let stage = Stage::with(1, |settings| settings.holds.quiet_seconds = 1).await;
    stage.attribution_is_well();
    let brownboots = Tenant::new(1);
    stage.say_catalog([brownboots.changed(1, &[]), brownboots.publisher(1, Vec::new())]).await;
    // Its hold of three days is over since an hour.
    let received_at_micros = crate::facts::now().as_micros() - 73 * HOUR;
    let over = ConversionVerdict { received_at_micros, terms: Some(terms(3)), ..brownboots.verdict(1) };
    stage.say_verdicts([brownboots.qualified(over.clone())]).await;
    stage.rows("conversions WHERE counted = 'waiting'", 1).await;

    let locked = stop_recording(&stage).await;
    stage.say_verdicts([said_before(HOUR, brownboots.vetoed(&over))]).await;
    stage.rows("replicas WHERE lags", 1).await;
    stage.looks_for_a_while(1).await;
    stage.say_catalog([brownboots.envelope(&brownboots.offer(1))]).await;
    stage.rows("conversions WHERE counted = 'taken' AND status = 'pending'", 1).await;

    drop(locked);
    stage.rows("conversions WHERE status = 'rejected' AND reason_code = 'REJECTED_FRAUD'", 1).await;
    stage.rows("conversion_history WHERE status = 'success'", 0).await;
    stage.strike().await;
}
