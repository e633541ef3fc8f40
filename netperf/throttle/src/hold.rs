//! A limit from beginning to end: sets up programs and queues, maintains them, removes them.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use netperf_core::clock;
use netperf_core::sample::limit::{LimitSample, Queue as QueueSample, Rates, Uncovered};
use netperf_sys::bpf::{LimitOrder, LimitPrograms, Waiting};
use netperf_sys::netlink;
use netperf_sys::procfs::Procfs;

use super::hooks::Hooks;
use super::invitation::{Invitation, tell_plenty};
use super::members::Sockets;
use super::network::{Network, Queue, QueueKind};
use super::preparation::Preparation;
use super::survey::{self, Found, Ground};
use super::{Alive, LimitError, Means, Plan, Survey, Target, members};

/// Largest number of searches for processes until a search finds no new one.
const SEARCHES_MAX: usize = 50;

/// Calls of [`Limit::tend`] between two searches for processes and interfaces.
const SEARCH_EVERY: u32 = 10;

/// Calls between two searches for sockets, which take a microsecond for each open file.
const SOCKETS_EVERY: u32 = 20;

/// How long the end waits for the queues to drain.
const PATIENCE: Duration = Duration::from_millis(300);

/// A limit in force. It holds as long as this value lives: the kernel drops it with its descriptors,
/// however the process ends.
pub struct Limit {
    plan: Plan,
    means: Means,
    procfs: Procfs,
    programs: LimitPrograms,
    // Before the network: a program must not send packets to an interface that is gone.
    hooks: Hooks,
    network: Network,
    attached: HashSet<u32>,
    sockets: Sockets,
    uncovered: Vec<Uncovered>,
    tended: u32,
    renamed: u64,
    invitation: Invitation,
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl Limit {
    /// Finds out how the limit would be set up.
    ///
    /// # Errors
    ///
    /// It can't be set up.
    pub fn survey(plan: &Plan) -> Result<Survey, LimitError> {
        let Ground { survey, .. } = survey::look(plan, &Procfs::new("/"))?;
        Means::check_interfaces()?;
        Ok(survey)
    }

    /// Sets up the limit, or leaves everything as it was.
    ///
    /// # Errors
    ///
    /// It can't be set up.
    pub fn begin(plan: Plan, preparation: Preparation) -> Result<Self, LimitError> {
        let procfs = Procfs::new("/");
        let Ground {
            target_netns,
            means,
            largest_packet,
            ..
        } = survey::look(&plan, &procfs)?;
        let cgroup = survey::cgroup(&plan, &procfs)?;
        let loader = preparation.end()?;
        let hooks = Hooks::begin(means.way, &target_netns, plan.id)?;
        let kind = QueueKind {
            id: plan.id,
            mtu: largest_packet,
            discipline: means.discipline,
        };
        let network =
            Network::make(target_netns, kind, plan.rates, &procfs).map_err(LimitError::refused)?;
        let index = |queue: &Option<Queue>| queue.as_ref().map(|queue| queue.index);
        let order = LimitOrder {
            bit: plan.id - 1,
            up_queue: index(&network.up),
            down_queue: index(&network.down),
            whole_cgroup: plan.cgroup.is_some(),
            children: plan.children,
        };
        let mut programs = LimitPrograms::load(order, loader).map_err(LimitError::refused)?;
        network
            .attach_queue_programs(&hooks, &mut programs)
            .map_err(LimitError::refused)?;
        let mut limit = Self {
            plan,
            means,
            procfs,
            programs,
            hooks,
            network,
            attached: HashSet::new(),
            sockets: Sockets::default(),
            uncovered: Vec::new(),
            tended: 0,
            renamed: 0,
            invitation: Invitation::default(),
        };
        if limit.plan.names {
            limit.programs.follow_names().map_err(LimitError::refused)?;
        }
        limit.take_members(|programs| programs.follow(&cgroup))?;
        limit.invitation.next_round(&mut limit.programs);
        limit.tell_window();
        limit.tell_plenty();
        limit.attach_interfaces()?;
        Ok(limit)
    }

    /// Changes the rates; a direction can't be added or removed.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn set_rates(&mut self, rates: Rates) -> Result<(), LimitError> {
        if let Some(rate) = rates.down.filter(|&rate| self.plan.rates.down > Some(rate)) {
            self.invitation.lower(&mut self.programs, rate);
        }
        let waiting = self.network.backlogs().map_err(anyhow::Error::from)?;
        let waiting = waiting.map(|backlog| backlog.map_or(0, |backlog| backlog.bytes.into()));
        let seen = self.programs.seen();
        let queues = [
            (&mut self.network.up, rates.up, waiting[0], seen.up.wire),
            (
                &mut self.network.down,
                rates.down,
                waiting[1],
                seen.down.wire,
            ),
        ];
        for (queue, rate, waiting, gone) in queues {
            if let Some((queue, rate)) = queue.as_mut().zip(rate) {
                queue.goodput.set_rate(rate, waiting, gone);
            }
        }
        for queue in [&self.network.up, &self.network.down].into_iter().flatten() {
            self.network.tell(queue).map_err(anyhow::Error::from)?;
        }
        self.plan.rates = rates;
        self.tell_window();
        self.tell_plenty();
        Ok(())
    }

