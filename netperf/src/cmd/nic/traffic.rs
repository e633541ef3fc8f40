//! Counts which processes use an interface, once one is full. Most runs never need those hooks.

use netperf_core::collect::{Feed, FeedConfig, HookPreference, Wanted};
use netperf_core::model::Model;
use netperf_core::model::nic::NicModel;
use netperf_sys::capture::{self, Capture};

use crate::view::nic::NicOptions;
use netperf_core::model::nic::figures::users::Counted;

/// Traffic of processes, counted once an interface is full.
pub(super) struct Traffic {
    hooks: HookPreference,
    state: State,
}

enum State {
    NotYet,
    Counting(Box<(Capture, Model)>),
    /// It can't be counted, for this reason.
    Impossible(String),
}

impl Traffic {
    pub(super) fn new(hooks: HookPreference) -> Self {
        Self {
            hooks,
            state: State::NotYet,
        }
    }

    /// Notes the end of a tick: attaches the hooks if an interface is full.
    pub(super) fn tick(&mut self, nics: &NicModel, options: &NicOptions) {
        match &mut self.state {
            State::Impossible(_) => {}
            State::NotYet => {
                let mut shown = nics.now.nics.iter().filter(|nic| options.takes(nic));
                let is_full = shown.any(|nic| {
                    let streak = nics.streak_of(nic);
                    streak.busy > 0 || streak.queued > 0
                });
                if is_full {
                    self.state =
                        open(self.hooks).map_or_else(|error| impossible(&error), State::Counting);
                }
            }
            State::Counting(counting) => {
                let (feed, model) = counting.as_mut();
                match feed.next() {
                    Ok(Some(sample)) => model.advance(&sample),
                    Ok(None) => {}
                    Err(error) => self.state = impossible(&error),
                }
            }
        }
    }

    /// The traffic as far as it is known.
    pub(super) fn counted(&self) -> Counted<'_> {
        match &self.state {
            State::NotYet => Counted::Not,
            State::Counting(counting) => Counted::In(&counting.1),
            State::Impossible(why) => Counted::Impossible(why),
        }
    }
}

fn open(hooks: HookPreference) -> anyhow::Result<Box<(Capture, Model)>> {
    let wanted = Wanted {
        flows: true,
        ..Wanted::default()
    };
    let mut feed = capture::open(&FeedConfig { hooks, wanted })?;
    let base = feed.next()?.unwrap_or_default();
    let model = Model::new(&base);
    Ok(Box::new((feed, model)))
}

fn impossible(error: &anyhow::Error) -> State {
    let text = format!("{error:#}");
    let first = text.lines().next().unwrap_or_default().to_owned();
    State::Impossible(first)
}
