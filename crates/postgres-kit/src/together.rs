//! Statements that are sent together, and which of their failures is the cause.
//!
//! Statements that need no other's answer are sent at once, with `join!` over one shared connection, and cost one round trip.
//! Their order is not promised: one that a connection sees for the first time is prepared first. So none may need that another was
//! carried out before it.
//!
//! When one fails, the server refuses what comes behind it because of that, and says so. The refusals say nothing of what to do:
//! only the first failure does.

use diesel::{QueryResult, result::Error};

use crate::sqlstate::is_aftermath;

/// What several statements came to.
pub trait Outcomes {
    /// Their answers.
    type Answers;

    /// All answers.
    ///
    /// # Errors
    /// The failure that is the cause of the others.
    fn all(self) -> QueryResult<Self::Answers>;
}

/// All answers of statements that were sent together: `all(join!(…))`.
///
/// # Errors
/// The failure that is the cause of the others.
pub fn all<O: Outcomes>(outcomes: O) -> QueryResult<O::Answers> {
    outcomes.all()
}

macro_rules! outcomes_of {
    ($($answer:ident $name:ident),+) => {
        impl<$($answer),+> Outcomes for ($(QueryResult<$answer>,)+) {
            type Answers = ($($answer,)+);

            fn all(self) -> QueryResult<Self::Answers> {
                match self {
                    ($(Ok($name),)+) => Ok(($($name,)+)),
                    ($($name,)+) => Err(cause([$($name.err()),+])),
                }
            }
        }
    };
}

outcomes_of!(A a, B b);
outcomes_of!(A a, B b, C c);
outcomes_of!(A a, B b, C c, D d);
outcomes_of!(A a, B b, C c, D d, E e);

fn cause(failures: impl IntoIterator<Item = Option<Error>>) -> Error {
    let mut failures: Vec<Error> = failures.into_iter().flatten().collect();
    let first = failures.iter().position(|failure| !is_aftermath(failure)).unwrap_or_default();
    if first < failures.len() { failures.swap_remove(first) } else { Error::RollbackTransaction }
}
