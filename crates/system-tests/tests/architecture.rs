//! The house rules that a compiler can not hold: who may depend on whom, what the rules may not touch, what may never
//! enter the tree. Needs no server.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

const SERVICES: [&str; 5] = ["ingest", "tracker", "offer-catalog", "attribution", "payout"];
/// A service without rules of its own: pages over the APIs of the others.
const PAGES: &str = "console";
const TEST_ONLY: [&str; 5] = ["test-kit", "system-tests", "bench", "attribution-oracle", "payout-oracle"];
/// Crates that are rules from end to end, and the workspace crates they may know.
const PURE: [(&str, &[&str]); 4] =
    [("kernel", &[]), ("terms", &["kernel"]), ("postback-parser", &["kernel"]), ("signing", &["kernel"])];
/// Libraries and what they must not know, directly or through others (`DESIGN.md`'s table of rooms).
const MUST_NOT_KNOW: [(&str, &[&str]); 12] = [
    ("kernel", &["tokio", "actix-web", "lapin", "diesel"]),
    ("terms", &["tokio", "actix-web", "lapin", "diesel"]),
    ("postback-parser", &["tokio", "actix-web", "lapin", "diesel"]),
    ("signing", &["tokio", "actix-web", "lapin", "diesel"]),
    ("contracts", &["tokio", "actix-web", "lapin", "diesel"]),
    ("telemetry", &["diesel", "lapin", "actix-web"]),
    ("process", &["diesel", "lapin", "actix-web"]),
    ("postgres-kit", &["actix-web", "lapin"]),
    ("bus", &["diesel", "actix-web"]),
    ("hand-over", &["actix-web"]),
    ("http-kit", &["lapin", "diesel"]),
    (PAGES, &["lapin", "diesel"]),
];
/// Crates that may never enter the tree, with the reason.
const BANNED: [(&str, &str); 6] = [
    ("openssl", "one TLS stack: rustls"),
    ("openssl-sys", "one TLS stack: rustls"),
    ("native-tls", "one TLS stack: rustls"),
    ("aws-lc-sys", "one crypto provider: ring; needs cmake"),
    ("pq-sys", "diesel-async needs no libpq, and libpq does not link statically"),
    ("actix-governor", "GPL-3.0-or-later"),
];
/// Words that have no place where the rules are. Comments and test modules are not read.
const IMPURE: [(&str, &str); 15] = [
    ("async ", "a rule does not wait"),
    (".await", "a rule does not wait"),
    ("tokio", "a rule does not wait"),
    ("Utc::now", "time is a parameter"),
    ("SystemTime", "time is a parameter"),
    ("Instant::now", "time is a parameter"),
    ("getrandom", "randomness is a parameter"),
    ("rand::", "randomness is a parameter"),
    ("now_v7", "ids are parameters"),
    ("diesel", "a rule does not meet a database"),
    ("sql_query", "a rule does not meet a database"),
    ("actix", "a rule does not meet HTTP"),
    ("reqwest", "a rule does not meet HTTP"),
    ("lapin", "a rule does not meet the broker"),
    ("std::fs", "a rule does no I/O"),
];
/// Longest source file, tests beside it included: more than one subject hides in a longer one.
const FILE_LINES_MAX: usize = 600;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(workspace().join("Cargo.toml"))
        .other_options(["--locked".into()])
        .exec()
        .unwrap()
}

fn is_member(metadata: &Metadata, name: &str) -> bool {
    metadata.workspace_packages().iter().any(|package| package.name.as_str() == name)
}

/// Every package a workspace member is built with, dev-dependencies left out.
fn closure(metadata: &Metadata, member: &str) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().unwrap();
    let names: BTreeMap<_, _> =
        metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
    let edges: BTreeMap<_, Vec<_>> = resolve
        .nodes
        .iter()
        .map(|node| {
            let normal = node
                .deps
                .iter()
                .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal))
                .map(|dep| &dep.pkg)
                .collect();
            (&node.id, normal)
        })
        .collect();
    let start =
        metadata.workspace_packages().into_iter().find(|package| package.name.as_str() == member).unwrap();
    let mut seen = BTreeSet::new();
    let mut open = vec![&start.id];
    while let Some(id) = open.pop() {
        for next in &edges[id] {
            if seen.insert(names[next].clone()) {
                open.push(next);
            }
        }
    }
    seen
}

