//! What follows from changes of conversions, whatever caused them: history, ledger, what publishers are to be told, facts.

use std::collections::{BTreeSet, HashMap};

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use kernel::{ConversionId, EndpointId, IdSource, TenantId, Timestamp};
use postgres_kit::{notify, outbox};
use telemetry::TraceContext;

use super::facts;
use crate::{
    domain::{
        conversion::{Change, Conversion},
        postback::{delivery_id, endpoints_to_tell},
    },
    store::{
        DELIVERIES_CHANNEL,
        deliveries::{self, Ended, NewDelivery, PublisherKey},
        history, ledger, publishers,
    },
};

/// A change and the trace it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changed<'a> {
    pub(super) change: &'a Change,
    pub(super) trace: &'a TraceContext,
}

/// Writes everything that follows from `changes`, in the transaction that writes the conversions themselves.
pub(super) async fn consequences(
    connection: &mut AsyncPgConnection,
    ids: &dyn IdSource,
    now: Timestamp,
    changes: &[Changed<'_>],
) -> QueryResult<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let after: Vec<&Conversion> = changes.iter().map(|changed| &changed.change.conversion).collect();
    history::add(connection, &after).await?;
    let entries: Vec<ledger::Entry> = changes.iter().flat_map(|changed| entries(changed.change)).collect();
    ledger::add(connection, &entries).await?;
    let superseded = tell(connection, changes).await?;

    let traces: HashMap<(TenantId, ConversionId), &TraceContext> =
        changes.iter().map(|changed| (key(&changed.change.conversion), changed.trace)).collect();
    let said = changes
        .iter()
        .map(|changed| facts::status_changed(ids, now, changed.trace, &changed.change.conversion))
        .chain(superseded.iter().map(|ended| {
            let trace = traces.get(&(ended.tenant, ended.conversion)).copied();
            facts::delivery_outcome(ids, now, trace, ended)
        }));
    outbox::add(connection, &said.collect::<Vec<_>>()).await
}

/// Ends what was still to be told of these conversions and adds what is to be told now.
async fn tell(connection: &mut AsyncPgConnection, changes: &[Changed<'_>]) -> QueryResult<Vec<Ended>> {
    let news: Vec<&Conversion> = changes
        .iter()
        .filter(|changed| changed.change.is_told)
        .map(|changed| &changed.change.conversion)
        .collect();
    if news.is_empty() {
        return Ok(Vec::new());
    }
    // The first change of a conversion has nothing before it that could be stale.
    let later: Vec<(TenantId, ConversionId, u64)> = news
        .iter()
        .filter(|conversion| conversion.status_revision > 1)
        .map(|conversion| {
            (conversion.subject.tenant, conversion.subject.conversion, conversion.status_revision)
        })
        .collect();
    let superseded = deliveries::supersede(connection, &later).await?;
    let under_way: HashMap<(ConversionId, EndpointId), Timestamp> = superseded
        .iter()
        .filter_map(|ended| ended.sending_until.map(|until| ((ended.conversion, ended.endpoint), until)))
        .collect();

    let publishers: BTreeSet<PublisherKey> =
        news.iter().map(|conversion| (conversion.subject.tenant, conversion.subject.publisher)).collect();
    let endpoints = publishers::endpoints_of(connection, &publishers.into_iter().collect::<Vec<_>>()).await?;
    let mut rows = Vec::new();
    for conversion in news {
        let subject = &conversion.subject;
        let Some(told) = conversion.standing.status.told() else { continue };
        let Some(active) = endpoints.get(&(subject.tenant, subject.publisher)) else { continue };
        for endpoint in endpoints_to_tell(active, subject.offer, subject.offer_event, told) {
            rows.push(NewDelivery {
                tenant: subject.tenant,
                id: delivery_id(subject.tenant, subject.conversion, conversion.status_revision, endpoint),
                conversion: subject.conversion,
                revision: conversion.status_revision,
                endpoint,
                publisher: subject.publisher,
                told,
                not_before: under_way.get(&(subject.conversion, endpoint)).copied(),
            });
        }
    }
    deliveries::add(connection, &rows).await?;
    if !rows.is_empty() {
        notify::notify(connection, DELIVERIES_CHANNEL, &[String::new()]).await?;
    }
    Ok(superseded)
}

fn entries(change: &Change) -> impl Iterator<Item = ledger::Entry> {
    let conversion = change.conversion.subject.conversion;
    change.transfers.iter().map(move |transfer| ledger::Entry { conversion, transfer: *transfer })
}

const fn key(conversion: &Conversion) -> (TenantId, ConversionId) {
    (conversion.subject.tenant, conversion.subject.conversion)
}
