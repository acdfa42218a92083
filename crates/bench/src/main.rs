//! `bench`: see README.md.

// The handler that does nothing is this program: it must have the allocator that the services have, or it is no ceiling.
// They have the system's. The day they link another one, one line here decides:
// #[global_allocator] static ALLOCATOR: … = …;

fn main() -> std::process::ExitCode {
    bench::main()
}
