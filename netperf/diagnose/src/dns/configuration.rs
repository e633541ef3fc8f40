//! Does resolv.conf say what it seems to say?

use netperf_core::sample::dns::DnsSample;
use netperf_core::sample::name_service::{UnreadLine, UnreadWhy};

use crate::{Finding, Level};

/// Lines that the C library does not read as they look, by what is wrong with them.
pub(super) fn unread(sample: &DnsSample) -> Vec<Finding> {
    // Where only named servers were asked, the file is beside the point.
    let has_configured = sample.resolvers.iter().any(|it| it.place.is_some());
    if sample.lookup.is_none() && !has_configured {
        return Vec::new();
    }
    let all = [
        UnreadWhy::Indented,
        UnreadWhy::CarriageReturn,
        UnreadWhy::NoAddress,
        UnreadWhy::FourthServer,
    ];
    let of_kind = |why: UnreadWhy| {
        let lines = sample.service.unread.iter().filter(|line| line.why == why);
        let lines: Vec<&UnreadLine> = lines.collect();
        (!lines.is_empty()).then(|| finding(sample, why, &lines))
    };
    all.into_iter().filter_map(of_kind).collect()
}

fn finding(sample: &DnsSample, why: UnreadWhy, lines: &[&UnreadLine]) -> Finding {
    let what = match why {
        UnreadWhy::FourthServer => {
            "programs never ask the resolvers behind the third in /etc/resolv.conf".to_owned()
        }
        UnreadWhy::Indented | UnreadWhy::CarriageReturn | UnreadWhy::NoAddress => {
            let what = if lines.len() == 1 {
                "a line of /etc/resolv.conf as it looks"
            } else {
                "lines of /etc/resolv.conf as they look"
            };
            format!("programs do not read {what}")
        }
    };
    let (reason, advice) = match why {
        UnreadWhy::Indented => (
            "the keyword must begin the line",
            "take the blanks away at the beginning of these lines",
        ),
        UnreadWhy::CarriageReturn => (
            "the line ends in a carriage return (Windows line ends), which belongs to its last word",
            "take the carriage returns away: `sed -i 's/\\r$//' /etc/resolv.conf`",
        ),
        UnreadWhy::NoAddress => (
            "what stands there is no address",
            "write the address of a resolver there: names are not looked up",
        ),
        UnreadWhy::FourthServer => (
            "the C library takes three",
            "keep the three that you want asked, or run a resolver on this machine that asks all",
        ),
    };
    let shown = lines.iter().take(4);
    let shown: Vec<_> = shown
        .map(|line| format!("line {}: `{}`", line.number, line.text))
        .collect();
    let instead = match (why, sample.service.servers.as_slice()) {
        (UnreadWhy::FourthServer, _) => String::new(),
        (_, [only]) if only.ip().is_loopback() && is_default(sample) => {
            "; without a resolver that is read, programs ask 127.0.0.1".to_owned()
        }
        _ => String::new(),
    };
    Finding::new(
        Level::Warn,
        what,
        format!("{}; {reason}{instead}", shown.join(", ")),
        &[advice.to_owned()],
    )
}

/// Whether no `nameserver` line was read, though there are some.
fn is_default(sample: &DnsSample) -> bool {
    let default: std::net::SocketAddr = ([127, 0, 0, 1], 53).into();
    let mut unread = sample.service.unread.iter();
    sample.service.servers == [default] && unread.any(|line| line.text.starts_with("nameserver"))
}
