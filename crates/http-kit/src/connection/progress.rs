//! Where a connection stands between its requests: told by the service behind the parser, read by the guard before it.

use std::{cell::Cell, rc::Rc};

/// Of one connection. Shared within its worker's thread only.
#[derive(Debug, Default)]
pub(super) struct Progress {
    begun: Cell<u64>,
    in_flight: Cell<u32>,
    body_is_open: Cell<bool>,
}

impl Progress {
    /// A request's head was read. What is returned ends with its answer.
    pub(super) fn begin(self: &Rc<Self>, has_body: bool) -> InFlight {
        self.begun.set(self.begun.get().wrapping_add(1));
        self.in_flight.set(self.in_flight.get().saturating_add(1));
        self.body_is_open.set(has_body);
        InFlight(Rc::clone(self))
    }

    /// Changes with every request that begins.
    pub(super) fn begun(&self) -> u64 {
        self.begun.get()
    }

    /// Whether nobody works on a request of this connection.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.get() == 0
    }

    /// The latest request's body was read to its end.
    pub(super) fn body_ended(&self) {
        self.body_is_open.set(false);
    }

    /// Whether the latest request has a body that nobody read to its end: bytes that come now may be the rest of it and
    /// no new head.
    pub(super) fn body_is_open(&self) -> bool {
        self.body_is_open.get()
    }
}

/// A request that is being worked on.
#[derive(Debug)]
pub(super) struct InFlight(Rc<Progress>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_when_every_request_has_ended() {
        let progress = Rc::new(Progress::default());
        let first = progress.begin(false);
        let second = progress.begin(true);
        drop(first);
        assert!(!progress.is_idle());
        drop(second);
        assert!(progress.is_idle() && progress.body_is_open());
        progress.body_ended();
        assert!(!progress.body_is_open());
        assert_eq!(progress.begun(), 2);
    }
}
