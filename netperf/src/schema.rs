//! JSON Schemas of all output: one for each `type` of a line.
//!
//! They are made from the types that are serialised, with their documentation, and kept in docs/schema.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::render::limit::Ordered;
use crate::render::sockets::Closed;
use crate::view::churn::ChurnTick;
use crate::view::churn::transition_row::TransitionRow;
use crate::view::dns::DnsTick;
use crate::view::dns_watch::DnsWatchTick;
use crate::view::dns_watch::query_row::QueryRow;
use crate::view::doctor::Doctor;
use crate::view::envelope::{End, Start};
use crate::view::flows::FlowsTick;
use crate::view::http::HttpTick;
use crate::view::latency::LatencyTick;
use crate::view::limit::{LimitPlan, LimitTick, LimitsTick};
use crate::view::nic::NicTick;
use crate::view::path::PathTick;
use crate::view::preflight;
use crate::view::retrans::RetransTick;
use crate::view::retrans::event::RetransmitRow;
use crate::view::sockets::SocketsTick;
use crate::view::states::StatesTick;
use crate::view::top::Top;

/// The schema of each type of line, with the type. A line has every required field; more may be added.
pub fn all() -> Vec<(&'static str, Schema)> {
    vec![
        of::<ChurnTick>("churn"),
        of::<QueryRow>("dns_query"),
        of::<DnsTick>("dns"),
        of::<DnsWatchTick>("dns_watch"),
        of::<Doctor>("doctor"),
        of::<End>("end"),
        of::<FlowsTick>("flows"),
        of::<HttpTick>("http"),
        of::<Closed>("kill"),
        of::<LatencyTick>("latency"),
        of::<LimitTick>("limit"),
        of::<Ordered>("limit_order"),
        of::<LimitPlan>("limit_plan"),
        of::<LimitsTick>("limits"),
        of::<NicTick>("nic"),
        of::<PathTick>("path"),
        of::<preflight::Readiness>("preflight"),
        of::<RetransTick>("retrans"),
        of::<RetransmitRow>("retransmit"),
        of::<SocketsTick>("sockets"),
        of::<Start>("start"),
        of::<StatesTick>("states"),
        of::<Top>("top"),
        of::<TransitionRow>("transition"),
    ]
}

fn of<T: JsonSchema>(name: &'static str) -> (&'static str, Schema) {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<T>();
    // serde writes the type of a structure, and schemars leaves it out.
    let tag = Value::from_iter([("const", name)]);
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.insert("type".to_owned(), tag);
    }
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.insert(0, "type".into());
    }
    schema.insert("title".to_owned(), name.into());
    (name, schema)
}
