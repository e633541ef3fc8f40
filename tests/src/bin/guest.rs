//! PID 1 of a virtual machine of `cargo xtask vm-test`: `guest [--smoke | --only PATH]`.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    netperf_tests::guest::run(&args).unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "guest: {error:#}");
        ExitCode::FAILURE
    })
}
