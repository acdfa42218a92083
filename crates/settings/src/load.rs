//! From the layers to one value of the service's own settings type.

use std::{cell::RefCell, collections::BTreeMap, ffi::OsString, path::PathBuf};

use config::{Config, Value, ValueKind};
use serde::de::DeserializeOwned;

use crate::{
    deserialize::Node,
    environment::{Environment, variable_name},
    error::SettingsError,
    layers::Layer,
    problems::{Problem, Problems, Validate},
};

/// Origin of values that no other layer covers.
pub const DEFAULTS_ORIGIN: &str = "the defaults";

/// Where the settings of a process come from, lowest layer first.
#[derive(Debug, Clone)]
pub struct Source {
    /// TOML compiled into the binary: every key with its default and a comment.
    pub defaults: &'static str,
    /// First part of the environment variables, such as `OFFER_CATALOG` for `OFFER_CATALOG__HTTP__PORT`.
    pub env_prefix: &'static str,
    /// A TOML file of the operator, `--settings FILE`.
    pub file: Option<PathBuf>,
}

/// Settings together with where each value came from.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The valid settings.
    pub settings: T,
    /// Dotted key → layer that set it. Holds no values, so it can be printed.
    pub origins: BTreeMap<String, String>,
}

/// Reads all layers, with the environment of this process.
///
/// # Errors
/// [`SettingsError`] with every wrong key that could be found in one go.
pub fn load<T: DeserializeOwned + Validate>(source: &Source) -> Result<T, SettingsError> {
    load_from(source, std::env::vars_os()).map(|loaded| loaded.settings)
}

/// Like [`load`], with the environment as an argument and the origins in the result.
///
/// # Errors
/// See [`load`].
pub fn load_from<T: DeserializeOwned + Validate>(
    source: &Source,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded<T>, SettingsError> {
    let defaults = Layer::parse(DEFAULTS_ORIGIN, source.defaults)?;
    let mut layers = Config::builder().add_source(defaults.clone());
    let mut named_keys = defaults.keys();
    if let Some(path) = &source.file {
        let file = Layer::read(path)?;
        named_keys.extend(file.keys());
        layers = layers.add_source(file);
    }
    let environment = Environment::read(source.env_prefix, environment, &named_keys)?;
    let merged = layers
        .add_source(environment.variables)
        .add_source(environment.secret_files)
        .build()
        .map_err(|failure| SettingsError::Merge { reason: failure.to_string() })?
        .cache;

    let mut origins = BTreeMap::new();
    collect_origins("", &merged, &mut origins);

    let unknown = RefCell::new(Vec::new());
    let outcome = T::deserialize(Node::root(merged, &unknown));
    let mut problems = unknown.into_inner();
    let settings = match outcome {
        Ok(settings) if problems.is_empty() => settings,
        Ok(_) => return Err(SettingsError::Wrong(problems)),
        Err(fault) => {
            problems.push(fault.into_problem(|key| variable_name(source.env_prefix, key)));
            return Err(SettingsError::Wrong(problems));
        }
    };

    let mut found = Problems::default();
    settings.validate(&mut found);
    let wrong: Vec<Problem> =
        found.into_iter().map(|problem| with_origin(problem, &origins, source.env_prefix)).collect();
    if wrong.is_empty() { Ok(Loaded { settings, origins }) } else { Err(SettingsError::Wrong(wrong)) }
}

/// `Validate` sees values, not layers; the layer is found again by the key.
fn with_origin(problem: Problem, origins: &BTreeMap<String, String>, env_prefix: &str) -> Problem {
    let key = problem.key.split('[').next().unwrap_or_default();
    if let Some(origin) = origins.get(key) {
        return Problem { origin: Some(origin.clone()), ..problem };
    }
    let section = format!("{key}.");
    if key.is_empty() || origins.keys().any(|set| set.starts_with(&section)) {
        // A rule about several keys.
        return problem;
    }
    let what = format!("{}; nothing sets it, {} would", problem.what, variable_name(env_prefix, key));
    Problem { what, ..problem }
}

fn collect_origins(key: &str, value: &Value, origins: &mut BTreeMap<String, String>) {
    if let ValueKind::Table(table) = &value.kind {
        for (name, inner) in table {
            let inner_key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            collect_origins(&inner_key, inner, origins);
        }
    } else if let Some(origin) = value.origin() {
        origins.insert(key.to_owned(), origin.to_owned());
    }
}
