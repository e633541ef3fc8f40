//! The pictures: which command, on a screen of which size, and when it is taken.

use std::cell::RefCell;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use netperf_tests::tracer;
use netperf_tests::tracer::terminal::Terminal;

use crate::frame::Frame;
use crate::load::Load;
use crate::network::{self, HOST};
use crate::svg::Theme;

/// How the program is ended after the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// By itself; its last screen is the picture.
    ByItself,
    /// By the key `q`, when it shows the text that is waited for.
    ByKey,
}

/// A picture and how to take it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Name of the picture.
    pub name: &'static str,
    /// Arguments of the program. `{NAME}` stands for the process id of a program of the [`Load`].
    pub arguments: &'static str,
    /// Rows and columns of the terminal. Rows that stay empty are not in the picture.
    pub size: (u16, u16),
    /// Keys to press first.
    pub keys: &'static str,
    /// What the screen shows when everything is there.
    pub shows: &'static str,
    /// How long figures settle before the picture is taken.
    pub settle: Duration,
    /// How the program ends.
    pub ends: Ends,
    /// Parts of the lines that do not depend on the load: headings and keys. The pictures in the repository must
    /// have these lines as the program prints them today.
    pub fixed: &'static [&'static str],
}

const NO_TIME: Duration = Duration::ZERO;

/// Every picture.
pub const SCENARIOS: [Scenario; 8] = [
    Scenario {
        name: "top",
        arguments: "top --name ^(nginx|curl|rsync|iperf3|python3)$",
        size: (16, 100),
        keys: "",
        shows: "iperf3",
        settle: Duration::from_secs(12),
        ends: Ends::ByKey,
        fixed: &["PID ", "q quit"],
    },
    Scenario {
        name: "flows",
        arguments: "flows --name ^(nginx|curl|rsync|iperf3)$",
        size: (18, 120),
        keys: "",
        shows: "iperf3",
        settle: Duration::from_secs(42),
        ends: Ends::ByKey,
        fixed: &["PID ", "q quit"],
    },
    Scenario {
        name: "states",
        arguments: "states -n 1 --netns {curl}",
        size: (60, 110),
        keys: "",
        shows: "CLOSE_WAIT",
        settle: NO_TIME,
        ends: Ends::ByItself,
        fixed: &["PROCESS "],
    },
    Scenario {
        name: "doctor",
        arguments: "doctor --for 5s --netns {curl}",
        size: (60, 110),
        keys: "",
        shows: "CLOSE_WAIT",
        settle: NO_TIME,
        ends: Ends::ByItself,
        fixed: &[],
    },
    Scenario {
        name: "limit",
        arguments: "limit --pid {curl} --down 5MB",
        size: (6, 110),
        keys: "",
        shows: "MB",
        settle: Duration::from_secs(5),
        ends: Ends::ByKey,
        fixed: &[],
    },
    Scenario {
        name: "path",
        arguments: "path 203.0.113.10 -d 0.5",
        size: (24, 110),
        keys: "",
        shows: "FINDINGS",
        settle: Duration::from_secs(10),
        ends: Ends::ByKey,
        fixed: &["HOP ", "q quit"],
    },
    Scenario {
        name: "http",
        arguments: "http http://203.0.113.10/",
        size: (40, 110),
        keys: "",
        shows: "200",
        settle: NO_TIME,
        ends: Ends::ByItself,
        fixed: &[],
    },
    Scenario {
        name: "dns",
        arguments: "dns www.example.com",
        size: (40, 110),
        keys: "",
        shows: "203.0.113.10",
        settle: NO_TIME,
        ends: Ends::ByItself,
        fixed: &[],
    },
];

impl Scenario {
    /// Name of the picture's file for a theme.
    pub fn file(&self, theme: Theme) -> String {
        format!("{}-{}.svg", self.name, theme.name())
    }

    /// The command line, for people.
    pub fn title(&self) -> String {
        let words = self.arguments.split(' ');
        // A process id is another one each time.
        let words = words.map(|word| if word.starts_with('{') { "4711" } else { word });
        let words: Vec<&str> = words.collect();
        format!("netperf-trace {}", words.join(" "))
    }

    /// Runs the program beside `load`, and takes the picture when figures had time to `settle`.
    ///
    /// # Errors
    /// When the program does not start, or never shows what it should.
    pub fn take(&self, load: &Load, settle: Duration) -> Result<Frame> {
        let mut command = network::command(HOST);
        command.arg(tracer::binary()?);
        for word in self.arguments.split(' ') {
            command.arg(argument(word, load)?);
        }
        self.watch(&mut command, settle)
    }

    fn watch(&self, command: &mut Command, settle: Duration) -> Result<Frame> {
        let (rows, columns) = self.size;
        let mut terminal = Terminal::start(command, rows, columns)?;
        if self.ends == Ends::ByItself {
            terminal.end()?;
        }
        let what = format!("showed {:?}", self.shows);
        let is_there = |screen: &vt100::Screen| screen.contents().contains(self.shows);
        terminal.wait_for(&what, is_there)?;
        terminal.press(self.keys)?;
        thread::sleep(settle);
        let frame = RefCell::new(None);
        terminal.wait_for(&what, |screen| {
            let complete = is_there(screen);
            frame.replace(complete.then(|| Frame::of(screen)));
            complete
        })?;
        if self.ends == Ends::ByKey {
            terminal.press("q")?;
            terminal.end()?;
        }
        frame.into_inner().context("the screen was there")
    }
}

/// A word of the command line; `{NAME}` becomes a process id.
fn argument(word: &str, load: &Load) -> Result<String> {
    let name = word
        .strip_prefix('{')
        .and_then(|word| word.strip_suffix('}'));
    let Some(name) = name else {
        return Ok(word.to_owned());
    };
    let pid = load
        .pid(name)
        .with_context(|| format!("`{name}` is no program of the load"))?;
    Ok(pid.to_string())
}
