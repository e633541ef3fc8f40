//! The full-screen view: its content, its keys, and the terminal that it restores.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use netperf_tests::load::mover::{self, Mover};
use netperf_tests::load::states::Server;
use netperf_tests::tracer;
use netperf_tests::tracer::terminal::Terminal;
use nix::sys::signal::Signal;

/// A steady load and a view of it; the load ends when it is dropped.
struct Viewed {
    _load: Mover,
    view: Terminal,
}

/// Starts `netperf-trace ARGS` of `rows` by `columns` and waits until it shows the load.
fn view(args: &[&str], rows: u16, columns: u16) -> Result<Viewed> {
    let mut load = Mover::start(["steady"])?;
    load.next_line()?.context("no steady load")?;
    let mut command = Command::new(tracer::binary()?);
    command.args(args).args(["-d", "0.3"]);
    let view = Terminal::start(&mut command, rows, columns)?;
    view.wait_for_text("steady out")?;
    Ok(Viewed { _load: load, view })
}

/// The line with the current view and its order.
fn title(screen: &str) -> Option<&str> {
    screen
        .lines()
        .find(|line| line.starts_with("PROCESSES") || line.starts_with("CONNECTIONS"))
}

/// The order of the processes of the load on the screen.
fn order(screen: &str) -> Vec<&str> {
    let names = ["steady out udp", "steady in udp", "steady out", "steady in"];
    let name = |line| names.into_iter().find(|name| str::contains(line, name));
    screen.lines().filter_map(name).collect()
}

#[test]
fn the_header_and_the_processes_fit_into_80_by_24() -> Result<()> {
    let mut viewed = view(&["top"], 24, 80)?;
    let screen = viewed.view.wait_for_text("steady in udp")?;
    for part in [
        "every", "hooks", "tracer", "SENT", "RECEIVED", "lost 0", "PID", "q quit",
    ] {
        ensure!(screen.contains(part), "{part:?} is not in\n{screen}");
    }
    ensure!(
        screen.lines().all(|line| line.chars().count() <= 80),
        "{screen}"
    );
    viewed.view.press("q")?;
    ensure!(viewed.view.end()?.success(), "q is no good end");
    Ok(())
}

#[test]
fn a_wide_screen_shows_more_columns() -> Result<()> {
    let narrow = view(&["flows"], 24, 80)?;
    let wide = view(&["flows"], 50, 200)?;
    let count = |viewed: &Viewed| -> Result<usize> {
        let screen = viewed.view.wait_for_text("REMOTE")?;
        let heading = screen
            .lines()
            .find(|line| line.contains("REMOTE "))
            .context("no heading")?;
        Ok(heading.split_whitespace().count())
    };
    let (few, many) = (count(&narrow)?, count(&wide)?);
    ensure!(many > few, "{few} headings at 80 columns, {many} at 200");
    Ok(())
}

#[test]
fn the_sort_keys_change_the_order() -> Result<()> {
    let mut viewed = view(&["top"], 24, 80)?;
    viewed.view.press("s")?;
    viewed.view.wait_for("put the senders first", |screen| {
        let screen = screen.contents();
        order(&screen).first() == Some(&"steady out")
    })?;
    viewed.view.press("r")?;
    viewed.view.wait_for("put the receivers first", |screen| {
        let screen = screen.contents();
        order(&screen).first() == Some(&"steady in")
    })?;
    let by_received = title(&viewed.view.wait_for_text("PROCESSES")?).map(str::to_owned);
    viewed.view.press("t")?;
    viewed.view.wait_for("sorted by both", |screen| {
        title(&screen.contents()) != by_received.as_deref()
    })?;
    Ok(())
}

#[test]
fn the_unit_key_changes_the_units() -> Result<()> {
    let mut viewed = view(&["top"], 24, 80)?;
    let before = viewed.view.wait_for_text("MB/s")?;
    ensure!(!before.contains("bit/s"), "{before}");
    for _ in 0..16 {
        viewed.view.press("m")?;
        let changed = viewed.view.wait_for_text("steady out")?;
        if changed.contains("bit/s") {
            return Ok(());
        }
        viewed
            .view
            .wait_for("drew again", |screen| screen.contents() != changed)?;
    }
    anyhow::bail!("sixteen units and no bit/s")
}

