//! Ticking warnings. A warning stops creation, sharing and saving until somebody says that it is meant; said once, it is not
//! asked again as long as it says the same.

use std::collections::BTreeSet;

use super::lint::{Code, Finding, Severity};

/// What was accepted of an offer's warnings, each as `<code> <field>: <detail>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accepted(BTreeSet<String>);

impl Accepted {
    /// As it was stored.
    #[must_use]
    pub fn stored(said: Vec<String>) -> Self {
        Self(said.into_iter().collect())
    }

    /// As it is stored, in order.
    #[must_use]
    pub fn to_stored(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }

    /// Whether somebody has accepted this.
    #[must_use]
    pub fn has(&self, finding: &Finding) -> bool {
        self.0.contains(&said(finding))
    }
}

/// What became of an offer's warnings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What is accepted from now on: what is still said, and no more.
    pub accepted: Accepted,
    /// What was accepted now, for the log.
    pub newly: Vec<Finding>,
    /// What nobody has accepted.
    pub open: Vec<Finding>,
}

/// Looks at an offer's findings with the codes that a caller accepts. `known` are those the offer had before this change:
/// they were accepted or came with time, and a change answers for what it brings.
#[must_use]
pub fn judge(findings: &[Finding], before: &Accepted, known: &[Finding], codes: &BTreeSet<Code>) -> Judged {
    let mut judged = Judged { accepted: Accepted::default(), newly: Vec::new(), open: Vec::new() };
    for finding in findings.iter().filter(|finding| finding.code.severity() == Severity::Warning) {
        if before.has(finding) {
            judged.accepted.0.insert(said(finding));
        } else if codes.contains(&finding.code) {
            judged.accepted.0.insert(said(finding));
            judged.newly.push(finding.clone());
        } else if !known.contains(finding) {
            judged.open.push(finding.clone());
        }
    }
    judged
}

fn said(finding: &Finding) -> String {
    format!("{} {}: {}", finding.code.as_str(), finding.field, finding.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: Code, detail: &str) -> Finding {
        Finding { code, field: "events".to_owned(), detail: detail.to_owned() }
    }

    #[test]
    fn only_warnings_are_asked_and_each_until_it_is_accepted() {
        let findings = [
            finding(Code::InstallMissing, "an error"),
            finding(Code::SequenceGap, "between 1 and 3"),
            finding(Code::NoCreative, "no picture"),
            finding(Code::ClickIdAdded, "an info"),
        ];
        let codes = BTreeSet::from([Code::NoCreative]);
        let first = judge(&findings, &Accepted::default(), &[], &codes);
        assert_eq!(first.open, [findings[1].clone()]);
        assert_eq!(first.newly, [findings[2].clone()]);

        let second = judge(&findings, &first.accepted, &[], &BTreeSet::from([Code::SequenceGap]));
        assert_eq!((second.open.len(), second.newly), (0, vec![findings[1].clone()]));
        let stored = Accepted::stored(second.accepted.to_stored());
        assert_eq!(stored, second.accepted);
        assert_eq!(judge(&findings, &stored, &[], &BTreeSet::new()).open, []);
    }

    #[test]
    fn what_says_something_else_is_asked_again_and_what_is_gone_is_forgotten() {
        let before = judge(
            &[finding(Code::SequenceGap, "between 1 and 3"), finding(Code::NoCreative, "no picture")],
            &Accepted::default(),
            &[],
            &BTreeSet::from([Code::SequenceGap, Code::NoCreative]),
        );
        let other = [finding(Code::SequenceGap, "between 1 and 9")];
        let after = judge(&other, &before.accepted, &[], &BTreeSet::new());
        assert_eq!((after.open.as_slice(), after.accepted), (other.as_slice(), Accepted::default()));
    }

    #[test]
    fn a_change_answers_only_for_what_it_brings() {
        let past = [finding(Code::LaunchInPast, "came with time")];
        let judged = judge(&past, &Accepted::default(), &past, &BTreeSet::new());
        assert_eq!((judged.open, judged.accepted), (vec![], Accepted::default()));
    }
}
