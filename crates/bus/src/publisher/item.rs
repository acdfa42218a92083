//! An envelope ready to travel.

use contracts::envelope::Envelope;
use prost::Message as _;

/// One encoded `Envelope`.
///
/// The caller encodes, in its own task and on its own core; the publishing task only copies bytes behind each other. An
/// outbox row already holds the bytes and needs no second encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item(Vec<u8>);

impl Item {
    /// Takes bytes that are an encoded `Envelope`, such as an outbox row. They are not looked at: what is no envelope
    /// makes the whole message undecodable for its readers.
    #[must_use]
    pub const fn encoded(envelope: Vec<u8>) -> Self {
        Self(envelope)
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&Envelope> for Item {
    fn from(envelope: &Envelope) -> Self {
        Self(envelope.encode_to_vec())
    }
}

impl From<Envelope> for Item {
    fn from(envelope: Envelope) -> Self {
        Self::from(&envelope)
    }
}
