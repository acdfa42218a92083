//! The shapes between services only ever grow. `contract.lock` holds every field; this test names the rule that broke.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf};

use prost::Message as _;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};

fn lock_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../proto-schemas/contract.lock")
}

fn message_lines(scope: &str, message: &DescriptorProto, lines: &mut BTreeSet<String>) {
    let name = format!("{scope}.{}", message.name());
    for field in &message.field {
        let kind = if field.type_name().is_empty() {
            format!("{:?}", field.r#type()).to_lowercase()
        } else {
            field.type_name().trim_start_matches('.').to_owned()
        };
        let label = if field.proto3_optional() {
            "optional".to_owned()
        } else {
            format!("{:?}", field.label()).to_lowercase()
        };
        let oneof = match field.oneof_index {
            Some(index) if !field.proto3_optional() => {
                format!(" oneof={}", message.oneof_decl[usize::try_from(index).unwrap()].name())
            }
            _ => String::new(),
        };
        lines.insert(format!("{name} {:03} {} {label} {kind}{oneof}", field.number(), field.name()));
    }
    for nested in &message.nested_type {
        message_lines(&name, nested, lines);
    }
    for nested in &message.enum_type {
        enum_lines(&name, nested, lines);
    }
}

fn enum_lines(scope: &str, kind: &EnumDescriptorProto, lines: &mut BTreeSet<String>) {
    for value in &kind.value {
        lines.insert(format!("{scope}.{} {:03} {} value", kind.name(), value.number(), value.name()));
    }
}

fn current() -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(contracts::DESCRIPTORS).unwrap();
    let mut lines = BTreeSet::new();
    for file in set.file.iter().filter(|file| file.package().starts_with("gokart.")) {
        for message in &file.message_type {
            message_lines(file.package(), message, &mut lines);
        }
        for kind in &file.enum_type {
            enum_lines(file.package(), kind, &mut lines);
        }
    }
    lines
}

#[test]
fn the_lock_matches_the_schemas() {
    let current = current();
    if std::env::var_os("GOKART_WRITE_LOCK").is_some() {
        let locked = fs::read_to_string(lock_path()).unwrap_or_default();
        let mut lines: BTreeSet<String> = locked.lines().map(str::to_owned).collect();
        lines.extend(current.iter().cloned());
        let text = lines.iter().fold(String::new(), |mut text, line| {
            writeln!(text, "{line}").unwrap();
            text
        });
        fs::write(lock_path(), text).unwrap();
    }
    let locked: BTreeSet<String> =
        fs::read_to_string(lock_path()).unwrap().lines().map(str::to_owned).collect();
    let gone: Vec<_> = locked.difference(&current).collect();
    assert!(
        gone.is_empty(),
        "published fields may never change or go away (number, name, label and type stay): {gone:#?}\n\
         add a new field with a new number instead; see proto-schemas/README.md"
    );
    let new: Vec<_> = current.difference(&locked).collect();
    assert!(
        new.is_empty(),
        "new fields are not in the lock yet; run `make proto-lock` and commit it: {new:#?}"
    );
}

#[test]
fn every_fact_is_a_message_of_the_schemas() {
    let current = current();
    for name in contracts::FACTS {
        let is_known = current.iter().any(|line| line.starts_with(&format!("{name} ")));
        assert!(is_known, "{name} is no message of the schemas");
    }
}

#[test]
fn every_fact_has_one_name_and_one_route() {
    let names: BTreeSet<_> = contracts::FACTS.iter().collect();
    let routes: BTreeSet<_> = contracts::ROUTES.iter().collect();
    assert_eq!((names.len(), routes.len()), (contracts::FACTS.len(), contracts::ROUTES.len()));
    for (name, (exchange, _key)) in contracts::FACTS.iter().zip(contracts::ROUTES) {
        // `catalog.events` carries `gokart.catalog.v1.…` and nobody else's.
        let owner = exchange.strip_suffix(".events").unwrap();
        assert!(name.starts_with(&format!("gokart.{owner}.v")), "{name} on {exchange}");
    }
}
