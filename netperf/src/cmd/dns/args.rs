//! Which options does `dns` have?

use std::time::Duration;

use clap::Args;

/// Options of `dns`.
#[derive(Debug, Args)]
pub struct DnsArgs {
    /// A name or an address, a type of record, and further resolvers
    #[arg(
        required_unless_present = "watch",
        value_name = "NAME [TYPE] [@SERVER[:PORT]]"
    )]
    pub words: Vec<String>,
    /// Send nothing, show the queries of processes: each as it ends, and their sums once a tick
    #[arg(long, conflicts_with_all = ["words", "queries", "tcp", "only"])]
    pub watch: bool,
    /// Only queries of this process; may be given several times
    #[arg(
        short,
        long,
        value_name = "PID",
        value_delimiter = ',',
        requires = "watch"
    )]
    pub pid: Vec<u32>,
    /// Send so many queries to each resolver
    #[arg(short = 'c', long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub queries: u32,
    /// Over TCP
    #[arg(long)]
    pub tcp: bool,
    /// Use only the resolvers named with @, without those of /etc/resolv.conf and its search domains
    #[arg(long)]
    pub only: bool,
    /// Wait so long for each answer [default: as /etc/resolv.conf says, else 5]
    #[arg(long, value_name = "SECS", value_parser = patience)]
    pub timeout: Option<Duration>,
}

/// How long one answer may be waited for.
pub(in crate::cmd) fn patience(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|it| (0.001..=600.0).contains(it));
    let seconds = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
    seconds.ok_or_else(|| "not a number of seconds between 0.001 and 600".to_owned())
}