fn direct(metadata: &Metadata, member: &str) -> BTreeSet<String> {
    let package =
        metadata.workspace_packages().into_iter().find(|package| package.name.as_str() == member).unwrap();
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.clone())
        .collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    rust_files(folder, &mut found);
    found.sort();
    found
}

/// The lines of a file that a release is made of: up to the tests, without comments.
fn live_lines(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .enumerate()
        .take_while(|(_number, line)| !line.starts_with("#[cfg(test)]"))
        .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default().to_owned()))
        .collect()
}

#[test]
fn no_service_depends_on_a_service() {
    let metadata = metadata();
    for service in SERVICES.into_iter().chain([PAGES]) {
        let others: Vec<_> = closure(&metadata, service)
            .into_iter()
            .filter(|name| SERVICES.contains(&name.as_str()) || name == PAGES)
            .collect();
        assert!(others.is_empty(), "{service} depends on {others:?}: services speak only by facts");
        let tests: Vec<_> = closure(&metadata, service)
            .into_iter()
            .filter(|name| TEST_ONLY.contains(&name.as_str()))
            .collect();
        assert!(tests.is_empty(), "{service} would ship {tests:?}");
    }
}

#[test]
fn a_library_knows_only_what_it_may() {
    let metadata = metadata();
    for (library, forbidden) in MUST_NOT_KNOW {
        let known = closure(&metadata, library);
        for name in forbidden {
            assert!(!known.contains(*name), "{library} must not know {name}");
        }
    }
    for (pure, allowed) in PURE {
        let workspace_crates: BTreeSet<_> =
            direct(&metadata, pure).into_iter().filter(|name| is_member(&metadata, name)).collect();
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        assert!(
            workspace_crates.is_subset(&allowed),
            "{pure} may know only {allowed:?}, knows {workspace_crates:?}"
        );
    }
}

/// Payout is asked for conversions by code, and counts by code: also by those that attribution's verdicts bring along.
#[test]
fn payout_knows_every_code_that_attribution_gives_a_conversion() {
    let words = |path: &str| -> BTreeSet<String> {
        let text = fs::read_to_string(workspace().join(path)).unwrap();
        let quoted = text.split('"').skip(1).step_by(2).map(str::to_owned);
        quoted.filter(|word| word.starts_with("REVIEW_") || word.starts_with("REJECTED_")).collect()
    };
    let said = words("crates/attribution/src/domain/conversion.rs");
    assert!(said.contains("REVIEW_REPLAY") && said.contains("REJECTED_FRAUD"), "{said:?}");
    let known = words("crates/payout/src/domain/reason_codes.rs");
    let unknown: Vec<_> = said.difference(&known).collect();
    assert!(unknown.is_empty(), "payout's reason_codes.rs lacks {unknown:?}");
}

/// A second implementation that borrows from the first could not find it wrong.
#[test]
fn the_oracles_know_nothing_of_what_they_check() {
    let metadata = metadata();
    for (name, checked) in [("attribution-oracle", "attribution::"), ("payout-oracle", "payout::")] {
        let packages = metadata.workspace_packages();
        let oracle = packages.iter().find(|package| package.name.as_str() == name).unwrap();
        assert!(oracle.dependencies.is_empty(), "{name} depends on {:?}", oracle.dependencies);
        let files = files_under(&workspace().join("crates").join(name));
        assert!(!files.is_empty());
        for file in files {
            for (number, line) in live_lines(&file) {
                for way_in in ["include!", "include_str!", "#[path", "extern crate", checked] {
                    assert!(!line.contains(way_in), "{}:{number}: {way_in} leads elsewhere", file.display());
                }
            }
        }
    }
}

#[test]
fn nothing_banned_is_in_the_tree() {
    let metadata = metadata();
    for package in &metadata.packages {
        for (name, reason) in BANNED {
            assert_ne!(package.name.as_str(), name, "{name} is in the tree: {reason}");
        }
        let licence = package.license.as_deref().unwrap_or_default();
        // A choice that includes another licence is a choice for us.
        let must_take_gpl = licence.contains("GPL") && !licence.contains(" OR ");
        assert!(!must_take_gpl, "{} is under {licence}", package.name);
        assert!(
            package.license.is_some() || package.license_file.is_some(),
            "{} names no licence; look before shipping it",
            package.name
        );
    }
}

