//! What does one process wait for: itself, the receiver, its send buffer, the network, or an answer?

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use netperf_core::sample::TcpState;
use netperf_core::sample::socket::{Ends, SocketReading, SocketSample, TcpInfo};
use netperf_core::units::{Bytes, Percent, Units, counted, format_micros, format_millis};

use super::{Check, Measured, Topic};
use crate::words::process;
use crate::{Finding, Level};

/// Share of the time from which on something is what a connection mostly did.
const MOSTLY: f64 = 0.5;
/// Share of the time with something to send, below which it hardly sends.
const HARDLY: f64 = 0.1;
/// Share of a processor from which on a process computes all the time.
const COMPUTES: f64 = 0.8;
/// Time without an answer that is felt.
const NO_ANSWER_MS: u32 = 500;
/// Time without an answer after which it may be that none is waited for.
const LONG_MS: u32 = 300_000;
const SHOWN_MAX: usize = 5;

/// The checks of one process: what it waits for by itself, and whether it waits for the network. What
/// makes the network slow is found by the other checks, and comes before that it is.
pub(super) fn checks(measured: &Measured<'_>, pid: u32) -> [Check; 2] {
    let name = name(measured, pid);
    let who = process(name.as_deref(), Some(pid));
    let known = Known {
        before: by_cookie(measured.first),
        listening: listening(measured.last),
    };
    let sockets = measured.last.sockets.iter();
    let sockets =
        sockets.filter(|it| is_of(measured.last, it, pid) && it.state != TcpState::Listen);
    let connections: Vec<_> = sockets
        .filter_map(|socket| Connection::new(measured, socket, &known))
        .collect();
    let count = connections.len();
    let by_itself = connections.iter().filter_map(|one| one.finding(&who));
    let mut by_itself: Vec<_> = by_itself.take(SHOWN_MAX).collect();
    let on_its_way = connections.iter().filter_map(|one| one.held_up(&who));
    let on_its_way: Vec<_> = on_its_way.take(SHOWN_MAX).collect();
    if by_itself.is_empty() && on_its_way.is_empty() {
        by_itself.push(idle(measured, pid, &who, count));
    }
    let cpu = Percent::of(measured.pressure.cpu_of(pid).unwrap_or(0.0));
    let connections = counted(count as u64, "connection", "connections");
    let held_up = counted(on_its_way.len() as u64, "of them waits", "of them wait");
    [
        Check::new(
            Topic::Process,
            format!("{who}: {connections}, {cpu} of a processor"),
            by_itself,
        ),
        Check::new(
            Topic::Way,
            format!("{connections}, {held_up} for the network"),
            on_its_way,
        ),
    ]
}

/// Its name, from its sockets or from the list of processes.
fn name(measured: &Measured<'_>, pid: u32) -> Option<String> {
    let mut all = measured.pressure.processes();
    all.find(|it| it.tgid == pid).map(|it| it.name.clone())
}

/// Whether it was there when the time began, and is not now.
fn has_ended(measured: &Measured<'_>, pid: u32) -> bool {
    let mut now = measured.pressure.now.processes.iter();
    now.all(|it| it.tgid != pid) && measured.pressure.processes().any(|it| it.tgid == pid)
}

fn is_of(sample: &SocketSample, socket: &SocketReading, pid: u32) -> bool {
    let owners = socket.inode.map(|inode| sample.owners.of(inode));
    let mut owners = owners.unwrap_or_default().iter();
    owners.any(|owner| owner.process.id.tgid == pid)
}

/// Network namespaces and ports that somebody listens at.
fn listening(sample: &SocketSample) -> HashSet<(u32, u16)> {
    let all = sample
        .sockets
        .iter()
        .filter(|it| it.state == TcpState::Listen);
    let place = |socket: &SocketReading| match &socket.ends {
        Ends::Inet(ends) => Some((socket.netns, ends.local.port())),
        Ends::Unix(_) => None,
    };
    all.filter_map(place).collect()
}

fn by_cookie(sample: &SocketSample) -> HashMap<u64, &SocketReading> {
    let all = sample.sockets.iter();
    all.map(|socket| (socket.cookie, socket)).collect()
}

/// What is known of all sockets.
struct Known<'m> {
    /// Those that were there at the beginning, by cookie.
    before: HashMap<u64, &'m SocketReading>,
    listening: HashSet<(u32, u16)>,
}

