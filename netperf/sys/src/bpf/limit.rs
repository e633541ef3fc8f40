//! Loads and attaches the programs of `limit`, and exchanges figures with them.

use std::collections::HashMap as Attached;
use std::fs::File;
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use aya::maps::{HashMap, Map, MapData, SkStorage};
use aya::programs::links::LinkOrder;
use aya::programs::tc::{SchedClassifierLinkId, TcAttachOptions};
use aya::programs::{CgroupAttachMode, CgroupSock, RawTracePoint, SchedClassifier, TcAttachType};
use aya::{Ebpf, EbpfLoader};
use netperf_common::limit::{LimitBoard, LimitCounters, LimitFacts, LimitFill, LimitedSocket};

use super::btf::Btf;
use super::mapped::Mapped;
use crate::procfs::Procfs;

/// The programs, compiled by build.rs.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("NETPERF_LIMIT_OBJECT"));

/// What answers which MPTCP connection a socket is a path of, from Linux 5.19 on.
const WHOLE_OF_PATH: &str = "bpf_mptcp_sock_from_subflow";

/// Where packets are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// What leaves by an interface of the limited processes.
    Egress,
    /// The same by one whose packets begin with their IP header.
    EgressBare,
    /// Packets that arrive there.
    Ingress,
    /// The same by one whose packets begin with their IP header.
    IngressBare,
    /// What the near end of the queue of what leaves lets go.
    DequeuedTx,
    /// What the near end of the queue of what arrives lets go.
    DequeuedRx,
    /// The far end of a queue.
    Reflect,
}

/// Where processes come and go.
const TRACEPOINTS: [(&str, &str); 2] = [
    ("limit_fork", "sched_process_fork"),
    ("limit_exit", "sched_process_exit"),
];

impl Point {
    /// Whether it is at an interface that is made for a queue.
    pub fn is_at_queue(self) -> bool {
        matches!(self, Self::DequeuedTx | Self::DequeuedRx | Self::Reflect)
    }

    fn program(self) -> &'static str {
        match self {
            Self::Egress => "limit_egress",
            Self::EgressBare => "limit_egress_bare",
            Self::Ingress => "limit_ingress",
            Self::IngressBare => "limit_ingress_bare",
            Self::DequeuedTx => "limit_dequeued_tx",
            Self::DequeuedRx => "limit_dequeued_rx",
            Self::Reflect => "limit_reflect",
        }
    }

    /// Whether it sees what leaves by its interface; the others see what arrives.
    pub fn sees_leaving(self) -> bool {
        matches!(self, Self::Egress | Self::EgressBare)
    }

    fn side(self) -> TcAttachType {
        if self.sees_leaving() {
            TcAttachType::Egress
        } else {
            TcAttachType::Ingress
        }
    }
}

/// What a limit is, for its programs.
#[derive(Clone, Copy, Debug)]
pub struct LimitOrder {
    /// Which of 16 limits it is, from 0.
    pub bit: u8,
    /// Interface whose queue holds what is sent, if that is limited.
    pub up_queue: Option<u32>,
    /// Interface whose queue holds what is received, if that is limited.
    pub down_queue: Option<u32>,
    /// Whether every socket is limited that is made in the cgroup.
    pub whole_cgroup: bool,
    /// Whether what the processes start is limited, too.
    pub children: bool,
}

/// What the programs have seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimitSeen {
    /// Counters of the upload queue.
    pub up: LimitCounters,
    /// Counters of the download queue.
    pub down: LimitCounters,
    /// Datagrams that were dropped before they came to the queue of what is received: there was plenty in it.
    pub refused: u64,
}

/// Direction of queued data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Data to be sent.
    Sending,
    /// Data that was received.
    Receiving,
}

impl Waiting {
    fn offset(self) -> usize {
        match self {
            Self::Sending => offset_of!(LimitBoard, sending),
            Self::Receiving => offset_of!(LimitBoard, receiving),
        }
    }
}

/// What takes long about a limit's programs, and can be done before anything else is known of it.
pub struct LimitLoader {
    loader: EbpfLoader<'static>,
    /// As far as they are the kernel's.
    facts: LimitFacts,
}

impl LimitLoader {
    /// Looks up the kernel's types.
    ///
    /// # Errors
    /// When it shows none, or others than these programs know.
    pub fn prepare(procfs: &Procfs) -> anyhow::Result<Self> {
        // aya reads all types, needed or not, which takes as long as to look up those that are.
        thread::scope(|scope| {
            let loader = thread::Builder::new().spawn_scoped(scope, EbpfLoader::new)?;
            let facts = facts_of_kernel(procfs)?;
            let panicked = |_| anyhow::anyhow!("aya can't read the kernel's type information");
            Ok(Self {
                loader: loader.join().map_err(panicked)?,
                facts,
            })
        })
    }
}

