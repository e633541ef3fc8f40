//! `sockets --kill`: shows the sockets, asks for consent, then closes each by its cookie.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::Context;
use netperf_core::failure::Failure;
use netperf_core::sample::socket::{Ends, SocketReading};
use netperf_sys::capture::SocketFeed;
use netperf_sys::rights;

use super::SocketsRun;
use crate::cmd::listing::failure;
use crate::cmd::session::end;
use crate::render::output::Silent;
use crate::render::prose::NotShown;
use crate::render::sockets::Closed;
use crate::view::envelope::Reason;
use crate::view::sockets::{SocketsTick, chosen};

/// Shows what would be closed, asks, and closes it.
pub(super) fn close(run: &SocketsRun, is_agreed: bool) -> anyhow::Result<()> {
    let can_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
    if !is_agreed && !can_ask {
        return Err(Failure::Usage(
            "closing sockets asks first, and there is no terminal to ask on: look with the same \
             filter without --kill, then add --yes"
                .to_owned(),
        )
        .into());
    }
    rights::check_closing().map_err(Failure::from)?;
    let mut feed = SocketFeed::open();
    let sample = feed.read(&run.request).map_err(failure)?;
    let matching: Vec<&SocketReading> = chosen(&sample, &run.options).collect();
    let mut text = Vec::new();
    let format = run.format;
    format.report(&NotShown(&run.start(&sample)), &mut text)?;
    let tick = SocketsTick::new(&sample, &run.options, None);
    format.report(&run.listing(&tick), &mut text)?;
    io::stdout().write_all(&text).context("can't write")?;
    let agreed = matching.is_empty() || is_agreed || ask(matching.len())?;
    let mut text = Vec::new();
    let mut result = Ok(());
    if agreed {
        let closing = destroy(&mut feed, &matching)?;
        format.report(&closing, &mut text)?;
        if !closing.failed.is_empty() {
            let failed = closing.failed.len();
            result = Err(anyhow::anyhow!("{failed} sockets could not be closed"));
        }
    }
    format.report(&Silent(&end(1, Reason::Count)), &mut text)?;
    io::stdout().write_all(&text).context("can't write")?;
    result
}

/// Asks on the terminal; everything but a clear yes means no.
fn ask(sockets: usize) -> io::Result<bool> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "close these {sockets} sockets? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Closes each socket by its cookie, so that no successor is hit.
fn destroy(feed: &mut SocketFeed, sockets: &[&SocketReading]) -> anyhow::Result<Closed> {
    let mut closing = Closed::default();
    let mut unsupported = 0;
    for socket in sockets {
        let Err(error) = feed.destroy(socket) else {
            closing.closed += 1;
            continue;
        };
        let kind = error.kind();
        if kind == io::ErrorKind::PermissionDenied {
            return Err(forbidden(socket).into());
        }
        if kind == io::ErrorKind::NotFound && socket.cookie != 0 {
            closing.gone += 1;
            continue;
        }
        unsupported += usize::from(kind == io::ErrorKind::Unsupported);
        closing
            .failed
            .push(format!("{}: {error}", described(socket)));
    }
    if unsupported > 0 && unsupported == sockets.len() {
        return Err(Failure::Lacking(
            "this kernel can't close sockets of this kind on request: it needs \
             CONFIG_INET_DIAG_DESTROY (tried SOCK_DESTROY)"
                .to_owned(),
        )
        .into());
    }
    Ok(closing)
}

fn forbidden(socket: &SocketReading) -> Failure {
    Failure::NotAllowed(format!(
        "the kernel does not let this process close {}: CAP_NET_ADMIN is needed in the user \
         namespace that owns the socket's network",
        described(socket)
    ))
}

fn described(socket: &SocketReading) -> String {
    let proto = socket.proto.name();
    match &socket.ends {
        Ends::Inet(ends) => format!("{proto} {} -> {}", ends.local, ends.remote),
        Ends::Unix(ends) => format!("{proto} {}", ends.path.as_deref().unwrap_or("*")),
    }
}
