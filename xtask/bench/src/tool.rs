//! nethogs and iftop: starts them and reads what they report.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::accuracy::Reported;
use super::load::Link;
use super::netns::{self, Side, VETH};
use super::process::Process;

/// A tool with a similar purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// Bytes by process, from captured packets.
    Nethogs,
    /// Bytes by pair of hosts, from captured packets, without processes.
    Iftop,
}

impl Tool {
    /// Every tool.
    pub(super) const ALL: [Self; 2] = [Self::Nethogs, Self::Iftop];

    /// Name of the program and of its package.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nethogs => "nethogs",
            Self::Iftop => "iftop",
        }
    }

    /// Whether it is installed.
    pub(super) fn is_installed(self) -> bool {
        // Root's PATH may lack the folders of tools for root.
        [
            "/usr/sbin",
            "/usr/bin",
            "/sbin",
            "/usr/local/sbin",
            "/usr/local/bin",
        ]
        .iter()
        .any(|folder| Path::new(folder).join(self.name()).exists())
    }

    /// The command that watches one interface and prints each line at once.
    fn command(self, device: &str) -> Command {
        let mut command = netns::command(Side::Near);
        command
            .args(["stdbuf", "-oL", self.name()])
            .stderr(Stdio::null());
        match self {
            Self::Nethogs => command.args(["-t", "-a", "-d", "1", "-v", "2", device]),
            Self::Iftop => command.args(["-t", "-n", "-N", "-B", "-i", device]),
        };
        command
    }

    /// Beginning of the line that it prints when it captures.
    fn is_ready(self) -> &'static str {
        match self {
            Self::Nethogs => REFRESH,
            Self::Iftop => "Listening on",
        }
    }
}

/// Heading of each block of nethogs.
const REFRESH: &str = "Refreshing:";

/// A running tool.
#[derive(Debug)]
pub(super) struct Running {
    tool: Tool,
    program: Process,
    reported: Reported,
}

impl Running {
    /// Starts it where the load is driven, and waits until it captures.
    pub(super) fn start(tool: Tool, link: Link) -> Result<Self> {
        let device = match link {
            Link::Loopback => "lo",
            Link::Veth => VETH,
        };
        let mut running = Self {
            tool,
            program: Process::start(&mut tool.command(device))?,
            reported: Reported::default(),
        };
        running.wait_for(tool.is_ready())?;
        Ok(running)
    }

    /// The process.
    pub(super) fn program(&self) -> &Process {
        &self.program
    }

    /// Waits until it has reported everything that it captured, and ends it.
    pub(super) fn stop(mut self) -> Result<Reported> {
        if self.tool == Tool::Nethogs {
            // The block that it was at when the load ended, and one after it.
            for _ in 0..3 {
                self.wait_for(REFRESH)?;
            }
        }
        self.program.interrupt()?;
        Ok(self.reported)
    }

    /// Reads up to a line that begins so.
    fn wait_for(&mut self, beginning: &str) -> Result<()> {
        loop {
            let line = self.program.line()?;
            if let Some((pid, tx, rx)) = nethogs_row(&line) {
                self.reported.set_totals(pid, tx, rx);
            }
            if line.starts_with(beginning) {
                return Ok(());
            }
        }
    }
}

/// Process and total bytes of a line such as `/usr/bin/curl/998/0<tab>3.9e+06<tab>0`.
fn nethogs_row(line: &str) -> Option<(u32, u64, u64)> {
    let mut cells = line.split('\t');
    let pid = cells.next()?.rsplit('/').nth(1)?.parse().ok()?;
    Some((pid, bytes(cells.next()?)?, bytes(cells.next()?)?))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of bytes that nethogs prints as a float"
)]
fn bytes(cell: &str) -> Option<u64> {
    Some(cell.parse::<f64>().ok()?.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_nethogs_is_read_from_its_end() {
        assert_eq!(
            nethogs_row("/tmp/a b/1/load/998/0\t3.91756e+06\t0"),
            Some((998, 3_917_560, 0))
        );
        assert_eq!(nethogs_row("unknown TCP/0/0\t12\t34"), Some((0, 12, 34)));
        assert_eq!(nethogs_row("Refreshing:"), None);
    }
}
