//! Everything that is wrong, told at once.

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    calls: usize,
    wrong: Vec<String>,
}

impl Findings {
    /// One call more, and what was wrong with it.
    pub(super) fn call(&mut self, wrong: impl IntoIterator<Item = String>) {
        self.calls += 1;
        self.wrong.extend(wrong);
    }

    /// Fails the test when anything is wrong, or nothing was called.
    pub(super) fn settle(self, what: &str) {
        assert!(self.calls > 0, "{what}: nothing was called");
        assert!(
            self.wrong.is_empty(),
            "{what}: {} of {} calls\n{}",
            self.wrong.len(),
            self.calls,
            self.wrong.join("\n")
        );
    }
}
