//! Memory of a process, from `/proc`.

use std::fs;

use anyhow::Context;

/// One look at a process.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Bytes that are in memory now: `VmRSS`.
    pub resident: u64,
    /// The most that ever were: `VmHWM`.
    pub peak: u64,
}

impl Memory {
    /// Of this process, now.
    ///
    /// # Errors
    /// When it does not run.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let path = format!("/proc/{pid}/status");
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        let field = |name| bytes(&text, name).with_context(|| format!("{path} without {name}"));
        Ok(Self { resident: field("VmRSS:")?, peak: field("VmHWM:")? })
    }
}

/// The kernel writes `kB` and means 1024 bytes.
fn bytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_used_is_resident_and_stays_in_the_peak() {
        const TAKEN: usize = 64 << 20;
        let before = Memory::of(std::process::id()).unwrap();
        let taken = std::hint::black_box(vec![1_u8; TAKEN]);
        let with = Memory::of(std::process::id()).unwrap();
        // The kernel counts in batches: nine tenths must be seen.
        let seen = before.resident + (TAKEN as u64) * 9 / 10;
        assert!(with.resident >= seen, "{before:?} {with:?}");
        drop(taken);
        let after = Memory::of(std::process::id()).unwrap();
        assert!(after.resident < with.resident, "{after:?}");
        assert!(after.peak >= seen, "{after:?}");
    }
}
