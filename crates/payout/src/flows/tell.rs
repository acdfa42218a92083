//! What publishers are to be told of conversions that changed: deliveries, written in the transaction of the change.

use std::collections::BTreeSet;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use futures_util::join;
use kernel::{ConversionId, TenantId};
use postgres_kit::{all, wake_ups};

use crate::{
    domain::{
        conversion::Conversion,
        postback::{delivery_id, endpoints_to_tell},
    },
    store::{
        DELIVERIES, conversions,
        deliveries::{self, Ended, NewDelivery, PublisherKey},
        publishers::{self, EndpointsByPublisher},
        untold,
    },
};

/// What is to be told of conversions that changed.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// What was still to be told of them and is stale: ended.
    pub(super) superseded: Vec<Ended>,
    due: Vec<NewDelivery>,
}

/// Ends what was still to be told of these conversions and finds out what is to be told now.
pub(super) async fn begin_telling(
    connection: &AsyncPgConnection,
    news: &[&Conversion],
) -> QueryResult<Telling> {
    if news.is_empty() {
        return Ok(Telling::default());
    }
    // The first change of a conversion has nothing before it that could be stale.
    let later: Vec<(TenantId, ConversionId, u64)> = news
        .iter()
        .filter(|conversion| conversion.status_revision > 1)
        .map(|conversion| {
            (conversion.subject.tenant, conversion.subject.conversion, conversion.status_revision)
        })
        .collect();
    let publishers = publishers_of(news);
    let (superseded, mut endpoints) = all(join!(
        deliveries::supersede(connection, &later),
        publishers::endpoints_of(connection, &publishers),
    ))?;
    write_down_untellable(connection, news, &publishers, &mut endpoints).await?;
    Ok(Telling { superseded, due: due_to(&endpoints, news) })
}

/// Writes down what is to be told. What it replaces has ended: two tellings of one conversion never wait for one endpoint.
pub(super) async fn tell(connection: &AsyncPgConnection, telling: &Telling) -> QueryResult<()> {
    if !telling.due.is_empty() {
        wake_ups::after_commit(DELIVERIES);
    }
    deliveries::add(connection, &telling.due).await
}

/// Tells what could not be told before the facts of these publishers had arrived, as it stands by now.
pub(super) async fn tell_untold(
    connection: &mut AsyncPgConnection,
    publishers: &[PublisherKey],
) -> QueryResult<()> {
    let keys = untold::take(connection, publishers).await?;
    if keys.is_empty() {
        return Ok(());
    }
    let stored = conversions::lock(connection, &keys).await?;
    tracing::info!(conversions = stored.len(), "a publisher has become known: its conversions are told");
    let news: Vec<&Conversion> = stored.values().map(|stored| &stored.conversion).collect();
    let due = due(connection, &news).await?;
    tell(connection, &Telling { superseded: Vec::new(), due }).await
}

/// A publisher that is known and wants to hear nothing is told nothing. One that is not known yet will be: no conversion
/// stays untold because the catalog's fact was late.
async fn write_down_untellable(
    connection: &AsyncPgConnection,
    news: &[&Conversion],
    publishers: &[PublisherKey],
    endpoints: &mut EndpointsByPublisher,
) -> QueryResult<()> {
    let unknown: Vec<PublisherKey> =
        publishers.iter().copied().filter(|key| !endpoints.contains_key(key)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    // Now it can not become known unseen: its fact is committed already, or waits for this transaction.
    untold::lock_out_news(connection, &unknown).await?;
    endpoints.extend(publishers::endpoints_of(connection, &unknown).await?);
    let rows: Vec<(PublisherKey, ConversionId)> = news
        .iter()
        .map(|conversion| (publisher_of(conversion), conversion.subject.conversion))
        .filter(|(publisher, _)| !endpoints.contains_key(publisher))
        .collect();
    if !rows.is_empty() {
        tracing::warn!(
            conversions = rows.len(),
            "their publisher is not known yet: they are told when it is"
        );
        untold::add(connection, &rows).await?;
    }
    Ok(())
}

/// What is to be told of these conversions as they stand; writes nothing.
pub(super) async fn due(
    connection: &AsyncPgConnection,
    news: &[&Conversion],
) -> QueryResult<Vec<NewDelivery>> {
    Ok(due_to(&publishers::endpoints_of(connection, &publishers_of(news)).await?, news))
}

fn due_to(endpoints: &EndpointsByPublisher, news: &[&Conversion]) -> Vec<NewDelivery> {
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
            });
        }
    }
    rows
}

const fn publisher_of(conversion: &Conversion) -> PublisherKey {
    (conversion.subject.tenant, conversion.subject.publisher)
}

/// Each once, in the order in which everybody locks them.
fn publishers_of(news: &[&Conversion]) -> Vec<PublisherKey> {
    let publishers: BTreeSet<PublisherKey> = news.iter().map(|conversion| publisher_of(conversion)).collect();
    publishers.into_iter().collect()
}
