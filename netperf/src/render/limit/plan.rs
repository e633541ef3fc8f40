//! The plan of `limit --dry-run` as text.

use std::io::{self, Write};

use netperf_core::text::visible;
use netperf_core::units::{ByteRate, Units};

use crate::render::output::{Report, Style};
use crate::view::limit::{LimitPlan, names};

/// Largest number of sockets to list.
const SOCKETS_SHOWN: usize = 20;

impl Report for LimitPlan {
    fn text(&self, style: Style, out: &mut Vec<u8>) -> io::Result<()> {
        write!(out, "{}", text(self, style.units))
    }
}

/// The lines of the plan.
fn text(plan: &LimitPlan, units: Units) -> String {
    let processes = plan.processes.iter();
    let processes = names(processes.map(|one| (one.pid, one.name.as_str())));
    let children = if plan.children {
        ", and what they start"
    } else {
        ", but not what they start"
    };
    let mut lines = vec![
        "nothing has been changed; this would be done:".to_owned(),
        format!("processes   {}{children}", visible(&processes)),
    ];
    let rate = |rate: Option<u64>| match rate {
        Some(rate) => format!("at most {} of payload", units.rate(ByteRate(rate))),
        None => "not limited".to_owned(),
    };
    lines.push(format!("up          {}", rate(plan.up_bytes_per_s)));
    lines.push(format!("down        {}", rate(plan.down_bytes_per_s)));
    lines.push(format!("mechanism   {}", plan.mechanism));
    lines.push(format!("namespace   net:[{}]", plan.netns));
    for interface in &plan.interfaces {
        let fate = match &interface.left_out {
            Some(why) => format!("left alone: {why}"),
            None => "limited".to_owned(),
        };
        lines.push(visible(&format!("interface   {}: {fate}", interface.name)).into_owned());
    }
    lines.push(format!("sockets     {}", plan.sockets.len()));
    for socket in plan.sockets.iter().take(SOCKETS_SHOWN) {
        let (proto, local, remote) = (socket.proto, &socket.local, &socket.remote);
        lines.push(format!(
            "            {proto} {local} -> {remote} (PID {})",
            socket.pid
        ));
    }
    if let Some(more) = plan
        .sockets
        .len()
        .checked_sub(SOCKETS_SHOWN)
        .filter(|&more| more > 0)
    {
        lines.push(format!("            and {more} more"));
    }
    let warnings = plan.warnings.iter();
    lines.extend(warnings.map(|warning| format!("warning     {}", visible(warning))));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::output::tests::text_of;
    use crate::view::limit::{PlannedInterface, PlannedProcess, PlannedSocket};
    use crate::view::time::Rfc3339;
    use netperf_core::clock::WallNs;

    #[test]
    fn a_plan_names_everything_and_no_escape_sequence() {
        let socket = PlannedSocket {
            proto: "tcp",
            local: "10.0.0.5:44321".to_owned(),
            remote: "10.0.0.9:873".to_owned(),
            pid: 9821,
        };
        let plan = LimitPlan {
            time: Rfc3339(WallNs(0)),
            processes: vec![PlannedProcess {
                pid: 9821,
                name: "rs\x1bync".to_owned(),
            }],
            children: true,
            sockets: vec![socket; 22],
            netns: 4_026_531_840,
            interfaces: vec![
                PlannedInterface {
                    name: "eth0".to_owned(),
                    left_out: None,
                },
                PlannedInterface {
                    name: "lo".to_owned(),
                    left_out: Some("loopback".to_owned()),
                },
            ],
            mechanism: "bounce".to_owned(),
            up_bytes_per_s: Some(20_000_000),
            down_bytes_per_s: None,
            warnings: vec!["it listens".to_owned()],
        };
        let text = text_of(&plan, None);
        assert!(!text.contains('\x1b'), "{text}");
        for line in [
            r"processes   rs\x1bync (9821), and what they start",
            "up          at most 20.0 MB/s of payload",
            "down        not limited",
            "interface   eth0: limited",
            "interface   lo: left alone: loopback",
            "sockets     22",
            "            and 2 more",
            "warning     it listens",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
