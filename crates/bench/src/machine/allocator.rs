//! Which memory allocator a process has. An allocator can be worth a tenth of the speed: contestants must have the same.

use std::fs;

use anyhow::Context;

/// Every allocator writes its own name into the program that links it. Backwards here, because this program is looked
/// into as well.
const NAMES_BACKWARDS: [&str; 3] = ["collamej", "collamim", "collamns"];

/// The allocator of the program that this process runs, by name.
///
/// # Errors
/// When the program can not be read.
pub fn allocator_of(pid: u32) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/exe");
    let program = fs::read(&path).with_context(|| path.clone())?;
    let names = NAMES_BACKWARDS.map(|name| name.chars().rev().collect::<String>());
    let linked = names.into_iter().find(|name| contains(&program, name.as_bytes()));
    Ok(linked.unwrap_or_else(|| "the system's".to_owned()))
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_program_of_the_system_has_the_systems_allocator() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let found = allocator_of(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.unwrap(), "the system's");
    }

    #[test]
    fn a_name_is_found_wherever_it_stands() {
        assert!(contains(b"<name>: out of memory", b"name"));
        assert!(!contains(b"<nam>e", b"name"));
    }
}
