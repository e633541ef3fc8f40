//! Parsers of option values.

use std::time::Duration;

use ipnet::IpNet;
use netperf_core::sample::state_set::StateSet;
use netperf_sys::capture::Scope;

use crate::view::socket_filter::{STATE_NAMES, states_named};

pub(in crate::cmd) fn interval(text: &str) -> Result<Duration, String> {
    seconds(text, 0.1..=3600.0).ok_or_else(|| "a tick lasts 0.1 to 3600 seconds".to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const CENTURY: f64 = 3.2e9;
    seconds(text, 0.001..=CENTURY).ok_or_else(|| "not a number of seconds above 0".to_owned())
}

pub(in crate::cmd) fn seconds(
    text: &str,
    allowed: std::ops::RangeInclusive<f64>,
) -> Option<Duration> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| allowed.contains(seconds))?;
    Duration::try_from_secs_f64(seconds).ok()
}

pub(in crate::cmd) fn network(text: &str) -> Result<IpNet, String> {
    let host = || text.parse::<std::net::IpAddr>().map(IpNet::from).ok();
    text.parse().ok().or_else(host).ok_or_else(|| {
        "not a network such as `10.0.0.0/8` or `2001:db8::/32`, nor an address".to_owned()
    })
}

pub(in crate::cmd) fn states(text: &str) -> Result<StateSet, String> {
    states_named(text).ok_or_else(|| format!("the states are: {STATE_NAMES}"))
}

pub(in crate::cmd) fn scope(text: &str) -> Result<Scope, String> {
    match text {
        "all" => Ok(Scope::All),
        "self" => Ok(Scope::Own),
        pid => {
            let tgid = pid.parse().map(Scope::Of).ok();
            tgid.ok_or_else(|| "neither `all`, nor `self`, nor the number of a process".to_owned())
        }
    }
}

/// Parses the time to wait for one answer.
pub(in crate::cmd) fn patience(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|it| (0.001..=600.0).contains(it));
    let seconds = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
    seconds.ok_or_else(|| "not a number of seconds between 0.001 and 600".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_may_be_a_single_address() {
        assert_eq!(network("10.0.0.0/8").unwrap().to_string(), "10.0.0.0/8");
        assert_eq!(network("10.0.0.5").unwrap().to_string(), "10.0.0.5/32");
        assert_eq!(
            network("2001:db8::1").unwrap().to_string(),
            "2001:db8::1/128"
        );
    }
}
