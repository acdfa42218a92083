//! Why a flow did not do what it was asked.

use postgres_kit::{DbError, Failure};

use crate::domain::{
    credential::CredentialConflict,
    identity::IdentityError,
    lint::Finding,
    problems::{FieldProblem, Problems},
    schedule::ScheduleConflict,
    status::Conflict,
    user::UserConflict,
};
use crate::{facts::FactError, store::creative_files::FilesError};

/// Why a flow did not do what it was asked. Everything but `Store` and `Broken` is the caller's to change.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// No such thing in this tenant.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Fields that can not be accepted.
    #[error("some fields can not be accepted")]
    Invalid(Vec<FieldProblem>),
    /// The linter's errors stop creation or sharing.
    #[error("the offer is not ready")]
    NotReady(Vec<Finding>),
    /// The thing is in a state that does not allow it.
    #[error("{detail}")]
    Conflict {
        /// Stable.
        code: &'static str,
        /// What to do instead.
        detail: String,
        /// The fields it is about, if any.
        fields: Vec<FieldProblem>,
    },
    /// The linter's warnings that nobody has accepted.
    #[error("the offer has warnings that nobody has accepted")]
    NotAccepted(Vec<Finding>),
    /// An `Idempotency-Key` that was used for another call.
    #[error("the Idempotency-Key was used for another call")]
    KeyReused,
    /// It was changed since the caller read it.
    #[error("changed since it was read")]
    Stale,
    /// The database could not do it.
    #[error("the database could not do it")]
    Store(#[source] DbError),
    /// The files of creatives can not be written or read.
    #[error("the files of creatives can not be reached")]
    Files(#[source] FilesError),
    /// As much of it is under way as there is room for.
    #[error("too much at once")]
    Busy,
    /// Our own data or keys are not as they should be.
    #[error("{0}")]
    Broken(&'static str, #[source] Box<dyn std::error::Error + Send + Sync>),
}

impl FlowError {
    /// One field that can not be accepted.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldProblem { field: field.into(), detail: detail.into() }])
    }
}

impl From<DbError> for FlowError {
    fn from(error: DbError) -> Self {
        Self::Store(error)
    }
}

impl From<FilesError> for FlowError {
    fn from(error: FilesError) -> Self {
        Self::Files(error)
    }
}

impl From<diesel::result::Error> for FlowError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Problems> for FlowError {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems.into_vec())
    }
}

impl From<Conflict> for FlowError {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict { code: conflict.code(), detail: conflict.to_string(), fields: Vec::new() }
    }
}

impl From<ScheduleConflict> for FlowError {
    fn from(conflict: ScheduleConflict) -> Self {
        Self::Conflict { code: conflict.code(), detail: conflict.to_string(), fields: Vec::new() }
    }
}

impl From<UserConflict> for FlowError {
    fn from(conflict: UserConflict) -> Self {
        Self::Conflict { code: conflict.code(), detail: conflict.to_string(), fields: Vec::new() }
    }
}

impl From<CredentialConflict> for FlowError {
    fn from(conflict: CredentialConflict) -> Self {
        Self::Conflict { code: conflict.code(), detail: conflict.to_string(), fields: Vec::new() }
    }
}

impl From<IdentityError> for FlowError {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Wrong(problems) => problems.into(),
            IdentityError::NameTaken(fields) => Self::Conflict {
                code: "event_id_taken",
                detail: String::from("an Event ID once used never means another event of the same offer"),
                fields,
            },
        }
    }
}

impl From<FactError> for FlowError {
    fn from(error: FactError) -> Self {
        Self::Broken("a version can not be told", error.into())
    }
}

impl Failure for FlowError {
    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotFound(_)
            | Self::Invalid(_)
            | Self::NotReady(_)
            | Self::NotAccepted(_)
            | Self::KeyReused
            | Self::Conflict { .. }
            | Self::Stale
            | Self::Files(_)
            | Self::Busy
            | Self::Broken(..) => None,
        }
    }
}
