//! `sockets` lists what `ss` lists, with the same filters.

mod kill;

use std::io::Read;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use netperf_tests::load::sockets::SocketSet;
use netperf_tests::net::netns::in_fresh_netns;
use netperf_tests::net::veth::VethPair;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::tracer::command::{run, run_as, text};
use netperf_tests::tracer::ndjson;
use netperf_tests::tracer::public_copy::PublicCopy;
use netperf_tests::tracer::sockets::{SocketRow, ends, rows, ss, tick, tick_of};
use netperf_tests::tracer::terminal::Terminal;
use netperf_tests::tracer::{self, Tracer};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// The list, once both agree: acknowledgements may arrive between the two.
fn agree(ours: &[&str], theirs: &[&str]) -> Result<Vec<SocketRow>> {
    let deadline = Deadline::seconds(20);
    loop {
        let expected = ss(theirs)?;
        let mut listed = rows(&tick(ours)?)?;
        if expected.iter().all(|row| row.state.is_empty()) {
            for row in &mut listed {
                row.state.clear();
            }
            listed.sort();
        }
        if listed == expected {
            return Ok(listed);
        }
        ensure!(
            !deadline.passed(),
            "{ours:?} and ss {theirs:?} differ:\n{listed:#?}\n{expected:#?}"
        );
    }
}

#[test]
fn its_rows_are_those_of_ss() -> Result<()> {
    in_fresh_netns(|| {
        let _crowd = SocketSet::new()?;
        let tcp = agree(&["-ta"], &["-tanpH"])?;
        let has = |state: &str| tcp.iter().any(|row| row.state == state);
        for state in [
            "LISTEN",
            "ESTABLISHED",
            "CLOSE_WAIT",
            "FIN_WAIT2",
            "TIME_WAIT",
        ] {
            ensure!(has(state), "nothing in {state}: {tcp:#?}");
        }
        let own = u64::from(std::process::id());
        ensure!(
            tcp.iter()
                .any(|row| row.owners.iter().any(|&(pid, _)| pid == own)),
            "no socket of this test has an owner"
        );
        let unread = tcp.iter().find(|row| row.recv_q == 5_000);
        unread.context("5000 bytes are not in a Recv-Q")?;
        ensure!(tcp.iter().any(|row| row.send_q > 65_536), "no full Send-Q");
        let udp = agree(&["-ua"], &["-uanpH"])?;
        ensure!(udp.len() == 3, "{udp:#?}");
        let listening = agree(&["-tl"], &["-tlnpH"])?;
        ensure!(listening.len() == 2, "{listening:#?}");
        agree(&["-t"], &["-tnpH"])?;
        agree(&["-u"], &["-unpH"])?;
        Ok(())
    })
}

#[test]
fn its_filters_select_the_same_sockets_as_those_of_ss() -> Result<()> {
    in_fresh_netns(|| {
        let _crowd = SocketSet::new()?;
        let mut counts = Vec::new();
        for filter in [
            "dst 127.0.0.0/8",
            "dst 127.0.0.1:4100",
            "dst [::1]",
            "src [::1]:4200",
            "not dst 127.0.0.1",
            "sport = :4100",
            "sport != :4100",
            "dport ge :4200",
            "dport >= :4200",
            "sport lt :4200",
            "sport <= :4100",
            "dport gt :4199 and dport < :4201",
            "sport = :4100 or dport = :4200",
            "( sport = :4100 or sport = :4200 ) and not dst 127.0.0.1",
            "sport = :4100 dst 127.0.0.1",
            "! sport = :4100",
            "sport = :4200 or sport = :4100 and dport = :1",
            "sport = :4100 | dport = :4200 & dst [::1]",
        ] {
            let words: Vec<_> = filter.split(' ').collect();
            let with = |first| [&[first], &words[..]].concat();
            let taken = agree(&with("-ta"), &with("-tanpH"))?;
            counts.push(taken.len());
        }
        for state in [
            "established",
            "listening",
            "connected",
            "synchronized",
            "bucket",
            "big",
            "all",
            "time-wait",
            "close-wait",
            "fin-wait-2",
            "closed",
        ] {
            let taken = agree(&["-t", "state", state], &["-tnpH", "state", state])?;
            counts.push(taken.len());
            if state == "all" {
                // Where no state is left, `ss` shows some all the same.
                ensure!(rows(&tick(&["-t", "exclude", state])?)?.is_empty());
                continue;
            }
            let taken = agree(&["-t", "exclude", state], &["-tnpH", "exclude", state])?;
            counts.push(taken.len());
        }
        ensure!(
            counts.iter().filter(|&&count| count > 0).count() > 20,
            "{counts:?}"
        );
        Ok(())
    })
}

