//! What happens while paths are probed?

use std::io::{self, IsTerminal, Write as _};
use std::pin::{Pin, pin};
use std::rc::Rc;

use anyhow::Context;
use netperf_core::clock;
use netperf_core::failure::Failure;
use netperf_core::host_names::HostNames;
use netperf_core::model::path::PathModel;
use netperf_probe::path::News;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use super::targets::Aim;
use super::{PathRun, Shown};
use crate::cmd::logging;
use crate::cmd::looks::{Opening, end};
use crate::cmd::timer::Timing;
use crate::render::hangup;
use crate::render::path::{PROGRESS_END, Written, progress};
use crate::render::sink::Sink;
use crate::render::tui::{LogTail, PathEvent, PathScreen};
use crate::view::envelope::{Reason, Start};
use crate::view::path::PathTick;
use netperf_core::model::path::ProcessSide;
use netperf_diagnose::path::{condition::broken, unreached};

/// The paths, and where they are shown.
pub(super) struct Session<'r> {
    run: &'r PathRun,
    paths: Vec<Path>,
    names: Rc<dyn HostNames>,
    screen: Option<PathScreen>,
    /// A line on stderr that says how far it is.
    has_progress: bool,
    out: Sink,
    ticks: u64,
}

/// One path.
struct Path {
    model: PathModel,
    process: Option<ProcessSide>,
    is_over: bool,
    /// What it failed of.
    failed: Option<String>,
    /// A cycle that is not written yet: it waits for the largest packet.
    is_held: bool,
}

impl<'r> Session<'r> {
    pub(super) fn new(
        run: &'r PathRun,
        aims: Vec<Aim>,
        names: Rc<dyn HostNames>,
    ) -> anyhow::Result<Self> {
        let log = (run.shown == Shown::Screen).then(LogTail::default);
        logging::start(run.verbosity, log.clone());
        let path = |aim: Aim| Path {
            model: PathModel::new(aim.target),
            process: aim.process,
            is_over: false,
            failed: None,
            is_held: false,
        };
        let paths: Vec<Path> = aims.into_iter().map(path).collect();
        let screen = match log {
            Some(log) => Some(PathScreen::new(run.color, log).context("no screen")?),
            None => None,
        };
        let is_report = matches!(run.shown, Shown::AtTheEnd(_));
        Ok(Self {
            run,
            paths,
            names,
            screen,
            has_progress: is_report && io::stderr().is_terminal(),
            out: Sink::unwatched_stdout(),
            ticks: 0,
        })
    }

    /// Shows what the probers say until all is over, or the user wants no more.
    pub(super) async fn run(
        mut self,
        mut news: UnboundedReceiver<(usize, News)>,
        stop: Pin<&mut impl Future<Output = ()>>,
    ) -> anyhow::Result<()> {
        let deadline = self.run.duration.map(|duration| Instant::now() + duration);
        let mut stop = pin!(async {
            tokio::select! {
                () = stop => Some(Reason::Signal),
                () = hangup::of_stdout() => None,
            }
        });
        self.begin()?;
        let reason = loop {
            tokio::select! {
                reason = stop.as_mut() => break reason,
                written = self.out.drain() => written.context("can't write")?,
            }
            let paths: Vec<_> = self
                .paths
                .iter()
                .map(|path| (&path.model, path.process.as_ref()))
                .collect();
            tokio::select! {
                reason = stop.as_mut() => break reason,
                () = until(deadline) => break Some(Reason::Duration),
                event = screen_event(&mut self.screen, &paths, self.names.as_ref()) => match event {
                    PathEvent::Handled => {}
                    PathEvent::Quit => break Some(Reason::Signal),
                    PathEvent::Gone => break None,
                },
                said = news.recv() => match said {
                    Some((number, said)) => self.take(number, said)?,
                    None => break Some(Reason::Count),
                },
            }
            if self.screen.is_none() && self.paths.iter().all(Path::is_done) {
                break Some(Reason::Count);
            }
        };
        self.end(reason).await
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        let start = self.start();
        match (&mut self.screen, self.run.shown) {
            (Some(screen), _) => screen.open().context("can't take over the terminal")?,
            (None, Shown::EachCycle(how) | Shown::AtTheEnd(how)) => {
                how.start(&start, self.out.pending())?;
            }
            (None, Shown::Screen) => {}
        }
        Ok(())
    }

    fn start(&self) -> Start {
        let timing = Timing {
            interval: self.run.plan.interval,
            count: self.run.plan.cycles,
            duration: self.run.duration,
        };
        let opening = Opening {
            command: "path",
            wall: clock::now().1,
            timing: Some(timing),
            unseen: &[],
            hooks: &[],
        };
        opening.start()
    }

