//! Accounting: every event that was sent is found again at every place where it must have left something.

/// Where events were looked for.
#[derive(Debug, Clone)]
pub struct Find {
    /// What was counted there.
    pub what: &'static str,
    /// Of those that were sent, how many were found.
    pub found: u64,
}

/// The events of one round.
#[derive(Debug, Clone)]
pub struct Account {
    /// Which ones.
    pub what: String,
    /// How many were sent, or answered 200.
    pub sent: u64,
    /// Where they were looked for.
    pub finds: Vec<Find>,
    /// What is not missing but should be known.
    pub remarks: Vec<String>,
}

impl Account {
    /// Of this many.
    pub fn of(what: impl Into<String>, sent: u64) -> Self {
        Self { what: what.into(), sent, finds: Vec::new(), remarks: Vec::new() }
    }

    /// Looked for at a place.
    #[must_use]
    pub fn found(mut self, what: &'static str, found: u64) -> Self {
        self.finds.push(Find { what, found });
        self
    }

    /// With a remark, when there is one.
    #[must_use]
    pub fn remark(mut self, remark: Option<String>) -> Self {
        self.remarks.extend(remark);
        self
    }

    /// Whether all were found everywhere, each once.
    pub fn is_settled(&self) -> bool {
        self.finds.iter().all(|find| find.found == self.sent)
    }

    /// One line.
    pub fn line(&self) -> String {
        let finds: Vec<String> =
            self.finds.iter().map(|find| format!("{} {}", find.found, find.what)).collect();
        let mut line = format!(
            "  {} {}: {} sent, {}",
            if self.is_settled() { "ok     " } else { "MISSING" },
            self.what,
            self.sent,
            finds.join(", ")
        );
        for remark in &self.remarks {
            line.push_str("; ");
            line.push_str(remark);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_missing_or_there_twice_is_not_settled() {
        assert!(Account::of("x", 3).found("receipts", 3).found("rows", 3).is_settled());
        assert!(!Account::of("x", 3).found("receipts", 3).found("rows", 2).is_settled());
        assert!(!Account::of("x", 3).found("rows", 4).is_settled());
    }
}
