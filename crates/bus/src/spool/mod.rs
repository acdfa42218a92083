//! The second place that makes an item durable: a folder of this process, for the time in which the broker does not take
//! what is said.
//!
//! # Who does what
//!
//! The publisher's task turns groups it can not hand to the broker over to the [`writer`], which appends them to a file,
//! makes the disk keep them (`fdatasync`, once for all groups that wait: group commit here, too) and only then answers
//! their callers. When the broker is back the [`drain`] publishes what lies in the folder, beside live traffic, one
//! message at a time, and deletes a file when the broker has confirmed all of it.
//!
//! # What it promises
//!
//! * What was answered is in a file whose data is on disk, under a name that is on disk.
//! * A record is read back whole or not at all: it has a checksum, and its header has one of its own, so that a damaged
//!   record costs only itself. What can not be read is set aside in a file beside and reported, never deleted.
//! * The folder is bounded ([`SpoolSettings::max_bytes`]). Beyond that callers are told, at once.
//! * One process owns a folder: it holds a lock that ends with the process, however it ends.
//!
//! # What it does not promise
//!
//! No order, and no "only here": a group whose confirm was late may be with the broker and in the folder, and a file that
//! was not drained to its end is published again from its start. Readers tell twins apart by the items' `fact_id`.

mod drain;
mod folder;
mod record;
mod settings;
mod state;
mod writer;

pub use settings::SpoolSettings;

pub(crate) use drain::Drain;
pub(crate) use state::Spool;
pub(crate) use writer::{Job, Writer};
