//! `attribution serve | migrate | check-settings | print-openapi`.

fn main() -> std::process::ExitCode {
    process::main::<attribution::Attribution>()
}
