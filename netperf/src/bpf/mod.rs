//! Temporary: a made-up feed until the live one is merged. This file is to be overwritten.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{self, MonoNs, WallNs};
use crate::collect::{AttachedHook, Feed, FeedConfig, Provenance, Wanted};
use crate::sample::{
    FlowId, FlowReading, LinkReading, Process, ProcessId, ProcessReading, Proto, Sample, TcpState,
    TracerCost,
};

/// Opens the made-up feed.
///
/// # Errors
/// Never.
pub fn open(_: &FeedConfig) -> anyhow::Result<Demo> {
    let hook = |name, attach: &str| AttachedHook {
        name,
        attach: attach.to_owned(),
    };
    Ok(Demo {
        provenance: Provenance {
            hooks: vec![
                hook("tcp_send", "tp_btf/sock_send_length"),
                hook("tcp_receive", "tp_btf/sock_recv_length"),
            ],
            unavailable: Vec::new(),
        },
        ticks: 0,
        wanted: Wanted::default(),
    })
}

/// The made-up feed.
#[derive(Debug)]
pub struct Demo {
    provenance: Provenance,
    ticks: u64,
    wanted: Wanted,
}

const NAMES: [&str; 8] = [
    "rsync",
    "nginx",
    "postgres",
    "curl",
    "\x1b[31mevil",
    "prometheus",
    "sshd",
    "etcd",
];

fn process(n: u64) -> Arc<Process> {
    let name = NAMES[usize::try_from(n).unwrap_or(0) % NAMES.len()];
    Arc::new(Process {
        id: ProcessId {
            tgid: 1000 + u32::try_from(n * 37).unwrap_or(0),
            start: MonoNs(n),
        },
        started: WallNs(1_795_340_460_123_456_789 + n),
        name: name.to_owned(),
        exe: Some(format!("/usr/bin/{name}")),
        cmdline: Some(vec![
            format!("/usr/bin/{name}"),
            "-av".into(),
            format!("/srv/data/{n}"),
        ]),
        uid: Some(34),
        user: Some("backup".into()),
        cgroup: Some(format!("/system.slice/{name}.service")),
        unit: Some(format!("{name}.service")),
        container: None,
        netns: Some(4_026_531_840),
    })
}

fn total(n: u64, ticks: u64) -> u64 {
    (0..ticks).map(|t| if (t / (n + 1)).is_multiple_of(2) { 1 << (2 * n) } else { 0 } * (1 + (t * 7 + n) % 5)).sum()
}

impl Feed for Demo {
    fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
    }

    fn pump(&mut self) -> anyhow::Result<Duration> {
        Ok(Duration::from_millis(100))
    }

    fn next(&mut self) -> anyhow::Result<Option<Sample>> {
        let (at, wall) = clock::now();
        let ticks = self.ticks;
        self.ticks += 1;
        let processes = (0..12).map(|n| ProcessReading {
            process: process(n),
            tx_bytes: total(n, ticks) * 3,
            rx_bytes: total(11 - n, ticks),
            retrans: ticks / 5,
            alive: true,
        });
        let flows = (0..12).map(|n| FlowReading {
            id: FlowId {
                socket: n,
                process: process(n).id,
            },
            process: process(n),
            proto: if n % 3 == 0 { Proto::Udp } else { Proto::Tcp },
            local: SocketAddr::from(([10, 0, 0, 5], 40_000 + u16::try_from(n).unwrap_or(0))),
            remote: SocketAddr::from(([192, 168, 50, 20], 443)),
            netns: 4_026_531_840,
            tx_bytes: total(n, ticks) * 3,
            rx_bytes: total(11 - n, ticks),
            state: Some(TcpState::Established),
            srtt_us: Some(1_234),
            retrans: Some(0),
            closed: false,
        });
        Ok(Some(Sample {
            at,
            wall,
            processes: processes.collect(),
            flows: if self.wanted.flows {
                flows.collect()
            } else {
                Vec::new()
            },
            links: vec![LinkReading {
                name: "eth0".into(),
                index: 2,
                tx_bytes: ticks * 40_000_000,
                rx_bytes: ticks * 3_000_000,
                speed_mbit: Some(1000),
                up: true,
                addresses: vec![[10, 0, 0, 5].into()],
            }],
            tracer: TracerCost {
                cpu: clock::own_cpu(),
                memory_bytes: 24_000_000,
            },
            ..Sample::default()
        }))
    }

    fn finish(&mut self) -> anyhow::Result<Option<Sample>> {
        self.next()
    }
}
