//! The program `netperf-trace`: parse, run, report, exit status.

use std::process::ExitCode;

use netperf::cmd::{self, cli::Cli};
use netperf::exit::{PassedOn, Status, status_of};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help is an error to clap too. If it can't be printed, there is no reader.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = cmd::run(cli);
    if let Err(error) = &result
        && let Some(&PassedOn(status)) = error.downcast_ref()
    {
        return ExitCode::from(status);
    }
    let status = status_of(&result);
    match &result {
        Err(error) if status != Status::Fine => cmd::report(error),
        _ => {}
    }
    status.into()
}
