//! Runs long commands: shows their progress, ends silent ones, and keeps their output.
//!
//! On a terminal, one line shows the step, its seconds and the newest line of its output; elsewhere a line is
//! printed now and then. The whole output goes to a log, whose tail is shown when the step fails.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

const REDRAW: Duration = Duration::from_millis(200);
const REMINDER: Duration = Duration::from_secs(20);
/// A mirror that is being updated, or a network that is coming up, needs a moment.
const RETRY_AFTER: Duration = Duration::from_secs(5);
const TAIL_LINES: usize = 12;

/// Keeps the output of steps in one file.
#[derive(Debug)]
pub(crate) struct Steps {
    log: PathBuf,
}

impl Steps {
    /// Starts an empty log at `log`.
    pub(crate) fn new(log: PathBuf) -> Result<Self> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder)?;
        }
        File::create(&log).with_context(|| format!("can't write the log `{}`", log.display()))?;
        Ok(Self { log })
    }

    /// Runs `command` to its end.
    pub(crate) fn run(&self, title: &str, command: &mut Command) -> Result<()> {
        self.run_bounded(title, command, None)
    }

    /// The same, with a second try: for downloads.
    pub(crate) fn run_twice(&self, title: &str, command: &mut Command) -> Result<()> {
        let Err(error) = self.run(title, command) else {
            return Ok(());
        };
        eprintln!("{error:#}\ntrying again");
        thread::sleep(RETRY_AFTER);
        self.run(title, command)
    }

    /// Runs `command` and gives up when it has written nothing for `silence`.
    pub(crate) fn run_bounded(
        &self,
        title: &str,
        command: &mut Command,
        silence: Option<Duration>,
    ) -> Result<()> {
        let mut log = OpenOptions::new().append(true).open(&self.log)?;
        writeln!(log, "\n$ {command:?}")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("`{}` does not start", command.get_program().display()))?;
        let mut line = Line::begin(title);
        let status = self.watch(child, &mut line, silence)?;
        let succeeded = status.is_some_and(|status| status.success());
        line.end(if succeeded { "done" } else { "failed" });
        if succeeded {
            return Ok(());
        }
        let why = match status {
            Some(status) => status.to_string(),
            None => "it went silent and was ended".to_owned(),
        };
        let tail = self.tail(TAIL_LINES).replace('\n', "\n    | ");
        bail!(
            "{title}: {why}\n    | {tail}\n    whole log: `{}`",
            self.log.display()
        )
    }

    /// Waits for the end of `child`; `None` if it had to be ended.
    fn watch(
        &self,
        mut child: Child,
        line: &mut Line,
        silence: Option<Duration>,
    ) -> Result<Option<ExitStatus>> {
        let mut written = 0;
        let mut last_written = now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            let size = fs::metadata(&self.log)?.len();
            if size != written {
                (written, last_written) = (size, now());
            }
            if silence.is_some_and(|limit| last_written.elapsed() > limit) {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            line.draw(&self.tail(1));
            thread::sleep(REDRAW);
        }
    }

    /// The last lines of the log that say something.
    fn tail(&self, lines: usize) -> String {
        last_lines(&fs::read(&self.log).unwrap_or_default(), lines)
    }
}

/// The line on stderr that stands for a running step.
struct Line {
    title: String,
    began: Instant,
    drawn: Instant,
    live: bool,
}

impl Line {
    fn begin(title: &str) -> Self {
        let live = io::stderr().is_terminal();
        if !live {
            eprintln!("{title} ...");
        }
        Self {
            title: title.to_owned(),
            began: now(),
            drawn: now(),
            live,
        }
    }

    fn draw(&mut self, newest: &str) {
        let seconds = self.began.elapsed().as_secs();
        let Self { title, live, .. } = self;
        if *live {
            let detail: String = newest
                .trim()
                .chars()
                .filter(|c| !c.is_control())
                .take(60)
                .collect();
            // Without wrapping at the edge: only one line can be cleared for the next drawing.
            eprint!("\r\x1b[2K\x1b[?7l{title} ... {seconds} s  \x1b[2m{detail}\x1b[0m\x1b[?7h");
        } else if self.drawn.elapsed() > REMINDER {
            self.drawn = now();
            eprintln!("{title} ... {seconds} s");
        }
    }

    fn end(&self, outcome: &str) {
        let clear = if self.live { "\r\x1b[2K" } else { "" };
        eprintln!(
            "{clear}{} ... {outcome} in {:.1} s",
            self.title,
            self.began.elapsed().as_secs_f64()
        );
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock rule is for models; a step is timed as it runs"
)]
fn now() -> Instant {
    Instant::now()
}

fn last_lines(text: &[u8], count: usize) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_skips_blank_lines() {
        assert_eq!(last_lines(b"one\n\ntwo\n  \nthree\n", 2), "two\nthree");
        assert_eq!(last_lines(b"", 2), "");
    }
}
