//! Is it the machine itself, and not the network? Processors, disks, memory.

use netperf_core::model::pressure::{Part, Pressure};
use netperf_core::units::{Bytes, Percent, Units, counted};

use super::{Check, Topic};
use crate::words::process;
use crate::{Finding, Level};

/// Share of the time from which on waiting is felt.
const WAITED: f64 = 0.25;
/// Share of the processors' time from which on they have none left.
const NO_TIME_LEFT: f64 = 0.9;
/// Share of the processors' time that goes to others on a virtual machine, from which on it is felt.
const STOLEN: f64 = 0.1;
/// Share of the time that all tasks wait for a disk, or for memory.
const ALL_WAITED: f64 = 0.1;
/// Share of the memory that is left, below which it is short.
const LEFT: f64 = 0.05;
/// Processes that are named.
const NAMED_MAX: usize = 3;

pub(super) fn cpu(pressure: &Pressure) -> Check {
    let (Some(busy), Some(stolen)) = (pressure.cpu(|it| it.busy), pressure.cpu(|it| it.stolen))
    else {
        return Check::skipped(Topic::Cpu, "`/proc/stat` can't be read");
    };
    let waited = pressure.stalled(|it| it.cpu_some);
    let of = counted(pressure.now.processors, "processor", "processors");
    let waiting = waited.map_or(String::new(), |waited| {
        format!(
            "; programs had to wait for one {} of the time",
            Percent::of(waited)
        )
    });
    let evidence = format!("{of} {} busy{waiting}", Percent::of(busy));
    let users = pressure.by_cpu();
    let mut findings = Vec::new();
    if busy >= NO_TIME_LEFT && waited.is_none_or(|waited| waited >= WAITED) {
        let first = users.first().map(|part| name(part));
        let who = first.map_or(String::new(), |who| format!(", most of all by {who}"));
        findings.push(Finding {
            level: Level::Warn,
            what: format!("the processors are busy all the time{who}"),
            evidence: format!("{evidence}; {}", list(&users, "of a processor")),
            advice: vec![
                "programs wait for a processor before they can answer: give the greatest one less to \
                 do, `nice` it, or use more processors"
                    .to_owned(),
                "see it live: `top`, or `perf top` for where the time goes".to_owned(),
            ],
        });
    }
    if stolen >= STOLEN {
        findings.push(Finding {
            level: Level::Warn,
            what: "this virtual machine does not get the processors it was promised".to_owned(),
            evidence: format!(
                "{} of their time went to others (steal)",
                Percent::of(stolen)
            ),
            advice: vec![
                "move it to another host, or buy a size whose processors are not shared".to_owned(),
            ],
        });
    }
    Check::new(Topic::Cpu, evidence, findings)
}

pub(super) fn disk(pressure: &Pressure) -> Check {
    let Some(idle) = pressure.cpu(|it| it.io_wait) else {
        return Check::skipped(Topic::Disk, "`/proc/stat` can't be read");
    };
    let (some, all) = (
        pressure.stalled(|it| it.io_some),
        pressure.stalled(|it| it.io_full),
    );
    let both = some.zip(all).map_or(String::new(), |(some, all)| {
        let (some, all) = (Percent::of(some), Percent::of(all));
        format!("; programs had to wait for one {some} of the time, all of them {all}")
    });
    let evidence = format!(
        "processors idle for a disk {} of the time{both}",
        Percent::of(idle)
    );
    let is_felt =
        some.is_some_and(|some| some >= WAITED) && all.is_some_and(|all| all >= ALL_WAITED);
    let mut findings = Vec::new();
    if is_felt || (some.is_none() && idle >= WAITED) {
        let waiting = pressure.by_blocked();
        let first = waiting.first().map(|part| name(part));
        let who = first.map_or("programs wait".to_owned(), |who| format!("{who} waits"));
        findings.push(Finding {
            level: Level::Warn,
            what: format!("{who} for a disk"),
            evidence: format!("{evidence}; {}", list(&waiting, "of the looks at it")),
            advice: vec![
                "see which disk and who: `iostat -x 1`, `iotop -o`".to_owned(),
                "a full or worn disk, a backup, or too little memory for its cache are the usual \
                 reasons; a file system over the network (NFS) counts as a disk here as well"
                    .to_owned(),
            ],
        });
    }
    Check::new(Topic::Disk, evidence, findings)
}

pub(super) fn memory(pressure: &Pressure, units: Units) -> Check {
    let memory = &pressure.now.memory;
    let (Some(total), Some(left)) = (memory.total_kib, memory.available_kib) else {
        return Check::skipped(Topic::Memory, "`/proc/meminfo` can't be read");
    };
    #[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
    let share = left as f64 / total.max(1) as f64;
    let stalled = pressure.stalled(|it| it.memory_some);
    let waiting = stalled.map_or(String::new(), |stalled| {
        format!(
            "; programs had to wait for memory {} of the time",
            Percent::of(stalled)
        )
    });
    let [left, total] = [left, total].map(|kib| units.size(Bytes(kib * 1024)));
    let evidence = format!("{left} of {total} left{waiting}");
    let kills = pressure.growth(|it| it.memory.oom_kills).unwrap_or(0);
    let swapped = pressure.growth(|it| it.memory.swapped_in).unwrap_or(0);
    let mut findings = Vec::new();
    if kills > 0 || stalled.is_some_and(|it| it >= ALL_WAITED) || (share < LEFT && swapped > 0) {
        let faults = pressure.by_faults();
        let first = faults.first().map(|part| name(part));
        let who = first.map_or(String::new(), |who| format!("; {who} waits for it most"));
        findings.push(Finding {
            level: if kills > 0 {
                Level::Critical
            } else {
                Level::Warn
            },
            what: format!("memory is short{who}"),
            evidence: format!(
                "{evidence}; {} read back from swap; the kernel killed {} for it",
                counted(swapped, "page", "pages"),
                counted(kills, "process", "processes")
            ),
            advice: vec![
                "see who has it: `ps -eo pid,rss,comm --sort -rss | head`; who was killed: `dmesg`"
                    .to_owned(),
                "give the greatest one less (its cache or heap settings), or the machine more"
                    .to_owned(),
            ],
        });
    }
    Check::new(Topic::Memory, evidence, findings)
}

fn name(part: &Part<'_>) -> String {
    process(Some(&part.process.name), Some(part.process.tgid))
}

fn list(parts: &[Part<'_>], of_what: &str) -> String {
    let first = parts.iter().take(NAMED_MAX);
    let words = first.map(|part| format!("{} {}", name(part), Percent::of(part.share)));
    let words: Vec<_> = words.collect();
    if words.is_empty() {
        return "by which process can't be seen".to_owned();
    }
    format!("{} {of_what}", words.join(", "))
}
