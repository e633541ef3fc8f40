//! All sources of a measurement. Each is read at the beginning and at the end, and some in between. A
//! source that is missing is reported and does not end the run.

use std::time::Duration;

use netperf_core::clock::{self, MonoNs};
use netperf_core::collect::{AttachedHook, Feed, FeedConfig, HookPreference, Wanted};
use netperf_core::model::Model;
use netperf_core::model::nic::NicModel;
use netperf_core::model::pressure::Pressure;
use netperf_core::model::states::StatesModel;
use netperf_core::sample::nic::NicSample;
use netperf_core::sample::refusal::Refusals;
use netperf_core::sample::socket::{SocketSample, Unseen};
use netperf_core::units::Units;
use netperf_diagnose::doctor::Measured;
use netperf_sys::capture::{
    self, Capture, Detail, NicFeed, NicRequest, PressureFeed, RefusalFeed, Scope, SocketFeed,
    SocketRequest,
};

use super::REST;
use super::names::NamesSeen;
use crate::cmd::listing::{every_tcp_socket, failure};
use crate::cmd::nic;

/// The sources and their readings.
pub(super) struct Window {
    request: SocketRequest,
    machine: PressureFeed,
    traffic: Result<Traffic, String>,
    names: NamesSeen,
    refusals: Option<RefusalFeed>,
    sockets: SocketFeed,
    first: SocketSample,
    last: SocketSample,
    states: StatesModel,
    interfaces: NicFeed,
    first_nics: NicSample,
    /// Of every snapshot, for conditions that last for several of them.
    ticks: NicModel,
    /// Of the first and the last snapshot.
    nics: NicModel,
    pressure: Pressure,
    began: MonoNs,
    length: Duration,
    unseen: Vec<Unseen>,
}

struct Traffic {
    feed: Capture,
    model: Model,
}

impl Window {
    /// Opens every source and takes the first readings.
    pub(super) fn open(hooks: HookPreference, namespaces: Scope) -> anyhow::Result<Self> {
        let mut unseen = Vec::new();
        let traffic = open_traffic(hooks);
        if let Err(why) = &traffic {
            unseen.push(Unseen {
                what: "what processes send, receive and lose, and how long it takes".to_owned(),
                why: why.clone(),
            });
        }
        let (mut names, no_names) = NamesSeen::open();
        unseen.extend(no_names);
        let mut refusals = RefusalFeed::open(hooks, true)
            .map_err(|it| unseen.push(it))
            .ok();
        let request = SocketRequest {
            detail: Detail::Full,
            ..every_tcp_socket(namespaces)
        };
        let mut sockets = SocketFeed::open();
        let mut interfaces = NicFeed::open(NicRequest {
            namespaces,
            driver_counters: true,
        });
        let first = sockets.read(&request).map_err(failure)?;
        // What was refused before the time begins does not count.
        if let Some(Err(missing)) = refusals.as_mut().map(RefusalFeed::read) {
            unseen.push(missing);
        }
        let first_nics = interfaces.read().map_err(nic::failure)?;
        let machine = PressureFeed::open(namespaces);
        names.begin();
        let began = clock::now().0;
        let mut window = Self {
            traffic,
            names,
            refusals,
            last: SocketSample::default(),
            states: StatesModel::default(),
            ticks: NicModel::default(),
            nics: NicModel::default(),
            pressure: Pressure::new(machine.read(began)),
            length: Duration::ZERO,
            request,
            machine,
            sockets,
            first,
            interfaces,
            first_nics,
            began,
            unseen,
        };
        window.ticks.advance(window.first_nics.clone());
        window.nics.advance(window.first_nics.clone());
        window.states.advance(&window.first, &|_| true);
        let of_refusals = window.refusals.as_ref().map(RefusalFeed::unseen);
        window.keep(of_refusals.unwrap_or_default());
        window.keep(window.first.unseen.clone());
        window.keep(window.first_nics.unseen.clone());
        Ok(window)
    }

    /// What can't be seen here.
    pub(super) fn unseen(&self) -> &[Unseen] {
        &self.unseen
    }

