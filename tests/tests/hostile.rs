//! Hostile names of processes, arguments and cgroups reach neither the terminal nor the syntax of JSON.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use netperf_tests::load::mover::{self, Mover};
use netperf_tests::load::steady::Ends;
use netperf_tests::sys::cgroup::Cgroup;
use netperf_tests::tracer::Tracer;
use netperf_tests::tracer::command::{run, text};
use netperf_tests::tracer::ndjson;

/// Sets a title, clears the screen, and is not UTF-8: 15 bytes, as many as a name may have.
const NAME: &[u8] = b"\x1b[2J\x1b]0;e\x07\xff\x9b\r\n";
/// An argument and a cgroup with the same sequences, and a newline where the kernel allows one.
const ARGUMENT: &[u8] = b"evil\x1b]0;argument\x07\xfe\n\t\x7f\xc2\x9b31m";
const CGROUP: &[u8] = b"evil\x1b]0;cgroup\x07\xfd\xc2\x9b31m";

/// A steady load of processes with a hostile name, in a cgroup with one.
struct Disguised {
    mover: Mover,
    ends: Ends,
    /// Last, so that it is removed when it is empty.
    _cgroup: Cgroup,
}

fn disguised(mark: u8) -> Result<Disguised> {
    let cgroup =
        Cgroup::new(&[CGROUP, &[mark], std::process::id().to_string().as_bytes()].concat())?;
    let enter = "echo $$ > \"$1\" && shift && exec \"$@\"";
    let mut command = Command::new("sh");
    command
        .args(["-c", enter, "sh"])
        .arg(cgroup.procs())
        .arg(mover::binary()?);
    command
        .arg("steady")
        .arg(OsStr::from_bytes(NAME))
        .arg(OsStr::from_bytes(ARGUMENT));
    let mut mover = Mover::start_as(&mut command)?;
    let ends = serde_json::from_str(&mover.next_line()?.context("no steady load")?)?;
    Ok(Disguised {
        mover,
        ends,
        _cgroup: cgroup,
    })
}

impl Disguised {
    fn end(mut self) -> Result<()> {
        self.mover.resume()?;
        self.mover.next_line()?;
        self.mover.next_line()?;
        Ok(())
    }
}

/// The first character that a terminal would obey.
fn obeyed(shown: &str) -> Option<char> {
    shown
        .chars()
        .find(|letter| letter.is_control() && *letter != '\n')
}

#[test]
fn names_and_command_lines_reach_text_as_visible_escapes_only() -> Result<()> {
    let load = disguised(b'1')?;
    for args in [
        &["top", "-b"][..],
        &["top", "-b", "--connections"],
        &["flows", "-b"],
    ] {
        let output = run([args, &["-d", "0.3", "-n", "2"]].concat())?;
        let shown = text(&output.stdout)?;
        for end in &load.ends.ends {
            let row = shown
                .lines()
                .find(|line| line.contains(&end.pid.to_string()));
            let row = row.with_context(|| format!("{} is not shown in {shown}", end.pid))?;
            ensure!(
                row.contains("\\x1b[2J") || row.contains("\\u{1b}[2J"),
                "{row}"
            );
        }
        ensure!(obeyed(shown).is_none(), "{:?} in {shown:?}", obeyed(shown));
    }
    load.end()
}

#[test]
fn names_and_command_lines_can_not_break_json() -> Result<()> {
    let load = disguised(b'2')?;
    let session = Tracer::start(&["top", "--json", "--connections", "-d", "0.3", "-n", "2"])?;
    let session = session.finish()?;
    let rows = session
        .ticks
        .iter()
        .filter_map(|tick| tick["processes"].as_array())
        .flatten();
    let mut rows = rows.filter(|row| row["pid"] == load.ends.ends[0].pid);
    let row = rows.next().context("the process is missing")?;
    let name = row["name"].as_str().context("no name")?;
    ensure!(name.starts_with("\x1b[2J\x1b]0;e\x07\u{fffd}"), "{name:?}");
    let argument = row["cmdline"][3].as_str().context("no argument")?;
    ensure!(
        argument.starts_with("evil\x1b]0;argument\x07\u{fffd}\n"),
        "{argument:?}"
    );
    let cgroup = row["cgroup"].as_str().context("no cgroup")?;
    ensure!(
        cgroup.starts_with("/evil\x1b]0;cgroup\x07\u{fffd}"),
        "{cgroup:?}"
    );
    load.end()
}

/// The lines of the tracer's output are cut at line ends only: one inside a name would show here.
#[test]
fn every_line_of_json_is_one_object() -> Result<()> {
    let load = disguised(b'3')?;
    for view in ["top", "flows"] {
        let output = run([view, "--json", "-d", "0.2", "-n", "3"])?;
        let lines: Vec<&str> = text(&output.stdout)?.lines().collect();
        ensure!(lines.len() == 5, "{view}: {} lines", lines.len());
        for line in lines {
            let value = ndjson::line(line)?;
            ensure!(value.is_object(), "{line}");
        }
    }
    load.end()
}

/// JSON allows DEL and the C1 controls as they are; a terminal that shows the line obeys them.
#[test]
fn no_control_character_is_raw_in_json() -> Result<()> {
    let load = disguised(b'5')?;
    let output = run(["top", "--json", "--connections", "-d", "0.3", "-n", "2"])?;
    let shown = text(&output.stdout)?;
    ensure!(obeyed(shown).is_none(), "{:?} in the output", obeyed(shown));
    load.end()
}

#[test]
fn a_filter_finds_a_name_that_it_can_not_spell() -> Result<()> {
    let load = disguised(b'4')?;
    let pid = load.ends.ends[0].pid;
    let args = [
        "top",
        "--json",
        "-d",
        "0.3",
        "-n",
        "2",
        "--name",
        r"^\x1b\[2J",
    ];
    let session = Tracer::start(&args)?.finish()?;
    ensure!(
        session.totals()?.keys().any(|(found, _)| *found == pid),
        "{pid} is not found"
    );
    load.end()
}
