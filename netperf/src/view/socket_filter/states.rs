//! The states that a word of `ss` stands for.

use netperf_core::sample::TcpState;
use netperf_core::sample::state_set::StateSet;

/// The known words, for messages.
pub const STATE_NAMES: &str = "established, syn-sent, syn-recv, fin-wait-1, fin-wait-2, \
time-wait, closed, close-wait, last-ack, listening, closing, or a group: all, connected, \
synchronized, bucket, big";

/// The states that a word stands for: one, or a group as in `ss`. Names as in the JSON output
/// (`TIME_WAIT`) work as well.
pub fn states_named(word: &str) -> Option<StateSet> {
    let word = word.to_ascii_lowercase().replace('_', "-");
    let without = |states: &[TcpState]| {
        let states = StateSet::of(states.iter().copied());
        Some(StateSet::ALL.without(states))
    };
    match word.as_str() {
        "all" => Some(StateSet::ALL),
        "connected" => without(&[TcpState::Close, TcpState::Listen]),
        "synchronized" | "syncronized" => {
            without(&[TcpState::Close, TcpState::Listen, TcpState::SynSent])
        }
        "bucket" => Some(StateSet::of([TcpState::SynRecv, TcpState::TimeWait])),
        "big" => without(&[TcpState::SynRecv, TcpState::TimeWait]),
        word => state(word).map(|state| StateSet::of([state])),
    }
}

fn state(word: &str) -> Option<TcpState> {
    Some(match word {
        "established" | "estab" => TcpState::Established,
        "syn-sent" => TcpState::SynSent,
        "syn-recv" => TcpState::SynRecv,
        "fin-wait-1" | "fin-wait1" => TcpState::FinWait1,
        "fin-wait-2" | "fin-wait2" => TcpState::FinWait2,
        "time-wait" => TcpState::TimeWait,
        "closed" | "close" | "unconnected" | "unconn" => TcpState::Close,
        "close-wait" => TcpState::CloseWait,
        "last-ack" => TcpState::LastAck,
        "listening" | "listen" => TcpState::Listen,
        "closing" => TcpState::Closing,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_those_of_ss() {
        let has = |word, state| states_named(word).unwrap().contains(state);
        assert!(!has("connected", TcpState::Listen) && has("connected", TcpState::SynSent));
        assert!(!has("synchronized", TcpState::SynSent) && has("synchronized", TcpState::SynRecv));
        assert!(has("bucket", TcpState::TimeWait) && !has("bucket", TcpState::Established));
        assert!(!has("big", TcpState::SynRecv) && has("big", TcpState::Close));
        assert_eq!(states_named("all"), Some(StateSet::ALL));
    }

    #[test]
    fn every_name_of_the_contract_and_of_the_help_is_understood() {
        for number in 1..=11 {
            let state = TcpState::from_kernel(number).unwrap();
            assert_eq!(states_named(state.name()), Some(StateSet::of([state])));
        }
        let help = STATE_NAMES.replace("or a group:", "");
        for word in help.split([',', ' ']).filter(|word| !word.is_empty()) {
            assert!(states_named(word).is_some(), "{word}");
        }
        assert_eq!(states_named("estabished"), None);
    }
}