#[test]
fn without_rights_sockets_are_listed_and_unknown_owners_noted_once() -> Result<()> {
    in_fresh_netns(|| {
        let _crowd = SocketSet::new()?;
        let expected = rows(&tick(&["-ta"])?)?;
        let public = PublicCopy::new()?;
        let mut command = public.as_nobody();
        let tick = tick_of(command.args(["sockets", "--json", "--netns", "self", "-ta"]))?;
        let listed = rows(&tick)?;
        ensure!(ends(&listed) == ends(&expected), "{listed:#?}");
        ensure!(
            listed.iter().all(|row| row.owners.is_empty()),
            "{listed:#?}"
        );
        let reported = tick["unavailable"].as_array().context("no `unavailable`")?;
        let owners = reported
            .iter()
            .filter(|it| it["what"].as_str().is_some_and(|it| it.contains("owner")));
        ensure!(owners.count() == 1, "{reported:?}");
        let mut command = public.as_nobody();
        let output = run_as(command.args(["sockets", "--netns", "self", "-tl"]))?;
        let shown = text(&output.stdout)?;
        ensure!(
            shown.matches("not shown: the owners").count() == 1,
            "{shown}"
        );
        Ok(())
    })
}

#[test]
fn sockets_of_other_namespaces_are_listed_with_their_owners() -> Result<()> {
    let veth = VethPair::new()?;
    let mut server = veth.far("python3");
    let script = "import socket, sys\ns = socket.create_server(('10.72.0.2', 4600))\n\
                  print(flush=True)\nsys.stdin.read()";
    let mut server = server
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut ready = [0; 1];
    server
        .stdout
        .as_mut()
        .context("no stdout")?
        .read_exact(&mut ready)?;
    let pid = u64::from(server.id());
    let output = run(["sockets", "--json", "-tl", "src", "10.72.0.2:4600"])?;
    let of = pid.to_string();
    let inside = run(["sockets", "--json", "-tl", "--netns", &of])?;
    drop(server.stdin.take());
    server.wait()?;
    for (output, what) in [(output, "all"), (inside, "one")] {
        let lines = ndjson::lines(&output.stdout)?;
        let tick = lines.get(1).context("no tick")?;
        let listed = rows(tick)?;
        let owners: Vec<_> = listed.iter().map(|row| row.owners.clone()).collect();
        ensure!(owners == [[(pid, 3)]], "{what}: {tick}");
        let own = std::fs::read_link("/proc/self/ns/net")?;
        let netns = tick["sockets"][0]["netns"].to_string();
        ensure!(!own.to_string_lossy().contains(&netns), "{netns}");
    }
    Ok(())
}

