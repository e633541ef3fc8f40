//! The rows of `nic`: the state of the interfaces, their counters, and findings.

pub mod table;

use netperf_core::model::Model;
use netperf_core::model::nic::figures::NicFigures;
pub use netperf_core::model::nic::figures::users::Counted;
pub use netperf_core::model::nic::figures::{DriverRow, NicRow, SoftnetRow};
use netperf_core::model::nic::{NicModel, speed_is_nominal};
use netperf_core::sample::Loss;
use netperf_core::sample::nic::{NicReading, NicSample};
use netperf_core::sample::socket::Unseen;
use netperf_core::units::Units;
use netperf_diagnose::condition::Condition;
use netperf_diagnose::nic;
use netperf_diagnose::nic::condition::{NicMetric, broken, needs_a_speed};
use netperf_diagnose::nic::meaning::{Meaning, meanings};
use netperf_diagnose::{Finding, Period};
use serde::Serialize;

use super::time::Rfc3339;

/// Options of `nic`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NicOptions {
    /// Only these interfaces; all if empty.
    pub names: Vec<String>,
    /// Conditions that make the command fail.
    pub fail_if: Vec<Condition<NicMetric>>,
    /// How findings write sizes and rates.
    pub units: Units,
}

impl NicOptions {
    /// Whether an interface is to be shown.
    pub fn takes(&self, nic: &NicReading) -> bool {
        self.names.is_empty() || self.names.contains(&nic.name)
    }

    /// Names that are asked for and that no interface has.
    pub fn missing(&self, sample: &NicSample) -> Vec<String> {
        let is_known = |name: &String| sample.nics.iter().any(|nic| nic.name == *name);
        let names = self.names.iter().filter(|name| !is_known(name));
        names.cloned().collect()
    }

    /// A condition of `--fail-if` on a figure that no interface has: it could never fail.
    pub fn unmeasured(&self, sample: &NicSample) -> Option<Unseen> {
        let mut shown = sample.nics.iter().filter(|nic| self.takes(nic));
        let has_speed = shown.any(|nic| nic.mode.speed_mbit.is_some() && !speed_is_nominal(nic));
        let has_condition = self.fail_if.iter().any(needs_a_speed);
        (has_condition && !has_speed).then(|| Unseen {
            what: "`util`, which --fail-if asks for".to_owned(),
            why: "no interface shown reports its speed".to_owned(),
        })
    }
}

/// One snapshot of the interfaces.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename = "nic")]
pub struct NicTick<'m> {
    /// When it was taken.
    pub time: Rfc3339,
    /// The figures, beside the other fields.
    #[serde(flatten)]
    pub figures: NicFigures<'m>,
    /// Explanations of the counters that are not zero.
    pub meanings: Vec<Meaning>,
    /// Findings, the worst first.
    pub findings: Vec<Finding>,
    /// Conditions of `--fail-if` that held in this tick, in words.
    pub exceeded: Vec<String>,
    /// Number of network namespaces in view.
    pub namespaces: usize,
    /// What could not be seen.
    pub unavailable: &'m [Unseen],
    /// Why the processes that use a full interface are not known.
    pub users_unknown: Option<&'m str>,
    /// Losses in counting processes. A snapshot itself loses nothing.
    pub loss: Loss,
}

impl<'m> NicTick<'m> {
    /// The latest snapshot of the model. `counted` has the traffic of processes, where it is counted.
    pub fn new(model: &'m NicModel, counted: Counted<'m>, options: &NicOptions) -> Self {
        let traffic = counted.model();
        let figures = NicFigures {
            missing: options.missing(&model.now),
            ..NicFigures::new(model, traffic, |nic| options.takes(nic))
        };
        let fail_if = options.fail_if.iter();
        Self {
            time: Rfc3339(model.now.wall),
            meanings: meanings(&figures.interfaces),
            findings: nic::findings(&figures, Period::Tick, options.units),
            exceeded: fail_if
                .flat_map(|one| broken(one, &figures.interfaces))
                .collect(),
            figures,
            namespaces: model.now.namespaces,
            unavailable: &model.now.unseen,
            users_unknown: match counted {
                Counted::Impossible(why) => Some(why),
                Counted::Not | Counted::In(_) => None,
            },
            loss: traffic.map(Model::loss).unwrap_or_default(),
        }
    }
}
