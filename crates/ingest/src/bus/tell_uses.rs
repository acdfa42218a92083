//! Tells the catalog which credential generations are used: once a minute one fact for each generation and app, and once
//! more at a stop. What could not be told is told at the next turn, under the same ids; what a killed process had noted is
//! lost, a minute of "last used" at most.

use std::{sync::Arc, time::Duration};

use bus::{Publisher, Route};
use contracts::{Stamp, envelope::Envelope, ingest::CredentialUsed, seal};
use kernel::{Clock, FactId, IdSource};
use process::Supervisor;
use telemetry::chain;
use tokio_util::sync::CancellationToken;

use crate::{domain::Used, flows::UsedCredentials};

/// How often uses are told: at most once a minute for each app.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// Who tells.
pub struct UseTeller {
    /// What was noted.
    pub used: UsedCredentials,
    /// To the catalog.
    pub publisher: Publisher,
    /// The process's clock.
    pub clock: Arc<dyn Clock>,
    /// The process's ids.
    pub ids: Arc<dyn IdSource>,
}

impl UseTeller {
    /// Tells until the process stops.
    pub fn start(self, supervisor: &Supervisor) {
        let stop = supervisor.soft();
        supervisor.spawn("tell-uses", self.keep_telling(stop));
    }

    async fn keep_telling(self, stop: CancellationToken) {
        let mut untold = Vec::new();
        loop {
            let is_last = stop.run_until_cancelled(tokio::time::sleep(TELL_EVERY)).await.is_none();
            if is_last || untold.is_empty() {
                self.gather(&mut untold);
            }
            self.tell(&mut untold).await;
            if is_last {
                return;
            }
        }
    }

    fn gather(&self, untold: &mut Vec<Envelope>) {
        let lines = self.used.take().into_lines();
        untold.extend(lines.into_iter().map(|line| self.fact(line)));
    }

    async fn tell(&self, untold: &mut Vec<Envelope>) {
        if untold.is_empty() {
            return;
        }
        let route = Route::of::<CredentialUsed>();
        let items = untold.iter().map(|fact| (route.clone(), fact.clone())).collect();
        match self.publisher.publish_all(items).await {
            Ok(()) => untold.clear(),
            // Some may be there all the same: they keep their ids, and the catalog counts each once.
            Err(error) => tracing::warn!(
                error = chain(&error),
                facts.count = untold.len(),
                "which credentials are used could not be told; it will be with the next turn"
            ),
        }
    }

    fn fact(&self, used: Used) -> Envelope {
        let stamp = Stamp {
            fact_id: FactId::from_uuid(self.ids.uuid_v7()),
            tenant: Some(used.tenant),
            recorded_at: self.clock.now(),
            traceparent: String::new(),
            tracestate: String::new(),
        };
        seal(
            stamp,
            &CredentialUsed {
                tenant_id: used.tenant.to_vec(),
                credential_id: used.credential.to_vec(),
                generation: u32::from(used.generation),
                app_id: used.app_id,
                first_used_at_micros: used.how.first.as_micros(),
                last_used_at_micros: used.how.last.as_micros(),
                uses: used.how.times,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use ::bus::{Bus, BusSettings, Topology};
    use kernel::{CredentialId, TenantId, Timestamp};
    use process::Runtime;
    use signing::credential::VerifiedCredential;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn what_could_not_be_told_waits_under_its_id() {
        let runtime = Runtime::new();
        // Nothing listens on port 1.
        let settings = BusSettings::new("amqp://nobody:nothing@127.0.0.1:1/%2f", "");
        let bus = Bus::start(&settings, "ingest", Topology::new(), &runtime.supervisor);
        let teller = UseTeller {
            used: UsedCredentials::new(),
            publisher: bus.publisher(),
            clock: runtime.clock,
            ids: runtime.ids,
        };
        let credential = VerifiedCredential {
            credential_id: CredentialId::from_uuid(Uuid::from_u128(7)),
            tenant_id: TenantId::from_uuid(Uuid::from_u128(8)),
            generation: 1,
        };
        teller.used.note(&credential, "id1", Timestamp::from_micros(1));
        let mut untold = Vec::new();
        teller.gather(&mut untold);
        let ids: Vec<_> = untold.iter().map(|fact| fact.fact_id.clone()).collect();
        assert_eq!(ids.len(), 1);
        for _turn in 0..2 {
            teller.tell(&mut untold).await;
            assert_eq!(untold.iter().map(|fact| fact.fact_id.clone()).collect::<Vec<_>>(), ids);
        }
    }
}
