//! nethogs and iftop beside the same loads.

use anyhow::Result;

use super::Bench;
use super::comparison::{Comparison, Run};
use super::load::{Link, Load, Priority, Workload};
use super::section::Section;
use super::table::{self, Table};
use super::tool::Tool;
use super::variant::Variant;

/// Loads, and where they run.
const LOADS: [(&str, Workload, Link); 5] = [
    (
        "requests and responses, loopback",
        Workload::RoundTrips,
        Link::Loopback,
    ),
    (
        "requests and responses, veth",
        Workload::RoundTrips,
        Link::Veth,
    ),
    ("bulk, veth", Workload::Bulk, Link::Veth),
    ("connections, loopback", Workload::Churn, Link::Loopback),
    ("short-lived processes, veth", Workload::Swarm, Link::Veth),
];

/// Runs the loads beside our own program and the tools that are installed.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut variants = vec![Variant::Baseline, Variant::Tracer];
    let mut section = Section::new("Other tools beside the same loads");
    for tool in Tool::ALL {
        if tool.is_installed() {
            variants.push(Variant::Tool(tool));
        } else {
            section = section.remark(&format!("{} is not installed.", tool.name()));
        }
    }
    let mut table = Table::new(&[
        "load",
        "beside",
        "of untraced",
        "CPU, % of a core",
        "bytes shown",
    ]);
    for (name, workload, link) in LOADS {
        let load = Load {
            workload,
            link,
            priority: Priority::Ordinary,
        };
        let comparison = Comparison::run(bench, load, &variants, bench.effort.few())?;
        for &variant in variants.iter().filter(|&&c| c != Variant::Baseline) {
            table.row(row(name, &comparison, variant));
        }
    }
    Ok(section.table(&table).remark(
        "Bytes of the processes that drive the load: packet capture sees no socket of another \
         namespace. nethogs counts headers too, which are none of a process's bytes.",
    ))
}

fn row(load: &str, comparison: &Comparison, variant: Variant) -> [String; 5] {
    let rate = |run: &Run| run.per_second;
    let ratio = comparison.ratio(variant, Variant::Baseline, rate);
    let cpu = comparison.spread(variant, |run| run.cpu_percent);
    let bytes = if variant == Variant::Tool(Tool::Iftop) {
        "knows no process".to_owned()
    } else {
        comparison.accuracy(variant, |run| &run.drivers).describe()
    };
    [
        load.to_owned(),
        variant.describe().to_owned(),
        table::cell(ratio, 3, None),
        table::cell(cpu, 2, None),
        bytes,
    ]
}