    /// Whether any process on the machine has a new name since the last call.
    pub fn has_new_names(&mut self) -> bool {
        let renamed = self.programs.renamed();
        std::mem::replace(&mut self.renamed, renamed) != renamed
    }

    /// Adds processes, for example those whose name matches now.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn cover(&mut self, targets: &[Target]) -> Result<(), LimitError> {
        self.plan.targets.extend(targets);
        self.take_members(|_| Ok(()))
    }

    /// Does the regular work, to be called every [`super::TEND_EVERY`].
    ///
    /// # Errors
    ///
    /// The limit no longer holds.
    pub fn tend(&mut self) -> Result<Alive, LimitError> {
        self.tended = self.tended.wrapping_add(1);
        self.invitation.next_round(&mut self.programs);
        self.tell_window();
        if let Err(error) = self.learn() {
            return Alive::after(error);
        }
        if self.tended.is_multiple_of(SEARCH_EVERY) {
            match self.network.backlogs() {
                Ok(backlogs) => {
                    let which = [Waiting::Sending, Waiting::Receiving];
                    for (which, backlog) in which.into_iter().zip(backlogs) {
                        // Headers count here, which is close enough.
                        let bytes = backlog.unwrap_or_default().bytes;
                        self.programs.set_waiting(which, bytes.into());
                    }
                }
                Err(error) => return Alive::after(error),
            }
            self.attach_interfaces()?;
            if !self.has_members() {
                return Ok(Alive::AllEnded);
            }
        }
        if self.tended.is_multiple_of(SOCKETS_EVERY)
            && let Err(error) = self.take_sockets()
        {
            log::debug!("{error:#}");
        }
        Ok(Alive::Yes)
    }

    /// Reads the counters of the limit.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub fn read(&mut self) -> Result<LimitSample, LimitError> {
        let seen = self.programs.seen();
        let [up, down] = self.network.backlogs().map_err(anyhow::Error::from)?;
        let shaped =
            |queue: &Option<Queue>, payload, refused, backlog: Option<netlink::Backlog>| {
                let (queue, backlog) = queue.as_ref().zip(backlog)?;
                Some(QueueSample {
                    limit_bytes_per_s: queue.goodput.rate().0,
                    bytes: payload,
                    dropped: u64::from(backlog.dropped) + refused,
                    queued_bytes: backlog.bytes.into(),
                })
            };
        let pids = self.living();
        let (at, wall) = clock::now();
        Ok(LimitSample {
            at,
            wall,
            sockets: self.sockets.count(),
            pids,
            mechanism: self.means.mechanism().to_owned(),
            up: shaped(&self.network.up, seen.up.payload, 0, up),
            down: shaped(&self.network.down, seen.down.payload, seen.refused, down),
            uncovered: self.uncovered.clone(),
        })
    }

    /// Ends the limit without loss: queued packets leave first, at full speed.
    pub fn lift(mut self) {
        self.network.empty(PATIENCE);
        self.programs.set_window_rate(0, 1);
        if let Err(error) = self.hooks.let_go(&mut self.programs) {
            log::debug!("{error:#}");
        }
        // What was on its way into a queue.
        self.network.empty(PATIENCE);
    }

    /// Takes in processes before and after `between`, which starts watching for new ones, so that none
    /// is missed; then their sockets.
    fn take_members(
        &mut self,
        between: impl FnOnce(&mut LimitPrograms) -> anyhow::Result<()>,
    ) -> Result<(), LimitError> {
        self.add_members()?;
        between(&mut self.programs).map_err(LimitError::refused)?;
        for _ in 0..SEARCHES_MAX {
            if !self.add_members()? {
                break;
            }
        }
        self.take_sockets()
    }

    fn take_sockets(&mut self) -> Result<(), LimitError> {
        let members = self.living();
        let sockets = &mut self.sockets;
        sockets.take_in(&members, &mut self.programs, &self.procfs)
    }

    /// Takes in the processes that exist now; whether any of them is new.
    fn add_members(&mut self) -> Result<bool, LimitError> {
        let known: HashSet<u32> = self.programs.members().into_iter().collect();
        let mut found = members::of(&self.plan, &self.procfs);
        found.retain(|tgid| !known.contains(tgid));
        for &tgid in &found {
            self.programs.add_member(tgid)?;
        }
        Ok(!found.is_empty())
    }

    fn living(&self) -> Vec<u32> {
        let mut living = self.programs.members();
        living.retain(|&tgid| self.procfs.relative(tgid).is_some_and(|one| !one.is_zombie));
        if let Some(cgroup) = &self.plan.cgroup {
            living.extend(self.procfs.members(cgroup));
        }
        living.sort_unstable();
        living.dedup();
        living
    }

    fn has_members(&mut self) -> bool {
        let living = self.living();
        for tgid in self.programs.members() {
            if living.binary_search(&tgid).is_err() {
                self.programs.remove_member(tgid);
            }
        }
        match &self.plan.cgroup {
            Some(cgroup) => cgroup.exists(),
            None => !living.is_empty(),
        }
    }

    /// Adjusts the queues to the share of headers.
    fn learn(&mut self) -> std::io::Result<()> {
        let seen = self.programs.seen();
        let queues = [
            (&mut self.network.up, seen.up),
            (&mut self.network.down, seen.down),
        ];
        let learnt = queues.map(|(queue, seen)| {
            queue
                .as_mut()
                .is_some_and(|queue| queue.goodput.learn(seen))
        });
        let queues = [&self.network.up, &self.network.down];
        for (queue, _) in queues.into_iter().zip(learnt).filter(|&(_, learnt)| learnt) {
            queue
                .as_ref()
                .map_or(Ok(()), |queue| self.network.tell(queue))?;
        }
        Ok(())
    }

    fn tell_window(&mut self) {
        if let Some(rate) = self.plan.rates.down {
            self.invitation.tell(&mut self.programs, rate);
        }
    }

    fn tell_plenty(&mut self) {
        let Rates { up, down } = self.plan.rates;
        for (which, rate) in [(Waiting::Sending, up), (Waiting::Receiving, down)] {
            if let Some(rate) = rate {
                tell_plenty(&mut self.programs, which, rate);
            }
        }
    }

    /// Attaches to every interface that is to be limited, including new ones.
    fn attach_interfaces(&mut self) -> Result<(), LimitError> {
        let found = self
            .network
            .in_target(|| Found::now(&self.plan, &self.attached))
            .map_err(anyhow::Error::from)?;
        let judged = survey::judged(&found, &self.plan);
        self.attached
            .retain(|index| judged.iter().any(|interface| interface.index == *index));
        self.uncovered = judged
            .iter()
            .filter_map(survey::Judged::uncovered)
            .collect();
        let has_down = self.network.down.is_some();
        for judged in judged.iter().filter(|judged| judged.is_limited()) {
            if !self.attached.insert(judged.index) {
                continue;
            }
            let (name, programs) = (&judged.shown.name, &mut self.programs);
            let hooks = &self.hooks;
            let attach = || {
                let (arrives, leaves) = judged.points();
                let mut points = has_down.then_some(arrives).into_iter().chain([leaves]);
                points.try_for_each(|point| hooks.attach(programs, point, name, judged.index))
            };
            let Err(error) = self.network.in_target(attach) else {
                continue;
            };
            if self.tended == 0 {
                return Err(LimitError::refused(error.into()));
            }
            // One that comes and goes does not end the limit of the others.
            self.attached.remove(&judged.index);
            self.uncovered.push(Uncovered {
                why: format!("can't be limited: {error}"),
                name: name.clone(),
            });
        }
        Ok(())
    }
}
