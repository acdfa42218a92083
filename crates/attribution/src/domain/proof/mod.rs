//! The rules, proven: a player that feeds a journey as the service does, random journeys in random orders, a second
//! implementation to agree with, hand-written cases, and rules that are broken on purpose to see whether those notice.

mod oracle;
mod order;
mod random;
mod replay;
mod service;
mod tape;
mod vectors;

/// How many random cases: as many as a pull request can wait for, or a share of what `make proof` asks for.
fn cases(unasked: u32, share: u32) -> u32 {
    let asked = std::env::var("PROOF_CASES").ok().and_then(|count| count.parse::<u32>().ok());
    asked.map_or(unasked, |count| count / share)
}
