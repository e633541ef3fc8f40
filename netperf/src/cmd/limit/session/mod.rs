//! What happens while a limit is held?

mod change;
mod ending;

use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::time::Duration;

use anyhow::Context;
use netperf_core::clock::{self, MonoNs};
use netperf_core::model::limit::LimitModel;
use netperf_core::sample::limit::LimitRecord;
use netperf_core::units::Units;
use netperf_sys::procfs::{Procfs, Relative};
use netperf_throttle::registry::{Order, Registration};
use netperf_throttle::{Alive, Limit};
use rustix::process::Signal;
use tokio::time::Instant;

use crate::cmd::limit::child::Gated;
use crate::cmd::limit::hold::{opening, processes, rates_text, who};
use crate::cmd::limit::wake::{Wake, Wakers};
use crate::cmd::limit::{Hold, asked, failure, targets};
use crate::cmd::signals::Stop;
use crate::cmd::timer::Timer;
use crate::exit::PassedOn;
use crate::render::limit::Written;
use crate::render::sink::Sink;
use crate::render::width;
use crate::view::envelope::Reason;
use crate::view::limit::{LimitTick, Outlook};

/// Columns where the terminal does not say.
const COLUMNS: usize = 80;

/// How often is looked for processes whose name newly fits: some rename themselves.
const NEWCOMERS_EVERY: Duration = Duration::from_secs(1);

/// Where programs are started one after the other, that is enough: a look takes some milliseconds.
const NEWCOMERS_REST: Duration = Duration::from_millis(200);

/// A rate is reached after this time; what comes before is not checked.
const SETTLED: Duration = Duration::from_secs(1);

/// A limit that is held, and all that is known of it.
pub(super) struct Session {
    pub(super) hold: Hold,
    pub(super) units: Units,
    pub(super) record: LimitRecord,
    procfs: Procfs,
    limit: Limit,
    model: LimitModel,
    /// Of the time that a check is about.
    checked: Option<LimitModel>,
    registration: Registration,
    output: Sink,
    command: Option<Gated>,
    began: MonoNs,
    newcomers: MonoNs,
    ticks: u64,
    told: HashSet<String>,
}

/// How a limit ended.
enum Ended {
    For(Reason),
    Command(PassedOn),
    /// Nobody looks any more.
    Unseen,
}

/// Nothing is written, and so no reader needed, with [`Written::Nothing`].
fn sink(written: Written) -> Sink {
    if written == Written::Nothing {
        Sink::unwatched_stdout()
    } else {
        Sink::stdout()
    }
}

impl Session {
    /// A limit that has begun.
    pub(super) fn new(
        (hold, units): (Hold, Units),
        procfs: Procfs,
        (limit, model): (Limit, LimitModel),
        (registration, record): (Registration, LimitRecord),
    ) -> Self {
        let began = clock::now().0;
        Self {
            output: sink(hold.written),
            hold,
            units,
            record,
            procfs,
            limit,
            model,
            checked: None,
            registration,
            command: None,
            began,
            newcomers: began,
            ticks: 0,
            told: HashSet::new(),
        }
    }

    /// Says that it holds, and lets the command run that waits for it.
    pub(super) fn begin(&mut self, command: Option<Gated>, has_keys: bool) -> anyhow::Result<()> {
        let start = opening(&self.hold, self.record.since);
        self.hold.written.start(&start, self.output.pending())?;
        let keys = if has_keys {
            "; q lifts it, +/- 10 %"
        } else {
            "; Ctrl-C lifts it"
        };
        let text = self.what_holds() + keys;
        self.hold.written.say(&text, self.output.pending());
        self.command = command;
        if let Some(command) = &mut self.command {
            command.open()?;
        }
        Ok(())
    }

    /// `limit 3 holds: up 20.0 MB/s for rsync (9821)`.
    pub(super) fn what_holds(&self) -> String {
        let record = &self.record;
        let rates = rates_text(record, self.units);
        format!("limit {} holds: {rates} for {}", record.id, who(record))
    }

    /// Holds it until it ends.
    pub(super) async fn until_end(mut self, mut wakers: Wakers) -> anyhow::Result<()> {
        if self.hold.written == Written::Nothing {
            self.output = sink(Written::Nothing);
        }
        let mut timer = Timer::new(Instant::now(), self.hold.timing);
        let ended = loop {
            let wake = wakers.next(timer.next(), &mut self.output).await;
            let ended = match wake.context("can't write")? {
                Wake::Stop(stop) => self.stop(stop)?,
                Wake::Tend => self.tend()?,
                Wake::Tick => {
                    self.tick()?;
                    timer.tick(Instant::now()).map(Ended::For)
                }
                Wake::Order(order, answer) => {
                    // Whoever asked may have gone.
                    let _ = answer.send(self.obey(order));
                    (order == Order::Clear).then_some(Ended::For(Reason::Signal))
                }
                Wake::Key(key) => self.press(key)?,
                Wake::Closed => self.closed(),
                Wake::Child => self.command_ended()?,
            };
            if let Some(ended) = ended {
                break ended;
            }
        };
        // The terminal is in order before anything is said on it.
        drop(wakers);
        self.end(ended).await
    }

    /// A signal is the command's, where there is one, and the limit ends with it.
    fn stop(&mut self, stop: Stop) -> anyhow::Result<Option<Ended>> {
        let Some(command) = &self.command else {
            return Ok(Some(Ended::For(Reason::Signal)));
        };
        // From the keys of a terminal the command has got it, too.
        let from_keys = io::stdin().is_terminal();
        let signal = match stop {
            Stop::Interrupt | Stop::Quit if from_keys => return Ok(None),
            Stop::Interrupt => Signal::INT,
            Stop::Quit => Signal::QUIT,
            Stop::Terminate => Signal::TERM,
            Stop::Hangup => Signal::HUP,
        };
        command.signal(signal)?;
        Ok(None)
    }

