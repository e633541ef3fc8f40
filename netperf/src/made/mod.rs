//! Samples made by hand, for tests.

mod sockets;

pub(crate) use sockets::{every_socket, socket, sockets};

use std::sync::Arc;
use std::time::Duration;

use caps::Capability;

use crate::clock::{MonoNs, WallNs};
use crate::collect::{AttachedHook, HookKind, Provenance};
use crate::machine::{
    Btf, CgroupVersion, Feature, HeldRight, KernelFacts, Lockdown, Machine, Mounted, SetTrial,
    Trial,
};
use crate::model::Model;
use crate::model::dns_watch::{DnsQuery, QueryEnd};
use crate::sample::dns::Rcode;
use crate::sample::happening::{Happening, Transition, What};
use crate::sample::limit::{LimitRecord, LimitSample, LimitedProcess, Queue};
use crate::sample::losses::{DropReading, DropReason, Kinds, Losses, ResetDirection, ResetReading};
use crate::sample::{
    FlowId, FlowReading, LinkReading, Process, ProcessId, ProcessReading, Proto, Sample, TcpState,
    TracerCost,
};
use crate::view::envelope::{SCHEMA, Start};
use crate::view::time::Rfc3339;

/// 2026-11-22T09:41:00Z.
const EPOCH_NS: u64 = 1_795_340_460_000_000_000;

/// An empty sample so long after the boot of an imaginary machine.
pub(crate) fn at(since_boot: Duration) -> Sample {
    let ns = u64::try_from(since_boot.as_nanos()).unwrap();
    Sample {
        at: MonoNs(ns),
        wall: WallNs(EPOCH_NS + ns),
        tracer: TracerCost {
            cpu: since_boot / 1_000,
            memory_bytes: 24_000_000,
        },
        ..Sample::default()
    }
}

/// An empty sample so many seconds after boot.
pub(crate) fn second(second: u64) -> Sample {
    at(Duration::from_secs(second))
}

/// A query of `curl` for an address of `name`, and its end.
pub(crate) fn query(tgid: u32, name: &str, end: QueryEnd) -> DnsQuery {
    DnsQuery {
        at: MonoNs(1),
        process: process(tgid, "curl"),
        name: name.to_owned(),
        kind: "A".to_owned(),
        netns: Some(70),
        resolver: ([10, 0, 0, 1], 53).into(),
        proto: Proto::Udp,
        retries: 0,
        is_settled: false,
        end,
    }
}

/// An end after so many milliseconds.
pub(crate) fn answered(rcode: Rcode, ms: u64) -> QueryEnd {
    QueryEnd::Answered {
        rcode,
        truncated: false,
        took: Duration::from_millis(ms),
    }
}

/// A process of the user `backup`.
pub(crate) fn process(tgid: u32, name: &str) -> Arc<Process> {
    Arc::new(Process {
        id: ProcessId {
            tgid,
            start: MonoNs(1_000 + u64::from(tgid)),
        },
        host_tgid: None,
        started: WallNs(EPOCH_NS),
        name: name.to_owned(),
        exe: Some(format!("/usr/bin/{name}")),
        cmdline: Some(vec![name.to_owned(), "--verbose".to_owned()]),
        uid: Some(34),
        user: Some("backup".to_owned()),
        cgroup: Some(format!("/system.slice/{name}.service")),
        unit: Some(format!("{name}.service")),
        container: None,
        netns: Some(NETNS),
    })
}

/// What a living process moved since start.
pub(crate) fn moved(process: &Arc<Process>, tx_bytes: u64, rx_bytes: u64) -> ProcessReading {
    ProcessReading {
        process: Arc::clone(process),
        tx_bytes,
        rx_bytes,
        retrans: 0,
        alive: true,
        last: false,
    }
}

/// What an established TCP flow moved since start.
pub(crate) fn flow(
    process: &Arc<Process>,
    socket: u64,
    tx_bytes: u64,
    rx_bytes: u64,
) -> FlowReading {
    FlowReading {
        id: FlowId {
            socket,
            process: process.id,
        },
        process: Arc::clone(process),
        proto: Proto::Tcp,
        local: "10.0.0.5:44321".parse().unwrap(),
        remote: "192.168.50.20:873".parse().unwrap(),
        netns: NETNS,
        tx_bytes,
        rx_bytes,
        state: Some(TcpState::Established),
        srtt_us: Some(1_234),
        retrans: Some(0),
        retransmitted: 0,
        losses: None,
        closed: false,
    }
}

