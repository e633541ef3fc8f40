//! The line below a socket: further figures, in the words of `ss -i`.

use netperf_core::sample::socket::{TcpInfo, Timer, TimerKind};
use netperf_core::text::visible;
use netperf_core::units::{ByteRate, Bytes, Percent, Units, format_micros, format_millis};

use crate::view::sockets::SocketRow;

/// Words for the line below a row; none where there is nothing to say.
pub(super) fn words(row: &SocketRow<'_>, units: Units) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(tcp) = row.tcp_info {
        connection(tcp, units, &mut words);
    }
    words.extend(row.timer.map(timer));
    if let Some(memory) = row.memory {
        let dropped = memory.drops.filter(|&drops| drops > 0);
        words.extend(dropped.map(|drops| format!("drops:{drops}")));
    }
    words
}

fn connection(tcp: &TcpInfo, units: Units, words: &mut Vec<String>) {
    words.extend(tcp.congestion.as_deref().map(|it| visible(it).into_owned()));
    let mut say = |name: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("{name}:{value}")));
    };
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let above_zero = |number: Option<u32>| number.filter(|&it| it > 0).map(|it| it.to_string());
    let size = |bytes: Option<u64>| {
        let bytes = bytes.filter(|&bytes| bytes > 0)?;
        Some(joined(&units.size(Bytes(bytes))))
    };
    let rtt = tcp.srtt_us.zip(tcp.rttvar_us);
    say(
        "rtt",
        rtt.map(|(srtt, var)| format!("{}/{}", time(srtt), time(var))),
    );
    say("minrtt", tcp.min_rtt_us.map(time));
    say("rto", tcp.rto_us.map(time));
    say("mss", number(tcp.mss));
    say("pmtu", number(tcp.pmtu));
    say("cwnd", number(tcp.cwnd));
    say("ssthresh", number(tcp.ssthresh));
    say("sent", size(tcp.bytes_sent));
    say("acked", size(tcp.bytes_acked));
    say("received", size(tcp.bytes_received));
    let rate = tcp.delivery_rate.filter(|&rate| rate > 0);
    say("delivery", rate.map(|it| joined(&units.rate(ByteRate(it)))));
    let resent = tcp.retrans_out.zip(tcp.retrans).filter(|&(_, all)| all > 0);
    say("retrans", resent.map(|(now, all)| format!("{now}/{all}")));
    say("lost", above_zero(tcp.lost));
    say("unacked", above_zero(tcp.unacked));
    say("notsent", size(tcp.notsent_bytes.map(u64::from)));
    let busy = tcp.busy_us.unwrap_or(0);
    say("busy", (busy > 0).then(|| time(busy)));
    say("rwnd_limited", share(tcp.rwnd_limited_us, busy));
    say("sndbuf_limited", share(tcp.sndbuf_limited_us, busy));
}

fn share(part_us: Option<u64>, busy_us: u64) -> Option<String> {
    let part = part_us.filter(|&part| part > 0)?;
    #[expect(clippy::cast_precision_loss, reason = "a share has few digits")]
    let share = Percent::of(part as f64 / busy_us.max(1) as f64);
    Some(format!("{}({})", time(part), joined(&share.to_string())))
}

fn timer(timer: Timer) -> String {
    let kind = match timer.kind {
        TimerKind::On => "on",
        TimerKind::Keepalive => "keepalive",
        TimerKind::Timewait => "timewait",
        TimerKind::Persist => "persist",
    };
    let left = joined(&format_millis(timer.expires_ms.into()));
    format!("timer:{kind},{left},{}", timer.retransmits)
}

fn time(micros: impl Into<u64>) -> String {
    joined(&format_micros(micros))
}

/// A figure and its unit as one word.
fn joined(figure: &str) -> String {
    figure.replace(' ', "")
}