    /// A command goes on without a reader of what we say.
    fn closed(&mut self) -> Option<Ended> {
        if self.command.is_none() {
            return Some(Ended::Unseen);
        }
        self.hold.written = Written::Nothing;
        self.output = sink(Written::Nothing);
        None
    }

    fn command_ended(&mut self) -> anyhow::Result<Option<Ended>> {
        let Some(command) = &mut self.command else {
            return Ok(None);
        };
        Ok(command.ended()?.map(Ended::Command))
    }

    fn tend(&mut self) -> anyhow::Result<Option<Ended>> {
        // It may have ended before its end could wake anybody.
        if let Some(ended) = self.command_ended()? {
            return Ok(Some(ended));
        }
        let alive = self.limit.tend().map_err(failure)?;
        let now = clock::now().0;
        if self.hold.check.is_some() && self.check(now)? {
            return Ok(Some(Ended::For(Reason::Duration)));
        }
        if self.left(now).is_some_and(|left| left.is_zero()) {
            return Ok(Some(Ended::For(Reason::Duration)));
        }
        if self.may_have_newcomers(now) {
            self.newcomers = now;
            self.cover_newcomers()?;
        }
        Ok(match alive {
            Alive::Yes => None,
            // A name may fit others later; a command is waited for.
            Alive::NobodyLeft if self.waits_for_others() => None,
            Alive::NobodyLeft => {
                self.say("all processes that it covers have ended");
                Some(Ended::For(Reason::Eof))
            }
            Alive::Gone if self.command.is_some() => None,
            Alive::Gone => {
                self.warn_once("limit ended: its queue interface was removed");
                Some(Ended::For(Reason::Eof))
            }
        })
    }

    /// Whether it is time to look for processes whose name newly fits.
    fn may_have_newcomers(&mut self, now: MonoNs) -> bool {
        let passed = now.since(self.newcomers).unwrap_or_default();
        passed >= NEWCOMERS_EVERY || (passed >= NEWCOMERS_REST && self.limit.has_new_names())
    }

    fn waits_for_others(&self) -> bool {
        self.hold.whom.has_name() || self.command.is_some()
    }

    /// Time until it ends by itself; suspended time counts.
    fn left(&self, now: MonoNs) -> Option<Duration> {
        let passed = now.since(self.began).unwrap_or_default();
        Some(self.hold.lasting?.saturating_sub(passed))
    }

    /// Takes the readings of a check; true when it is over.
    fn check(&mut self, now: MonoNs) -> anyhow::Result<bool> {
        let passed = now.since(self.began).unwrap_or_default();
        if passed >= SETTLED && self.checked.is_none() {
            let first = self.limit.read().map_err(failure)?;
            self.checked = Some(LimitModel::new(first));
        }
        Ok(passed >= asked::CHECK)
    }

    fn cover_newcomers(&mut self) -> anyhow::Result<()> {
        let known = &self.model.latest().pids;
        let whom = &self.hold.whom;
        let mut found = targets::newcomers(&self.procfs, whom, self.hold.children, known);
        let mut covered = self.record.processes.iter();
        let place = covered.find_map(|one| self.procfs.network_namespace(one.pid).ok().flatten());
        let is_here = |one: &Relative| {
            let netns = self.procfs.network_namespace(one.tgid).ok().flatten();
            place.is_none() || netns == place
        };
        let elsewhere: Vec<_> = found.extract_if(.., |one| !is_here(one)).collect();
        for one in elsewhere {
            self.warn_once(&format!(
                "{} ({}) is in another network namespace: it is not limited",
                one.comm, one.tgid
            ));
        }
        if found.is_empty() {
            return Ok(());
        }
        let targets: Vec<_> = found.iter().map(targets::target).collect();
        self.limit.cover(&targets).map_err(failure)
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        self.ticks += 1;
        self.model.advance(self.limit.read().map_err(failure)?);
        for one in self.model.latest().uncovered.clone() {
            let (name, why) = (one.name, one.why);
            self.warn_once(&format!("the interface {name} is not limited: {why}"));
        }
        let latest = self.model.latest();
        let now = processes(&self.procfs, &latest.pids, &self.record.processes);
        if now != self.record.processes && !now.is_empty() {
            self.record.processes = now;
            self.write_record();
        }
        self.show()
    }

    /// Where the file can't be written any more, the limit holds all the same.
    fn write_record(&mut self) {
        if let Err(error) = self.registration.write(&self.record) {
            log::warn!("`limit list` shows an old state: {error}");
        }
    }

    fn show(&mut self) -> anyhow::Result<()> {
        let left = self.left(self.model.latest().at);
        let name = self.record.processes.first().map(|one| one.name.as_str());
        let outlook = Outlook {
            id: self.record.id,
            name: name.unwrap_or_default(),
            left_s: left.map(|left| left.as_secs_f64()),
        };
        let tick = LimitTick::new(&self.model, outlook);
        let columns = width::of_stdout().unwrap_or(COLUMNS);
        self.hold
            .written
            .tick(&tick, columns, self.output.pending())?;
        Ok(())
    }

    /// Warns of something once.
    pub(super) fn warn_once(&mut self, text: &str) {
        if !self.told.insert(text.to_owned()) {
            return;
        }
        if let Written::Live(_) = self.hold.written {
            self.say(&format!("warning: {text}"));
        } else {
            log::warn!("{text}");
        }
    }

    fn say(&mut self, text: &str) {
        self.hold.written.say(text, self.output.pending());
    }
}