/// The network namespace of all that is made here.
pub(crate) const NETNS: u32 = 4_026_531_840;

/// A transition of a process's connection between these ends.
pub(crate) fn transition(
    process: &Arc<Process>,
    (local, remote): (&str, &str),
    (old, new): (TcpState, TcpState),
) -> Happening {
    Happening {
        at: MonoNs(5),
        wall: WallNs(1_000_000_000),
        process: Arc::clone(process),
        local: local.parse().unwrap(),
        remote: remote.parse().unwrap(),
        netns: NETNS,
        what: What::Transition(Transition {
            socket: 9,
            old,
            new,
            in_old_us: Some(500_000),
            accepted: false,
            fin_arrived: false,
            failed: false,
        }),
    }
}

/// An interface of 1 Gbit/s.
pub(crate) fn link(name: &str, tx_bytes: u64, rx_bytes: u64) -> LinkReading {
    LinkReading {
        name: name.to_owned(),
        index: 2,
        tx_bytes,
        rx_bytes,
        speed_mbit: Some(1_000),
        up: true,
        addresses: vec!["10.0.0.5".parse().unwrap()],
    }
}

/// A session of some processes with flows, three ticks long.
pub(crate) fn session() -> Model {
    let (rsync, nginx) = (process(8821, "rsync"), process(412, "nginx"));
    let evil = process(9000, "\x1b[2Jevil");
    let tick = |n: u64| Sample {
        processes: vec![
            moved(&rsync, n * 52_428_800, n * 1_000),
            moved(&nginx, n * 1_500_000, n * n * 400_000),
            moved(&evil, 12, 0),
        ],
        flows: vec![
            flow(&rsync, 1, n * 52_428_800, n * 1_000),
            flow(&nginx, 2, n * 1_500_000, n * n * 400_000),
            FlowReading {
                proto: Proto::Udp,
                local: "[::]:5353".parse().unwrap(),
                remote: "[::]:0".parse().unwrap(),
                state: None,
                srtt_us: None,
                retrans: None,
                ..flow(&evil, 3, 12, 0)
            },
        ],
        links: vec![link("eth0", n * 55_000_000, n * 2_000_000)],
        ..second(n)
    };
    let mut model = Model::new(&Sample {
        links: vec![link("eth0", 0, 0)],
        ..second(0)
    });
    for n in 1..=3 {
        model.advance(&tick(n));
    }
    model
}

/// A flow that has sent so many segments again.
fn lossy(owner: &Arc<Process>, socket: u64, retransmitted: u64, sent_segments: u32) -> FlowReading {
    let events = Kinds {
        rto: u32::try_from(retransmitted.min(2)).unwrap(),
        ..Kinds::default()
    };
    FlowReading {
        retransmitted,
        losses: Some(Losses {
            events,
            sent_segments,
            cwnd: Some(10),
        }),
        ..flow(owner, socket, 1_000, 0)
    }
}

/// Two processes; one of them sent 5 of 100 segments again in the last tick, and reset once.
pub(crate) fn lossy_session() -> Model {
    let (rsync, nginx) = (process(8821, "rsync"), process(412, "nginx"));
    let mut model = Model::new(&second(0));
    model.advance(&Sample {
        flows: vec![lossy(&rsync, 1, 2, 50), lossy(&nginx, 2, 0, 10)],
        processes: vec![moved(&rsync, 1_000, 0), moved(&nginx, 1_000, 0)],
        ..second(1)
    });
    let reset = |process: &Arc<Process>, direction, count| ResetReading {
        process: Arc::clone(process),
        direction,
        local: "10.0.0.5:80".parse().unwrap(),
        remote: "10.0.0.9:1024".parse().unwrap(),
        netns: 0,
        state: None,
        count,
    };
    let drops = vec![DropReading {
        reason: DropReason::SocketRcvbuff,
        process: None,
        proto: Some(Proto::Udp),
        local_port: Some(53),
        netns: 7,
        packets: 9,
    }];
    model.advance(&Sample {
        flows: vec![
            lossy(&rsync, 1, 7, 100),
            lossy(&rsync, 3, 0, 50),
            lossy(&nginx, 2, 0, 60),
        ],
        processes: vec![moved(&rsync, 2_000, 0), moved(&nginx, 2_000, 0)],
        resets: vec![
            reset(&rsync, ResetDirection::Sent, 1),
            reset(&nginx, ResetDirection::Received, 3),
        ],
        drops,
        ..second(2)
    });
    model
}

