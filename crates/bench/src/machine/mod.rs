//! What is measured with: the processor's clock of every process, and the promises of the two servers.

mod conditions;
mod cpu;

pub use conditions::{Conditions, assert_quorum};
pub use cpu::{CpuMeter, CpuUse, cores};