#[test]
fn processes_are_chosen_and_a_shared_socket_names_all_of_them() -> Result<()> {
    in_fresh_netns(|| {
        let crowd = SocketSet::new()?;
        let fd = crowd.listener.as_raw_fd();
        // A child that inherits the listening socket under a number of its own.
        let mut child = Command::new("bash");
        let script = format!("exec 9<&{fd}; echo; read");
        fcntl(&crowd.listener, FcntlArg::F_SETFD(FdFlag::empty()))?;
        let mut child = child
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        fcntl(&crowd.listener, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        let mut ready = [0; 1];
        child
            .stdout
            .as_mut()
            .context("no stdout")?
            .read_exact(&mut ready)?;
        let pid = u64::from(child.id());
        let by_pid = rows(&tick(&["-tl", "--pid", &pid.to_string()])?)?;
        let by_name = rows(&tick(&["-ta", "--name", "^bash$"])?)?;
        let all = agree(
            &["-tl", "sport", "=", ":4100"],
            &["-tlnpH", "sport", "=", ":4100"],
        )?;
        drop(child.stdin.take());
        child.wait()?;
        ensure!(by_name == all, "{by_name:#?}");
        ensure!(
            all.len() == 1 && all[0].owners.contains(&(pid, 9)),
            "{all:#?}"
        );
        ensure!(all[0].owners.len() == 3, "{all:#?}");
        ensure!(
            by_pid.len() == 1 && by_pid[0].local == all[0].local,
            "{by_pid:#?}"
        );
        Ok(())
    })
}

#[test]
fn the_summary_counts_what_is_listed() -> Result<()> {
    in_fresh_netns(|| {
        let _crowd = SocketSet::new()?;
        let listed = agree(&["-ta"], &["-tanpH"])?;
        let tick = tick(&["-s"])?;
        ensure!(
            tick["sockets"].as_array().is_some_and(Vec::is_empty),
            "{tick}"
        );
        ensure!(tick["summary"]["tcp"]["total"] == listed.len(), "{tick}");
        ensure!(tick["summary"]["tcp"]["states"]["LISTEN"] == 2, "{tick}");
        ensure!(tick["summary"]["udp"]["total"] == 3, "{tick}");
        Ok(())
    })
}

#[test]
fn ticks_repeat_until_the_count() -> Result<()> {
    let session = Tracer::start(&["sockets", "--json", "-d", "0.2", "-n", "3"])?.finish()?;
    ensure!(session.ticks.len() == 3, "{} ticks", session.ticks.len());
    ensure!(
        session.end["reason"] == "count" && session.end["ticks"] == 3,
        "{}",
        session.end
    );
    ensure!(
        session.ticks[0]["interval_s"].is_null(),
        "{}",
        session.ticks[0]
    );
    let length = session.ticks[2]["interval_s"]
        .as_f64()
        .context("no interval")?;
    ensure!((0.05..2.0).contains(&length), "{length}");
    let once = Tracer::start(&["sockets", "--json"])?.finish()?;
    ensure!(
        once.ticks.len() == 1 && once.status.success(),
        "{:?}",
        once.status
    );
    let endless = Tracer::start(&["sockets", "--json", "-d", "60"])?.stop()?;
    ensure!(endless.end["reason"] == "signal", "{}", endless.end);
    Ok(())
}

#[test]
fn a_wrong_filter_shows_the_place_and_the_expected_words() -> Result<()> {
    for (filter, expected) in [
        (
            &["dst", "example.org"][..],
            "(character 5): expected an address",
        ),
        (&["sport = :https"], "(character 9): expected a port"),
        (&["--kill", "--yes"], "needs a filter"),
        (&["--state", "estabished"], "the states are"),
    ] {
        let output = run([&["sockets"], filter].concat())?;
        let message = text(&output.stderr)?;
        ensure!(
            output.status.code() == Some(2),
            "{filter:?}: {}",
            output.status
        );
        ensure!(message.contains(expected), "{filter:?}: {message}");
        ensure!(
            output.stdout.is_empty(),
            "{filter:?} says something on stdout"
        );
    }
    Ok(())
}

#[test]
fn a_queue_that_is_long_is_explained_and_a_line_fits_80_columns() -> Result<()> {
    in_fresh_netns(|| {
        let _crowd = SocketSet::new()?;
        let output = run(["sockets", "--netns", "self", "-ta", "--explain"])?;
        let shown = text(&output.stdout)?;
        ensure!(shown.contains("2 clients wait until"), "{shown}");
        ensure!(shown.contains("does not read them"), "{shown}");
        let mut command = Command::new(tracer::binary()?);
        command.args(["sockets", "--netns", "self", "-ta", "-i", "--explain"]);
        let mut terminal = Terminal::start(&mut command, 150, 80)?;
        let screen = terminal.wait_for_text("2 clients wait until")?;
        ensure!(screen.contains("PROCESS"), "{screen}");
        ensure!(terminal.end()?.success(), "{screen}");
        let raw = String::from_utf8(terminal.raw())?;
        ensure!(
            raw.lines()
                .all(|line| line.trim_end().chars().count() <= 80),
            "{raw}"
        );
        Ok(())
    })
}
