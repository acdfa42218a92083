//! Why there are no settings. No variant ever holds a value: it might be a secret.

use std::{fmt, io, path::PathBuf};

use crate::problems::Problem;

/// The settings could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file given with `--settings` can not be read.
    #[error("can not read the settings file {}", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A layer is not TOML.
    #[error("{origin}: {reason}")]
    Parse {
        /// Which layer.
        origin: String,
        /// Position and reason, without the text around it.
        reason: String,
    },
    /// The layers do not fit together.
    #[error("can not merge the settings: {reason}")]
    Merge {
        /// What the merger said.
        reason: String,
    },
    /// Keys that are unknown, missing, of the wrong type or out of range.
    #[error("{}", AsList(.0))]
    Wrong(Vec<Problem>),
}

impl SettingsError {
    /// The keys that are wrong; empty when no key is to blame.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Wrong(problems) => problems,
            Self::ReadFile { .. } | Self::Parse { .. } | Self::Merge { .. } => &[],
        }
    }
}

struct AsList<'a>(&'a [Problem]);

impl fmt::Display for AsList<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [only] => write!(out, "{only}"),
            many => {
                write!(out, "{} settings are wrong", many.len())?;
                many.iter().try_for_each(|problem| write!(out, "\n  {problem}"))
            }
        }
    }
}