/// The beginning of [`session`].
pub(crate) fn start() -> Start {
    Start {
        schema: SCHEMA,
        version: "0.1.0",
        command: "top",
        time: Rfc3339(WallNs(EPOCH_NS)),
        host: "db1".to_owned(),
        kernel: "6.18.44".to_owned(),
        interval_s: 1.0,
        hooks: vec![AttachedHook {
            name: "tcp_send",
            attach: "tp_btf/sock_send_length".to_owned(),
        }],
        unavailable: Vec::new(),
    }
}

/// A hardened machine that counts with tracepoints.
pub(crate) fn machine() -> Machine {
    let right = |capability, required| HeldRight {
        capability,
        purpose: "to do something",
        required,
        held: true,
    };
    let works = |feature| Trial::of(feature, Ok::<(), String>(()));
    Machine {
        kernel: KernelFacts {
            host: Some("db1".to_owned()),
            release: Some("6.18.44".to_owned()),
            btf: Btf::Bytes(5_515_646),
            lockdown: Lockdown::Level("integrity".to_owned()),
            perf_event_paranoid: Some(3),
            unprivileged_bpf_disabled: Some(2),
            kptr_restrict: None,
            cgroups: CgroupVersion::Hybrid,
            tracefs: Mounted::Nowhere,
            bpffs: Mounted::At("/sys/fs/bpf".to_owned()),
            hidepid: None,
            own_proc: true,
            memlock_bytes: Some(0),
        },
        rights: vec![
            right(Capability::CAP_BPF, true),
            right(Capability::CAP_SYS_PTRACE, false),
        ],
        hook_sets: Ok(vec![
            SetTrial {
                kind: HookKind::Tracepoint,
                outcome: Ok(Provenance {
                    hooks: start().hooks,
                    unavailable: Vec::new(),
                }),
            },
            SetTrial {
                kind: HookKind::Fentry,
                outcome: Err("`tcp_send`: operation not permitted".to_owned()),
            },
        ]),
        features: vec![
            works(Feature::RingBuffer),
            works(Feature::Tbf),
            Trial::of(Feature::Fq, Err::<(), _>("not in this kernel")),
            works(Feature::InetDiag),
        ],
    }
}

/// A limit of 20 MB/s on what rsync sends.
pub(crate) fn limit_record(id: u8) -> LimitRecord {
    let process = |pid, name: &str| LimitedProcess {
        pid,
        start: MonoNs(5),
        name: name.to_owned(),
    };
    LimitRecord {
        id,
        holder: process(700, "netperf-trace"),
        processes: vec![process(9821, "rsync")],
        chosen_by: "--pid 9821".to_owned(),
        up_bytes_per_s: Some(20_000_000),
        down_bytes_per_s: None,
        mechanism: "bounce".to_owned(),
        since: WallNs(EPOCH_NS),
        until: None,
    }
}

/// Its reading after so many milliseconds.
pub(crate) fn limit_sample(ms: u64, bytes: u64) -> LimitSample {
    LimitSample {
        at: MonoNs(ms * 1_000_000),
        wall: WallNs(EPOCH_NS + ms * 1_000_000),
        pids: vec![9821],
        sockets: 2,
        mechanism: "bounce".to_owned(),
        up: Some(Queue {
            limit_bytes_per_s: 20_000_000,
            bytes,
            dropped: 0,
            queued_bytes: 1_000_000,
        }),
        down: None,
        uncovered: Vec::new(),
    }
}
