//! Load for benchmarks between two processes, each of which prints what it moved.
//!
//! `load serve WORK` prints its address and answers until its driver is done; `load drive WORK
//! ADDRESS` drives it for some time; `load hold` keeps connections open, and uses some on request.

mod drive;
mod hold;
mod moved;
mod serve;

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use crate::moved::Moved;

/// Bytes of a request and of a response.
const MESSAGE: usize = 64;
/// Bytes of one write of a bulk transfer.
const CHUNK: usize = 131_072;
/// Bytes that a short-lived process sends.
const ERRAND: usize = 65_536;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    end: End,
}

#[derive(Subcommand)]
enum End {
    /// Answer
    Serve {
        work: Work,
        #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
        bind: IpAddr,
    },
    /// Send requests, as fast as answers come
    Drive {
        work: Work,
        address: SocketAddr,
        #[arg(long, default_value_t = 1.0)]
        seconds: f64,
        /// Measure the latency of `rr` as well
        #[arg(long)]
        times: bool,
    },
    /// Be one of the short-lived processes of a swarm
    Errand { address: SocketAddr },
    /// Hold both ends of connections; each number on stdin is how many of them carry a byte
    Hold { connections: usize },
}

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Work {
    /// Small requests and responses on one connection
    Rr,
    /// One stream in one direction
    Bulk,
    /// A connection for each request
    Churn,
    /// A process for each connection
    Swarm,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(moved) => {
            let _ = writeln!(std::io::stdout(), "{moved}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<Moved> {
    match cli.end {
        End::Serve { work, bind } => serve::serve(work, bind),
        End::Drive {
            work,
            address,
            seconds,
            times,
        } => drive::drive(work, address, (seconds, times)),
        End::Errand { address } => drive::errand(address),
        End::Hold { connections } => hold::hold(connections),
    }
}
