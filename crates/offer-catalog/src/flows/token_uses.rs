//! "Last used" of API tokens: noted in memory when a token is looked up, written many at once. What is noted in the last moments
//! of a process that is killed is lost: it tells people which tokens nobody needs any more, which takes no seconds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kernel::{TenantId, Timestamp, TokenId};
use postgres_kit::{Retries, transact};
use process::Supervisor;

use super::{Catalog, FlowError};
use crate::store::token_uses::{self, TokenUse};

/// The tokens that were used since they were written last. Only issued tokens come here, so it holds no more than there are.
#[derive(Debug, Clone, Default)]
pub struct TokenUses(Arc<Mutex<LastUses>>);

type LastUses = BTreeMap<(TenantId, TokenId), Timestamp>;

impl TokenUses {
    /// Notes that a token opened the door.
    pub fn note(&self, tenant: TenantId, token: TokenId, at: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((tenant, token), at);
    }

    fn take(&self) -> Vec<TokenUse> {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        taken.into_iter().map(|((tenant, token), at)| TokenUse { tenant, token, at }).collect()
    }
}

impl Catalog {
    /// Keeps writing down which tokens were used.
    pub fn keep_noting_uses(&self, uses: TokenUses, every: Duration, supervisor: &Supervisor) {
        let catalog = self.clone();
        supervisor.spawn_support("token-uses", async move {
            loop {
                tokio::time::sleep(every).await;
                let taken = uses.take();
                if taken.is_empty() {
                    continue;
                }
                let taken = &taken;
                let saved = transact(catalog.pool(), Retries::default(), async |conn| {
                    Ok::<_, FlowError>(token_uses::save(conn, taken).await?)
                });
                // What is in use is used again, and noted again.
                if let Err(error) = saved.await {
                    tracing::warn!(
                        error = telemetry::chain(&error),
                        "can not write when tokens were used last"
                    );
                }
            }
        });
    }
}
