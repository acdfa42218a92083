//! The `[spool]` section of a service's settings.

use std::path::PathBuf;

use serde::Deserialize;
use settings::{Problems, Validate};

/// Where items wait while the broker does not take them.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpoolSettings {
    /// A folder of this process alone, on a disk that outlives it. Made when it is missing. Empty: no spool, and
    /// whatever the broker does not take is refused.
    pub folder: PathBuf,
    /// Most bytes of files in the folder; beyond it callers are refused. Two hours of 200 postbacks a second fit into the
    /// default.
    pub max_bytes: u64,
    /// A file is closed and the next one begun beyond this size. A file is read whole into memory when it is drained, and
    /// published again from its start when that was interrupted: small is good.
    pub segment_bytes: u64,
}

impl Default for SpoolSettings {
    fn default() -> Self {
        Self { folder: PathBuf::new(), max_bytes: 2 * 1024 * 1024 * 1024, segment_bytes: 8 * 1024 * 1024 }
    }
}

impl SpoolSettings {
    /// Whether there is to be a spool.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.folder.as_os_str().is_empty()
    }
}

impl Validate for SpoolSettings {
    fn validate(&self, problems: &mut Problems) {
        problems.in_range("max_bytes", &self.max_bytes, &(1024 * 1024..=1024 * 1024 * 1024 * 1024));
        problems.in_range("segment_bytes", &self.segment_bytes, &(64 * 1024..=64 * 1024 * 1024));
        if self.is_on() && self.folder.is_relative() {
            problems
                .add("folder", "must be an absolute path, such as /var/lib/gokart/ingest/spool, or empty");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_folder_and_a_tiny_bound_are_refused() {
        let mut problems = Problems::default();
        let settings = SpoolSettings { folder: "spool".into(), max_bytes: 1, ..SpoolSettings::default() };
        settings.validate(&mut problems);
        let found: Vec<_> = problems.into_iter().map(|problem| problem.key).collect();
        assert_eq!(found, ["max_bytes", "folder"]);
        let mut none = Problems::default();
        SpoolSettings::default().validate(&mut none);
        assert!(none.is_empty());
    }
}
