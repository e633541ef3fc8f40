//! What would this kernel accept? Everything that counting uses, tried and undone again.

use aya::maps::MapType;
use aya::programs::ProgramType;
use aya::sys::{is_map_supported, is_program_supported};
use netperf_core::collect::Provenance;
use netperf_core::machine::{Feature, SetTrial, Trial};
use netperf_core::text::chain;

use super::error::OpenError;
use super::open::try_sets;
use super::request::Request;

const LACKING: &str = "not in this kernel";

/// Loads and attaches each kind of hooks that `request` accepts, and detaches it again.
///
/// # Errors
/// What stops every kind alike.
pub fn verdicts(request: &Request<'_>) -> Result<Vec<SetTrial>, OpenError> {
    let mut trials = Vec::<SetTrial>::new();
    for (kind, outcome) in try_sets(request)? {
        match trials.iter_mut().find(|trial| trial.kind == kind) {
            Some(trial) => better(&mut trial.outcome, outcome),
            None => trials.push(SetTrial { kind, outcome }),
        }
    }
    Ok(trials)
}

/// A kind whose sets are tried one after the other counts if one of them does.
fn better(known: &mut Result<Provenance, String>, next: Result<Provenance, String>) {
    if let Err(why) = known {
        match next {
            Ok(provenance) => *known = Ok(provenance),
            Err(other) if other != *why => why.extend(["; ", &other]),
            Err(_) => {}
        }
    }
}

/// Tries maps and programs, those that need an interface excepted.
pub fn feature_trials() -> Vec<Trial> {
    let map = |feature, kind| Trial::of(feature, there(is_map_supported(kind)));
    let program = |feature, kind| Trial::of(feature, there(is_program_supported(kind)));
    vec![
        map(Feature::RingBuffer, MapType::RingBuf),
        map(Feature::SocketStorage, MapType::SkStorage),
        program(Feature::SchedCls, ProgramType::SchedClassifier),
        program(Feature::CgroupSock, ProgramType::CgroupSock),
    ]
}

fn there<E: std::error::Error + 'static>(supported: Result<bool, E>) -> Result<(), String> {
    match supported {
        Ok(true) => Ok(()),
        Ok(false) => Err(LACKING.to_owned()),
        Err(error) => Err(chain(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(why: &str) -> Result<Provenance, String> {
        Err(why.to_owned())
    }

    #[test]
    fn a_kind_counts_if_one_of_its_sets_does() {
        let mut known = refused("no storage");
        better(&mut known, refused("no storage"));
        better(&mut known, refused("no trampoline"));
        assert_eq!(known, refused("no storage; no trampoline"));
        better(&mut known, Ok(Provenance::default()));
        better(&mut known, refused("never mind"));
        assert!(known.is_ok());
    }

    #[test]
    fn what_a_kernel_lacks_is_told_apart_from_what_it_forbids() {
        assert_eq!(there::<std::io::Error>(Ok(true)), Ok(()));
        assert_eq!(there::<std::io::Error>(Ok(false)), Err(LACKING.to_owned()));
        let forbidden = there(Err(std::io::Error::from_raw_os_error(1)));
        assert!(forbidden.unwrap_err().contains("not permitted"));
    }
}
