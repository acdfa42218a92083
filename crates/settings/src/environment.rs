//! The two upper layers: environment variables, and files that environment variables name.

use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::{error::SettingsError, layers::Layer, problems::Problem};

/// Between the parts of a variable's name.
const SEPARATOR: &str = "__";
/// End of the name of a variable that names a secret's file.
const FILE_SUFFIX: &str = "_FILE";
/// No secret is longer; a larger file is the wrong file.
const SECRET_FILE_BYTES_MAX: u64 = 64 * 1024;

/// What the environment says.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) variables: Layer,
    pub(crate) secret_files: Layer,
}

/// The variable that sets a dotted key: `http.port` → `INGEST__HTTP__PORT`.
pub(crate) fn variable_name(prefix: &str, key: &str) -> String {
    format!("{prefix}{SEPARATOR}{}", key.replace('.', SEPARATOR).to_uppercase())
}

impl Environment {
    /// Takes the variables that begin with `PREFIX__` and leaves all others alone.
    ///
    /// `named_keys` are the keys of the lower layers: a key whose own name ends in `_file` is set, not read from a
    /// file, when a lower layer has it.
    pub(crate) fn read(
        prefix: &str,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        named_keys: &BTreeSet<String>,
    ) -> Result<Self, SettingsError> {
        let prefix = format!("{prefix}{SEPARATOR}");
        let mut read = Self { variables: Layer::default(), secret_files: Layer::default() };
        let mut problems = Vec::new();
        for (name, value) in environment {
            let Some(own) = name.to_str().and_then(|name| name.strip_prefix(&prefix)) else { continue };
            let variable = format!("{prefix}{own}");
            if let Err(what) = read.take(own, &variable, &value, named_keys) {
                problems.push(Problem {
                    key: dotted(own),
                    what,
                    origin: Some(format!("environment variable {variable}")),
                });
            }
        }
        if problems.is_empty() { Ok(read) } else { Err(SettingsError::Wrong(problems)) }
    }

    fn take(
        &mut self,
        own: &str,
        variable: &str,
        value: &OsStr,
        named_keys: &BTreeSet<String>,
    ) -> Result<(), String> {
        let key = dotted(own);
        let well_formed = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        };
        if !key.split('.').all(well_formed) {
            return Err(format!(
                "is not the name of a key: parts are joined by {SEPARATOR}, none may be empty"
            ));
        }
        let text = value.to_str().ok_or("must be UTF-8")?;
        match own.strip_suffix(FILE_SUFFIX).filter(|stem| !stem.is_empty() && !named_keys.contains(&key)) {
            Some(stem) => {
                let origin = format!("secret file {text}, named by {variable}");
                self.secret_files.set(dotted(stem), &origin, read_secret(Path::new(text))?);
            }
            None => self.variables.set(key, &format!("environment variable {variable}"), text.to_owned()),
        }
        Ok(())
    }
}

fn dotted(own: &str) -> String {
    own.to_lowercase().replace(SEPARATOR, ".")
}

/// The file's text without the line end that editors and `echo` add.
fn read_secret(path: &Path) -> Result<String, String> {
    let failed =
        |failure: io::Error| format!("names the file {}, which can not be read: {failure}", path.display());
    let mut text = String::new();
    let limit = SECRET_FILE_BYTES_MAX.saturating_add(1);
    let read =
        File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text)).map_err(failed)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > SECRET_FILE_BYTES_MAX {
        return Err(format!("names the file {}, which is larger than 64 KiB", path.display()));
    }
    let secret =
        text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.is_empty() {
        return Err(format!("names the file {}, which is empty", path.display()));
    }
    Ok(secret.to_owned())
}
