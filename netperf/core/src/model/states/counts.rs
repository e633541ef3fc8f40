//! How many sockets are in each state?

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::sample::TcpState;

/// Every state, in the order of a connection's life.
pub const STATES: [TcpState; 11] = [
    TcpState::Listen,
    TcpState::SynSent,
    TcpState::SynRecv,
    TcpState::Established,
    TcpState::CloseWait,
    TcpState::LastAck,
    TcpState::FinWait1,
    TcpState::FinWait2,
    TcpState::Closing,
    TcpState::TimeWait,
    TcpState::Close,
];

/// How many sockets are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateCounts([u32; 12]);

impl StateCounts {
    /// Counts one more.
    pub fn add(&mut self, state: TcpState) {
        self.0[usize::from(state.to_kernel())] += 1;
    }

    /// How many are in this state.
    pub fn of(&self, state: TcpState) -> u32 {
        self.0[usize::from(state.to_kernel())]
    }

    /// All of them.
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// What changed since `before`, per second, by name; what did not is left out.
    pub fn growth_since(&self, before: &Self, seconds: f64) -> BTreeMap<&'static str, f64> {
        let change = |state: TcpState| {
            let change = f64::from(self.of(state)) - f64::from(before.of(state));
            (change != 0.0).then(|| (state.name(), change / seconds))
        };
        STATES.into_iter().filter_map(change).collect()
    }
}

impl Serialize for StateCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(STATES.len()))?;
        for state in STATES {
            map.serialize_entry(state.name(), &self.of(state))?;
        }
        map.end()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for StateCounts {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "StateCounts".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let count = generator.subschema_for::<u32>();
        let names = STATES.map(TcpState::name);
        let properties = names.map(|name| (name.to_owned(), count.clone().into()));
        schemars::json_schema!({
            "type": "object",
            "description": "How many sockets are in each state",
            "properties": serde_json::Map::from_iter(properties),
            "required": names,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_written_also_where_there_is_none() {
        let mut counts = StateCounts::default();
        for _ in 0..3 {
            counts.add(TcpState::TimeWait);
        }
        let written = serde_json::to_value(counts).unwrap();
        let object = written.as_object().unwrap();
        assert_eq!((object.len(), counts.total()), (11, 3));
        assert_eq!(
            (&object["TIME_WAIT"], &object["CLOSE"]),
            (&3.into(), &0.into())
        );
    }

    #[test]
    fn growth_names_what_changed_in_either_direction() {
        let mut before = StateCounts::default();
        before.add(TcpState::Established);
        before.add(TcpState::Listen);
        let mut now = StateCounts::default();
        now.add(TcpState::Listen);
        now.add(TcpState::TimeWait);
        let growth = now.growth_since(&before, 2.0);
        let expected = [("ESTABLISHED", -0.5), ("TIME_WAIT", 0.5)];
        assert_eq!(growth, BTreeMap::from(expected));
    }
}
