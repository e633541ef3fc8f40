//! Which addresses of the host do not work where another one does?

use netperf_core::model::http::{RequestRow, TargetRow};
use netperf_core::units::{counted, format_micros};

use crate::{Finding, Level};

/// Addresses that did not work where another one did.
pub(super) fn refused(target: &TargetRow) -> Option<Finding> {
    let saved = |it: &&RequestRow| it.remote.is_some() && !it.refused.is_empty();
    let request = target.requests.iter().find(saved)?;
    let (address, why) = request.refused.first()?;
    Some(Finding::new(
        Level::Warn,
        format!("an address of the host does not work: {address}"),
        format!("{why}; another one was used"),
        &["programs that try one address after the other wait for this one first: `--all` measures each"
            .to_owned()],
    ))
}

/// Addresses that had not answered when another one did: each new connection waits for them first.
pub(super) fn overtaken(target: &TargetRow) -> Option<Finding> {
    let is_new = |it: &&RequestRow| it.reused == Some(false);
    let connected = target.requests.iter().filter(is_new);
    let waited: Vec<&RequestRow> = connected
        .clone()
        .filter(|it| !it.overtaken.is_empty())
        .collect();
    let first = waited.first()?;
    let &(address, us) = first.overtaken.first()?;
    let used = first.remote?;
    let family = |is_ipv6: bool| if is_ipv6 { "IPv6" } else { "IPv4" };
    let (own, other) = (family(address.is_ipv6()), family(used.is_ipv6()));
    let mut advice = vec![format!(
        "look whether it can be reached: `netperf-trace path {} --tcp {}`; `--all` measures each address by itself",
        address.ip(),
        address.port()
    )];
    advice.push(if own == other {
        "take an address that does not work out of the DNS".to_owned()
    } else {
        format!(
            "if {own} is broken here only, mend or remove this machine's {own} route; if it is the server's, take \
             that record out of the DNS"
        )
    });
    Some(Finding::new(
        Level::Warn,
        format!(
            "{address} ({own}) does not answer in time, and each new connection waits for it first"
        ),
        format!(
            "it had not answered after {}, when {used} ({other}) had: {} of {}",
            format_micros(us),
            waited.len(),
            counted(
                connected.count() as u64,
                "new connection",
                "new connections"
            )
        ),
        &advice,
    ))
}
