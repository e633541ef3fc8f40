//! Real programs under a limit: clients that receive or send, and servers with workers.
//!
//! Tolerances are wide; docs/benchmarks.md has the accuracy on a quiet machine.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use netperf_tests::checks::rate_limit::{
    FAR, MB, await_limit, await_traffic, ensure_limit, far, inventory, limit, near, sink, source,
};
use netperf_tests::load::mover::Mover;
use netperf_tests::net::veth::VethPair;
use netperf_tests::sys::deadline::Deadline;
use netperf_tests::sys::turn;
use netperf_tests::tracer::binary;
use netperf_tests::tracer::command::run_as;
use serde_json::Value;
use tempfile::TempDir;

/// The limit, and what is moved: enough for some seconds.
const LIMIT: &str = "10MB";
const RATE: f64 = 10.0;
const MEGABYTES: u32 = 30;
const BYTES: u64 = 1_000_000 * MEGABYTES as u64;

/// A server at the far end of a cable, stopped when it is dropped.
struct Server {
    veth: VethPair,
    files: TempDir,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        // nginx stops its workers only on SIGTERM.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts the server that `command` builds for a folder with a file `big`, and waits until it listens on `port`.
    fn start(port: u16, command: impl FnOnce(&VethPair, &str) -> Result<Command>) -> Result<Self> {
        let veth = VethPair::new()?;
        let files = tempfile::tempdir()?;
        fs::File::create(files.path().join("big"))?.set_len(BYTES)?;
        let folder = files.path().to_str().context("an odd path")?;
        let child = command(&veth, folder)?
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self { veth, files, child };
        let deadline = Deadline::seconds(20);
        let connect = format!("exec 3<>/dev/tcp/10.72.0.2/{port}");
        let mut bash = server.veth.near("bash");
        bash.args(["-c", &connect]).stderr(Stdio::null());
        while !bash.status()?.success() {
            ensure!(!deadline.passed(), "port {port} stays closed");
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    fn nginx() -> Result<Self> {
        Self::start(8080, |veth, folder| {
            let configuration = format!(
                "user root; worker_processes 2; daemon off; pid {folder}/pid; error_log /dev/null;\n\
                 events {{}}\n\
                 http {{ access_log off; server {{ listen 10.72.0.2:8080; root {folder}; }} }}\n"
            );
            let file = format!("{folder}/nginx.conf");
            fs::write(&file, configuration)?;
            let mut nginx = veth.far("nginx");
            nginx.args(["-c", &file]);
            Ok(nginx)
        })
    }

    /// Runs a program at the near end under a limit.
    fn under_limit(&self, direction: &str, words: &str) -> Result<Output> {
        let binary = binary()?;
        let mut command = self.veth.near(binary.to_str().context("an odd path")?);
        command.args(["limit", direction, LIMIT, "--"]);
        let output = command.args(words.split(' ')).output()?;
        let log = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{words}: {log}");
        Ok(output)
    }

    /// Rate of a download by curl at the near end, in MB/s.
    fn download(&self, port: u16) -> Result<f64> {
        let address = format!("http://10.72.0.2:{port}/big");
        let mut curl = self.veth.near("curl");
        curl.args(["-s", "-o", "/dev/null", "-w", "%{speed_download}", &address]);
        speed(&curl.output()?)
    }

    /// Limits the server while it is downloaded from.
    fn ensure_limited_while_serving(&self, port: u16) -> Result<()> {
        let mut tracer = limit(self.child.id(), &["--up", LIMIT])?;
        tracer.await_tick()?;
        ensure_limit(self.download(port)?, RATE)?;
        tracer.stop()?;
        let free = self.download(port)?;
        ensure!(free > 3.0 * RATE * MB, "still held: {free}");
        Ok(())
    }
}

fn speed(output: &Output) -> Result<f64> {
    Ok(std::str::from_utf8(&output.stdout)?.trim().parse()?)
}

#[test]
fn a_download_from_nginx_is_held() -> Result<()> {
    let _turn = turn::exclusive();
    let server = Server::nginx()?;
    let curl = "curl -s -o /dev/null -w %{speed_download} http://10.72.0.2:8080/big";
    ensure_limit(speed(&server.under_limit("--down", curl)?)?, RATE)
}

#[test]
fn nginx_is_held_with_its_workers() -> Result<()> {
    let _turn = turn::exclusive();
    Server::nginx()?.ensure_limited_while_serving(8080)
}

#[test]
fn a_server_in_python_is_held() -> Result<()> {
    let _turn = turn::exclusive();
    let server = Server::start(8090, |veth, folder| {
        let mut python = veth.far("python3");
        python.args(["-m", "http.server", "--directory", folder, "8090"]);
        Ok(python)
    })?;
    server.ensure_limited_while_serving(8090)
}

#[test]
fn rsync_is_held_while_it_sends() -> Result<()> {
    let _turn = turn::exclusive();
    let server = Server::start(8730, |veth, folder| {
        fs::create_dir(format!("{folder}/to"))?;
        let configuration = format!(
            "port = 8730\nuse chroot = no\nuid = root\ngid = root\nlog file = /dev/null\n\
             [to]\npath = {folder}/to\nread only = no\n"
        );
        let file = format!("{folder}/rsyncd.conf");
        fs::write(&file, configuration)?;
        let mut rsync = veth.far("rsync");
        rsync.args(["--daemon", "--no-detach", "--config", &file]);
        Ok(rsync)
    })?;
    let from = server.files.path().join("big");
    let words = format!("rsync -W {} rsync://10.72.0.2:8730/to/", from.display());
    let begun = Deadline::seconds(0);
    server.under_limit("--up", &words)?;
    let took = begun.elapsed().as_secs_f64();
    let copied = fs::metadata(server.files.path().join("to/big"))?.len();
    ensure!(copied == BYTES, "{copied} bytes");
    // The limit's own beginning counts here, which a busy machine draws out.
    let least = 0.95 * f64::from(MEGABYTES) / RATE;
    ensure!((least..2.0 * least).contains(&took), "it took {took:.3} s");
    Ok(())
}

#[test]
fn iperf3_is_held_over_tcp_and_udp() -> Result<()> {
    let _turn = turn::exclusive();
    let server = Server::start(5201, |veth, _| {
        let mut iperf3 = veth.far("iperf3");
        iperf3.arg("-s");
        Ok(iperf3)
    })?;
    for (direction, options, sum) in [
        ("--up", "-P 4", "sum_received"),
        ("--down", "-P 4 -R", "sum_received"),
        ("--up", "-u -b 0 -l 1400", "sum"),
    ] {
        let words = format!("iperf3 -J -t 3 -c 10.72.0.2 {options}");
        let output = server.under_limit(direction, &words)?;
        let reported: Value = serde_json::from_slice(&output.stdout)?;
        let bits = reported["end"][sum]["bits_per_second"].as_f64();
        ensure_limit(bits.context("no rate")? / 8.0, RATE).context(words)?;
    }
    Ok(())
}

/// A program in Python at the near end.
fn script(veth: &VethPair, text: &str) -> Result<Mover> {
    Mover::start_as(veth.near("python3").args(["-c", text]))
}

/// The child opens no connection: its parent does when a line comes on stdin, and passes it to the child.
const HANDED_OVER: &str = "
import ctypes, os, signal, socket, sys
here, there = socket.socketpair()
child = os.fork()
if child == 0:
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    here.close()
    connection = socket.socket(fileno=socket.recv_fds(there, 1, 1)[1][0])
    while True:
        connection.send(bytes(65536))
there.close()
print(child, flush=True)
sys.stdin.readline()
connection = socket.create_connection(('10.72.0.2', 5001))
socket.send_fds(here, [b'x'], [connection.fileno()])
os.waitpid(child, 0)
";

#[test]
fn a_connection_passed_by_another_process_is_limited() -> Result<()> {
    let _turn = turn::exclusive();
    let veth = VethPair::new()?;
    let mut sink = sink(&mut far(&veth)?, "tcp", FAR)?;
    let mut script = script(&veth, HANDED_OVER)?;
    let child = script.next_line()?.context("no child")?;
    let tracer = limit(child.trim().parse()?, &["--up", LIMIT])?;
    script.resume()?;
    await_traffic(&mut sink)?;
    await_limit(&mut sink, RATE)?;
    tracer.stop()?;
    Ok(())
}

#[test]
fn a_process_with_a_socket_that_bypasses_the_kernel_is_refused() -> Result<()> {
    let veth = VethPair::new()?;
    let text = "import socket, sys; s = socket.socket(44, socket.SOCK_RAW); print(s.fileno(), flush=True); \
                sys.stdin.read()";
    let mut script = script(&veth, text)?;
    let Some(file) = script.next_line()? else {
        writeln!(
            std::io::stderr(),
            "skipped: a socket that passes the kernel by, since this one has no AF_XDP"
        )?;
        return Ok(());
    };
    let before = inventory(&veth)?;
    let pid = script.pid().to_string();
    for trial in [&["--dry-run"][..], &[]] {
        let mut refused = Command::new(binary()?);
        let output = refused.args(["limit", "--pid", &pid, LIMIT]).args(trial);
        let output = run_as(output)?;
        let log = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(4), "{}: {log}", output.status);
        let which = format!("family AF_XDP (file {})", file.trim());
        ensure!(log.contains(&which), "{log}");
    }
    ensure!(inventory(&veth)? == before, "something was made");
    Ok(())
}

#[test]
fn two_hundred_connections_share_a_rate() -> Result<()> {
    let _turn = turn::exclusive();
    // Who listens has one more.
    for (direction, sockets) in [("--up", 200), ("--down", 201)] {
        let veth = VethPair::new()?;
        let mut sink = sink(&mut far(&veth)?, "tcp", FAR)?;
        let source = source(&mut near(&veth)?, "tcp", FAR, 200)?;
        await_traffic(&mut sink)?;
        let pid = match direction {
            "--up" => source.pid(),
            _ => sink.pid(),
        };
        let mut tracer = limit(pid, &[direction, LIMIT])?;
        tracer.await_tick()?;
        tracer.await_tick()?;
        await_limit(&mut sink, RATE).context(direction)?;
        let session = tracer.stop()?;
        let last = session.ticks.last().context("no tick")?;
        ensure!(last["sockets"] == sockets, "{last}");
    }
    Ok(())
}
