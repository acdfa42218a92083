//! One layer: a table of values that all know where they came from.

use std::{collections::BTreeSet, fs, path::Path};

use config::{ConfigError, File, FileFormat, Map, Source, Value, ValueKind};

use crate::error::SettingsError;

/// Values of one origin, or of one kind of origin. Has no `Debug` output of values: they may be secrets.
#[derive(Clone, Default)]
pub(crate) struct Layer {
    values: Map<String, Value>,
}

impl Layer {
    /// Reads a TOML file of the operator.
    pub(crate) fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = fs::read_to_string(path)
            .map_err(|source| SettingsError::ReadFile { path: path.to_owned(), source })?;
        Self::parse(&format!("file {}", path.display()), &text)
    }

    /// Parses TOML text.
    pub(crate) fn parse(origin: &str, text: &str) -> Result<Self, SettingsError> {
        let parsed = File::from_str(text, FileFormat::Toml).collect().map_err(|failure| {
            SettingsError::Parse { origin: origin.to_owned(), reason: without_source_line(&failure) }
        })?;
        let values = parsed.into_iter().map(|(key, value)| (key, labelled(value, origin))).collect();
        Ok(Self { values })
    }

    /// Sets one dotted key to a text.
    pub(crate) fn set(&mut self, key: String, origin: &str, text: String) {
        self.values.insert(key, Value::new(Some(&origin.to_owned()), text));
    }

    /// Every dotted key of this layer that is not a table.
    pub(crate) fn keys(&self) -> BTreeSet<String> {
        let mut keys = BTreeSet::new();
        for (name, value) in &self.values {
            collect_keys(name.clone(), value, &mut keys);
        }
        keys
    }
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_set().entries(self.keys()).finish()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.clone())
    }
}

fn collect_keys(key: String, value: &Value, keys: &mut BTreeSet<String>) {
    if let ValueKind::Table(table) = &value.kind {
        for (name, inner) in table {
            collect_keys(format!("{key}.{name}"), inner, keys);
        }
    } else {
        keys.insert(key);
    }
}

fn labelled(value: Value, origin: &str) -> Value {
    let kind = match value.kind {
        ValueKind::Table(table) => {
            ValueKind::Table(table.into_iter().map(|(key, inner)| (key, labelled(inner, origin))).collect())
        }
        ValueKind::Array(items) => {
            ValueKind::Array(items.into_iter().map(|item| labelled(item, origin)).collect())
        }
        leaf @ (ValueKind::Nil
        | ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_)
        | ValueKind::String(_)) => leaf,
    };
    Value::new(Some(&origin.to_owned()), kind)
}

/// The TOML parser quotes the line it stumbled over, and that line may hold a secret: only the position (first line)
/// and the reason (last line) are kept.
fn without_source_line(failure: &ConfigError) -> String {
    let text = failure.to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next_back()) {
        (Some(position), Some(reason)) => format!("{position}: {reason}"),
        (Some(only), None) => only.to_owned(),
        _ => "not TOML".to_owned(),
    }
}
