//! Reads the options of `path`.

use std::time::Duration;

use netperf_core::failure::Failure;
use netperf_core::sample::path::Method;
use netperf_diagnose::path::condition::needs_mtu;
use netperf_probe::path::Plan;

use super::args::PathArgs;
use super::{Destination, PathRun};
use crate::cmd::args::common::Common;
use crate::render::output::Format;

/// Cycles of a report by default.
const CYCLES: u64 = 10;

/// Length of a probe by default, in bytes.
const SIZE: u16 = 64;

impl PathRun {
    /// Reads the options.
    ///
    /// # Errors
    ///
    /// The host name is not valid.
    pub(super) fn new(args: PathArgs, common: &Common) -> Result<Self, Failure> {
        let method = match (args.udp, args.tcp) {
            (_, Some(port)) => Method::Tcp(port),
            (Some(port), None) => Method::Udp(port),
            (None, None) => Method::Icmp,
        };
        let family = (args.ipv4 || args.ipv6).then_some(args.ipv6);
        let cycles = args.cycles.or(common.count);
        Ok(Self {
            destination: match (args.of_process, args.host) {
                (Some(tgid), _) => Destination::OfProcess(tgid),
                (None, host) => Destination::Host {
                    name: named(&host.unwrap_or_default())?,
                    wants_all: args.all,
                },
            },
            family,
            method,
            size: args.size.unwrap_or(SIZE),
            looks_for_mtu: args.mtu || args.fail_if.iter().any(needs_mtu),
            plan: Plan {
                max_hops: args.max_hops,
                interval: args
                    .every
                    .or(common.interval)
                    .unwrap_or(Duration::from_secs(1)),
                timeout: args.timeout,
                cycles: cycles.or(args.report.then_some(CYCLES)),
            },
            duration: common.duration,
            fail_if: args.fail_if,
            format: common.format(|style| {
                if args.report {
                    Format::Text(style)
                } else {
                    Format::Nothing
                }
            }),
            is_report: args.report && !common.json,
        })
    }
}

/// The host without the brackets of an IPv6 address.
fn named(host: &str) -> Result<String, Failure> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if bare.is_empty() || bare.contains(char::is_whitespace) || bare.contains('\0') {
        return Err(Failure::Usage(format!("invalid host name `{host}`")));
    }
    Ok(bare.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cmd::cli::{Cli, Command};

    fn parsed(options: &str) -> Result<PathRun, String> {
        let line = format!("netperf-trace path {options}");
        let cli =
            Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?;
        let Command::Path(args) = cli.command else {
            panic!("another command");
        };
        PathRun::new(*args, &cli.common).map_err(|error| error.to_string())
    }

    #[test]
    fn probes_are_icmp_echo_unless_an_option_sets_another_kind() {
        assert_eq!(parsed("host").unwrap().method, Method::Icmp);
        assert_eq!(parsed("--udp host").unwrap().method, Method::Udp(33_434));
        assert_eq!(parsed("--udp=53 host").unwrap().method, Method::Udp(53));
        assert_eq!(parsed("--tcp 443 host").unwrap().method, Method::Tcp(443));
        for wrong in [
            "--udp --tcp 1 host",
            "--tcp 0 host",
            "--tcp 1 --size 100 host",
            "--size 63 host",
            "-4 -6 host",
        ] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_report_ends_by_itself_and_a_view_does_not() {
        assert_eq!(parsed("host").unwrap().plan.cycles, None);
        assert_eq!(parsed("host --report").unwrap().plan.cycles, Some(10));
        assert_eq!(parsed("host --report -c 3").unwrap().plan.cycles, Some(3));
        assert_eq!(parsed("host -n 4").unwrap().plan.cycles, Some(4));
        assert!(parsed("host --report").unwrap().is_report);
        let run = parsed("host --report --json").unwrap();
        assert_eq!((run.format, run.is_report), (Format::Json, false));
    }

    #[test]
    fn a_host_or_a_process_is_needed_and_never_both() {
        assert!(parsed("").is_err());
        assert!(parsed("host --of-process 1").is_err());
        assert_eq!(
            parsed("--of-process 7").unwrap().destination,
            Destination::OfProcess(7)
        );
        let bracketed = parsed("[::1]").unwrap().destination;
        assert_eq!(
            bracketed,
            Destination::Host {
                name: "::1".to_owned(),
                wants_all: false
            }
        );
    }

    #[test]
    fn a_bound_on_the_mtu_looks_for_it() {
        let run = parsed("host --fail-if loss>1,mtu<1500").unwrap();
        assert!(run.looks_for_mtu && run.fail_if.len() == 2);
        assert!(
            parsed("host --fail-if avg>200")
                .unwrap_err()
                .contains("no time")
        );
    }
}
