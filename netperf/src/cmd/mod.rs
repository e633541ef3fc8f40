//! What was asked for, and who does it? Raw options become a typed configuration here, once.

pub mod args;
mod config;
mod doctor;
mod help;
mod live;
mod logging;
mod signals;
mod timer;

pub use self::config::{Config, Job};
pub use self::doctor::Examination;
pub use self::logging::report;

use anyhow::Context;

/// Runs what the command line asks for.
///
/// # Errors
/// When it can't be done; [`crate::exit::status_of`] gives the exit status.
pub fn run(job: Job) -> anyhow::Result<()> {
    match job {
        Job::Watch(config) => watch(*config),
        Job::Examine(examination) => doctor::run(examination),
    }
}

fn watch(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start the event loop")?;
    let result = runtime.block_on(live::open_and_run(config));
    // A write that nobody reads must not hold up the end.
    runtime.shutdown_background();
    result
}
