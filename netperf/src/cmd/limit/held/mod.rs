//! A limit while it is held.

mod change;
mod ending;

use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::time::Duration;

use netperf_core::clock::{self, MonoNs};
use netperf_core::model::limit::LimitModel;
use netperf_core::sample::limit::LimitRecord;
use netperf_core::units::Units;
use netperf_diagnose::limit::warnings;
use netperf_sys::procfs::{Procfs, Relative};
use netperf_throttle::registry::{Order, Registration};
use netperf_throttle::{Alive, Limit};
use rustix::process::Signal;

use crate::cmd::limit::child::Gated;
use crate::cmd::limit::events::{Event, Events};
use crate::cmd::limit::hold::{opening, processes, rates_text, who};
use crate::cmd::limit::targets::Found;
use crate::cmd::limit::{Hold, Selector, config, detach, failure, targets, usage};
use crate::cmd::session::{Ending, Source, Step, Stop};
use crate::exit::PassedOn;
use crate::render::keys::Key;
use crate::render::output::{Format, Output, Silent};
use crate::view::envelope::Reason;
use crate::view::limit::{LimitTick, Outlook};

/// How often to look for processes whose name matches now: some rename themselves.
const NEWCOMERS_EVERY: Duration = Duration::from_secs(1);

/// Shortest time between two such searches, which take some milliseconds each.
const NEWCOMERS_REST: Duration = Duration::from_millis(200);

/// Time for the rate to settle; a check ignores it.
const SETTLED: Duration = Duration::from_secs(1);

/// A limit and its state.
pub(super) struct Held {
    hold: Hold,
    units: Units,
    record: LimitRecord,
    procfs: Procfs,
    limit: Limit,
    model: LimitModel,
    /// Readings of the time that a check covers.
    checked: Option<LimitModel>,
    registration: Registration,
    events: Events,
    command: Option<Gated>,
    /// How the command ended.
    status: Option<PassedOn>,
    found: Found,
    has_keys: bool,
    began: MonoNs,
    newcomers: MonoNs,
    ticks: u64,
    warned: HashSet<String>,
}

impl Held {
    /// A limit that has begun, and the command that waits for it.
    pub(super) fn new(
        (hold, units): (Hold, Units),
        (limit, model): (Limit, LimitModel),
        (registration, record): (Registration, LimitRecord),
        (events, has_keys): (Events, bool),
        (found, command): (Found, Option<Gated>),
    ) -> Self {
        let began = clock::now().0;
        Self {
            hold,
            units,
            record,
            procfs: Procfs::new("/"),
            limit,
            model,
            checked: None,
            registration,
            events,
            command,
            status: None,
            found,
            has_keys,
            began,
            newcomers: began,
            ticks: 0,
            warned: HashSet::new(),
        }
    }

    /// Describes the limit: `limit 3 holds: up 20.0 MB/s for rsync (9821)`.
    fn what_holds(&self) -> String {
        let record = &self.record;
        let rates = rates_text(record, self.units);
        format!("limit {} holds: {rates} for {}", record.id, who(record))
    }

    /// Warns of side effects. The limit holds already, so this delays nothing.
    fn warn(&mut self, out: &mut Output) {
        if matches!(self.hold.selector, Selector::Command(_)) {
            return;
        }
        let usage = usage::at_once(&self.found);
        let rates = self.hold.rates;
        for warning in warnings(&usage, rates, self.units) {
            self.warn_once(&warning, out);
        }
    }

    fn has_command_ended(&mut self) -> anyhow::Result<bool> {
        if let Some(command) = &mut self.command {
            self.status = command.ended()?;
        }
        Ok(self.status.is_some())
    }

    fn tend(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        // It may have ended before its end could wake anybody.
        if self.has_command_ended()? {
            return Ok(Step::End(Reason::Eof));
        }
        let alive = self.limit.tend().map_err(failure)?;
        let now = clock::now().0;
        if self.hold.check.is_some() && self.check(now)? {
            return Ok(Step::End(Reason::Duration));
        }
        if self.left(now).is_some_and(|left| left.is_zero()) {
            return Ok(Step::End(Reason::Duration));
        }
        if self.may_have_newcomers(now) {
            self.newcomers = now;
            self.cover_newcomers(out)?;
        }
        Ok(match alive {
            Alive::Yes => Step::GoOn,
            // A name may fit others later; a command is waited for.
            Alive::AllEnded if self.waits_for_others() => Step::GoOn,
            Alive::AllEnded => {
                out.say("all processes that it covers have ended");
                Step::End(Reason::Eof)
            }
            Alive::Gone if self.command.is_some() => Step::GoOn,
            Alive::Gone => {
                self.warn_once("limit ended: its queue interface was removed", out);
                Step::End(Reason::Eof)
            }
        })
    }

    /// Whether it is time to look for processes whose name matches now.
    fn may_have_newcomers(&mut self, now: MonoNs) -> bool {
        let passed = now.since(self.newcomers).unwrap_or_default();
        passed >= NEWCOMERS_EVERY || (passed >= NEWCOMERS_REST && self.limit.has_new_names())
    }

    fn waits_for_others(&self) -> bool {
        self.hold.selector.has_name() || self.command.is_some()
    }

    /// Time until it ends by itself; suspended time counts.
    fn left(&self, now: MonoNs) -> Option<Duration> {
        let passed = now.since(self.began).unwrap_or_default();
        Some(self.hold.lasting?.saturating_sub(passed))
    }

    /// Adds the readings of a check; true when it is over.
    fn check(&mut self, now: MonoNs) -> anyhow::Result<bool> {
        let passed = now.since(self.began).unwrap_or_default();
        if passed >= SETTLED && self.checked.is_none() {
            let first = self.limit.read().map_err(failure)?;
            self.checked = Some(LimitModel::new(first));
        }
        Ok(passed >= config::CHECK)
    }

