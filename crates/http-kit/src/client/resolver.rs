//! Names to addresses, without those the policy refuses.
//!
//! The check happens here, between look-up and connect, because a name's owner decides what it resolves to, each time
//! anew: a check before the call would be answered with a public address and the call itself with `127.0.0.1`. reqwest
//! does not ask a resolver about literal addresses; [`super::target`] judges those.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use futures_util::future::BoxFuture;
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

/// A resolver behind the policy.
pub(super) struct FilteringResolver {
    policy: Arc<AddressPolicy>,
    lookups: Arc<Semaphore>,
    lookup: Lookup,
}

impl FilteringResolver {
    pub(super) fn new(policy: Arc<AddressPolicy>, lookups: usize, lookup: Lookup) -> Self {
        Self { policy, lookups: Arc::new(Semaphore::new(lookups)), lookup }
    }
}

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.policy);
        let lookups = Arc::clone(&self.lookups);
        let lookup = Arc::clone(&self.lookup);
        Box::pin(async move {
            let _permit = lookups.acquire_owned().await?;
            let found = lookup(name.as_str().to_owned()).await?;
            Ok(permitted(&policy, found.into_iter())?)
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
    use super::*;

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
