//! What is measured with: clocks, memory and allocator of every process, and the promises of the two servers.

mod allocator;
mod conditions;
mod cpu;
mod memory;
mod plans;

pub use allocator::allocator_of;
pub use conditions::{Conditions, assert_quorum};
pub use cpu::{CpuMeter, CpuUse, cores};
pub use memory::Memory;
pub use plans::{Plans, Statement};
