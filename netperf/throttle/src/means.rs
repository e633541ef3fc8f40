//! Chooses how this kernel can intercept and delay packets. Trials run in a network namespace of their
//! own.

use netperf_core::machine::{Outcome, Trial};
use netperf_sys::bpf;
use netperf_sys::netlink::{self, Discipline};

use super::LimitError;

/// How programs intercept the packets of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By tcx (Linux 6.6): they go with their descriptors.
    Tcx,
    /// By filters of a `clsact` queue, which stay until they are removed.
    Clsact,
}

impl Way {
    /// Every way, the best first.
    const ALL: [Self; 2] = [Self::Tcx, Self::Clsact];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcx => "tcx",
            Self::Clsact => "clsact",
        }
    }

    /// Why this kernel does not support it; `None` if it does.
    fn lacks(self) -> Option<String> {
        let trials = match self {
            Self::Tcx => vec![bpf::try_tcx()],
            Self::Clsact => netlink::filter_trials(),
        };
        trials.into_iter().find_map(refusal)
    }
}

/// How packets are intercepted and delayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Means {
    pub(super) way: Way,
    pub(super) discipline: Discipline,
}

impl Means {
    /// The best means that this kernel supports, or those with the requested way.
    ///
    /// # Errors
    ///
    /// It supports none, or a network namespace for the trial can't be made.
    pub(super) fn find(requested: Option<Way>) -> Result<Self, LimitError> {
        in_trial(move || {
            let ways = requested.map_or(Way::ALL.to_vec(), |way| vec![way]);
            let way = first(&ways, |way| (way.name(), way.lacks()));
            let discipline = first(&Discipline::ALL, |discipline| {
                let trial = netlink::bucket_trial(discipline);
                (trial.feature.name(), refused(trial.outcome))
            });
            Ok(Self {
                way: way.map_err(|lacking| {
                    format!("this kernel lets no program redirect packets: {lacking}")
                })?,
                discipline: discipline.map_err(|lacking| {
                    format!("this kernel has no queue that keeps to a rate: {lacking}")
                })?,
            })
        })
    }

    /// Tries the interfaces, too. The kernel takes some time to remove them, which a limit that is about to
    /// begin does not have: it makes them before anything else, and then knows.
    ///
    /// # Errors
    /// When it makes none.
    pub(super) fn check_interfaces() -> Result<(), LimitError> {
        in_trial(|| match refusal(netlink::pair_trial()) {
            None => Ok(()),
            Some(why) => Err(format!("this kernel makes no pairs of interfaces: {why}")),
        })
    }

    /// The name for users.
    pub(super) fn mechanism(self) -> &'static str {
        match (self.way, self.discipline) {
            (Way::Tcx, Discipline::Tbf) => "veth+tbf (tcx)",
            (Way::Tcx, Discipline::Htb) => "veth+htb (tcx)",
            (Way::Clsact, Discipline::Tbf) => "veth+tbf (clsact)",
            (Way::Clsact, Discipline::Htb) => "veth+htb (clsact)",
        }
    }
}

/// Tries something in a network namespace that goes afterwards; what it says is why this kernel can't hold a
/// limit.
fn in_trial<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, LimitError> {
    let tried = netlink::in_own_namespace(act).map_err(|error| {
        LimitError::Rights(format!("can't make a network namespace to try it: {error}"))
    })?;
    tried.map_err(LimitError::Unsupported)
}

/// The first of several that works; otherwise the reasons against each.
fn first<T: Copy>(
    all: &[T],
    lacks: impl Fn(T) -> (&'static str, Option<String>),
) -> Result<T, String> {
    let mut lacking = Vec::new();
    for &one in all {
        match lacks(one) {
            (_, None) => return Ok(one),
            (name, Some(why)) => lacking.push(format!("{name} ({why})")),
        }
    }
    Err(lacking.join(", "))
}

/// What failed, and why.
fn refusal(trial: Trial) -> Option<String> {
    let why = refused(trial.outcome)?;
    Some(format!("{}: {why}", trial.feature.name()))
}

fn refused(outcome: Outcome) -> Option<String> {
    match outcome {
        Outcome::Refused(why) => Some(why),
        Outcome::Works | Outcome::Untried(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_works_is_taken_and_all_that_do_not_are_named() {
        let lacks = |number: u8| ("even", (number % 2 == 1).then(|| number.to_string()));
        assert_eq!(first(&[1, 2, 4], lacks), Ok(2));
        assert_eq!(
            first(&[1, 3], lacks).unwrap_err(),
            "even (1), even (3)".to_owned()
        );
    }
}
