//! Fields of protobuf, written as `prost` writes them: a value that is its type's zero is left out.

use prost::encoding::{WireType, encode_key, encode_varint};
use uuid::Uuid;

/// A message that is being written, field by field, in the order of their numbers.
pub struct Message<'a>(pub &'a mut Vec<u8>);

impl Message<'_> {
    /// A field of bytes or text.
    pub fn bytes(&mut self, number: u32, value: &[u8]) {
        if !value.is_empty() {
            self.present_bytes(number, value);
        }
    }

    /// The same for a field that can be absent, and is there.
    pub fn present_bytes(&mut self, number: u32, value: &[u8]) {
        encode_key(number, WireType::LengthDelimited, self.0);
        encode_varint(u64::try_from(value.len()).unwrap_or(u64::MAX), self.0);
        self.0.extend_from_slice(value);
    }

    /// An id.
    pub fn id(&mut self, number: u32, id: Uuid) {
        self.present_bytes(number, id.as_bytes());
    }

    /// A moment, in microseconds.
    pub fn micros(&mut self, number: u32, micros: i64) {
        self.number(number, micros.cast_unsigned());
    }

    /// A whole number, a truth or an enum.
    pub fn number(&mut self, number: u32, value: impl Into<u64>) {
        let value = value.into();
        if value != 0 {
            self.present_number(number, value);
        }
    }

    /// The same for a field that can be absent, and is there.
    pub fn present_number(&mut self, number: u32, value: impl Into<u64>) {
        encode_key(number, WireType::Varint, self.0);
        encode_varint(value.into(), self.0);
    }

    /// A field that is a message itself, and is there.
    pub fn message(&mut self, number: u32, write: impl FnOnce(&mut Message<'_>)) {
        encode_key(number, WireType::LengthDelimited, self.0);
        let begin = self.0.len();
        write(&mut Message(self.0));
        // Its length stands before it and is known only now; what is moved for that is some hundred bytes.
        let length = self.0.len().saturating_sub(begin);
        let mut prefix = Vec::with_capacity(2);
        encode_varint(u64::try_from(length).unwrap_or(u64::MAX), &mut prefix);
        drop(self.0.splice(begin..begin, prefix));
    }
}
