//! The fields of some lines of NDJSON, and their types, as docs/json.md describes them.

use anyhow::{Result, bail};
use serde_json::Value;

/// Type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A non-negative integer.
    Integer,
    /// Any number.
    Number,
    /// A string.
    Text,
    /// A time: RFC 3339, UTC, nanoseconds.
    Moment,
    /// True or false.
    Flag,
    /// A list of strings.
    Texts,
    /// A list of non-negative integers.
    Integers,
    /// A list of objects.
    Objects(&'static [Field]),
    /// An object.
    Object(&'static [Field]),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// Any value.
    Any,
}

/// A field of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    name: &'static str,
    kind: Kind,
    /// Null if the value is unknown.
    nullable: bool,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        nullable: false,
    }
}

const fn nullable(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        nullable: true,
    }
}

/// The first line.
pub const START: &[Field] = &[
    field("type", Kind::OneOf(&["start"])),
    field("schema", Kind::Integer),
    field("version", Kind::Text),
    field(
        "command",
        Kind::OneOf(&["top", "flows", "retrans", "limit", "doctor"]),
    ),
    field("time", Kind::Moment),
    field("host", Kind::Text),
    field("kernel", Kind::Text),
    field(
        "hooks",
        Kind::Objects(&[field("name", Kind::Text), field("attach", Kind::Text)]),
    ),
    field(
        "unavailable",
        Kind::Objects(&[field("what", Kind::Text), field("why", Kind::Text)]),
    ),
];

/// The report of `doctor --kernel`.
pub const PREFLIGHT: &[Field] = &[
    field("type", Kind::OneOf(&["preflight"])),
    field("time", Kind::Moment),
    field("host", Kind::Text),
    field("kernel", Kind::Text),
    field("can_count", Kind::Flag),
    nullable("hooks", Kind::OneOf(&["tracepoint", "fentry", "kprobe"])),
    field("checks", Kind::Objects(CHECK)),
];

const CHECK: &[Field] = &[
    field(
        "topic",
        Kind::OneOf(&[
            "hooks",
            "capabilities",
            "kernel",
            "counting",
            "listing",
            "shaping",
        ]),
    ),
    field("name", Kind::Text),
    field("verdict", Kind::OneOf(&["yes", "no", "partly", "unknown"])),
    field("needed", Kind::Flag),
    field("why", Kind::Text),
    nullable("advice", Kind::Text),
];

/// The last line.
pub const END: &[Field] = &[
    field("type", Kind::OneOf(&["end"])),
    field("time", Kind::Moment),
    field("ticks", Kind::Integer),
    field(
        "reason",
        Kind::OneOf(&["signal", "count", "duration", "eof"]),
    ),
];

const LOSS: &[Field] = &[
    field("ring_lost", Kind::Integer),
    field("map_full", Kind::Integer),
    field("unread", Kind::Integer),
];

const BYTES: &[Field] = &[
    field("tx_bytes", Kind::Integer),
    field("rx_bytes", Kind::Integer),
];

const INTERFACE: &[Field] = &[
    field("name", Kind::Text),
    field("tx_bytes", Kind::Integer),
    field("rx_bytes", Kind::Integer),
    nullable("speed_mbit", Kind::Integer),
];

/// A row of `flows`.
pub const FLOW: &[Field] = &[
    field("proto", Kind::OneOf(&["tcp", "udp"])),
    field("local", Kind::Text),
    field("remote", Kind::Text),
    field("netns", Kind::Integer),
    field("pid", Kind::Integer),
    nullable("host_pid", Kind::Integer),
    field("name", Kind::Text),
    field("tx_bytes", Kind::Integer),
    field("rx_bytes", Kind::Integer),
    nullable("tx_bytes_per_s", Kind::Integer),
    nullable("rx_bytes_per_s", Kind::Integer),
    nullable("tx_bytes_per_s_10s", Kind::Integer),
    nullable("rx_bytes_per_s_10s", Kind::Integer),
    nullable("tx_bytes_per_s_40s", Kind::Integer),
    nullable("rx_bytes_per_s_40s", Kind::Integer),
    nullable("state", Kind::Text),
    nullable("srtt_us", Kind::Integer),
    nullable("retrans", Kind::Integer),
];

