//! What is wrong with an input, field by field. Reading never stops at the first mistake: a person corrects a form
//! once, not once per mistake.

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// Where, as the caller wrote it: `events[2].pendingTime`.
    pub field: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// The wrong fields found so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<FieldProblem>);

impl Problems {
    /// Notes a wrong field.
    pub fn add(&mut self, field: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldProblem { field: field.into(), detail: detail.into() });
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something is already said about `field` or a part of it.
    #[must_use]
    pub fn concern(&self, field: &str) -> bool {
        self.0.iter().any(|problem| {
            problem
                .field
                .strip_prefix(field)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    /// All wrong fields in the order they were found.
    #[must_use]
    pub fn into_vec(self) -> Vec<FieldProblem> {
        self.0
    }

    /// `value` when nothing is wrong.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<FieldProblem> for Problems {
    fn from(problem: FieldProblem) -> Self {
        Self(vec![problem])
    }
}
