//! `bench`: see README.md.

fn main() -> std::process::ExitCode {
    bench::main()
}
