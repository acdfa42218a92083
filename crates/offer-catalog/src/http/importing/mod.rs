//! Reading an import: a body of many megabytes that is never in memory as a whole.

mod head;
mod receiver;
mod row;
mod scanner;

pub use self::{head::PROVIDER_CHARS_MAX, receiver::receive, row::read_row};
