//! Changes a limit while it holds: by a key, or by `limit set`.

use netperf_core::sample::limit::Rates;
use netperf_core::units::ByteRate;
use netperf_throttle::registry::{Answer, Order};

use super::Held;
use crate::cmd::limit::failure;
use crate::cmd::limit::hold::rates_text;
use crate::cmd::session::Step;
use crate::render::keys::Key;
use crate::render::output::Output;
use crate::view::envelope::Reason;
use crate::view::limit::changed;

impl Held {
    pub(super) fn change(&mut self, key: Key, out: &mut Output) -> anyhow::Result<Step> {
        let more = match key {
            Key::Quit => return Ok(Step::End(Reason::Signal)),
            Key::Faster => true,
            Key::Slower => false,
        };
        let step = |rate: Option<ByteRate>| rate.map(|rate| changed(rate, more));
        let Rates { up, down } = self.hold.rates;
        self.set(Rates {
            up: step(up),
            down: step(down),
        })?;
        let text = format!("limit: {}", rates_text(&self.record, self.units));
        out.say(&text);
        Ok(Step::GoOn)
    }

    fn set(&mut self, rates: Rates) -> anyhow::Result<()> {
        self.limit.set_rates(rates).map_err(failure)?;
        self.hold.rates = rates;
        self.record.up_bytes_per_s = rates.up.map(|rate| rate.0);
        self.record.down_bytes_per_s = rates.down.map(|rate| rate.0);
        self.write_record();
        Ok(())
    }

    pub(super) fn obey(&mut self, order: Order) -> Answer {
        match order {
            Order::Read => Answer::Now(self.model.now().clone()),
            Order::Clear => Answer::Done,
            Order::Set {
                up_bytes_per_s,
                down_bytes_per_s,
            } => {
                let new = |old: Option<ByteRate>, new: Option<u64>| match (old, new) {
                    (None, Some(_)) => Err(()),
                    (old, new) => Ok(new.map(ByteRate).or(old)),
                };
                let Rates { up, down } = self.hold.rates;
                let (Ok(up), Ok(down)) = (new(up, up_bytes_per_s), new(down, down_bytes_per_s))
                else {
                    let why =
                        "it does not limit that direction: end it and begin another".to_owned();
                    return Answer::Refused { why };
                };
                match self.set(Rates { up, down }) {
                    Ok(()) => Answer::Done,
                    Err(error) => Answer::Refused {
                        why: format!("{error:#}"),
                    },
                }
            }
        }
    }
}