/// What one connection did in the time that was measured, in shares of it.
struct Connection<'m> {
    remote: SocketAddr,
    socket: &'m SocketReading,
    tcp: &'m TcpInfo,
    /// What waited to be read at the beginning; `None` if it was not there yet.
    unread_before: Option<u32>,
    /// Bytes that arrived.
    arrived: u64,
    /// Somebody listens at its local port: the other end has begun it, and asks.
    is_accepted: bool,
    /// With something to send.
    busy: f64,
    /// Part of `busy` in which the other end's window was closed.
    receiver: f64,
    /// Part of `busy` in which its send buffer was too small.
    buffer: f64,
    /// Segments sent again.
    retrans: u32,
    /// How sizes are written.
    units: Units,
}

/// What a sender waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// The other end's window is closed.
    Receiver,
    /// Its send buffer is full.
    Buffer,
    /// The congestion window, or the link.
    Network,
}

impl<'m> Connection<'m> {
    fn new(measured: &Measured<'_>, socket: &'m SocketReading, known: &Known<'_>) -> Option<Self> {
        let Ends::Inet(ends) = &socket.ends else {
            return None;
        };
        let tcp = socket.tcp.as_deref()?;
        let earlier = known.before.get(&socket.cookie);
        let was = |figure: fn(&TcpInfo) -> Option<u64>| {
            earlier
                .and_then(|it| it.tcp.as_deref())
                .and_then(figure)
                .unwrap_or(0)
        };
        let microseconds = measured.length.as_secs_f64() * 1e6;
        let share = |figure: fn(&TcpInfo) -> Option<u64>| {
            let grown = figure(tcp).unwrap_or(0).saturating_sub(was(figure));
            #[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
            (grown as f64 / microseconds).min(1.0)
        };
        let retrans = |tcp: &TcpInfo| tcp.retrans.map(u64::from);
        let again = retrans(tcp).unwrap_or(0).saturating_sub(was(retrans));
        Some(Self {
            remote: ends.remote,
            socket,
            tcp,
            unread_before: earlier.map(|it| it.recv_q),
            arrived: tcp
                .bytes_received
                .unwrap_or(0)
                .saturating_sub(was(|it| it.bytes_received)),
            is_accepted: known.listening.contains(&(socket.netns, ends.local.port())),
            busy: share(|it| it.busy_us),
            receiver: share(|it| it.rwnd_limited_us),
            buffer: share(|it| it.sndbuf_limited_us),
            retrans: u32::try_from(again).unwrap_or(u32::MAX),
            units: measured.units,
        })
    }

    fn finding(&self, who: &str) -> Option<Finding> {
        self.unread(who)
            .or_else(|| self.sending(who))
            .or_else(|| self.no_answer(who))
    }

    /// Data waits to be read, as it did at the beginning, and less was read in between than waits: it is
    /// the program that does not keep up. A busy reader has something waiting as well, but reads more.
    fn unread(&self, who: &str) -> Option<Finding> {
        let (now, before) = (self.socket.recv_q, self.unread_before?);
        let size = |bytes| self.units.size(Bytes(bytes));
        let read = (u64::from(before) + self.arrived).saturating_sub(u64::from(now));
        (now > 0 && before > 0 && read < u64::from(now)).then(|| Finding {
            level: Level::Warn,
            what: format!(
                "{who} does not read what {} has sent: it waits for itself",
                self.remote
            ),
            evidence: format!(
                "{} wait in its receive queue, {} did at the beginning, {} were read in between",
                size(now.into()),
                size(before.into()),
                size(read)
            ),
            advice: vec![format!(
                "{who} is busy with something else, or stuck: look at what it does, with a thread dump of \
                 its language or `/proc/PID/task/*/stack`"
            )],
        })
    }

    /// It has something to send most of the time, and the other end or its own buffer holds it up.
    fn sending(&self, who: &str) -> Option<Finding> {
        let remote = self.remote;
        let (what, advice) = match self.holder()? {
            Holder::Receiver => (
                format!("{who} waits for the receiver: {remote} does not take data fast enough"),
                format!(
                    "look at the program at {remote}: it does not read; or its receive buffer is too small \
                     for the distance (there: net.ipv4.tcp_rmem)"
                ),
            ),
            Holder::Buffer => (
                format!("{who} waits for its own send buffer, which is too small for {remote}"),
                "let the kernel size it: the program must not set SO_SNDBUF; then raise the last number \
                 of net.ipv4.tcp_wmem"
                    .to_owned(),
            ),
            Holder::Network => return None,
        };
        Some(self.told(what, advice))
    }

