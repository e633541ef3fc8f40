//! Begins and ends limits from a view, by running this program again in the background. Such a limit
//! outlives the view.

use std::future::pending;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

use netperf_core::sample::limit::LimitRecord;
use netperf_core::units::ByteRate;
use netperf_sys::procfs::OWN_EXECUTABLE;
use netperf_throttle::registry::Registry;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::render::tui::LimitOrder;

/// Orders, carried out one after the other.
pub(super) struct LimitOrders {
    underway: Option<JoinHandle<io::Result<Output>>>,
}

impl LimitOrders {
    pub(super) fn new() -> Self {
        Self { underway: None }
    }

    /// Carries out an order; false while another is under way.
    pub(super) fn begin(&mut self, order: LimitOrder) -> bool {
        if self.underway.is_some() {
            return false;
        }
        let mut command = command(order);
        self.underway = Some(spawn_blocking(move || command.output()));
        true
    }

    /// Waits until the order is carried out, and returns its result. Dropping the future loses nothing.
    pub(super) async fn done(&mut self) -> String {
        let Some(underway) = &mut self.underway else {
            return pending().await;
        };
        let output = underway.await;
        self.underway = None;
        match output {
            Ok(Ok(output)) => answer(&output),
            Ok(Err(error)) => format!("can't start another process: {error}"),
            Err(_) => "the order came to nothing".to_owned(),
        }
    }
}

/// The limits in force; empty if they can't be read.
pub(super) fn held() -> Vec<LimitRecord> {
    let held = Registry::of_machine().held().unwrap_or_default();
    held.into_iter().filter_map(|held| held.record).collect()
}

fn command(order: LimitOrder) -> Command {
    let mut command = Command::new(OWN_EXECUTABLE);
    command.arg0("netperf-trace").arg("limit");
    match order {
        LimitOrder::Begin { process, up, down } => {
            command.arg(format!("--pid={}", process.tgid));
            command.arg(format!("--started={}", process.start.0));
            for (option, rate) in [("--up", up), ("--down", down)] {
                command.args(rate.map(|ByteRate(bytes)| format!("{option}={bytes}B")));
            }
            command.arg("--detach");
        }
        LimitOrder::End { process } => {
            command.args(["clear", &format!("--pid={}", process.tgid)]);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// The result of the order, with its warnings.
fn answer(output: &Output) -> String {
    let first = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let line = text.lines().find(|line| !line.is_empty());
        line.map(|line| line.trim_start_matches("netperf-trace: ").to_owned())
    };
    let lines = [first(&output.stdout), first(&output.stderr)];
    let lines: Vec<_> = lines.into_iter().flatten().collect();
    if lines.is_empty() {
        return format!("it ended with {}", output.status);
    }
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;
    use netperf_core::clock::MonoNs;
    use netperf_core::sample::ProcessId;

    const PROCESS: ProcessId = ProcessId {
        tgid: 9821,
        start: MonoNs(77),
    };

    fn arguments(order: LimitOrder) -> Vec<String> {
        let command = command(order);
        let words = command.get_args().map(|word| word.to_string_lossy());
        words.map(Into::into).collect()
    }

    #[test]
    fn a_limit_is_ordered_for_the_very_process_that_was_seen() {
        let begin = LimitOrder::Begin {
            process: PROCESS,
            up: Some(ByteRate(20_000_000)),
            down: None,
        };
        let words = [
            "limit",
            "--pid=9821",
            "--started=77",
            "--up=20000000B",
            "--detach",
        ];
        assert_eq!(arguments(begin), words);
        let end = LimitOrder::End { process: PROCESS };
        assert_eq!(arguments(end), ["limit", "clear", "--pid=9821"]);
    }

    #[test]
    fn the_answer_has_its_warning() {
        let output = |code, stdout: &str, stderr: &str| Output {
            status: ExitStatus::from_raw(code << 8),
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        let warned = output(0, "limit 1 holds\nclear ends it\n", "warn: it listens\n");
        assert_eq!(answer(&warned), "limit 1 holds; warn: it listens");
        let refused = output(2, "", "netperf-trace: there is no process 7\n");
        assert_eq!(answer(&refused), "there is no process 7");
        assert!(answer(&output(1, "", "")).contains("exit status: 1"));
    }
}
