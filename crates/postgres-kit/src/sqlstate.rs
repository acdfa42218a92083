//! What to do about a failed query: try again, wait, or blame the item.
//!
//! diesel keeps the SQLSTATE of only a few errors and the message of all. So the rest is told apart by the message's
//! English beginning, which is why a connection is refused when the server speaks another language (see
//! [`ConnectError::Language`](crate::ConnectError::Language)). Each text below names the codes it stands for.

use diesel::result::{DatabaseErrorKind, Error};

use crate::pool::PoolError;

/// What a failure asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The transaction lost a race; run again it may win. 40xxx.
    Retry,
    /// The database can not do it now, whatever the item is: down, restarting, full, locked, read-only, or not
    /// migrated yet. Stop taking work and come back. 08xxx, 53xxx, 55P03, 57xxx, 58xxx, 25006, 25P03, 42xxx.
    Pause,
    /// This item will fail again. Everything else.
    Bug,
}

/// Beginnings of messages, and whether they are a race. From PostgreSQL's own sources.
const MESSAGES: &[(&str, Class)] = &[
    ("deadlock detected", Class::Retry),          // 40P01
    ("could not serialize access", Class::Retry), // 40001
    ("canceling statement due to conflict with recovery", Class::Retry), // 40001
    ("terminating connection", Class::Pause),     // 57P01 57P02 57P05 25P03
    ("terminating background worker", Class::Pause), // 57P01
    ("the database system is", Class::Pause),     // 57P03
    ("canceling statement due to", Class::Pause), // 57014 55P03
    ("canceling authentication", Class::Pause),   // 57014
    ("could not obtain lock", Class::Pause),      // 55P03
    ("sorry, too many clients already", Class::Pause), // 53300
    ("remaining connection slots are reserved", Class::Pause), // 53300
    ("too many connections for", Class::Pause),   // 53300
    ("out of memory", Class::Pause),              // 53200
    ("out of shared memory", Class::Pause),       // 53200
    ("could not extend file", Class::Pause),      // 53100
    ("could not write", Class::Pause),            // 53100 58030
    ("could not open", Class::Pause),             // 58030 58P01
    ("could not read", Class::Pause),             // 58030
    ("could not create", Class::Pause),           // 53100 58030
    ("could not fsync", Class::Pause),            // 58030
    ("could not access", Class::Pause),           // 58P01
    ("temporary file size exceeds", Class::Pause), // 53400
    ("cannot execute", Class::Pause),             // 25006: a replica after a failover
    ("permission denied", Class::Pause),          // 42501: a grant is missing
    ("cached plan must not change result type", Class::Retry), // 0A000: a migration ran meanwhile
];

/// What a failed query asks for.
#[must_use]
pub fn classify(error: &Error) -> Class {
    match error {
        Error::DatabaseError(kind, information) => classify_database(*kind, information.message()),
        Error::RollbackErrorOnCommit { commit_error, .. } => classify(commit_error),
        // The connection is in an unknown state: a new one will do.
        Error::BrokenTransactionManager => Class::Pause,
        Error::InvalidCString(_)
        | Error::NotFound
        | Error::QueryBuilderError(_)
        | Error::DeserializationError(_)
        | Error::SerializationError(_)
        | Error::RollbackTransaction
        | Error::AlreadyInTransaction
        | Error::NotInTransaction
        | _ => Class::Bug,
    }
}

/// What a connection that could not be had asks for: always to wait. Nothing is known to be wrong with any item.
#[must_use]
pub const fn classify_pool(_error: &PoolError) -> Class {
    Class::Pause
}

fn classify_database(kind: DatabaseErrorKind, message: &str) -> Class {
    match kind {
        DatabaseErrorKind::SerializationFailure => Class::Retry,
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::ReadOnlyTransaction => Class::Pause,
        DatabaseErrorKind::UnableToSendCommand => classify_unsent(message),
        DatabaseErrorKind::Unknown => classify_message(message),
        DatabaseErrorKind::UniqueViolation
        | DatabaseErrorKind::ForeignKeyViolation
        | DatabaseErrorKind::NotNullViolation
        | DatabaseErrorKind::CheckViolation
        | DatabaseErrorKind::RestrictViolation
        | DatabaseErrorKind::ExclusionViolation
        | _ => Class::Bug,
    }
}

/// The driver's own complaints about a value or a row are ours; everything else it says is about the connection.
fn classify_unsent(message: &str) -> Class {
    let ours = [
        "error serializing",
        "error deserializing",
        "expected",
        "invalid column",
        "error encoding",
        "query returned",
    ];
    if ours.iter().any(|beginning| message.starts_with(beginning)) { Class::Bug } else { Class::Pause }
}

fn classify_message(message: &str) -> Class {
    let known = MESSAGES.iter().find(|(beginning, _class)| message.starts_with(beginning));
    known.map_or_else(
        || if is_unmigrated(message) { Class::Pause } else { Class::Bug },
        |(_beginning, class)| *class,
    )
}

/// 42P01, 42703, 42883: the schema is not the one this release was built for. Every item would fail, none is to blame.
fn is_unmigrated(message: &str) -> bool {
    let missing = message.ends_with("does not exist");
    missing
        && ["relation ", "column ", "function ", "type ", "schema "]
            .iter()
            .any(|what| message.starts_with(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(message: &str) -> Class {
        classify(&Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned())))
    }

    #[test]
    fn a_lost_race_is_run_again() {
        assert_eq!(unknown("deadlock detected"), Class::Retry);
        assert_eq!(
            classify(&Error::DatabaseError(DatabaseErrorKind::SerializationFailure, Box::new(String::new()))),
            Class::Retry
        );
    }

    #[test]
    fn a_database_that_can_not_is_waited_for() {
        for message in [
            "terminating connection due to administrator command",
            "terminating connection due to idle-in-transaction timeout",
            "the database system is starting up",
            "canceling statement due to statement timeout",
            "canceling statement due to lock timeout",
            "sorry, too many clients already",
            "could not extend file \"base/1/2\": No space left on device",
            "relation \"journeys\" does not exist",
            "permission denied for table journeys",
        ] {
            assert_eq!(unknown(message), Class::Pause, "{message}");
        }
        for message in ["connection closed", "error communicating with the server", "channel closed"] {
            let error =
                Error::DatabaseError(DatabaseErrorKind::UnableToSendCommand, Box::new(message.to_owned()));
            assert_eq!(classify(&error), Class::Pause, "{message}");
        }
    }

    #[test]
    fn an_item_that_can_not_be_stored_is_to_blame() {
        for message in
            ["invalid byte sequence for encoding \"UTF8\": 0x00", "value out of range", "division by zero"]
        {
            assert_eq!(unknown(message), Class::Bug, "{message}");
        }
        let error = Error::DatabaseError(
            DatabaseErrorKind::UnableToSendCommand,
            Box::new(String::from("error serializing parameter 0")),
        );
        assert_eq!(classify(&error), Class::Bug);
        assert_eq!(classify(&Error::NotFound), Class::Bug);
    }
}
