//! A flow's refusal as the caller sees it.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use http_kit::{FieldError, Problem};
use postgres_kit::sqlstate::Class;

use crate::{
    domain::{lint::Finding, problems::FieldProblem},
    flows::FlowError,
};

/// What a caller waits before trying again when the database is away or there is no room.
const RETRY_AFTER_SECONDS: u32 = 5;

impl From<FlowError> for Problem {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::NotFound(what) => Self::not_found(what),
            FlowError::Invalid(fields) => Self::invalid(field_errors(fields)),
            FlowError::NotReady(findings) => {
                let not_ready = Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "offer_not_ready",
                    "the offer can not be created, shared or saved like this",
                );
                with_findings(not_ready, findings)
            }
            FlowError::NotAccepted(findings) => {
                let codes: BTreeSet<_> = findings.iter().map(|finding| finding.code.as_str()).collect();
                let codes =
                    codes.into_iter().map(|code| format!("\"{code}\"")).collect::<Vec<_>>().join(", ");
                let not_accepted = Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "warnings_not_accepted",
                    "the offer has warnings that nobody has accepted",
                )
                .detail(format!("mend them, or say that they are meant: \"acceptedWarnings\": [{codes}]"));
                with_findings(not_accepted, findings)
            }
            FlowError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "this Idempotency-Key was used for another call",
            )
            .detail("send the very same call to get its answer again, or choose a new key for a new call"),
            FlowError::Conflict { code, detail, fields } => {
                fields.into_iter().fold(Self::conflict(code, detail), |problem, wrong| {
                    problem.field(wrong.field, wrong.detail)
                })
            }
            FlowError::Stale => Self::new(
                StatusCode::PRECONDITION_FAILED,
                "changed_since_read",
                "somebody else changed this since you read it",
            )
            .detail("read it again, apply your change to what you find, and send the new ETag in If-Match"),
            FlowError::Store(error) if error.class() == Class::Pause => {
                Self::unavailable("the catalog's database is away; nothing was changed", RETRY_AFTER_SECONDS)
                    .because(error)
            }
            FlowError::Files(error) => files_are_away().because(error),
            FlowError::Busy => Self::unavailable(
                "too many uploads are under way; nothing was changed, send it again",
                RETRY_AFTER_SECONDS,
            ),
            error @ (FlowError::Store(_) | FlowError::Broken(..)) => Self::internal(error),
        }
    }
}

/// 503 while the files of creatives can not be reached.
pub(super) fn files_are_away() -> Problem {
    Problem::unavailable(
        "the files of creatives can not be reached; nothing was changed",
        RETRY_AFTER_SECONDS,
    )
}

/// The code first: a field error has no place of its own for it.
fn with_findings(problem: Problem, findings: Vec<Finding>) -> Problem {
    findings.into_iter().fold(problem, |problem, finding| {
        problem.field(finding.field, format!("{}: {}", finding.code.as_str(), finding.detail))
    })
}

fn field_errors(fields: Vec<FieldProblem>) -> Vec<FieldError> {
    fields.into_iter().map(|wrong| FieldError { field: wrong.field, detail: wrong.detail }).collect()
}
