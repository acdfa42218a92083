//! `bench`: see README.md.

// The handler that does nothing is this program: it must have the allocator that the services have, or it is no ceiling. It
// links `process` as they do, and so it has.

fn main() -> std::process::ExitCode {
    bench::main()
}
