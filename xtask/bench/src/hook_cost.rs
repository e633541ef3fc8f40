//! What does each hook cost beside an empty program, by the kernel's own measurement?

use anyhow::Result;

use super::hooks::{Hooks, RunTime, RunTimes};
use super::load::Load;
use super::section::Section;
use super::spread::Spread;
use super::table::{Table, Target};
use super::tracer::Tracer;
use super::{Bench, progress};

/// Bytes of a program's name that the kernel keeps.
const NAME_LENGTH: usize = 15;
/// A mean of fewer runs says nothing.
const ENOUGH_RUNS: f64 = 1_000.0;
/// Nanoseconds that a hook may add.
const TARGET: Target = Target::AtMost(60.0);

/// Hook, our program, the empty program.
const HOOKS: [(&str, &str, &str); 7] = [
    ("sock_send_length", "tp_sock_send_length", "empty_send"),
    ("sock_recv_length", "tp_sock_recv_length", "empty_recv"),
    (
        "tcp_rcv_space_adjust",
        "tp_tcp_rcv_space_adjust",
        "empty_adjust",
    ),
    (
        "inet_sock_set_state",
        "tp_inet_sock_set_state",
        "empty_state",
    ),
    (
        "tcp_retransmit_skb",
        "tp_tcp_retransmit_skb",
        "empty_retrans",
    ),
    ("tcp_destroy_sock", "tp_tcp_destroy_sock", "empty_close"),
    ("sock_release", "cgroup_sock_release", "empty_release"),
];

/// Run times of one load, repeated, with empty programs and with ours.
#[derive(Debug, Default)]
struct Repeats {
    empty: Vec<RunTimes>,
    ours: Vec<RunTimes>,
}

/// Measures every hook under each load that calls it.
pub(super) fn measure(bench: &Bench) -> Result<Section> {
    let mut table = Table::new(&["load", "hook", "empty, ns", "ours, ns", "added, ns"]);
    for (load, name) in [
        (Load::ROUND_TRIPS, "requests and responses"),
        (Load::BULK, "bulk"),
        (Load::CHURN, "connections"),
    ] {
        let mut repeats = Repeats::default();
        for repeat in 1..=bench.effort.few() {
            progress(&format!(
                "hooks, {name}, {repeat} of {}",
                bench.effort.few()
            ));
            repeats.empty.push(empty(bench, load)?);
            repeats.ours.push(ours(bench, load)?);
        }
        for hook in HOOKS {
            if let Some(cells) = repeats.compare(hook) {
                table.row([vec![name.to_owned()], cells].concat());
            }
        }
    }
    Ok(Section::new("Hooks, by `bpf_stats`")
        .table(&table)
        .remark("Time of one run, with the measurement's own, which is in both. Hooks that ran less than 1 000 times a repeat are left out."))
}

fn empty(bench: &Bench, load: Load) -> Result<RunTimes> {
    let mut hooks = Hooks::empty_measured(&bench.programs)?;
    let holder = hooks.program().pid();
    let times = run_times(bench, load, &mut hooks, holder)?;
    hooks.stop()?;
    Ok(times)
}

fn ours(bench: &Bench, load: Load) -> Result<RunTimes> {
    let mut hooks = Hooks::measure(&bench.programs)?;
    let tracer = Tracer::start(&bench.programs.tracer, None)?;
    let times = run_times(bench, load, &mut hooks, tracer.program().pid())?;
    tracer.stop()?;
    hooks.stop()?;
    Ok(times)
}

fn run_times(bench: &Bench, load: Load, hooks: &mut Hooks, holder: u32) -> Result<RunTimes> {
    let before = hooks.run_times(holder)?;
    load.run(&bench.programs.load, bench.effort.seconds)?;
    let after = hooks.run_times(holder)?;
    let runs = after.into_iter().filter_map(|(name, after)| {
        let runs = after.since(*before.get(&name)?);
        (runs.count >= ENOUGH_RUNS).then_some((name, runs))
    });
    Ok(runs.collect())
}

impl Repeats {
    /// The cells of a hook; `None` if the load does not call it.
    fn compare(&self, (hook, ours, empty): (&str, &str, &str)) -> Option<Vec<String>> {
        let ours = mean_ns(&self.ours, ours)?;
        let empty = mean_ns(&self.empty, empty)?;
        let added = ours.median - empty.median;
        Some(vec![
            format!("`{hook}`"),
            format!("{empty:.0}"),
            format!("{ours:.0}"),
            format!("{added:.0}, {}", TARGET.verdict(added)),
        ])
    }
}

fn mean_ns(repeats: &[RunTimes], program: &str) -> Option<Spread> {
    let kept = &program[..program.len().min(NAME_LENGTH)];
    let runs = repeats.iter().filter_map(|times| times.get(kept));
    Spread::of(runs.map(|run| RunTime::mean_ns(*run)))
}
