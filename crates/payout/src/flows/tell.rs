//! What publishers are to be told of conversions that changed: deliveries, written in the transaction of the change.

use std::collections::BTreeSet;

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use futures_util::join;
use kernel::{ConversionId, TenantId};
use postgres_kit::wake_ups;

use crate::{
    domain::{
        conversion::Conversion,
        postback::{delivery_id, endpoints_to_tell},
    },
    store::{
        DELIVERIES, conversions,
        deliveries::{self, Ended, NewDelivery, PublisherKey},
        publishers, untold,
    },
};

/// Ends what was still to be told of these conversions and adds what is to be told now.
pub(super) async fn tell(connection: &AsyncPgConnection, news: &[&Conversion]) -> QueryResult<Vec<Ended>> {
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
    let (superseded, written, added) = join!(
        deliveries::supersede(connection, &later),
        write_down_untellable(connection, news),
        add(connection, news),
    );
    let (superseded, (), ()) = (superseded?, written?, added?);
    Ok(superseded)
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
    add(connection, &news).await
}

/// A publisher that is known and wants to hear nothing is told nothing. One that is not known yet will be: no conversion
/// stays untold because the catalog's fact was late.
async fn write_down_untellable(connection: &AsyncPgConnection, news: &[&Conversion]) -> QueryResult<()> {
    let publishers: Vec<PublisherKey> = publishers_of(news);
    let known = untold::known(connection, &publishers).await?;
    let unknown: Vec<PublisherKey> = publishers.into_iter().filter(|key| !known.contains(key)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    // Now it can not become known unseen: its fact is committed already, or waits for this transaction.
    untold::lock_out_news(connection, &unknown).await?;
    let known = untold::known(connection, &unknown).await?;
    let rows: Vec<(PublisherKey, ConversionId)> = news
        .iter()
        .map(|conversion| (publisher_of(conversion), conversion.subject.conversion))
        .filter(|(publisher, _)| unknown.contains(publisher) && !known.contains(publisher))
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

async fn add(connection: &AsyncPgConnection, news: &[&Conversion]) -> QueryResult<()> {
    let rows = due(connection, news).await?;
    deliveries::add(connection, &rows).await?;
    if !rows.is_empty() {
        wake_ups::after_commit(DELIVERIES);
    }
    Ok(())
}

/// What is to be told of these conversions as they stand; writes nothing.
pub(super) async fn due(
    connection: &AsyncPgConnection,
    news: &[&Conversion],
) -> QueryResult<Vec<NewDelivery>> {
    let endpoints = publishers::endpoints_of(connection, &publishers_of(news)).await?;
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
    Ok(rows)
}

const fn publisher_of(conversion: &Conversion) -> PublisherKey {
    (conversion.subject.tenant, conversion.subject.publisher)
}

/// Each once, in the order in which everybody locks them.
fn publishers_of(news: &[&Conversion]) -> Vec<PublisherKey> {
    let publishers: BTreeSet<PublisherKey> = news.iter().map(|conversion| publisher_of(conversion)).collect();
    publishers.into_iter().collect()
}
