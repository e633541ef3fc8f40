//! Warnings before a limit begins: who will suffer under it.

use netperf_core::sample::limit::Rates;
use netperf_core::units::{ByteRate, Units};

/// Programs that others wait for.
const DATABASES: [&str; 15] = [
    "postgres",
    "mysqld",
    "mariadbd",
    "mongod",
    "redis-server",
    "valkey-server",
    "memcached",
    "oracle",
    "sqlservr",
    "cassandra",
    "clickhouse-serv",
    "influxd",
    "etcd",
    "cockroach",
    "beam.smp",
];

/// What is known of the processes before they are limited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Name of each. Untrusted text.
    pub names: Vec<String>,
    /// What they listen on, as `tcp 0.0.0.0:443`.
    pub listens: Vec<String>,
    /// What they send now, if that is known.
    pub up_bytes_per_s: Option<u64>,
    /// What they receive now.
    pub down_bytes_per_s: Option<u64>,
}

/// What to tell before it is too late.
pub fn warnings(usage: &Usage, rates: Rates, units: Units) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut databases: Vec<&str> = usage.names.iter().map(String::as_str).collect();
    databases.retain(|name| DATABASES.contains(name));
    databases.dedup();
    if let Some(name) = databases.first() {
        warnings.push(format!(
            "{name} is a database: whoever queries it, or replicates from it, waits longer. Consider \
             limiting the client that causes the load, or run the backup with a limit of its own"
        ));
    }
    if let Some(first) = usage.listens.first() {
        let more = match usage.listens.len() {
            1 => String::new(),
            several => format!(" and {} more", several - 1),
        };
        warnings.push(format!(
            "it listens on {first}{more}: throttling a production service slows its users; consider \
             limiting the one client (its process, or the service's own limit for each connection)"
        ));
    }
    for (what, now, limit) in [
        ("send", usage.up_bytes_per_s, rates.up),
        ("receive", usage.down_bytes_per_s, rates.down),
    ] {
        let (Some(now), Some(limit)) = (now, limit) else {
            continue;
        };
        if now > limit.0 {
            let (now, limit) = (units.rate(ByteRate(now)), units.rate(limit));
            warnings.push(format!(
                "they {what} {now} now, more than the limit of {limit}: what they do takes longer from \
                 now on"
            ));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: Rates = Rates {
        up: Some(ByteRate(20_000_000)),
        down: None,
    };

    #[test]
    fn nobody_is_warned_of_a_client_below_its_limit() {
        let usage = Usage {
            names: vec!["rsync".into()],
            up_bytes_per_s: Some(20_000_000),
            down_bytes_per_s: Some(900_000_000),
            ..Usage::default()
        };
        assert!(warnings(&usage, RATES, Units::Auto).is_empty());
    }

    #[test]
    fn databases_services_and_what_is_used_now_are_named() {
        let usage = Usage {
            names: vec!["postgres".into(), "postgres".into()],
            listens: vec!["tcp 0.0.0.0:5432".into(), "tcp [::]:5432".into()],
            up_bytes_per_s: Some(50_000_000),
            down_bytes_per_s: None,
        };
        let all = warnings(&usage, RATES, Units::Auto);
        assert_eq!(all.len(), 3, "{all:#?}");
        assert!(all[0].starts_with("postgres is a database"));
        assert!(all[1].contains("tcp 0.0.0.0:5432 and 1 more: throttling a production service"));
        assert!(all[2].contains("send 50.0 MB/s now, more than the limit of 20.0 MB/s"));
    }
}
