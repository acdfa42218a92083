//! A page that lies is a bug: the README's commands exist and do what they say.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command};

fn workspace() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The lines of the `sh` blocks of a page.
fn commands(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(workspace().join(page)).unwrap();
    let mut inside = false;
    let mut commands = Vec::new();
    for line in text.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            command if inside && !command.is_empty() => commands.push(command.to_owned()),
            _ => {}
        }
    }
    commands
}

/// A stack of its own, so that a developer's is left alone: own state folder, ports and nodes.
fn run(command: &str, state: &Path, local: &Path) -> (bool, String) {
    let output = Command::new("bash")
        .args(["-c", command])
        .current_dir(workspace())
        .env("GOKART_STATE", state)
        .env("GOKART_NODES", local.join("nodes.env"))
        .output()
        .unwrap();
    let text = [String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)].concat();
    (output.status.success(), text)
}

#[test]
fn the_commands_of_the_readme_work() {
    let commands = commands("README.md");
    assert!(commands.iter().any(|command| command == "make run"), "{commands:?}");
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    // As root the servers run as users of their own, who must be able to enter.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (state, local) = (folder.path().join("state"), folder.path().join("local"));
    let mut failed = None;
    for command in &commands {
        // These two would run this very test, or for minutes: they must exist and be able to start.
        let command = match command.as_str() {
            "make test" | "make bench" => format!("{command} --dry-run"),
            command => command.to_owned(),
        };
        let (succeeded, output) = run(&command, &state, &local);
        if !succeeded {
            failed = Some(format!("`{command}` failed:\n{output}"));
            break;
        }
        if command == "make demo" {
            assert!(output.contains("The ledger adds up"), "the demo does not say how it ended:\n{output}");
        }
    }
    let (cleaned, output) = run("make clean", &state, &local);
    assert!(failed.is_none(), "{}", failed.unwrap());
    assert!(cleaned, "{output}");
}
