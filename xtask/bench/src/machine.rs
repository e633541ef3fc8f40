//! Facts about this machine for the report.

use std::fs;
use std::process::Command;
use std::thread;

use super::section::Section;
use super::table::Table;
use xtask::workspace::Workspace;

/// Load average above which figures are unreliable.
const BUSY: f64 = 0.5;

/// What figures depend on.
pub(super) fn facts(workspace: &Workspace, load: Option<f64>) -> Section {
    let mut table = Table::new(&["fact", "value"]);
    let mut fact = |name: &str, value: Option<String>| {
        let value = value.unwrap_or_else(|| "not known".to_owned());
        table.row([name.to_owned(), value]);
    };
    fact("kernel", read("/proc/sys/kernel/osrelease"));
    fact("processor", processor());
    fact(
        "cores",
        thread::available_parallelism()
            .ok()
            .map(|cores| cores.to_string()),
    );
    fact("commit", commit(workspace));
    fact("load average before", load.map(|load| format!("{load:.2}")));
    let section = Section::new("Machine").table(&table);
    if load.is_some_and(|load| load > BUSY) {
        return section.remark(
            "**The machine was busy with other work: these figures are rough, and a missed target \
             may be its doing.**",
        );
    }
    section
}

/// Runnable tasks in the last minute, on average.
pub(super) fn load_average() -> Option<f64> {
    read("/proc/loadavg")?.split(' ').next()?.parse().ok()
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"))?;
    Some(model.trim_start_matches([' ', '\t', ':']).to_owned())
}

fn commit(workspace: &Workspace) -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12"])
        .current_dir(&workspace.root)
        .output()
        .ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

fn read(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}
