//! The same program with fault injection, for the crash tests alone.

fn main() -> std::process::ExitCode {
    daemon::main()
}
