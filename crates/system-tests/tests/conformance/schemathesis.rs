//! One run of the tool: its environment, its settings, and what it says.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use serde_json::Value;

/// The random choices of a run follow from it. Another one, to look further: `CONFORMANCE_SEED`.
const SEED: &str = "20261126";
/// The variable for another seed.
const SEED_VARIABLE: &str = "CONFORMANCE_SEED";
/// How often a parameter is the id of something that is there; else it is made up, or comes from an earlier answer.
const ID_PROBABILITY: f64 = 0.5;

/// Streams that go on until the caller hangs up: the tool waits for the end of an answer. What they answer at once, to whom,
/// and to what can not be read, is shown by attribution's own tests (`live`, `doors`).
const ENDLESS: [&str; 1] = ["/api/v1/postbacks/live"];

const SETTINGS: &str = include_str!("../../conformance/schemathesis.toml");

/// Ids of things that are there, by the parameter that takes them, such as `path.offer_id`.
pub type Ids = BTreeMap<&'static str, Vec<String>>;

/// Everything that one service documents, called as one caller.
pub struct Run<'a> {
    /// Of what, for people.
    pub name: String,
    /// As the service prints it.
    pub document: Value,
    /// Where it listens.
    pub url: &'a str,
    /// The caller's.
    pub token: &'a str,
    /// For the operator's calls.
    pub operator_token: &'a str,
    /// What is there.
    pub ids: &'a Ids,
    /// For files of the run.
    pub folder: &'a Path,
}

impl Run<'_> {
    /// Makes the calls.
    ///
    /// # Panics
    /// When an answer is not as the document says; with a curl line for each.
    pub fn pass(mut self) {
        let schemathesis = environment().join("bin/schemathesis");
        let operations = self.forbid_any_other_answer();
        let (document, settings) = (self.folder.join("openapi.json"), self.folder.join("schemathesis.toml"));
        fs::write(&document, self.document.to_string()).unwrap();
        fs::write(&settings, self.settings()).unwrap();
        let seed = std::env::var(SEED_VARIABLE).unwrap_or_else(|_unset| SEED.to_owned());

        let began = Instant::now();
        let output = Command::new(schemathesis)
            .arg("--config-file")
            .arg(&settings)
            .arg("run")
            .arg(&document)
            .args(["--no-color", "--url", self.url, "--seed", &seed])
            .current_dir(self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CONFORMANCE_API_TOKEN", self.token)
            .env("CONFORMANCE_OPERATOR_TOKEN", self.operator_token)
            .output()
            .expect("schemathesis can be started");
        let said =
            [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
        assert!(output.status.success(), "{} (seed {seed}):\n{said}", self.name);
        // It passes as well when it finds nothing to do.
        assert!(said.contains(&format!("Tested: {operations}\n")), "{}:\n{said}", self.name);
        let cases = said.lines().find(|line| line.contains(" generated")).unwrap_or_default().trim();
        let seconds = began.elapsed().as_secs();
        println!("{}: {operations} operations, seed {seed}, {seconds} s: {cases}", self.name);
    }

    /// Takes out the answer for every status that is not listed: with it, no status would be undocumented. Returns how many
    /// operations there are.
    fn forbid_any_other_answer(&mut self) -> usize {
        let paths = self.document["paths"].as_object_mut().expect("a document with paths");
        paths.retain(|path, _operations| !ENDLESS.contains(&path.as_str()));
        let operations = paths.values_mut().flat_map(|path| path.as_object_mut().unwrap().values_mut());
        operations
            .map(|operation| operation["responses"].as_object_mut().expect("answers").remove("default"))
            .count()
    }

    /// The settings with the ids of this run.
    fn settings(&self) -> String {
        let mut settings = SETTINGS.to_owned();
        for (parameter, ids) in self.ids {
            let name = parameter.replace('.', "_");
            settings.push_str(&format!(
                "\n[dictionaries.{name}]\nvalues = {ids:?}\n\n[parameters.\"{parameter}\"]\ndictionary = \"{name}\"\nprobability = \
                 {ID_PROBABILITY}\n"
            ));
        }
        settings
    }
}

/// The folder of the tool's environment; makes it when it is not there.
fn environment() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/venv.sh");
    let made = Command::new(script).output().expect("the script can be started");
    assert!(made.status.success(), "{script} failed:\n{}", String::from_utf8_lossy(&made.stderr));
    PathBuf::from(String::from_utf8(made.stdout).expect("a path").trim())
}