/// A row of `top`, without the connections that `--connections` adds.
pub const PROCESS: &[Field] = &[
    field("pid", Kind::Integer),
    nullable("host_pid", Kind::Integer),
    field("start_time", Kind::Moment),
    field("name", Kind::Text),
    nullable("exe", Kind::Text),
    nullable("cmdline", Kind::Texts),
    nullable("uid", Kind::Integer),
    nullable("user", Kind::Text),
    nullable("cgroup", Kind::Text),
    nullable("container", Kind::Any),
    nullable("netns", Kind::Integer),
    field("alive", Kind::Flag),
    field("tx_bytes", Kind::Integer),
    field("rx_bytes", Kind::Integer),
    nullable("tx_bytes_per_s", Kind::Integer),
    nullable("rx_bytes_per_s", Kind::Integer),
    field("tx_total", Kind::Integer),
    field("rx_total", Kind::Integer),
    field("retrans", Kind::Integer),
];

/// A tick of `top`.
pub const TOP: &[Field] = &[
    field("type", Kind::OneOf(&["top"])),
    field("time", Kind::Moment),
    field("interval_s", Kind::Number),
    field("processes", Kind::Objects(PROCESS)),
    field("total", Kind::Object(BYTES)),
    field("interfaces", Kind::Objects(INTERFACE)),
    field("loss", Kind::Object(LOSS)),
];

/// A tick of `flows`.
pub const FLOWS: &[Field] = &[
    field("type", Kind::OneOf(&["flows"])),
    field("time", Kind::Moment),
    field("interval_s", Kind::Number),
    field("flows", Kind::Objects(FLOW)),
    field("loss", Kind::Object(LOSS)),
];

/// Fails unless `value` is an object with all of `fields`.
///
/// # Errors
/// The first field that is missing or of another type.
pub fn check(value: &Value, fields: &[Field]) -> Result<()> {
    for field in fields {
        let Some(found) = value.get(field.name) else {
            bail!("`{}` is missing in {value}", field.name);
        };
        if !(field.nullable && found.is_null()) {
            check_kind(found, field)?;
        }
    }
    Ok(())
}

fn check_kind(found: &Value, field: &Field) -> Result<()> {
    let fits = match field.kind {
        Kind::Integer => found.is_u64(),
        Kind::Number => found.is_number(),
        Kind::Text => found.is_string(),
        Kind::Moment => found.as_str().is_some_and(is_moment),
        Kind::Flag => found.is_boolean(),
        Kind::Texts => found
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string)),
        Kind::Integers => found
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_u64)),
        Kind::OneOf(texts) => found.as_str().is_some_and(|text| texts.contains(&text)),
        Kind::Any => true,
        Kind::Object(fields) => return check(found, fields),
        Kind::Objects(fields) => {
            let Some(list) = found.as_array() else {
                bail!("`{}` is no list", field.name)
            };
            return list.iter().try_for_each(|one| check(one, fields));
        }
    };
    if fits {
        return Ok(());
    }
    bail!("`{}` is no {:?}: {found}", field.name, field.kind)
}

/// `2026-11-22T09:41:00.123456789Z`, digit for digit.
fn is_moment(text: &str) -> bool {
    let shape = "dddd-dd-ddTdd:dd:dd.dddddddddZ";
    text.len() == shape.len()
        && text
            .chars()
            .zip(shape.chars())
            .all(|(found, wanted)| match wanted {
                'd' => found.is_ascii_digit(),
                _ => found == wanted,
            })
}

const KINDS: &[Field] = &[
    field("rto", Kind::Integer),
    field("fast", Kind::Integer),
    field("tlp", Kind::Integer),
    field("syn", Kind::Integer),
    field("synack", Kind::Integer),
];

/// A connection of `retrans`.
pub const LOSSY_FLOW: &[Field] = &[
    field("proto", Kind::OneOf(&["tcp"])),
    field("local", Kind::Text),
    field("remote", Kind::Text),
    field("netns", Kind::Integer),
    field("pid", Kind::Integer),
    field("name", Kind::Text),
    field("tx_bytes", Kind::Integer),
    field("state", Kind::Text),
    nullable("srtt_us", Kind::Integer),
    nullable("cwnd", Kind::Integer),
    field("retrans", Kind::Integer),
    field("segments_sent", Kind::Integer),
    field("kinds", Kind::Object(KINDS)),
    nullable("loss_percent", Kind::Number),
];

