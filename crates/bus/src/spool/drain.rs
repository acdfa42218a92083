//! The task that brings what lies in the folder to the broker.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    folder::{Folder, FolderError, Sealed},
    record::{self, Found, Unreadable},
    state::{Spool, SpoolShared},
    writer::blocking,
};
use crate::{
    backoff::Backoff,
    metrics::Metrics,
    publisher::{Limits, PublishError, Publisher},
    topology::Route,
};

/// How often an idle drain looks into the folder, besides being told.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The task; support until the process ends.
pub(crate) struct Drain {
    shared: Arc<SpoolShared>,
    publisher: Publisher,
    metrics: Arc<Metrics>,
    limits: Limits,
}

/// Records of one route that leave as one message again.
struct Load {
    route: Route,
    items: usize,
    body: Vec<u8>,
}

impl Drain {
    pub(crate) fn new(spool: &Spool, publisher: Publisher, metrics: Arc<Metrics>, limits: Limits) -> Self {
        Self { shared: Arc::clone(&spool.shared), publisher, metrics, limits }
    }

    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        loop {
            self.publisher.writable().await;
            match self.drain_one().await {
                Ok(true) => backoff = Backoff::default(),
                Ok(false) => {
                    tokio::select! {
                        () = self.shared.written.notified() => {}
                        () = sleep(LOOK_EVERY) => {}
                    }
                }
                Err(error) => {
                    tracing::error!(error = telemetry::chain(&error), "a spool file can not be drained now");
                    sleep(backoff.next_wait()).await;
                }
            }
        }
    }

    /// Drains the oldest file; `false` when there is none.
    async fn drain_one(&self) -> Result<bool, FolderError> {
        let Some((file, bytes)) = self
            .with_folder(|folder| {
                let Some(file) = folder.oldest() else { return Ok(None) };
                Ok(Some((file, folder.read(file)?)))
            })
            .await?
        else {
            return Ok(false);
        };
        let (loads, unreadable) = sort(&bytes, self.limits);
        if !unreadable.is_empty() {
            self.set_aside(file, bytes, unreadable).await?;
        }
        let mut items = 0_usize;
        for load in loads {
            items = items.saturating_add(load.items);
            self.publish(load).await;
        }
        self.with_folder(move |folder| Ok(folder.remove(file)?)).await?;
        self.shared.freed.notify_one();
        tracing::info!(spool.items = items, "a spool file is with the broker");
        Ok(true)
    }

    /// Publishes until the broker has it, however long that takes.
    async fn publish(&self, load: Load) {
        let mut backoff = Backoff::default();
        let body = bytes::Bytes::from(load.body);
        loop {
            self.publisher.writable().await;
            match self.publisher.publish_group(&load.route, body.clone()).await {
                Ok(()) => return self.metrics.drained(load.items),
                Err(PublishError::Rejected(why)) => {
                    // Can not be: it was looked at before it was written.
                    tracing::error!(why, spool.items = load.items, "a spooled group can not be published");
                    return;
                }
                Err(error) => {
                    tracing::debug!(error = %error, "a spooled group is tried again");
                    sleep(backoff.next_wait()).await;
                }
            }
        }
    }

    async fn set_aside(
        &self,
        file: Sealed,
        bytes: Vec<u8>,
        unreadable: Vec<Unreadable>,
    ) -> Result<(), FolderError> {
        let metrics = Arc::clone(&self.metrics);
        self.with_folder(move |folder| {
            for part in unreadable {
                let kept = folder.set_aside(file, &bytes, &part.bytes)?;
                metrics.spool_unreadable(part.bytes.len(), part.torn);
                let length = part.bytes.len();
                if part.torn {
                    tracing::warn!(
                        spool.kept = %kept.display(), spool.bytes = length,
                        "the last write to a spool file was cut off; nobody was answered for it"
                    );
                } else {
                    tracing::error!(
                        spool.kept = %kept.display(), spool.bytes = length,
                        "a spool file is damaged: accepted items may be in the part that was set aside"
                    );
                }
            }
            Ok(())
        })
        .await
    }

    async fn with_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Folder) -> Result<T, FolderError> + Send + 'static,
    ) -> Result<T, FolderError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || match shared.folder().as_mut() {
            Some(folder) => work(folder),
            None => Err(FolderError::InUse),
        })
        .await
    }
}

/// What is in a file: messages to publish, as large as they may be, and what could not be read.
fn sort(file: &[u8], limits: Limits) -> (Vec<Load>, Vec<Unreadable>) {
    let mut loads: Vec<Load> = Vec::new();
    let mut unreadable = Vec::new();
    for found in record::scan(file) {
        let record = match found {
            Found::Record(record) => record,
            Found::Unreadable(part) => {
                unreadable.push(part);
                continue;
            }
        };
        let items = usize::try_from(record.items).unwrap_or(usize::MAX);
        match loads.last_mut() {
            // Encoded batches behind each other are one batch: that is how protobuf repeats a field.
            Some(last)
                if last.route == record.route
                    && last.items.saturating_add(items) <= limits.items
                    && last.body.len().saturating_add(record.body.len()) <= limits.bytes =>
            {
                last.items = last.items.saturating_add(items);
                last.body.extend_from_slice(record.body);
            }
            _ => loads.push(Load { route: record.route, items, body: record.body.to_vec() }),
        }
    }
    (loads, unreadable)
}

#[cfg(test)]
mod tests {
    use contracts::envelope::{Envelope, FactBatch};
    use prost::Message as _;

    use super::*;

    fn batch(ids: &[u8]) -> Vec<u8> {
        let items = ids.iter().map(|id| Envelope { fact_id: vec![*id], ..Envelope::default() }).collect();
        FactBatch { items }.encode_to_vec()
    }

    #[test]
    fn small_groups_of_a_route_leave_together_and_stay_whole_batches() {
        let postback = Route::new("ingest.events", "postback.received.v1");
        let used = Route::new("ingest.events", "credential.used.v1");
        let mut file = Vec::new();
        for (route, ids) in
            [(&postback, &[1, 2][..]), (&postback, &[3]), (&used, &[4]), (&postback, &[5, 6, 7])]
        {
            record::write(&mut file, route, u32::try_from(ids.len()).unwrap(), &batch(ids)).unwrap();
        }
        file.extend_from_slice(b"torn");
        let (loads, unreadable) = sort(&file, Limits { items: 3, bytes: 1_000, wait: Duration::ZERO });
        let read: Vec<(String, Vec<u8>)> = loads
            .iter()
            .map(|load| {
                let batch = FactBatch::decode(load.body.as_slice()).unwrap();
                assert_eq!(batch.items.len(), load.items);
                let ids = batch.items.iter().flat_map(|item| item.fact_id.clone()).collect();
                (load.route.routing_key.to_string(), ids)
            })
            .collect();
        let key = |route: &Route| route.routing_key.to_string();
        assert_eq!(
            read,
            [(key(&postback), vec![1, 2, 3]), (key(&used), vec![4]), (key(&postback), vec![5, 6, 7])]
        );
        assert_eq!(unreadable.len(), 1);
    }
}
