//! The commands. Each reads its options once; no later code sees them.

pub mod args;
pub mod cli;
mod dns;
mod doctor;
mod http;
mod limit;
mod listing;
mod live;
mod logging;
mod nic;
mod path;
mod pointing;
mod preflight;
mod session;
mod sockets;
mod states;
mod verdict;

pub use self::logging::report;

use anyhow::Context;

use self::cli::{Cli, Command};

/// Runs a command.
///
/// # Errors
///
/// The command fails; [`crate::exit::status_of`] gives the exit status.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    let common = &cli.common;
    match cli.command {
        Command::Top(args) => in_loop(live::run(args.options(), common)),
        Command::Flows(args) => in_loop(live::run(args.options(), common)),
        Command::Retrans(args) => in_loop(live::run(args.view(), common)),
        Command::Latency(args) => in_loop(live::run(args.options(), common)),
        Command::Sockets(args) => in_loop(sockets::run(args, common)),
        Command::States(args) => in_loop(states::run(args, common)),
        Command::Nic(args) => in_loop(nic::run(args, common)),
        Command::Limit(args) => limit::run(*args, common),
        Command::Path(args) => in_loop(path::run(*args, common)),
        Command::Dns(args) => in_loop(dns::run(args, common)),
        Command::Http(args) => in_loop(http::run(*args, common)),
        Command::Doctor(args) if args.kernel => preflight::run(common),
        Command::Doctor(args) => in_loop(doctor::run(args, common)),
    }
}

fn in_loop(session: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("can't start the event loop")?;
    let result = runtime.block_on(session);
    // A write without a reader must not delay the end.
    runtime.shutdown_background();
    result
}
