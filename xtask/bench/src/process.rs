//! A child process with piped stdin and stdout.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long to wait for a line.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running program whose stdin and stdout are ours; it ends with this value.
#[derive(Debug)]
pub(super) struct Process {
    name: String,
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts a process.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let name = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("`{name}` does not start"))?;
        let output = child.stdout.take().context("a piped output is there")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let read = BufReader::new(output).lines().map_while(Result::ok);
            read.map(|line| sender.send(line))
                .take_while(Result::is_ok)
                .for_each(drop);
        });
        Ok(Self { name, child, lines })
    }

    /// Its process id; wrappers such as `ip netns exec` and `taskset` replace themselves by the program.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints.
    pub(super) fn line(&self) -> Result<String> {
        self.lines
            .recv_timeout(PATIENCE)
            .with_context(|| format!("`{}` ended or fell silent", self.name))
    }

    /// Sends a line to its stdin.
    pub(super) fn tell(&mut self, line: &str) -> Result<()> {
        let input = self
            .child
            .stdin
            .as_mut()
            .context("a piped input is there")?;
        writeln!(input, "{line}").with_context(|| format!("`{}` does not listen", self.name))
    }

    /// CPU time of all its threads, in nanoseconds.
    pub(super) fn cpu_time(&self) -> Result<Duration> {
        let mut total = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            // A thread may end between the two looks.
            let text = fs::read_to_string(task?.path().join("schedstat")).unwrap_or_default();
            let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
            total += nanoseconds.unwrap_or(0);
        }
        Ok(Duration::from_nanos(total))
    }

    /// Ends it as Ctrl-C does, and returns the lines that were not yet read.
    pub(super) fn interrupt(mut self) -> Result<Vec<String>> {
        kill(Pid::from_raw(self.pid().try_into()?), Signal::SIGINT)?;
        self.rest()
    }

    /// Closes its stdin, waits for its end, and returns the lines that were not yet read.
    pub(super) fn finish(mut self) -> Result<Vec<String>> {
        drop(self.child.stdin.take());
        let lines = self.rest()?;
        let status = self.child.wait()?;
        ensure!(status.success(), "`{}`: {status}", self.name);
        Ok(lines)
    }

    fn rest(&mut self) -> Result<Vec<String>> {
        let lines = self.lines.iter().collect();
        self.child.wait()?;
        Ok(lines)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail when it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
