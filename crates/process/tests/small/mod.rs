//! The smallest service as a process.

#![allow(dead_code, reason = "each test binary uses a part")]

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

pub const PASSWORD: &str = "hunter2";

#[derive(Debug)]
pub struct Small {
    command: Command,
}

#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Small {
    pub fn with(arguments: &[&str]) -> Self {
        let mut command = Command::new(executable());
        command.args(arguments).env_clear().env("SMALL__PASSWORD", PASSWORD).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command }
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn run(mut self) -> Ended {
        let output = self.command.output().unwrap();
        Ended {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts it and returns once it has logged `message`.
    pub fn start_until(mut self, message: &str) -> Running {
        let mut child = self.command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut running = Running { child, stdout, log: String::new() };
        running.wait_for(message);
        running
    }
}

pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: String,
}

impl Running {
    pub fn wait_for(&mut self, message: &str) {
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).unwrap();
            self.log.push_str(&line);
            assert_ne!(read, 0, "ended without saying {message:?}: {}", self.log);
            if line.contains(message) {
                return;
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub fn end(mut self) -> Ended {
        self.stdout.read_to_string(&mut self.log).unwrap();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        Ended { code, stdout: std::mem::take(&mut self.log), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only a failed test leaves it running.
        self.child.kill().unwrap_or_default();
    }
}

/// `cargo test` and nextest build the examples of a crate beside its tests: `<target>/debug/{deps,examples}`.
fn executable() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let path = profile.join("examples/smallest_service");
    assert!(path.exists(), "{} is missing: build the examples of this crate", path.display());
    path
}
