//! Attribution's verdicts, each whole, in whatever order they come.

use std::sync::Arc;

use ::bus::{BatchHandler, HandleError};
use contracts::{
    ContractError, Fact,
    attribution::{
        ConversionAmended, ConversionQualified, ConversionReviewRequested, ConversionVerdict,
        ConversionVetoed,
    },
    envelope::Envelope,
    open, read,
};
use hand_over::failure;
use kernel::IdSource;
use postgres_kit::Pool;
use prost::Message as _;
use telemetry::TraceContext;

use super::verdict;
use crate::flows::{
    input_lag::InputLag,
    record_verdicts::{CONSUMER, Received, record_verdicts},
};

/// Records batches of verdicts.
pub struct OnConversionVerdict {
    /// Payout's database.
    pub pool: Pool,
    /// Names the facts that follow.
    pub ids: Arc<dyn IdSource>,
    /// Hears whether verdicts come late.
    pub input: InputLag,
}

impl BatchHandler for OnConversionVerdict {
    async fn handle(&self, items: &[Envelope]) -> Result<(), HandleError> {
        let mut batch: Vec<Received> = items
            .iter()
            .map(received)
            .collect::<Result<_, _>>()
            .map_err(|error| failure::of_contract(&error))?;
        let Some(heard_until) = batch.iter().map(|received| received.verdict.heard_until).min() else {
            return Ok(());
        };
        // Whatever is wrong here, it is not the items.
        let told = self.input.reads(&self.pool, heard_until).await;
        let _in_hand = told.map_err(|error| HandleError::Pause(telemetry::chain(&error)))?;
        // A click, a version or a person leads to verdicts, too, while postbacks wait: these say nothing of what waits.
        let released_until = self.input.released_until();
        for received in &mut batch {
            received.verdict.heard_until = received.verdict.heard_until.min(released_until);
        }
        record_verdicts(&self.pool, &self.ids, &batch).await.map_err(|error| failure::of_store(&error))
    }

    async fn bury(&self, item: &Envelope, reason: &str) -> Result<(), HandleError> {
        failure::bury(&self.pool, CONSUMER, item, reason).await
    }
}

fn received(item: &Envelope) -> Result<Received, ContractError> {
    let message = message(item)?;
    let message = read::required(message.as_ref(), "verdict")?;
    Ok(Received {
        fact: read::fact_id(item)?,
        verdict: verdict::read(item, message)?,
        encoded: message.encode_to_vec(),
        trace: TraceContext { traceparent: item.traceparent.clone(), tracestate: item.tracestate.clone() },
    })
}

/// The four facts differ in why they were said; what they say is the same verdict.
fn message(item: &Envelope) -> Result<Option<ConversionVerdict>, ContractError> {
    match item.fact.as_str() {
        ConversionAmended::NAME => open::<ConversionAmended>(item).map(|fact| fact.verdict),
        ConversionVetoed::NAME => open::<ConversionVetoed>(item).map(|fact| fact.verdict),
        ConversionReviewRequested::NAME => open::<ConversionReviewRequested>(item).map(|fact| fact.verdict),
        // Anything else says which fact was expected.
        _ => open::<ConversionQualified>(item).map(|fact| fact.verdict),
    }
}