    /// The hooks of all sources.
    pub(super) fn hooks(&self) -> Vec<AttachedHook> {
        let traffic = self.traffic.as_ref().ok();
        let mut hooks = traffic.map_or(Vec::new(), |it| it.feed.provenance().hooks.clone());
        hooks.extend(self.names.hooks());
        hooks.extend(self.refusals.iter().flat_map(|feed| feed.hooks().to_vec()));
        hooks
    }

    /// Takes the readings in between.
    pub(super) fn snapshot(&mut self) -> anyhow::Result<()> {
        self.ticks
            .advance(self.interfaces.read().map_err(nic::failure)?);
        self.pressure.look(&self.machine.processes());
        Ok(())
    }

    /// Reads the kernel's buffers, to keep them small; returns when to call it again.
    pub(super) fn pump(&mut self) -> Duration {
        let names = self.names.pump().unwrap_or(REST);
        self.pump_traffic().min(names)
    }

    fn pump_traffic(&mut self) -> Duration {
        let Ok(traffic) = &mut self.traffic else {
            return REST;
        };
        match traffic.feed.pump() {
            Ok(wait) => wait,
            Err(error) => {
                self.traffic = Err(format!("{error:#}"));
                REST
            }
        }
    }

    /// Takes the last readings. Hooks that the kernel detaches slowly come first, so that it does so
    /// meanwhile.
    pub(super) fn close(&mut self) -> anyhow::Result<()> {
        let refused = self.refusals.as_mut().map(RefusalFeed::finish);
        if let Ok(traffic) = &mut self.traffic {
            match traffic.feed.finish() {
                Ok(Some(sample)) => traffic.model.advance(&sample),
                Ok(None) => {}
                Err(error) => self.traffic = Err(format!("{error:#}")),
            }
        }
        self.names.close();
        let now = clock::now().0;
        self.length = now.since(self.began).unwrap_or_default();
        self.pressure.end(self.machine.read(now));
        let nics = self.interfaces.read().map_err(nic::failure)?;
        self.ticks.advance(nics.clone());
        self.nics.advance(nics);
        self.nics.take_streaks_of(&self.ticks);
        self.last = self.sockets.read(&self.request).map_err(failure)?;
        self.keep_refusals(refused);
        self.states.advance(&self.last, &|_| true);
        self.keep(self.last.unseen.clone());
        Ok(())
    }

    fn keep_refusals(&mut self, refused: Option<Result<Refusals, Unseen>>) {
        match refused {
            Some(Ok(mut refused)) => {
                if self.request.namespaces != Scope::All {
                    let seen = &self.last.namespaces;
                    refused.readings.retain(|it| seen.contains(&it.netns));
                    if let Some(failed) = &mut refused.failed {
                        failed.retain(|it| seen.contains(&it.netns));
                    }
                }
                self.last.refusals = refused;
            }
            Some(Err(unseen)) => self.keep(vec![unseen]),
            None => {}
        }
    }

    fn keep(&mut self, unseen: Vec<Unseen>) {
        for one in unseen {
            if !self.unseen.iter().any(|known| known.what == one.what) {
                self.unseen.push(one);
            }
        }
    }

    /// The measurement, for the rules.
    pub(super) fn measured(&self, about: Option<u32>, units: Units) -> Measured<'_> {
        Measured {
            wall: clock::now().1,
            length: self.length,
            pressure: &self.pressure,
            nics: &self.nics,
            states: &self.states,
            traffic: self
                .traffic
                .as_ref()
                .map(|it| &it.model)
                .map_err(String::as_str),
            lookups: self.names.seen(),
            first: &self.first,
            last: &self.last,
            unseen: &self.unseen,
            namespaces: (self.request.namespaces != Scope::All)
                .then_some(self.last.namespaces.as_slice()),
            about,
            units,
        }
    }
}

fn open_traffic(hooks: HookPreference) -> Result<Traffic, String> {
    let wanted = Wanted {
        flows: true,
        losses: true,
        latency: true,
        ..Wanted::default()
    };
    let open = || -> anyhow::Result<Traffic> {
        let mut feed = capture::open(&FeedConfig { hooks, wanted })?;
        let base = feed.next()?.unwrap_or_default();
        let model = Model::new(&base);
        Ok(Traffic { feed, model })
    };
    open().map_err(|error| {
        let text = format!("{error:#}");
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        lines.join("; ")
    })
}
