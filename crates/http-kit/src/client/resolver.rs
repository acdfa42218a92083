//! Names to addresses, without those the policy refuses.
//!
//! The check happens here, between look-up and connect, because a name's owner decides what it resolves to, each time
//! anew: a check before the call would be answered with a public address and the call itself with `127.0.0.1`. reqwest
//! does not ask a resolver about literal addresses; [`super::target`] judges those.

use std::{
    collections::HashMap,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::address::AddressPolicy;

/// All addresses of a name are refused. Found again in reqwest's error by its type.
#[derive(Debug)]
pub(super) struct AddressRefused;

impl fmt::Display for AddressRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name does not lead to a public address")
    }
}

impl std::error::Error for AddressRefused {}

/// Asks for a name's addresses, anew each time.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The system's resolver.
pub(super) fn system() -> Lookup {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }))
}

/// What one look-up found, for everybody who waits for it.
type Found = BoxFuture<'static, Result<Arc<[SocketAddr]>, Arc<io::Error>>>;

/// A resolver behind the policy. A name is looked up once at a time, for all who ask for it meanwhile: a name server that does not answer
/// takes one of the look-ups from the others, however much there is to send to its names.
pub(super) struct FilteringResolver {
    policy: Arc<AddressPolicy>,
    lookups: Arc<Semaphore>,
    lookup: Lookup,
    under_way: Mutex<HashMap<String, WeakShared<Found>>>,
}

impl FilteringResolver {
    pub(super) fn new(policy: Arc<AddressPolicy>, lookups: usize, lookup: Lookup) -> Self {
        let lookups = Arc::new(Semaphore::new(lookups));
        Self { policy, lookups, lookup, under_way: Mutex::new(HashMap::new()) }
    }

    /// The look-up of this name that is under way, or a new one. It ends with the last who waits for it.
    fn found(&self, name: &str) -> Shared<Found> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is over is not asked again: its answer may be kept for a moment by who has not looked at it yet.
        let waits = |weak: &WeakShared<Found>| weak.upgrade().filter(|found| found.peek().is_none());
        if let Some(found) = under_way.get(name).and_then(waits) {
            return found;
        }
        let (lookups, lookup, asked) = (Arc::clone(&self.lookups), Arc::clone(&self.lookup), name.to_owned());
        let found = async move {
            let _permit =
                lookups.acquire_owned().await.map_err(|closed| Arc::new(io::Error::other(closed)))?;
            lookup(asked).await.map(Arc::from).map_err(Arc::new)
        };
        let found = found.boxed().shared();
        under_way.retain(|_, weak| waits(weak).is_some());
        if let Some(weak) = found.downgrade() {
            under_way.insert(name.to_owned(), weak);
        }
        found
    }
}

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.policy);
        let found = self.found(name.as_str());
        Box::pin(async move {
            let found = found.await?;
            Ok(permitted(&policy, found.iter().copied())?)
        })
    }
}

/// What is left of a name's addresses. One public address among private ones leaves exactly the public one.
fn permitted(
    policy: &AddressPolicy,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Addrs, AddressRefused> {
    let permitted: Vec<_> = found.filter(|address| policy.permits(address.ip())).collect();
    if permitted.is_empty() { Err(AddressRefused) } else { Ok(Box::new(permitted.into_iter())) }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A resolver with so many look-ups, of a name server that answers for no name that begins with "slow"; how often it was asked.
    fn of_slow_names(lookups: usize) -> (FilteringResolver, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let lookup: Lookup = Arc::new(move |name: String| {
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                if name.starts_with("slow") {
                    std::future::pending::<()>().await;
                }
                Ok(vec![SocketAddr::from(([8, 8, 8, 8], 0))])
            }
            .boxed()
        });
        (FilteringResolver::new(Arc::new(AddressPolicy::default()), lookups, lookup), asked)
    }

    fn resolve(resolver: &FilteringResolver, name: &str) -> Resolving {
        resolver.resolve(name.parse().unwrap())
    }

    #[tokio::test]
    async fn a_name_server_that_does_not_answer_takes_one_look_up_of_each_name() {
        let (resolver, asked) = of_slow_names(2);
        let mut waiting: Vec<_> = (0..10).map(|_| resolve(&resolver, "slow.example")).collect();
        for wait in &mut waiting {
            assert!(wait.now_or_never().is_none());
        }
        assert_eq!(resolve(&resolver, "quick.example").await.unwrap().count(), 1);
        assert_eq!(asked.load(Ordering::Relaxed), 2);
        // It ends with the last who waits for it, and its look-up is free again.
        drop(waiting);
        let mut other = resolve(&resolver, "slower.example");
        assert!((&mut other).now_or_never().is_none());
        assert_eq!(resolve(&resolver, "quick.example").await.unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_look_up_that_is_over_is_made_again() {
        let (resolver, asked) = of_slow_names(1);
        let (first, second) = (resolve(&resolver, "quick.example"), resolve(&resolver, "quick.example"));
        assert_eq!((first.await.unwrap().count(), second.await.unwrap().count()), (1, 1));
        assert_eq!(asked.load(Ordering::Relaxed), 1, "both asked at once");
        assert_eq!(resolve(&resolver, "quick.example").await.unwrap().count(), 1);
        assert_eq!(asked.load(Ordering::Relaxed), 2, "a name's owner may have changed it");
    }

    fn left(of: &[&str]) -> Option<Vec<String>> {
        let found = of.iter().map(|text| text.parse().unwrap());
        permitted(&AddressPolicy::default(), found)
            .ok()
            .map(|addresses| addresses.map(|address| address.to_string()).collect())
    }

    #[test]
    fn private_addresses_are_taken_out_of_a_mixed_answer() {
        assert_eq!(
            left(&["127.0.0.1:0", "8.8.8.8:0", "[::1]:0", "[::ffff:10.0.0.1]:0"]),
            Some(vec!["8.8.8.8:0".to_owned()])
        );
    }

    #[test]
    fn a_name_with_private_addresses_only_is_refused() {
        assert_eq!(left(&["127.0.0.1:0", "[fd00:ec2::254]:0"]), None);
        assert_eq!(left(&[]), None);
    }
}