/// A process of `retrans`.
pub const LOSSY_PROCESS: &[Field] = &[
    field("pid", Kind::Integer),
    field("name", Kind::Text),
    field("retrans", Kind::Integer),
    field("kinds", Kind::Object(KINDS)),
    nullable("loss_percent", Kind::Number),
];

/// A remote host of `retrans`.
pub const LOSSY_REMOTE: &[Field] = &[
    field("remote", Kind::Text),
    field("names", Kind::Texts),
    field("retrans", Kind::Integer),
    field("kinds", Kind::Object(KINDS)),
    nullable("loss_percent", Kind::Number),
];

/// Resets of one process.
pub const RESET: &[Field] = &[
    field("direction", Kind::OneOf(&["sent", "received"])),
    field("pid", Kind::Integer),
    field("name", Kind::Text),
    field("local", Kind::Text),
    field("remote", Kind::Text),
    nullable("netns", Kind::Integer),
    nullable("state", Kind::Text),
    field("count", Kind::Integer),
];

/// Packets that the kernel dropped for one reason.
pub const DROP: &[Field] = &[
    field("reason", Kind::Text),
    field("what", Kind::Text),
    nullable("pid", Kind::Integer),
    nullable("name", Kind::Text),
    nullable("proto", Kind::Text),
    nullable("local_port", Kind::Integer),
    nullable("netns", Kind::Integer),
    field("packets", Kind::Integer),
];

/// A tick of `retrans`.
pub const RETRANS: &[Field] = &[
    field("type", Kind::OneOf(&["retrans"])),
    field("time", Kind::Moment),
    field("interval_s", Kind::Number),
    field("flows", Kind::Objects(LOSSY_FLOW)),
    field("processes", Kind::Objects(LOSSY_PROCESS)),
    field("remotes", Kind::Objects(LOSSY_REMOTE)),
    field("resets", Kind::Objects(RESET)),
    field("drops", Kind::Objects(DROP)),
    field("loss", Kind::Object(LOSS)),
];

/// A direction of a limit.
const DIRECTION: &[Field] = &[
    field("limit_bytes_per_s", Kind::Integer),
    nullable("bytes_per_s", Kind::Integer),
    field("bytes", Kind::Integer),
    field("dropped", Kind::Integer),
    field("queue_delay_ms", Kind::Integer),
];

/// A tick of `limit`.
pub const LIMIT: &[Field] = &[
    field("type", Kind::OneOf(&["limit"])),
    field("time", Kind::Moment),
    field("interval_s", Kind::Number),
    field("id", Kind::Integer),
    field("pids", Kind::Integers),
    field("sockets", Kind::Integer),
    field("mechanism", Kind::Text),
    nullable("up", Kind::Object(DIRECTION)),
    nullable("down", Kind::Object(DIRECTION)),
    nullable("left_s", Kind::Number),
    field("loss", Kind::Object(LOSS)),
];

/// A line of `retrans --watch`.
pub const RETRANSMIT: &[Field] = &[
    field("type", Kind::OneOf(&["retransmit"])),
    field("time", Kind::Moment),
    field(
        "kind",
        Kind::OneOf(&["rto", "fast", "tlp", "syn", "synack"]),
    ),
    field("pid", Kind::Integer),
    field("name", Kind::Text),
    field("local", Kind::Text),
    field("remote", Kind::Text),
    nullable("state", Kind::Text),
    nullable("srtt_us", Kind::Integer),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_missing_field_or_another_type_is_found() {
        let good = json!({"ring_lost": 0, "map_full": 0, "unread": 0});
        assert!(check(&good, LOSS).is_ok());
        assert!(check(&json!({"ring_lost": 0, "map_full": 0}), LOSS).is_err());
        assert!(check(&json!({"ring_lost": 0, "map_full": -1, "unread": 0}), LOSS).is_err());
        assert!(
            check(
                &json!({"ring_lost": null, "map_full": 0, "unread": 0}),
                LOSS
            )
            .is_err()
        );
    }

    #[test]
    fn a_moment_has_nanoseconds_and_is_utc() {
        assert!(is_moment("2026-11-22T09:41:00.123456789Z"));
        assert!(!is_moment("2026-11-22T09:41:00.123456Z"));
        assert!(!is_moment("2026-11-22T09:41:00.123456789+01:00"));
    }
}