    fn cover_newcomers(&mut self, out: &mut Output) -> anyhow::Result<()> {
        let known = &self.model.latest().pids;
        let selector = &self.hold.selector;
        let mut found = targets::newcomers(&self.procfs, selector, self.hold.children, known);
        let mut covered = self.record.processes.iter();
        let place = covered.find_map(|one| self.procfs.network_namespace(one.pid).ok().flatten());
        let is_here = |one: &Relative| {
            let netns = self.procfs.network_namespace(one.tgid).ok().flatten();
            place.is_none() || netns == place
        };
        let elsewhere: Vec<_> = found.extract_if(.., |one| !is_here(one)).collect();
        for one in elsewhere {
            let (name, pid) = (one.comm, one.tgid);
            let text = format!("{name} ({pid}) is in another network namespace: it is not limited");
            self.warn_once(&text, out);
        }
        if found.is_empty() {
            return Ok(());
        }
        let targets: Vec<_> = found.iter().map(targets::target).collect();
        self.limit.cover(&targets).map_err(failure)
    }

    fn end_tick(&mut self, out: &mut Output) -> anyhow::Result<()> {
        self.ticks += 1;
        self.model.advance(self.limit.read().map_err(failure)?);
        for one in self.model.latest().uncovered.clone() {
            let (name, why) = (one.name, one.why);
            let text = format!("the interface {name} is not limited: {why}");
            self.warn_once(&text, out);
        }
        let latest = self.model.latest();
        let now = processes(&self.procfs, &latest.pids, &self.record.processes);
        if now != self.record.processes && !now.is_empty() {
            self.record.processes = now;
            self.write_record();
        }
        self.show(out)
    }

    /// Writes the record for other runs. If that fails, the limit holds nevertheless.
    fn write_record(&mut self) {
        if let Err(error) = self.registration.write(&self.record) {
            log::warn!("`limit list` shows an old state: {error}");
        }
    }

    fn show(&self, out: &mut Output) -> anyhow::Result<()> {
        let left = self.left(self.model.latest().at);
        let name = self.record.processes.first().map(|one| one.name.as_str());
        let outlook = Outlook {
            id: self.record.id,
            name: name.unwrap_or_default(),
            left_s: left.map(|left| left.as_secs_f64()),
        };
        Ok(out.report(&LimitTick::new(&self.model, outlook))?)
    }

    /// Prints a warning, but only once.
    fn warn_once(&mut self, text: &str, out: &mut Output) {
        if !self.warned.insert(text.to_owned()) {
            return;
        }
        if out.is_live() {
            out.say(&format!("warning: {text}"));
        } else {
            log::warn!("{text}");
        }
    }
}

impl Source for Held {
    type Event = Event;

    /// Reports that the limit holds, and starts the command.
    fn start(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        out.report(&Silent(&opening(&self.hold, self.record.since)))?;
        let keys = if self.has_keys {
            "; q lifts it, +/- 10 %"
        } else {
            "; Ctrl-C lifts it"
        };
        out.say(&(self.what_holds() + keys));
        if let Some(command) = &mut self.command {
            command.open()?;
        }
        self.warn(out);
        if detach::is_supervisor() {
            detach::holds(self.record.id, self.what_holds())?;
        }
        Ok(Step::GoOn)
    }

    async fn next(&mut self, _: bool) -> anyhow::Result<Event> {
        Ok(self.events.next().await)
    }

    fn take(&mut self, event: Event, out: &mut Output) -> anyhow::Result<Step> {
        match event {
            Event::Tend => self.tend(out),
            Event::Order(order, answer) => {
                // The process that asks may have gone.
                let _ = answer.send(self.obey(order));
                Ok(match order {
                    Order::Clear => Step::End(Reason::Signal),
                    Order::Read | Order::Set { .. } => Step::GoOn,
                })
            }
            Event::Child if self.has_command_ended()? => Ok(Step::End(Reason::Eof)),
            Event::Child => Ok(Step::GoOn),
        }
    }

    fn tick(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        self.end_tick(out)?;
        Ok(Step::GoOn)
    }

    /// Passes a signal on to the command, if there is one; the limit ends with it.
    fn stop(&mut self, stop: Stop) -> anyhow::Result<Step> {
        let Some(command) = &self.command else {
            return Ok(Step::End(Reason::Signal));
        };
        // From the keys of a terminal the command has got it, too.
        let from_keys = io::stdin().is_terminal();
        let signal = match stop {
            Stop::Interrupt | Stop::Quit if from_keys => return Ok(Step::GoOn),
            Stop::Interrupt => Signal::INT,
            Stop::Quit => Signal::QUIT,
            Stop::Terminate => Signal::TERM,
            Stop::Hangup => Signal::HUP,
        };
        command.signal(signal)?;
        Ok(Step::GoOn)
    }

    fn press(&mut self, key: Key, out: &mut Output) -> anyhow::Result<Step> {
        self.change(key, out)
    }

    /// A command goes on when the reader of our output has gone.
    fn closed(&mut self, out: &mut Output) -> anyhow::Result<Step> {
        if self.command.is_none() {
            return Ok(Step::Leave);
        }
        *out = Output::new(Format::Nothing);
        Ok(Step::GoOn)
    }

    fn leave(self) -> anyhow::Result<()> {
        self.limit.lift();
        Ok(())
    }

    fn finish(mut self, reason: Reason, out: &mut Output) -> anyhow::Result<Ending> {
        self.report_rest(out)?;
        Ok(self.lift(reason, out))
    }
}
