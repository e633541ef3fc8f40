//! Which sockets are there, and which of them are to be closed?

mod asked;
mod close;

use std::io::{self, Write};
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep_until, timeout};

use super::logging;
use super::signals::Signals;
use super::timer::{Timer, Timing};
use crate::capture::{SocketFeed, SocketRequest, SocketsError};
use crate::clock;
use crate::collect::Unavailable;
use crate::exit::Failure;
use crate::render::hangup;
use crate::render::sockets::Written;
use crate::sample::socket::SocketSample;
use crate::view::envelope::{End, Reason, SCHEMA, Start};
use crate::view::sockets::{SocketsOptions, SocketsTick};
use crate::view::time::Rfc3339;

/// How long a reader that does not read may hold up the end of a session.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// A run of `sockets`.
#[derive(Clone, Debug)]
pub struct SocketsRun {
    request: SocketRequest,
    options: SocketsOptions,
    written: Written,
    /// More than one look.
    timing: Option<Timing>,
    verbosity: u8,
    /// The sockets are to be closed.
    kill: Option<Consent>,
}

/// Whether sockets may be closed without asking.
#[derive(Clone, Copy, Debug)]
struct Consent {
    given: bool,
}

/// Shows the sockets, and closes them if that was asked for.
pub(super) async fn run(run: SocketsRun) -> anyhow::Result<()> {
    logging::start(run.verbosity, None);
    if let Some(consent) = run.kill {
        return close::close(&run, consent);
    }
    let stop = Signals::open().context("can't handle signals")?.any();
    let mut stop = pin!(async {
        tokio::select! {
            () = stop => Some(Reason::Signal),
            () = hangup::of_stdout() => None,
        }
    });
    let mut looks = Looks::new(&run)?;
    loop {
        let text = std::mem::take(&mut looks.text);
        let stopped = write_unless(stop.as_mut(), &text).await?;
        let ended = match stopped {
            Stopped::For(reason) => reason.map_or(Ended::Unseen, Ended::For),
            Stopped::Not => tokio::select! {
                reason = stop.as_mut() => reason.map_or(Ended::Unseen, Ended::For),
                next = looks.wait() => next,
            },
        };
        match ended {
            Ended::Not => looks.look()?,
            Ended::For(reason) => return looks.end(reason),
            Ended::Unseen => return Ok(()),
        }
    }
}

/// Whether the user ended the session while something was written.
enum Stopped {
    /// No.
    Not,
    /// For this reason; `None` if nobody looks any more.
    For(Option<Reason>),
}

/// Writes all of `text`, so that no line is cut. A reader that does not read holds up the end no
/// longer than [`LAST_WRITE`].
async fn write_unless(
    stop: impl Future<Output = Option<Reason>>,
    text: &[u8],
) -> anyhow::Result<Stopped> {
    let mut stdout = tokio::io::stdout();
    let mut write = pin!(async {
        stdout.write_all(text).await?;
        stdout.flush().await
    });
    tokio::select! {
        written = write.as_mut() => {
            written.context("can't write")?;
            Ok(Stopped::Not)
        }
        reason = stop => match timeout(LAST_WRITE, write).await {
            Ok(written) => {
                written.context("can't write")?;
                Ok(Stopped::For(reason))
            }
            Err(_) => Ok(Stopped::For(None)),
        },
    }
}

/// Whether a session goes on.
enum Ended {
    /// It does.
    Not,
    /// It does not.
    For(Reason),
    /// Nobody looks any more.
    Unseen,
}

/// One look after the other.
struct Looks<'r> {
    run: &'r SocketsRun,
    feed: SocketFeed,
    sample: SocketSample,
    timer: Option<Timer>,
    ticks: u64,
    text: Vec<u8>,
}

impl<'r> Looks<'r> {
    /// Takes the first look.
    fn new(run: &'r SocketsRun) -> anyhow::Result<Self> {
        let mut feed = SocketFeed::open();
        let sample = read(&mut feed, &run.request)?;
        let mut text = Vec::new();
        run.written.start(&start(run, &sample), &mut text)?;
        let tick = SocketsTick::new(&sample, &run.options, None);
        run.written.tick(&tick, &mut text)?;
        let timer = run.timing.map(|timing| Timer::new(Instant::now(), timing));
        Ok(Self {
            run,
            feed,
            sample,
            timer,
            ticks: 1,
            text,
        })
    }

    /// Waits until the next look is due, if there is to be one.
    async fn wait(&mut self) -> Ended {
        let count = self.run.timing.and_then(|timing| timing.count);
        let Some(timer) = self.timer.as_mut().filter(|_| count != Some(self.ticks)) else {
            return Ended::For(Reason::Count);
        };
        let next = timer.next();
        sleep_until(timer.deadline().map_or(next, |end| end.min(next))).await;
        match timer.tick(Instant::now()) {
            Some(Reason::Duration) => Ended::For(Reason::Duration),
            _ => Ended::Not,
        }
    }

    fn look(&mut self) -> anyhow::Result<()> {
        let sample = read(&mut self.feed, &self.run.request)?;
        let length = sample.at.since(self.sample.at);
        let interval_s = length.map(|length| length.as_secs_f64());
        let tick = SocketsTick::new(&sample, &self.run.options, interval_s);
        self.run.written.tick(&tick, &mut self.text)?;
        self.sample = sample;
        self.ticks += 1;
        Ok(())
    }

    fn end(mut self, reason: Reason) -> anyhow::Result<()> {
        let end = end(self.ticks, reason);
        self.run.written.end(&end, &mut self.text)?;
        io::stdout().write_all(&self.text).context("can't write")
    }
}

fn read(feed: &mut SocketFeed, request: &SocketRequest) -> anyhow::Result<SocketSample> {
    feed.read(request).map_err(|error| {
        let (is_lack, is_forbidden) = match &error {
            SocketsError::NoList { .. } => (true, false),
            SocketsError::Namespace { source, .. } => {
                (false, source.kind() == io::ErrorKind::PermissionDenied)
            }
        };
        let text = format!("{:#}", anyhow::Error::new(error));
        let failure = match (is_lack, is_forbidden) {
            (true, _) => Failure::Lacking(text),
            (false, true) => Failure::NotAllowed(format!("{text}: run it as root")),
            (false, false) => Failure::Usage(text),
        };
        failure.into()
    })
}

fn start(run: &SocketsRun, sample: &SocketSample) -> Start {
    let host = rustix::system::uname();
    let unseen = sample.unseen.iter().map(|unseen| Unavailable {
        what: unseen.what.clone(),
        why: unseen.why.clone(),
    });
    Start {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        command: "sockets",
        time: Rfc3339(sample.wall),
        host: host.nodename().to_string_lossy().into_owned(),
        kernel: host.release().to_string_lossy().into_owned(),
        interval_s: run
            .timing
            .map_or(0.0, |timing| timing.interval.as_secs_f64()),
        hooks: Vec::new(),
        unavailable: unseen.collect(),
    }
}

fn end(ticks: u64, reason: Reason) -> End {
    End {
        time: Rfc3339(clock::now().1),
        ticks,
        slots_in_use: 0,
        reason,
    }
}
