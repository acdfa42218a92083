//! The invariants of the parser and of scrubbing, under whatever the fuzzer makes up.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/invariants/mod.rs"]
#[allow(dead_code, reason = "the properties use more of it")]
mod invariants;

fuzz_target!(|input: &[u8]| {
    let (label, query, body) = invariants::split(input);
    invariants::check(label.as_deref(), query, body);
});
