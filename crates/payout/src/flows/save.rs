//! What follows from changes of conversions, whatever caused them: history, ledger, what publishers are to be told, facts.

use std::collections::HashMap;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use futures_util::join;
use kernel::{ConversionId, IdSource, TenantId, Timestamp, TokenId};
use postgres_kit::{all, outbox};
use telemetry::TraceContext;

use super::{
    facts, periods,
    tell::{begin_telling, tell},
};
use crate::{
    domain::conversion::{Change, Conversion},
    metrics,
    store::{history, ledger},
};

/// A change and the trace it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changed<'a> {
    pub(super) change: &'a Change,
    pub(super) trace: &'a TraceContext,
    /// Of the person who made it.
    pub(super) token: Option<TokenId>,
}

/// Writes everything that follows from `changes`, in the transaction that writes the conversions themselves.
pub(super) async fn consequences(
    connection: &AsyncPgConnection,
    ids: &dyn IdSource,
    now: Timestamp,
    changes: &[Changed<'_>],
) -> QueryResult<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let after: Vec<&Conversion> = changes.iter().map(|changed| &changed.change.conversion).collect();
    let entries: Vec<ledger::Entry> = changes.iter().flat_map(|changed| entries(changed.change)).collect();
    let written = all(join!(
        history::add(connection, &after),
        post(connection, &entries, now),
        tell_and_say(connection, ids, now, changes),
    ));
    alarmed(written.map(|((), (), ())| ()))
}

/// Sounds the alarm when what was to be written into the ledger is there already: what follows from one change follows once.
pub(super) fn alarmed(written: QueryResult<()>) -> QueryResult<()> {
    if let Some(entry) = written.as_ref().err().and_then(ledger::conflict) {
        metrics::ledger_conflict();
        tracing::error!(
            ledger.entry = entry,
            "the ledger has this already, and what was to be written follows from something else: nothing of it is; prove the ledger"
        );
    }
    written
}

/// To publishers, and to whoever follows payout's facts.
async fn tell_and_say(
    connection: &AsyncPgConnection,
    ids: &dyn IdSource,
    now: Timestamp,
    changes: &[Changed<'_>],
) -> QueryResult<()> {
    let news: Vec<&Conversion> = changes
        .iter()
        .filter(|changed| changed.change.is_told)
        .map(|changed| &changed.change.conversion)
        .collect();
    let telling = begin_telling(connection, &news).await?;
    let traces: HashMap<(TenantId, ConversionId), &TraceContext> =
        changes.iter().map(|changed| (key(&changed.change.conversion), changed.trace)).collect();
    let said = changes.iter().filter_map(|changed| facts::status_changed(ids, now, changed)).chain(
        telling.superseded.iter().map(|ended| {
            let trace = traces.get(&(ended.tenant, ended.conversion)).copied();
            facts::delivery_outcome(ids, now, trace, ended)
        }),
    );
    let said: Vec<_> = said.collect();
    let ((), ()) = all(join!(tell(connection, &telling), outbox::add(connection, &said)))?;
    Ok(())
}

/// Into the open period of each tenant.
async fn post(connection: &AsyncPgConnection, entries: &[ledger::Entry], now: Timestamp) -> QueryResult<()> {
    let tenants = entries.iter().map(|entry| entry.transfer.debit.tenant).collect();
    let taken = periods::take(connection, &tenants, now).await?;
    ledger::add(connection, entries, &taken).await
}

fn entries(change: &Change) -> impl Iterator<Item = ledger::Entry> {
    let source = ledger::Source::Conversion(change.conversion.subject.conversion);
    change.transfers.iter().map(move |transfer| ledger::Entry { source, transfer: *transfer })
}

const fn key(conversion: &Conversion) -> (TenantId, ConversionId) {
    (conversion.subject.tenant, conversion.subject.conversion)
}
