//! Do large packets pass, and if not, is anybody told?

use netperf_core::model::path::PathModel;
use netperf_core::sample::path::MtuReading;

use crate::{Finding, Level};

pub(super) fn of(path: &PathModel) -> Option<Finding> {
    let found = match path.mtu.as_ref()? {
        Ok(found) => found,
        Err(why) => return Some(unknown(format!("the probes failed: {why}"))),
    };
    let Some(passes) = found.passes else {
        return Some(unknown(
            "the destination does not answer ICMP echo that must not be cut".to_owned(),
        ));
    };
    let Some(link) = found.link else {
        return Some(plain(&format!(
            "packets of up to {passes} bytes pass; larger ones were not tried"
        )));
    };
    Some(match (found.told_by, passes < link) {
        (_, false) => plain(&format!(
            "packets of up to {passes} bytes pass, as large as the interface sends"
        )),
        (Some((router, mtu)), true) => {
            let named = mtu.map_or(String::new(), |mtu| format!(", and names {mtu}"));
            plain(&format!(
                "packets of up to {passes} bytes pass; {router} reports it{named}, so senders adapt (the \
                 interface sends {link})"
            ))
        }
        (None, true) => black_hole(path, found, passes, link),
    })
}

fn plain(what: &str) -> Finding {
    Finding {
        level: Level::Ok,
        what: format!("path MTU: {what}"),
        evidence: "found with ICMP echo that must not be cut".to_owned(),
        advice: Vec::new(),
    }
}

fn unknown(why: String) -> Finding {
    Finding {
        level: Level::Ok,
        what: "path MTU: not known".to_owned(),
        evidence: why,
        advice: Vec::new(),
    }
}

fn black_hole(path: &PathModel, found: &MtuReading, passes: u32, link: u32) -> Finding {
    let place = match found.lost_at {
        Some(ttl) => {
            let hop = path.hops().get(usize::from(ttl).saturating_sub(1));
            let name = hop.map_or(format!("hop {ttl}"), |hop| {
                crate::path::words::hop(ttl.into(), hop)
            });
            format!(" on the link in front of {name}")
        }
        None => String::new(),
    };
    Finding {
        level: Level::Critical,
        what: format!(
            "MTU black hole: packets of more than {passes} bytes vanish{place} without an error"
        ),
        evidence: format!(
            "{passes} bytes were answered, {} were not, with no ICMP \"too big\"; the interface sends {link}: \
             connections open and then hang with the first large answer",
            found.fails.unwrap_or(passes + 1)
        ),
        advice: vec![
            format!(
                "on this machine: a route with `mtu {passes}` (`ip route change … mtu {passes}`), or \
                 `sysctl -w net.ipv4.tcp_mtu_probing=1`"
            ),
            "on the router: let ICMP \"fragmentation needed\" (IPv6: \"packet too big\") pass, or clamp the \
             MSS"
                .to_owned(),
        ],
    }
}