/// The programs of one limit. All they do ends with this.
pub struct LimitPrograms {
    ebpf: Ebpf,
    board: Mapped<LimitBoard>,
    members: HashMap<MapData, u32, u32>,
    sockets: SkStorage<MapData, LimitedSocket>,
    attached: Attached<(Point, u32), SchedClassifierLinkId>,
}

impl LimitPrograms {
    /// Loads them. Nothing is limited yet.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn load(order: LimitOrder, loader: LimitLoader) -> anyhow::Result<Self> {
        let LimitLoader { mut loader, facts } = loader;
        let facts = ordered(order, facts);
        let mut ebpf = loader
            .override_global("LIMIT_FACTS", &facts, true)
            .load(OBJECT)
            .context("cannot make the tables")?;
        for (name, _) in TRACEPOINTS {
            program::<RawTracePoint>(&mut ebpf, name)?.load()?;
        }
        program::<CgroupSock>(&mut ebpf, "limit_create")?.load()?;
        let board = Mapped::open(table(&mut ebpf, "LIMIT_BOARD")?)?;
        let members = HashMap::try_from(table(&mut ebpf, "MEMBERS")?)?;
        let sockets = SkStorage::try_from(table(&mut ebpf, "LIMITED")?)?;
        Ok(Self {
            ebpf,
            board,
            members,
            sockets,
            attached: Attached::new(),
        })
    }

    /// From now on, what limited processes start is limited, and what sockets are made in this cgroup
    /// by any of them.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn follow(&mut self, cgroup: &File) -> anyhow::Result<()> {
        for (name, tracepoint) in TRACEPOINTS {
            program::<RawTracePoint>(&mut self.ebpf, name)?.attach(tracepoint)?;
        }
        // A link is always one of several; the kernel refuses to be told so.
        program::<CgroupSock>(&mut self.ebpf, "limit_create")?
            .attach(cgroup, CgroupAttachMode::Single)
            .context("cannot see sockets being made")?;
        Ok(())
    }

    /// Counts the programs that are started from now on: see [`Self::renamed`].
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn follow_names(&mut self) -> anyhow::Result<()> {
        let started = program::<RawTracePoint>(&mut self.ebpf, "limit_exec")?;
        started.load()?;
        started.attach("sched_process_exec")?;
        Ok(())
    }

    /// How often processes, of anybody, have got another name by starting a program.
    pub fn renamed(&self) -> u64 {
        self.page().renamed
    }

    /// Limits the sockets that a process makes from now on.
    ///
    /// # Errors
    /// When there is no room.
    pub fn add_member(&mut self, tgid: u32) -> anyhow::Result<()> {
        Ok(self.members.insert(tgid, 1, 0)?)
    }

    /// No longer limits the sockets that a process makes.
    pub fn remove_member(&mut self, tgid: u32) {
        // It may have gone by itself: its number was given to another process.
        let _ = self.members.remove(&tgid);
    }

    /// The processes that are limited.
    pub fn members(&self) -> Vec<u32> {
        self.members.keys().filter_map(Result::ok).collect()
    }

    /// Limits a socket. What it receives need not wait for so long, or until the other end has been told its window;
    /// what is accepted from it inherits this.
    ///
    /// # Errors
    /// When it is none, or the kernel refuses.
    pub fn mark(&mut self, socket: &impl AsRawFd, grace: Duration) -> anyhow::Result<()> {
        let value = LimitedSocket {
            grace_ns: u64::try_from(grace.as_nanos())?,
            ..LimitedSocket::default()
        };
        Ok(self.sockets.insert(socket, value, 0)?)
    }

    /// The program of a point, for whoever attaches it otherwise.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn descriptor(&mut self, point: Point) -> anyhow::Result<BorrowedFd<'_>> {
        Ok(self.classifier(point)?.fd()?.as_fd())
    }

    /// Looks at the packets of an interface of the calling thread's network namespace (tcx).
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn attach(&mut self, point: Point, interface: &str, index: u32) -> anyhow::Result<()> {
        let program = self.classifier(point)?;
        // Before others: what they send elsewhere would not be limited.
        let how = TcAttachOptions::TcxOrder(LinkOrder::first());
        let link = program.attach_with_options(interface, point.side(), how)?;
        self.attached.insert((point, index), link);
        Ok(())
    }

    /// No longer looks at what leaves and arrives.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn let_go(&mut self) -> anyhow::Result<()> {
        for ((point, _), link) in self
            .attached
            .extract_if(|&(point, _), _| !point.is_at_queue())
        {
            program::<SchedClassifier>(&mut self.ebpf, point.program())?.detach(link)?;
        }
        Ok(())
    }

    /// The program of a point, loaded once it is needed: to check one takes the kernel milliseconds.
    fn classifier(&mut self, point: Point) -> anyhow::Result<&mut SchedClassifier> {
        let program: &mut SchedClassifier = program(&mut self.ebpf, point.program())?;
        if program.fd().is_err() {
            program
                .load()
                .with_context(|| format!("cannot load `{}`", point.program()))?;
        }
        Ok(program)
    }

    /// Invites so many connections, or as many more as receive, to send so many bytes per second together; 0
    /// is as many as they like.
    pub fn set_window_rate(&mut self, rate: u64, connections: u64) {
        self.write(offset_of!(LimitBoard, connections), connections);
        self.write(offset_of!(LimitBoard, window_rate), rate);
    }

    /// Asks connections to wait that have something in the queue of what is sent, once so much payload is
    /// there; drops datagrams that arrive, once so much is in the other one.
    pub fn set_plenty(&mut self, which: Waiting, bytes: u64) {
        self.write(which.offset() + offset_of!(LimitFill, plenty), bytes);
    }

    /// Says how much that is now: packets that were dropped are counted as waiting.
    pub fn set_waiting(&mut self, which: Waiting, bytes: u64) {
        self.write(which.offset() + offset_of!(LimitFill, waiting), bytes);
    }

    /// Begins a round, and says how many connections have received in the last one.
    pub fn next_round(&mut self) -> u64 {
        let page = self.page();
        self.write(offset_of!(LimitBoard, active), 0);
        self.write(offset_of!(LimitBoard, round), page.round + 1);
        page.active
    }

    /// What has gone through.
    pub fn seen(&self) -> LimitSeen {
        let page = self.page();
        LimitSeen {
            up: page.up,
            down: page.down,
            refused: page.refused,
        }
    }

    fn page(&self) -> LimitBoard {
        #![expect(unsafe_code, reason = "reads what the kernel side writes")]
        // SAFETY: integers of the one page; the kernel side changes them word by word.
        unsafe { self.board.at(0).read_volatile() }
    }

    fn write(&mut self, offset: usize, value: u64) {
        #![expect(unsafe_code, reason = "writes what the kernel side reads")]
        let word = self.board.at(0).cast::<u64>().wrapping_byte_add(offset);
        // SAFETY: a word of the one page.
        unsafe { word.write_volatile(value) }
    }
}

