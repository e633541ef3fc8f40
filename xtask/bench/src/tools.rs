//! How do nethogs and iftop fare beside the same loads?

use anyhow::Result;

use super::Bench;
use super::companion::Companion;
use super::contest::{Contest, Heat};
use super::load::{Priority, Scene, Wire, Work};
use super::rival::Rival;
use super::section::Section;
use super::table::{self, Table};

/// Loads, and where they run.
const SCENES: [(&str, Work, Wire); 5] = [
    (
        "requests and responses, loopback",
        Work::RoundTrips,
        Wire::Loopback,
    ),
    ("requests and responses, veth", Work::RoundTrips, Wire::Veth),
    ("bulk, veth", Work::Bulk, Wire::Veth),
    ("connections, loopback", Work::Churn, Wire::Loopback),
    ("short-lived processes, veth", Work::Swarm, Wire::Veth),
];

/// Runs the loads beside ourselves and the rivals that are installed.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut companions = vec![Companion::Nothing, Companion::Tracer];
    let mut section = Section::new("Other tools beside the same loads");
    for rival in Rival::ALL {
        if rival.is_installed() {
            companions.push(Companion::Rival(rival));
        } else {
            section = section.remark(&format!("{} is not installed.", rival.name()));
        }
    }
    let mut table = Table::new(&[
        "load",
        "beside",
        "of untraced",
        "CPU, % of a core",
        "bytes shown",
    ]);
    for (name, work, wire) in SCENES {
        let scene = Scene {
            work,
            wire,
            priority: Priority::Ordinary,
        };
        let contest = Contest::run(bench, scene, &companions, bench.effort.few())?;
        for &companion in companions.iter().filter(|&&c| c != Companion::Nothing) {
            table.row(row(name, &contest, companion));
        }
    }
    Ok(section.table(&table).remark(
        "Bytes of the processes that drive the load: packet capture sees no socket of another \
         namespace. nethogs counts headers too, which are none of a process's bytes.",
    ))
}

fn row(load: &str, contest: &Contest, companion: Companion) -> [String; 5] {
    let rate = |heat: &Heat| heat.per_second;
    let ratio = contest.ratio(companion, Companion::Nothing, rate);
    let cpu = contest.spread(companion, |heat| heat.companion_percent);
    let bytes = if companion == Companion::Rival(Rival::Iftop) {
        "knows no process".to_owned()
    } else {
        contest.accuracy(companion, |heat| &heat.drivers).describe()
    };
    [
        load.to_owned(),
        companion.describe().to_owned(),
        table::cell(ratio, 3, None),
        table::cell(cpu, 2, None),
        bytes,
    ]
}
