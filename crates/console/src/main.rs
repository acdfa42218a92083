//! `console serve | migrate | check-settings`.

fn main() -> std::process::ExitCode {
    process::main::<console::Console>()
}
