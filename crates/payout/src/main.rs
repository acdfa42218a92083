//! The program `payout`: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    process::main::<payout::Payout>()
}
