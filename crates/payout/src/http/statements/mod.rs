//! Statements and their periods.

pub(super) mod adjust_statement;
mod bodies;
pub(super) mod close_period;
pub(super) mod export_statement;
pub(super) mod get_statement;
pub(super) mod list_periods;
pub(super) mod list_statements;
pub(super) mod pay_statement;
pub(super) mod print_statement;

use http_kit::{Problem, auth::Caller, openapi::Said};
use postgres_kit::text::without_nul;
use uuid::Uuid;

use super::{Api, error};
use crate::{
    domain::statements::StatementId,
    flows::statements::{self, CorrectError, Scope, Whole},
};

/// A reference is a word or a number of a bank.
const REFERENCE_CHARS_MAX: usize = 100;

/// Problems as the document shows them.
pub(super) fn problems() -> Vec<Said> {
    let closing = close_period::problems();
    closing.into_iter().chain(adjust_statement::problems()).chain(pay_statement::problems()).collect()
}

/// Whose statements the caller may see.
fn scope(caller: &Caller) -> Result<Scope, Problem> {
    Ok(Scope { tenant: caller.tenant, publisher: caller.visible_publisher()? })
}

async fn whole(api: &Api, scope: Scope, id: Uuid) -> Result<Whole, Problem> {
    statements::get(&api.pool, scope, StatementId(id))
        .await
        .map_err(error::of_store)?
        .ok_or_else(|| Problem::not_found("statement"))
}

/// The text without outer white space, when it has one to `most` characters. As it will be stored: ids are computed from it.
fn checked(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text.chars().count() <= most).then(|| String::from(without_nul(text)))
}

fn wrong_text(problem: Problem, field: &str, most: usize) -> Problem {
    problem.field(field, format!("must be 1 to {most} characters, not only white space"))
}

fn problem(error: CorrectError) -> Problem {
    let sentence = error.to_string();
    match error {
        CorrectError::NotFound => Problem::not_found("statement"),
        CorrectError::Different { .. } => Problem::conflict("reference_names_another_adjustment", sentence),
        CorrectError::PeriodIsOpen(_) => Problem::conflict("period_is_open", sentence),
        CorrectError::NothingDue => Problem::conflict("nothing_is_due", sentence),
        CorrectError::Paid(_) => Problem::conflict("statement_is_paid", sentence),
        CorrectError::Store(error) => error::of_store(error),
    }
}
