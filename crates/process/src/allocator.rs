//! The memory allocator of every service.
//!
//! What a batch needs is taken and given back in thousands of small pieces, on whichever thread runs it. The system's allocator took a
//! tenth of the CPU of attribution and of payout for that.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;
