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
    /// migrated yet. Stop taking work and come back. 08xxx, 53xxx, 55P03, 57xxx, 58xxx, 25006, 25P03, 42xxx, XX001.
    Pause,
    /// This item will fail again. Everything else, so also a failure nobody has listed: a caller who blames the item must
    /// not blame every item in a row (the bus does not).
    Bug,
}

/// 0A000: a migration changed what a prepared statement returns. The connection keeps the statement and fails for ever;
/// another one does not, so [`transact`](crate::transact()) runs again on another one.
const STALE_PLAN: &str = "cached plan must not change result type";

/// 25P02: a statement before this one has failed, and the transaction with it.
const AFTERMATH: &str = "current transaction is aborted";

/// Beginnings of messages, and whether they are a race. From PostgreSQL's own sources.
const MESSAGES: &[(&str, Class)] = &[
    ("deadlock detected", Class::Retry),          // 40P01
    ("could not serialize access", Class::Retry), // 40001
    // Refused because another statement failed that was sent together with this one, and of which nobody has told.
    (AFTERMATH, Class::Retry),                                           // 25P02
    ("canceling statement due to conflict with recovery", Class::Retry), // 40001
    ("terminating connection", Class::Pause),                            // 57P01 57P02 57P05 25P03
    ("terminating background worker", Class::Pause),                     // 57P01
    ("the database system is", Class::Pause),                            // 57P03
    ("canceling statement due to", Class::Pause),                        // 57014 55P03
    ("canceling authentication", Class::Pause),                          // 57014
    ("sorry, too many clients already", Class::Pause),                   // 53300
    ("remaining connection slots are reserved", Class::Pause),           // 53300
    ("too many connections for", Class::Pause),                          // 53300
    ("out of memory", Class::Pause),                                     // 53200
    ("out of shared memory", Class::Pause),                              // 53200
    // The server could not do something of its own: locks, files, memory, disks. 55P03 53100 53200 58030 58P01, and the
    // XX000 of "could not open relation with OID". What an item does wrong is "invalid …", "… out of range" or a kind.
    ("could not ", Class::Pause),
    ("No space left on device", Class::Pause),     // 53100
    ("disk full", Class::Pause),                   // 53100
    ("temporary file size exceeds", Class::Pause), // 53400
    ("cannot execute", Class::Pause),              // 25006: a replica after a failover
    ("permission denied", Class::Pause),           // 42501: a grant is missing
    ("must be owner of", Class::Pause),            // 42501
    ("database is not accepting", Class::Pause),   // 54000: transaction numbers run out
    ("cache lookup failed", Class::Pause),         // XX000: a migration runs at this moment
    ("tuple concurrently", Class::Retry),          // XX000: two changed the catalog
    ("invalid page in block", Class::Pause),       // XX001
    ("missing chunk number", Class::Pause),        // XX001
    ("unexpected data beyond EOF", Class::Pause),  // XX001
    ("there is no unique or exclusion constraint", Class::Pause), // 42P10: not migrated
    ("operator does not exist", Class::Pause),     // 42883: not migrated
    ("table row type and query-specified row type", Class::Pause), // 42804: not migrated
    ("cannot insert a non-DEFAULT value", Class::Pause), // 428C9: not migrated
    (STALE_PLAN, Class::Retry),
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

/// Whether it failed only because another statement of its transaction had.
pub(crate) fn is_aftermath(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information) if information.message().starts_with(AFTERMATH))
}

/// Whether the connection that answered so must not be used again.
pub(crate) fn costs_the_connection(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(_, information) if information.message().starts_with(STALE_PLAN))
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

/// 42P01, 42703, 42704, 42883, and 26000 of a pooler that mixes sessions: the schema or the server is not the one this
/// release was built for. Every item would fail, none is to blame.
fn is_unmigrated(message: &str) -> bool {
    const WHAT: [&str; 12] = [
        "relation ",
        "column ",
        "function ",
        "procedure ",
        "operator ",
        "type ",
        "schema ",
        "constraint ",
        "sequence ",
        "collation ",
        "role ",
        "prepared statement ",
    ];
    let is_missing = message.ends_with("does not exist") && WHAT.iter().any(|what| message.starts_with(what));
    // 42804: column "x" is of type a but expression is of type b.
    let is_of_another_type = message.starts_with("column ") && message.contains(" is of type ");
    is_missing || is_of_another_type
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
        assert_eq!(unknown("could not serialize access due to concurrent update"), Class::Retry);
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
            "could not resize shared memory segment \"/PostgreSQL.1\" to 8 bytes: No space left on device",
            "could not map anonymous shared memory: Cannot allocate memory",
            "could not stat file \"base/1/2\": Input/output error",
            "could not truncate file \"base/1/2\" to 0 blocks: Read-only file system",
            "could not receive data from client: Connection reset by peer",
            "could not obtain lock on row in relation \"journeys\"",
            "database is not accepting commands that assign new transaction IDs",
            "cache lookup failed for relation 16384",
            "there is no unique or exclusion constraint matching the ON CONFLICT specification",
            "operator does not exist: uuid = text",
            "operator class \"x\" does not exist",
            "column \"left\" of relation \"budgets\" does not exist",
            "constraint \"one\" for table \"journeys\" does not exist",
            "column \"left\" is of type bigint but expression is of type text",
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