#[test]
fn the_figure_key_shows_totals() -> Result<()> {
    let mut viewed = view(&["top"], 24, 80)?;
    viewed.view.wait_for("showed speeds", |screen| {
        heading(&screen.contents(), "SENT/s")
    })?;
    viewed.view.press("a")?;
    viewed.view.wait_for("showed totals", |screen| {
        let screen = screen.contents();
        heading(&screen, "SENT") && !heading(&screen, "SENT/s")
    })?;
    Ok(())
}

/// Whether the heading of the table has the column `name`.
fn heading(screen: &str, name: &str) -> bool {
    let line = screen
        .lines()
        .find(|line| line.contains("PID") && line.contains("PROCESS"));
    line.is_some_and(|line| line.split_whitespace().any(|word| word == name))
}

#[test]
fn the_command_line_key_shows_command_lines() -> Result<()> {
    let mut viewed = view(&["top"], 24, 100)?;
    ensure!(
        !viewed
            .view
            .wait_for_text("PROCESSES")?
            .contains("mover steady"),
        "shown at once"
    );
    viewed.view.press("l")?;
    viewed.view.wait_for_text("mover steady")?;
    Ok(())
}

#[test]
fn the_filter_shows_what_is_typed_and_escape_removes_it() -> Result<()> {
    let mut viewed = view(&["top"], 24, 80)?;
    viewed.view.wait_for_text("steady in udp")?;
    viewed.view.press("/udp\r")?;
    viewed
        .view
        .wait_for("left the udp processes only", |screen| {
            let screen = screen.contents();
            let left = order(&screen);
            // Other tests have such processes as well.
            left.len() >= 2 && left.iter().all(|name| name.ends_with("udp"))
        })?;
    viewed.view.press("\x1b")?;
    viewed.view.wait_for("showed all again", |screen| {
        let screen = screen.contents();
        order(&screen).iter().any(|name| !name.ends_with("udp"))
    })?;
    Ok(())
}

#[test]
fn space_stops_the_display_and_space_lets_it_go_on() -> Result<()> {
    let mut viewed = view(&["top"], 24, 80)?;
    viewed.view.press(" ")?;
    viewed.view.wait_for("showed that it pauses", |screen| {
        screen.contents().to_lowercase().contains("paus")
    })?;
    viewed.view.press(" ")?;
    viewed.view.wait_for("went on", |screen| {
        let last = screen.contents();
        !last
            .lines()
            .take(4)
            .any(|line| line.to_lowercase().contains("paus"))
    })?;
    Ok(())
}

#[test]
fn enter_opens_the_connections_of_the_selected_process() -> Result<()> {
    let mut viewed = view(&["top", "--name", "^steady out$"], 24, 80)?;
    viewed.view.press("j\r")?;
    viewed.view.wait_for("showed the connection", |screen| {
        let screen = screen.contents();
        screen.contains("CONNECTIONS of steady out") && screen.contains("127.0.0.1:")
    })?;
    Ok(())
}

#[test]
fn tab_goes_through_the_pages_and_back() -> Result<()> {
    let mut viewed = view(&["top"], 24, 80)?;
    viewed.view.press("\t")?;
    viewed.view.wait_for_text("CONNECTIONS")?;
    viewed.view.wait_for_text("127.0.0.1:")?;
    viewed.view.press("\t")?;
    viewed.view.wait_for_text("STATES of TCP")?;
    viewed.view.press("\t")?;
    viewed.view.wait_for_text("PROCESSES")?;
    Ok(())
}

#[test]
fn the_help_key_explains_the_keys() -> Result<()> {
    let mut viewed = view(&["top"], 24, 80)?;
    viewed.view.press("?")?;
    let help = viewed.view.wait_for_text("sort by")?;
    for word in ["quit", "filter", "pause", "units"] {
        ensure!(help.contains(word), "{word} is not in\n{help}");
    }
    viewed.view.press("x")?;
    viewed.view.wait_for("closed the help", |screen| {
        !screen.contents().contains("sort by")
    })?;
    Ok(())
}