    /// It has something to send most of the time, and the network takes no more.
    fn held_up(&self, who: &str) -> Option<Finding> {
        if self.holder()? != Holder::Network {
            return None;
        }
        let remote = self.remote;
        let advice = format!(
            "see whether the own interface is full (`netperf-trace nic`), packets are lost (`netperf-trace \
             retrans`), or a link on the way is slow (`netperf-trace path {}`)",
            remote.ip()
        );
        let what = format!("{who} waits for the network: the way to {remote} takes no more");
        Some(self.told(what, advice))
    }

    fn told(&self, what: String, advice: String) -> Finding {
        Finding {
            level: Level::Warn,
            what,
            evidence: self.account(),
            advice: vec![advice],
        }
    }

    /// What holds it up, if it has something to send most of the time.
    fn holder(&self) -> Option<Holder> {
        if self.busy < MOSTLY {
            return None;
        }
        let most = self.busy * MOSTLY;
        Some(if self.receiver >= most {
            Holder::Receiver
        } else if self.buffer >= most {
            Holder::Buffer
        } else {
            Holder::Network
        })
    }

    fn account(&self) -> String {
        let rest = (self.busy - self.receiver - self.buffer).max(0.0);
        let mut parts = vec![format!(
            "it had something to send {} of the time: {} of it the receiver's window was closed, {} the \
             send buffer was full, {} the congestion window or the link held it up",
            Percent::of(self.busy),
            Percent::of(self.receiver / self.busy),
            Percent::of(self.buffer / self.busy),
            Percent::of(rest / self.busy)
        )];
        parts.extend(
            self.tcp
                .srtt_us
                .map(|srtt| format!("round trip {}", format_micros(srtt))),
        );
        parts.extend(
            self.tcp
                .cwnd
                .map(|cwnd| format!("congestion window {cwnd} segments")),
        );
        if self.retrans > 0 {
            parts.push(format!(
                "{} sent again",
                counted(self.retrans, "segment", "segments")
            ));
        }
        if self.socket.send_q > 0 {
            parts.push(format!(
                "{} in its send queue",
                self.units.size(Bytes(self.socket.send_q.into()))
            ));
        }
        parts.join("; ")
    }

    /// It asked, all that it sent was acknowledged, and nothing came back since: the other program has
    /// it. After a long time it is more likely that no answer is meant to come.
    fn no_answer(&self, who: &str) -> Option<Finding> {
        let (sent, received) = (self.tcp.last_sent_ms?, self.tcp.last_received_ms?);
        let has_asked =
            !self.is_accepted && self.tcp.bytes_acked > Some(1) && self.socket.send_q == 0;
        let waits = sent >= NO_ANSWER_MS && received > sent && self.socket.recv_q == 0;
        let is_open = self.socket.state == TcpState::Established;
        (has_asked && waits && is_open && self.busy < HARDLY).then(|| Finding {
            level: if sent <= LONG_MS { Level::Warn } else { Level::Ok },
            what: format!("{who} waits for an answer of {}", self.remote),
            evidence: format!(
                "it sent something {} ago, which was acknowledged, and nothing has come since; round \
                 trip {}: it is the program there, not the network",
                format_millis(sent.into()),
                self.tcp.srtt_us.map_or("unknown".to_owned(), format_micros)
            ),
            advice: vec![format!(
                "look at the program at {}: what does it do? If it need not answer, this is no trouble",
                self.remote
            )],
        })
    }
}

/// No connection holds it up.
fn idle(measured: &Measured<'_>, pid: u32, who: &str, connections: usize) -> Finding {
    let cpu = measured.pressure.cpu_of(pid).unwrap_or(0.0);
    let blocked = measured.pressure.by_blocked();
    let blocked = blocked.iter().find(|part| part.process.tgid == pid);
    let blocked = blocked.map_or(0.0, |part| part.share);
    let (level, what) = if has_ended(measured, pid) {
        (
            Level::Ok,
            format!(
                "{who} has ended while it was measured: look at its log, and at what started it"
            ),
        )
    } else if blocked >= MOSTLY {
        (
            Level::Warn,
            format!("{who} waits for a disk, not for the network"),
        )
    } else if cpu >= COMPUTES {
        (
            Level::Ok,
            format!("{who} computes, and does not wait for the network"),
        )
    } else if connections == 0 {
        (
            Level::Ok,
            format!("{who} has no TCP connection that can be seen"),
        )
    } else {
        (
            Level::Ok,
            format!("{who} does not wait for the network: it has nothing to send or to read"),
        )
    };
    Finding {
        level,
        what,
        evidence: format!(
            "{} of a processor; at {} of the looks it waited for a disk; {}",
            Percent::of(cpu),
            Percent::of(blocked),
            counted(connections as u64, "connection", "connections")
        ),
        advice: Vec::new(),
    }
}
