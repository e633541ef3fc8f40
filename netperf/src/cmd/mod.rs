//! What was asked for, and who does it? Raw options become a typed configuration here, once.

pub mod args;
mod config;
mod dns;
mod doctor;
mod help;
mod http;
mod limit;
mod live;
mod logging;
mod nic;
mod path;
mod pointing;
mod preflight;
mod probing;
mod session;
mod sockets;
mod states;

pub use self::config::{Config, Job};
pub use self::dns::DnsJob;
pub use self::doctor::DoctorRun;
pub use self::http::HttpRun;
pub use self::limit::LimitRun;
pub use self::logging::report;
pub use self::nic::NicRun;
pub use self::path::PathRun;
pub use self::preflight::Preflight;
pub use self::sockets::SocketsRun;
pub use self::states::StatesRun;

use anyhow::Context;

/// Runs what the command line asks for.
///
/// # Errors
/// When it can't be done; [`crate::exit::status_of`] gives the exit status.
pub fn run(job: Job) -> anyhow::Result<()> {
    match job {
        Job::Watch(config) => in_loop(live::open_and_run(*config)),
        Job::Sockets(run) => in_loop(sockets::run(*run)),
        Job::States(run) => in_loop(states::run(*run)),
        Job::Dns(run) => in_loop(dns::run(*run)),
        Job::Http(run) => in_loop(http::run(*run)),
        Job::Nic(run) => in_loop(nic::run(*run)),
        Job::Limit(run) => limit::run(*run),
        Job::Doctor(run) => in_loop(doctor::run(*run)),
        Job::Path(run) => in_loop(path::run(*run)),
        Job::Preflight(preflight) => preflight::run(preflight),
    }
}

fn in_loop(session: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start the event loop")?;
    let result = runtime.block_on(session);
    // A write that nobody reads must not hold up the end.
    runtime.shutdown_background();
    result
}