    fn take(&mut self, number: usize, news: News) -> anyhow::Result<()> {
        let looks_for_mtu = self.run.looks_for_mtu;
        let Some(path) = self.paths.get_mut(number) else {
            return Ok(());
        };
        match news {
            News::Cycle(cycle) => {
                path.model.advance(&cycle);
                self.ticks += 1;
                // The last one waits, so that it tells all.
                let is_last = self.run.plan.cycles == Some(cycle.cycle);
                path.is_held = is_last && path.awaits_mtu(looks_for_mtu);
                if !path.is_held {
                    self.show(number)?;
                }
                self.tell_progress();
            }
            News::Mtu(found) => {
                path.model.take_mtu(found);
                self.release(number)?;
            }
            News::Failed(why) => {
                path.failed = Some(why);
                path.is_over = true;
                self.release(number)?;
            }
            News::Over => {
                path.is_over = true;
            }
        }
        let path = &mut self.paths[number];
        path.is_held &= path.awaits_mtu(looks_for_mtu);
        Ok(())
    }

    fn release(&mut self, number: usize) -> anyhow::Result<()> {
        let is_held = std::mem::replace(&mut self.paths[number].is_held, false);
        if is_held { self.show(number) } else { Ok(()) }
    }

    fn show(&mut self, number: usize) -> anyhow::Result<()> {
        match self.run.shown {
            Shown::EachCycle(how) => self.write(number, how),
            Shown::AtTheEnd(_) | Shown::Screen => Ok(()),
        }
    }

    fn write(&mut self, number: usize, how: Written) -> anyhow::Result<()> {
        let path = &self.paths[number];
        let tick = PathTick::new(&path.model, self.names.as_ref(), path.process.as_ref());
        how.tick(&tick, self.out.pending()).context("can't write")
    }

    /// The slowest path says how far it is.
    fn tell_progress(&self) {
        let cycle = self.paths.iter().map(|path| path.model.cycle).min();
        if let (true, Some(cycle), Some(cycles)) = (self.has_progress, cycle, self.run.plan.cycles)
        {
            // Where stderr is gone, nobody is left to tell.
            let _ = io::stderr().write_all(progress(cycle, cycles).as_bytes());
        }
    }

    /// Ends what is shown. Nobody reads any more where there is no reason.
    async fn end(mut self, reason: Option<Reason>) -> anyhow::Result<()> {
        self.screen = None;
        if self.has_progress {
            let _ = io::stderr().write_all(PROGRESS_END.as_bytes());
        }
        let Some(reason) = reason else { return Ok(()) };
        match self.run.shown {
            Shown::AtTheEnd(how) => {
                let begun = |path: &Path| path.model.cycle > 0;
                for number in (0..self.paths.len())
                    .filter(|&number| begun(&self.paths[number]))
                    .collect::<Vec<_>>()
                {
                    self.write(number, how)?;
                }
            }
            Shown::EachCycle(how) => {
                for number in 0..self.paths.len() {
                    self.release(number)?;
                }
                how.end(&end(self.ticks, reason), self.out.pending())?;
            }
            Shown::Screen => {}
        }
        self.out.finish(reason).await.context("can't write")?;
        self.judge()
    }

    /// Whether every destination was reached, and no condition of `--fail-if` holds.
    fn judge(&self) -> anyhow::Result<()> {
        let mut wrong: Vec<String> = Vec::new();
        for Path { model, failed, .. } in &self.paths {
            match unreached(model) {
                Some(why) => wrong.push(why),
                None => wrong.extend(
                    self.run
                        .fail_if
                        .iter()
                        .filter_map(|condition| broken(condition, model)),
                ),
            }
            let address = model.target.address;
            wrong.extend(
                failed
                    .iter()
                    .map(|why| format!("{address} can't be probed: {why}")),
            );
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Failure::CheckFailed(wrong.join("\n")).into())
    }
}

impl Path {
    /// A destination that never answers has no largest packet.
    fn awaits_mtu(&self, looks_for_mtu: bool) -> bool {
        let is_reached = self.model.destination.received() > 0;
        looks_for_mtu && is_reached && self.model.mtu.is_none() && self.failed.is_none()
    }

    fn is_done(&self) -> bool {
        self.is_over && !self.is_held
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn screen_event(
    screen: &mut Option<PathScreen>,
    paths: &[(&PathModel, Option<&ProcessSide>)],
    names: &dyn HostNames,
) -> PathEvent {
    match screen {
        Some(screen) => screen.event(paths, names).await,
        None => std::future::pending().await,
    }
}
