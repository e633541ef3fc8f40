//! How does a session begin? With the line that says what counts, and the reading that the first tick
//! is measured from.

use netperf_core::clock;
use netperf_core::collect::Feed;
use netperf_core::failure::Failure;
use netperf_core::sample::{LinkReading, Sample};

use crate::cmd::config::Config;
use crate::view::envelope::{SCHEMA, Start};
use crate::view::time::Rfc3339;

/// How a session begins.
pub(super) struct Opening {
    pub(super) start: Start,
    /// The reading that the first tick is measured from; a recording may have none.
    pub(super) base: Option<Sample>,
}

impl Opening {
    /// Takes the first reading.
    pub(super) fn new(config: &Config, feed: &mut impl Feed) -> anyhow::Result<Self> {
        let time = Rfc3339(clock::now().1);
        let base = feed.next()?;
        if let Some(iface) = config.view.iface() {
            check_iface(iface, base.as_ref().map_or(&[], |base| &base.links))?;
        }
        let host = rustix::system::uname();
        let provenance = feed.provenance().clone();
        let start = Start {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            command: config.view.command(),
            time,
            host: host.nodename().to_string_lossy().into_owned(),
            kernel: host.release().to_string_lossy().into_owned(),
            interval_s: config.timing.interval.as_secs_f64(),
            hooks: provenance.hooks,
            unavailable: provenance.unavailable,
        };
        Ok(Self { start, base })
    }
}

/// A wrong name would wait for ever.
fn check_iface(iface: &str, links: &[LinkReading]) -> Result<(), Failure> {
    if links.is_empty() || links.iter().any(|link| link.name == iface) {
        return Ok(());
    }
    let names: Vec<_> = links
        .iter()
        .map(|link| format!("`{}`", link.name))
        .collect();
    let names = names.join(", ");
    Err(Failure::Usage(format!(
        "there is no interface `{iface}`, but {names}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use netperf_core::fixtures::link;

    #[test]
    fn an_interface_that_is_not_there_is_wrong_usage() {
        let links = [link("lo", 0, 0), link("eth0", 0, 0)];
        assert!(check_iface("eth0", &links).is_ok());
        let error = check_iface("eht0", &links).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no interface `eht0`, but `lo`, `eth0`"
        );
        assert!(
            check_iface("eth0", &[]).is_ok(),
            "where no interface can be read, none is denied"
        );
    }
}