#[test]
fn the_rules_are_pure() {
    let crates = workspace().join("crates");
    let folders = PURE
        .iter()
        .map(|(name, _)| crates.join(name).join("src"))
        .chain(SERVICES.iter().map(|name| crates.join(name).join("src/domain")))
        .collect::<Vec<_>>();
    let mut problems = Vec::new();
    for folder in &folders {
        let files = files_under(folder);
        assert!(!files.is_empty(), "{} has no rules: was it renamed?", folder.display());
        for file in files {
            for (number, line) in live_lines(&file) {
                for (word, reason) in IMPURE {
                    if line.contains(word) {
                        problems.push(format!("{}:{number}: `{word}`: {reason}", file.display()));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn the_rules_deny_unchecked_arithmetic() {
    let crates = workspace().join("crates");
    let heads = PURE
        .iter()
        .map(|(name, _)| crates.join(name).join("src/lib.rs"))
        .chain(SERVICES.iter().map(|name| crates.join(name).join("src/domain/mod.rs")));
    for head in heads {
        let text = fs::read_to_string(&head).unwrap();
        assert!(text.contains("clippy::arithmetic_side_effects"), "{} does not deny it", head.display());
    }
}

#[test]
fn inside_a_service_the_layers_hold() {
    let crates = workspace().join("crates");
    let mut problems = Vec::new();
    for service in SERVICES {
        for (layer, forbidden) in [
            ("domain", ["crate::store", "crate::http", "crate::bus", "crate::flows"].as_slice()),
            ("store", ["crate::http", "crate::bus", "crate::flows"].as_slice()),
            ("bus", ["diesel", "crate::http", "crate::store"].as_slice()),
            ("http", ["diesel", "crate::bus", "crate::store"].as_slice()),
        ] {
            for file in files_under(&crates.join(service).join("src").join(layer)) {
                for (number, line) in live_lines(&file) {
                    for word in forbidden {
                        if line.contains(word) {
                            problems
                                .push(format!("{}:{number}: {layer}/ may not use {word}", file.display()));
                        }
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Of two migrations with one version only one is ever run, and nothing says so.
#[test]
fn every_migration_has_a_version_of_its_own() {
    let mut versions = BTreeSet::new();
    for folder in fs::read_dir(workspace().join("crates")).unwrap().flatten() {
        let Ok(migrations) = fs::read_dir(folder.path().join("migrations")) else { continue };
        for migration in migrations.flatten() {
            let name = migration.file_name().into_string().unwrap();
            let (version, _what) = name.split_once('_').unwrap();
            assert!(
                versions.insert((folder.file_name(), version.to_owned())),
                "{} has two migrations {version}",
                folder.path().display()
            );
        }
    }
    assert!(versions.len() > 10, "only {} were found", versions.len());
}

#[test]
fn files_keep_to_one_subject() {
    let crates = workspace().join("crates");
    for file in files_under(&crates) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= FILE_LINES_MAX, "{} has {lines} lines, more than {FILE_LINES_MAX}", file.display());
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            !["utils", "util", "helpers", "common", "misc"].contains(&name.as_str()),
            "{}: a grab-bag name hides what is in it",
            file.display()
        );
    }
}

#[test]
fn every_crate_says_what_it_is() {
    for package in metadata().workspace_packages() {
        let readme = package.manifest_path.parent().unwrap().join("README.md");
        let text = fs::read_to_string(&readme).unwrap_or_default();
        assert!(
            text.lines().count() >= 5,
            "{} needs a README.md that says what the crate is for",
            package.name
        );
        assert_eq!(package.license.as_deref(), Some("Apache-2.0"), "{}", package.name);
    }
}

#[test]
fn every_service_documents_every_setting() {
    for service in SERVICES.into_iter().chain([PAGES]) {
        let path = workspace().join("crates").join(service).join("settings.default.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut previous_is_comment = false;
        for (number, line) in text.lines().enumerate() {
            let is_key = line.contains('=') && !line.trim_start().starts_with('#');
            assert!(
                !is_key || previous_is_comment || line.contains(" # "),
                "{}:{}: the setting has no comment above or beside it",
                path.display(),
                number + 1
            );
            previous_is_comment = line.trim_start().starts_with('#');
        }
    }
}
