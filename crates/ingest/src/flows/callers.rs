//! Says of each caller whether it stands outside of AppsFlyer's published ranges.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use opentelemetry::metrics::Counter;

use crate::domain::{CallerRanges, Origin};

/// Looks at callers. Cheap to clone.
#[derive(Clone)]
pub struct Callers(Arc<Looks>);

struct Looks {
    ranges: CallerRanges,
    outside: Counter<u64>,
    /// Said once: it is a matter of set-up, and the same for every call.
    said_unknown: AtomicBool,
}

impl Callers {
    /// Looks with these ranges; without any, nobody is outside.
    #[must_use]
    pub fn new(ranges: CallerRanges) -> Self {
        let outside = telemetry::meter()
            .u64_counter("ingest_callers_outside_ranges")
            .with_description(
                "Authenticated calls from outside of door.appsflyer_ranges; none was refused for it",
            )
            .build();
        let is_off = ranges == CallerRanges::new(Vec::new());
        Self(Arc::new(Looks { ranges, outside, said_unknown: AtomicBool::new(is_off) }))
    }

    /// Whether the authenticated caller of this address is known to be outside.
    #[must_use]
    pub fn is_outside(&self, caller_ip: Option<IpAddr>) -> bool {
        match self.0.ranges.origin(caller_ip) {
            Origin::Inside => false,
            Origin::Outside => {
                self.0.outside.add(1, &[]);
                true
            }
            Origin::Unknown => {
                if !self.0.said_unknown.load(Ordering::Relaxed)
                    && !self.0.said_unknown.swap(true, Ordering::Relaxed)
                {
                    tracing::info!(
                        "calls come from a private address, so nobody knows whether AppsFlyer made them; name the \
                         proxy's header in door.caller_ip_header"
                    );
                }
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_public_address_elsewhere_is_outside() {
        let callers = Callers::new(CallerRanges::new(vec!["45.92.116.0/22".parse().unwrap()]));
        assert!(callers.is_outside("203.0.113.9".parse().ok()));
        assert!(!callers.is_outside("45.92.116.1".parse().ok()));
        assert!(!callers.is_outside("10.0.0.1".parse().ok()));
        assert!(!Callers::new(CallerRanges::new(Vec::new())).is_outside("203.0.113.9".parse().ok()));
    }
}
