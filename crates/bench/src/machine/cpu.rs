//! CPU time by process, from `/proc`. Throughput alone flatters whoever had the machine to itself: CPU seconds per event
//! say what an event costs, whoever else was running.

use std::{collections::HashMap, fs, time::Duration, time::Instant};

/// `USER_HZ`: the kernel shows times in hundredths of a second on every architecture Rust runs on.
const TICKS_PER_SECOND: u32 = 100;

/// Processes whose CPU time counts for a measurement.
#[derive(Debug, Clone)]
pub struct CpuMeter {
    watched: Vec<Watched>,
}

#[derive(Debug, Clone)]
struct Watched {
    name: &'static str,
    pid: u32,
    /// With its children, also those that have ended: a server that forks for each connection.
    with_children: bool,
}

/// One look at all clocks.
#[derive(Debug, Clone)]
pub struct CpuReading {
    at: Instant,
    ticks: Vec<(&'static str, u64)>,
    machine_busy: u64,
    machine_total: u64,
}

/// What was used between two looks.
#[derive(Debug, Clone, Default)]
pub struct CpuUse {
    /// By process, in the order in which they were added.
    pub by_process: Vec<(&'static str, Duration)>,
    /// Time between the looks.
    pub wall: Duration,
    /// Share of the machine that was busy, whoever it was; 1 is all cores.
    pub machine_busy: f64,
}

impl CpuMeter {
    /// Watches this process, which generates the load.
    pub fn of_generator() -> Self {
        Self { watched: Vec::new() }.with("generator", std::process::id())
    }

    /// Also watches a process.
    #[must_use]
    pub fn with(mut self, name: &'static str, pid: u32) -> Self {
        self.watched.push(Watched { name, pid, with_children: false });
        self
    }

    /// Also watches a process and all that it has started or will start.
    #[must_use]
    pub fn with_tree(mut self, name: &'static str, pid: u32) -> Self {
        self.watched.push(Watched { name, pid, with_children: true });
        self
    }

    /// Looks at all clocks now.
    pub fn read(&self) -> CpuReading {
        let tree = if self.watched.iter().any(|watched| watched.with_children) {
            children_by_parent()
        } else {
            HashMap::new()
        };
        let ticks = self.watched.iter().map(|watched| (watched.name, watched.ticks(&tree))).collect();
        let (machine_busy, machine_total) = machine();
        CpuReading { at: Instant::now(), ticks, machine_busy, machine_total }
    }

    /// What was used since `earlier`.
    pub fn since(&self, earlier: &CpuReading) -> CpuUse {
        let now = self.read();
        let by_process = now
            .ticks
            .iter()
            .zip(&earlier.ticks)
            .map(|((name, later), (_name, before))| (*name, duration(later.saturating_sub(*before))))
            .collect();
        let busy = now.machine_busy.saturating_sub(earlier.machine_busy);
        let total = now.machine_total.saturating_sub(earlier.machine_total).max(1);
        CpuUse {
            by_process,
            wall: now.at.saturating_duration_since(earlier.at),
            machine_busy: busy as f64 / total as f64,
        }
    }
}

impl CpuUse {
    /// CPU time of all watched processes together.
    pub fn total(&self) -> Duration {
        self.by_process.iter().map(|(_name, time)| *time).sum()
    }

    /// Share of the machine that went to processes nobody watched: noise, or somebody else's work.
    pub fn others(&self) -> f64 {
        let watched =
            self.total().as_secs_f64() / (self.wall.as_secs_f64() * cores() as f64).max(f64::EPSILON);
        (self.machine_busy - watched).max(0.0)
    }
}

impl Watched {
    fn ticks(&self, tree: &HashMap<u32, Vec<u32>>) -> u64 {
        let mut ticks = ticks_of(self.pid, self.with_children);
        if self.with_children {
            let mut todo = tree.get(&self.pid).cloned().unwrap_or_default();
            while let Some(pid) = todo.pop() {
                ticks += ticks_of(pid, true);
                todo.extend(tree.get(&pid).into_iter().flatten());
            }
        }
        ticks
    }
}

/// Cores of this machine.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The process that started `pid`.
pub fn parent_of(pid: u32) -> Option<u32> {
    stat(pid)?.get(1)?.parse().ok()
}

fn duration(ticks: u64) -> Duration {
    Duration::from_secs(ticks) / TICKS_PER_SECOND
}

/// User and system time; with those of children that have ended and been waited for, when asked.
fn ticks_of(pid: u32, with_ended_children: bool) -> u64 {
    let Some(fields) = stat(pid) else { return 0 };
    // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), which counts from 1 and includes pid and name.
    let last = if with_ended_children { 15 } else { 13 };
    fields.get(11..last).into_iter().flatten().filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// The fields of `/proc/<pid>/stat` from the state on. The name before it may hold spaces and brackets.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_name, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn children_by_parent() -> HashMap<u32, Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if let Some(parent) = parent_of(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    children
}

/// Busy and total ticks of all cores since the machine started.
fn machine() -> (u64, u64) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<u64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        // user nice system idle iowait irq softirq steal; guest time is inside user time.
        .take(8)
        .filter_map(|field| field.parse().ok())
        .collect();
    let total: u64 = fields.iter().sum();
    let idle: u64 = fields.iter().skip(3).take(2).sum();
    (total - idle, total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_this_process_is_seen() {
        let meter = CpuMeter::of_generator();
        let before = meter.read();
        let start = Instant::now();
        let mut sum = 0_u64;
        let used = loop {
            for _ in 0..1_000_000 {
                sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
            }
            let used = meter.since(&before);
            // However busy the machine is, this process gets some of it.
            if used.total() >= Duration::from_millis(50) {
                break used;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{used:?}");
        };
        assert!(used.machine_busy > 0.0, "{used:?}");
    }

    #[test]
    fn a_tree_holds_the_children_that_have_ended() {
        let meter = CpuMeter::of_generator().with_tree("tree", std::process::id());
        let before = meter.read();
        let burned = std::process::Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
            .status();
        assert!(burned.is_ok_and(|status| status.success()));
        let used = meter.since(&before);
        let time =
            |name| used.by_process.iter().find(|(known, _time)| *known == name).map(|(_name, time)| *time);
        assert!(time("tree") > time("generator"), "{used:?}");
    }

    #[test]
    fn this_process_has_a_parent() {
        assert!(parent_of(std::process::id()).is_some_and(|parent| parent > 0));
    }
}
