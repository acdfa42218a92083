//! What a service says on top of what its handlers say.

use crate::problem::Problem;

/// What a service says about itself on top of its document.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Such as `GoKart offer-catalog`.
    pub title: &'static str,
    /// `env!("CARGO_PKG_VERSION")` of the service.
    pub version: &'static str,
    /// A paragraph for people who meet the service for the first time.
    pub description: &'static str,
    /// The tags of its operations with a sentence each, in the order in which a newcomer should read them.
    pub tags: &'static [(&'static str, &'static str)],
    /// What parameters with these names are, wherever they stand.
    pub parameters: &'static [Parameter],
    /// Problems that the service answers, as it answers them; each is an example where its status is documented.
    pub problems: fn() -> Vec<Said>,
}

impl About {
    /// Without tags, parameters and problems of its own.
    #[must_use]
    pub const fn new(title: &'static str, version: &'static str, description: &'static str) -> Self {
        Self { title, version, description, tags: &[], parameters: &[], problems: Vec::new }
    }
}

/// A parameter that means the same in every operation. What a handler says itself stays.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// As it stands in the path, query or header.
    pub name: &'static str,
    /// What it is, a sentence.
    pub description: &'static str,
    /// An example; read as JSON where it is JSON, as text otherwise.
    pub example: &'static str,
    /// In a path: what there is none of when it leads nowhere, such as `offer`; empty otherwise.
    pub names: &'static str,
}

/// A problem that a service answers, and where.
#[derive(Debug, Clone)]
pub struct Said {
    pub(super) at: Place,
    pub(super) problem: Problem,
}

/// Which operations answer a problem.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The one with this id.
    Operation(&'static str),
    /// Those that take this header.
    Header(&'static str),
}

impl Said {
    /// Answered by the operation with this id.
    #[must_use]
    pub const fn by(operation: &'static str, problem: Problem) -> Self {
        Self { at: Place::Operation(operation), problem }
    }

    /// Answered by every operation that takes this header.
    #[must_use]
    pub const fn with_header(header: &'static str, problem: Problem) -> Self {
        Self { at: Place::Header(header), problem }
    }
}
