//! Collects and reports the results of the probers.

use std::convert::Infallible;
use std::future::pending;
use std::io::{self, IsTerminal, Write as _};
use std::rc::Rc;

use anyhow::Context;
use netperf_core::failure::Failure;
use netperf_core::host_names::HostNames;
use netperf_core::model::path::{PathModel, ProcessSide};
use netperf_diagnose::path::condition::broken;
use netperf_diagnose::path::unreached;
use netperf_probe::path::News;
use tokio::sync::mpsc::UnboundedReceiver;

use super::PathRun;
use super::targets::Aim;
use crate::cmd::session::{Ending, Opening, Source, Step, Timing, end};
use crate::render::output::{AGAIN, Output, Silent};
use crate::render::path::progress;
use crate::render::tui::{self, PathScreen};
use crate::view::envelope::Reason;
use crate::view::path::PathTick;

/// The paths and the channel from their probers.
pub(super) struct Probing {
    run: PathRun,
    paths: Vec<Path>,
    names: Rc<dyn HostNames>,
    screen: Option<PathScreen>,
    /// Whether stderr shows the progress.
    has_progress: bool,
    news: UnboundedReceiver<(usize, News)>,
    ticks: u64,
}

/// One path and its state.
struct Path {
    model: PathModel,
    process: Option<ProcessSide>,
    is_over: bool,
    /// Why its prober failed.
    failed: Option<String>,
    /// Whether a cycle waits to be written, until the largest packet is known.
    is_held: bool,
}

/// An event of the probers or the screen.
pub(super) enum Event {
    Screen(tui::Event<Infallible>),
    /// A message about the path with this number.
    News(usize, News),
    /// All probers have ended.
    Over,
}

impl Probing {
    pub(super) fn new(
        run: PathRun,
        aims: Vec<Aim>,
        (names, screen): (Rc<dyn HostNames>, Option<PathScreen>),
        news: UnboundedReceiver<(usize, News)>,
    ) -> Self {
        let path = |aim: Aim| Path {
            model: PathModel::new(aim.target),
            process: aim.process,
            is_over: false,
            failed: None,
            is_held: false,
        };
        Self {
            paths: aims.into_iter().map(path).collect(),
            has_progress: run.is_report && io::stderr().is_terminal(),
            run,
            names,
            screen,
            news,
            ticks: 0,
        }
    }

    fn take_news(&mut self, (number, news): (usize, News), out: &mut Output) -> anyhow::Result<()> {
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
                    self.show(number, out)?;
                }
                self.tell_progress();
            }
            News::Mtu(found) => {
                path.model.take_mtu(found);
                self.release(number, out)?;
            }
            News::Failed(why) => {
                path.failed = Some(why);
                path.is_over = true;
                self.release(number, out)?;
            }
            News::Over => {
                path.is_over = true;
            }
        }
        let path = &mut self.paths[number];
        path.is_held &= path.awaits_mtu(looks_for_mtu);
        Ok(())
    }

    /// Reports a cycle that has waited.
    fn release(&mut self, number: usize, out: &mut Output) -> anyhow::Result<()> {
        let is_held = std::mem::replace(&mut self.paths[number].is_held, false);
        if is_held {
            self.show(number, out)?;
        }
        Ok(())
    }

    fn show(&self, number: usize, out: &mut Output) -> anyhow::Result<()> {
        if self.run.is_report {
            return Ok(());
        }
        self.report(&self.paths[number], out)
    }

    fn report(&self, path: &Path, out: &mut Output) -> anyhow::Result<()> {
        let tick = PathTick::new(&path.model, self.names.as_ref(), path.process.as_ref());
        Ok(out.report(&tick)?)
    }

    /// Prints the progress of the slowest path.
    fn tell_progress(&self) {
        let cycle = self.paths.iter().map(|path| path.model.cycle).min();
        if let (true, Some(cycle), Some(cycles)) = (self.has_progress, cycle, self.run.plan.cycles)
        {
            // Without stderr, there is no reader.
            let _ = io::stderr().write_all(progress(cycle, cycles).as_bytes());
        }
    }

    fn end_progress(&self) {
        if self.has_progress {
            let _ = io::stderr().write_all(AGAIN.as_bytes());
        }
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

impl Source for Probing {
    type Event = Event;

    fn start(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        if let Some(screen) = &mut self.screen {
            screen.open().context("can't take over the terminal")?;
        }
        let timing = Timing {
            interval: self.run.plan.interval,
            count: self.run.plan.cycles,
            duration: self.run.duration,
        };
        out.report(&Silent(&Opening::now("path", Some(timing)).start()))?;
        Ok(Step::GoOn)
    }

    async fn next(&mut self, is_ready: bool) -> anyhow::Result<Event> {
        let paths = self.paths.iter();
        let paths: Vec<_> = paths
            .map(|path| (&path.model, path.process.as_ref()))
            .collect();
        Ok(tokio::select! {
            event = user(&mut self.screen, &paths, self.names.as_ref()) => Event::Screen(event),
            news = self.news.recv(), if is_ready => match news {
                Some((number, news)) => Event::News(number, news),
                None => Event::Over,
            },
        })
    }

    fn take(&mut self, event: Event, out: &mut Output) -> anyhow::Result<Step> {
        match event {
            Event::Screen(tui::Event::Handled) => {}
            Event::Screen(tui::Event::Quit) => return Ok(Step::End(Reason::Signal)),
            Event::Screen(tui::Event::Gone) => return Ok(Step::Leave),
            Event::News(number, news) => self.take_news((number, news), out)?,
            Event::Over => return Ok(Step::End(Reason::Count)),
        }
        if self.screen.is_none() && self.paths.iter().all(Path::is_done) {
            return Ok(Step::End(Reason::Count));
        }
        Ok(Step::GoOn)
    }

    fn leave(self) -> anyhow::Result<()> {
        self.end_progress();
        Ok(())
    }

    fn finish(mut self, reason: Reason, out: &mut Output) -> anyhow::Result<Ending> {
        self.screen = None;
        self.end_progress();
        if self.run.is_report {
            for path in self.paths.iter().filter(|path| path.model.cycle > 0) {
                self.report(path, out)?;
            }
        } else {
            for number in 0..self.paths.len() {
                self.release(number, out)?;
            }
        }
        Ok(Ending {
            end: end(self.ticks, reason),
            verdict: self.judge(),
        })
    }
}

impl Path {
    /// Whether the largest packet is still to be found; never for a destination that does not answer.
    fn awaits_mtu(&self, looks_for_mtu: bool) -> bool {
        let is_reached = self.model.destination.received() > 0;
        looks_for_mtu && is_reached && self.model.mtu.is_none() && self.failed.is_none()
    }

    fn is_done(&self) -> bool {
        self.is_over && !self.is_held
    }
}

/// The next event of the screen, if there is one.
async fn user(
    screen: &mut Option<PathScreen>,
    paths: &[(&PathModel, Option<&ProcessSide>)],
    names: &dyn HostNames,
) -> tui::Event<Infallible> {
    match screen {
        Some(screen) => screen.event(paths, names).await,
        None => pending().await,
    }
}