#[test]
fn another_size_is_used_at_once() -> Result<()> {
    let mut viewed = view(&["top"], 24, 80)?;
    viewed.view.resize(50, 200)?;
    viewed.view.wait_for("filled 200 columns", |screen| {
        let screen = screen.contents();
        let first = screen.lines().next().unwrap_or_default();
        first.chars().count() > 150 && screen.lines().count() > 45
    })?;
    viewed.view.resize(10, 40)?;
    viewed.view.wait_for("fitted into 40 columns", |screen| {
        let screen = screen.contents();
        screen.contains("steady") && screen.lines().count() <= 10
    })?;
    // Smaller than any table: it must live through it.
    viewed.view.resize(1, 1)?;
    viewed.view.resize(24, 80)?;
    viewed.view.wait_for_text("steady out")?;
    Ok(())
}

#[test]
fn every_end_leaves_the_terminal_as_it_was() -> Result<()> {
    for keys in ["q", "\x03"] {
        let mut viewed = view(&["top"], 24, 80)?;
        viewed.view.press(keys)?;
        let status = viewed
            .view
            .end()
            .with_context(|| format!("after {keys:?}"))?;
        ensure!(status.success(), "{keys:?}: {status}");
    }
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        let mut viewed = view(&["top"], 24, 80)?;
        viewed.view.signal(signal)?;
        let status = viewed
            .view
            .end()
            .with_context(|| format!("after {signal}"))?;
        let clean = matches!(signal, Signal::SIGINT | Signal::SIGTERM);
        ensure!(!clean || status.success(), "{signal}: {status}");
    }
    Ok(())
}

#[test]
fn hostile_names_reach_the_screen_as_visible_escapes_only() -> Result<()> {
    let mut command = Command::new(mover::binary()?);
    command
        .arg0("m")
        .arg("steady")
        .arg(OsStr::from_bytes(b"\x1b]0;evil\x07\x9b2J\xff"));
    command.arg(OsStr::from_bytes(b"\x1b]0;worse\x07\xc2\x9b2J"));
    let mut load = Mover::start_as(&mut command)?;
    load.next_line()?.context("no steady load")?;
    let mut command = Command::new(tracer::binary()?);
    command.args(["top", "-d", "0.3"]);
    let mut view = Terminal::start(&mut command, 50, 200)?;
    view.wait_for_text("]0;evil")?;
    view.press("l")?;
    view.wait_for_text("]0;worse")?;
    view.press("\t")?;
    view.wait_for_text("CONNECTIONS")?;
    view.wait_for_text("]0;evil")?;
    view.press("q")?;
    view.end()?;
    let raw = view.raw();
    for sequence in [&b"\x1b]0;evil"[..], b"\x1b]0;worse", b"\x07", b"\xc2\x9b"] {
        let found = raw.windows(sequence.len()).any(|part| part == sequence);
        ensure!(
            !found,
            "{:?} reached the terminal",
            String::from_utf8_lossy(sequence)
        );
    }
    Ok(())
}

#[test]
fn a_closed_terminal_ends_the_view() -> Result<()> {
    let Viewed { _load, view } = view(&["top"], 24, 80)?;
    let status = view.hang_up()?;
    ensure!(status.code() != Some(101), "it panicked");
    Ok(())
}

#[test]
fn the_states_of_tcp_are_a_tab_away_and_a_process_opens_its_sockets() -> Result<()> {
    let server = Server::listen(4_170, 10)?;
    let _unclosed = server.leave_unclosed(12)?;
    let mut command = Command::new(tracer::binary()?);
    let pid = std::process::id().to_string();
    let mut terminal = Terminal::start(command.args(["top", "-d", "0.5", "--pid", &pid]), 24, 80)?;
    terminal.wait_for_text("PROCESSES")?;
    terminal.press("\t\t")?;
    terminal.wait_for_text("does not close 12 connections")?;
    let screen = terminal.wait_for_text("CLOSE-WAIT")?;
    ensure!(screen.contains("STATES of TCP by process"), "{screen}");
    terminal.press("\r")?;
    let title = format!("SOCKETS of PID {pid}: 13");
    let opened = terminal.wait_for_text(&title)?;
    ensure!(opened.contains(":4170"), "{opened}");
    terminal.press("\t")?;
    terminal.wait_for_text("PROCESSES")?;
    terminal.press("q")?;
    ensure!(terminal.end()?.success(), "q is no good end");
    Ok(())
}
