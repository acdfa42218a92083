//! Notes which credential generations are used, on the way of every accepted call: no wait, no allocation for an app that is
//! known, and no lock that two threads share but for the moment of a take.

use std::{
    array,
    cell::Cell,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use kernel::Timestamp;
use opentelemetry::metrics::Counter;
use signing::credential::VerifiedCredential;

use crate::domain::Uses;

/// Places to note in; more threads than this share one.
const PLACES: usize = 8;

/// What was used since the last take. Cheap to clone.
#[derive(Clone)]
pub struct UsedCredentials(Arc<Noted>);

struct Noted {
    places: [Place; PLACES],
    uncounted: Counter<u64>,
}

/// A cache line of its own, so that threads do not take each other's away.
#[derive(Default)]
#[repr(align(64))]
struct Place(Mutex<Uses>);

impl UsedCredentials {
    /// Nothing was used yet.
    #[must_use]
    pub fn new() -> Self {
        let uncounted = telemetry::meter()
            .u64_counter("ingest_uses_uncounted")
            .with_description(
                "Accepted calls that no credential.used will count: too many generations at once",
            )
            .build();
        Self(Arc::new(Noted { places: array::from_fn(|_| Place::default()), uncounted }))
    }

    /// Notes an accepted call, with the app id it names or none (see [`crate::domain::app_id`]).
    pub fn note(&self, credential: &VerifiedCredential, app_id: &str, at: Timestamp) {
        let is_counted = self
            .0
            .places
            .get(place_of_this_thread())
            .is_some_and(|place| place.lock().note(credential, app_id, at));
        if !is_counted {
            self.0.uncounted.add(1, &[]);
        }
    }

    /// Takes everything that was noted.
    #[must_use]
    pub fn take(&self) -> Uses {
        let mut all = Uses::default();
        for place in &self.0.places {
            let noted = std::mem::take(&mut *place.lock());
            let uncounted = all.merge(noted);
            if uncounted > 0 {
                self.0.uncounted.add(uncounted, &[]);
            }
        }
        all
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, Uses> {
        // Whatever happened, counts are counts.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each thread keeps to one place.
fn place_of_this_thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static PLACE: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed) % PLACES);
    }
    PLACE.get()
}

#[cfg(test)]
mod tests {
    use kernel::{CredentialId, TenantId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_many_threads_note_is_taken_once_and_whole() {
        let used = UsedCredentials::new();
        let credential = VerifiedCredential {
            credential_id: CredentialId::from_uuid(Uuid::from_u128(7)),
            tenant_id: TenantId::from_uuid(Uuid::from_u128(8)),
            generation: 1,
        };
        let mut taken = Uses::default();
        std::thread::scope(|scope| {
            for thread in 0..12 {
                let used = &used;
                scope.spawn(move || {
                    for call in 0..1_000 {
                        used.note(&credential, "id1", Timestamp::from_micros(thread * 1_000 + call));
                    }
                });
            }
            for _ in 0..100 {
                assert_eq!(taken.merge(used.take()), 0);
            }
        });
        assert_eq!(taken.merge(used.take()), 0);
        let lines = taken.into_lines();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(line.how.times, 12_000);
        assert_eq!((line.how.first.as_micros(), line.how.last.as_micros()), (0, 11_999));
        assert_eq!(used.take().into_lines(), []);
    }
}