fn ordered(order: LimitOrder, facts: LimitFacts) -> LimitFacts {
    LimitFacts {
        passed: 1 << order.bit,
        up_queue: order.up_queue.unwrap_or(0),
        down_queue: order.down_queue.unwrap_or(0),
        whole_cgroup: order.whole_cgroup.into(),
        children: order.children.into(),
        holder: std::process::id(),
        ..facts
    }
}

fn facts_of_kernel(procfs: &Procfs) -> anyhow::Result<LimitFacts> {
    let path = procfs.btf_path();
    let shown = format!(
        "this kernel shows no type information (`{}`)",
        path.display()
    );
    let data = std::fs::read(&path).context(shown)?;
    let btf = Btf::parse(&data)?;
    let scale = btf.field("tcp_sock", "rx_opt.rcv_wscale")?;
    Ok(LimitFacts {
        tgid: btf.offset("task_struct", "tgid")?,
        pid: btf.offset("task_struct", "pid")?,
        rcv_wscale: scale.bit_offset / 8,
        rcv_wscale_shift: scale.bit_offset % 8,
        // A window of three minima, of which the first holds: a time, and the value.
        rtt_min_us: btf.offset("tcp_sock", "rtt_min")? + 4,
        rcv_rtt: btf.offset("tcp_sock", "rcv_rtt_est.rtt_us")?,
        wmem_alloc: btf.offset("sock", "sk_wmem_alloc")?,
        has_mptcp: btf.parameter_count(WHOLE_OF_PATH).is_some().into(),
        ..LimitFacts::default()
    })
}

fn program<'a, T>(ebpf: &'a mut Ebpf, name: &str) -> anyhow::Result<&'a mut T>
where
    &'a mut T: TryFrom<&'a mut aya::programs::Program, Error = aya::programs::ProgramError>,
{
    let program = ebpf
        .program_mut(name)
        .with_context(|| format!("no program `{name}`"))?;
    Ok(program.try_into()?)
}

fn table(ebpf: &mut Ebpf, name: &str) -> anyhow::Result<Map> {
    ebpf.take_map(name)
        .with_context(|| format!("no table `{name}`"))
}
