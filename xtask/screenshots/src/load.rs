//! Processes that move bytes between the namespaces, and one that leaks connections.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sched::{CloneFlags, setns};
use tempfile::TempDir;

use crate::network::{self, HOST, SERVER, SERVER_ADDRESS};

/// Size of the files that are copied, in bytes; they take no room.
const LARGE: u64 = 64 << 30;

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens a connection each fifth of a second and reads the response, but closes none: the server does, so that all
/// of them stay in CLOSE_WAIT.
const LEAK: &str = "\
import socket, sys, time
leaked = []
for number in range(900):
    leaked.append(socket.create_connection((sys.argv[1], 80)))
    leaked[-1].sendall(b'GET /status HTTP/1.0\\r\\n\\r\\n')
    leaked[-1].recv(1000)
    if number == 300: print('leaking', flush=True)
    if number > 300: time.sleep(0.2)
time.sleep(600)
";

/// The processes, which end with this value.
#[derive(Debug)]
pub struct Load {
    processes: Vec<(&'static str, Child)>,
    /// Their files, removed with this value.
    folder: TempDir,
}

impl Load {
    /// Starts the servers, waits until they listen, and starts their clients. [`network::create`] comes first.
    ///
    /// # Errors
    /// When a program is missing or does not start.
    pub fn start() -> Result<Self> {
        let folder = TempDir::with_prefix("netperf-screenshots-")?;
        let mut load = Self {
            processes: Vec::new(),
            folder,
        };
        load.start_servers()?;
        for port in [80, 5201, 873] {
            wait_for_port(port)?;
        }
        load.start_clients()?;
        Ok(load)
    }

    /// Process id of the first process with this name.
    pub fn pid(&self, name: &str) -> Option<u32> {
        let mut processes = self.processes.iter();
        processes
            .find(|(known, _)| *known == name)
            .map(|(_, child)| child.id())
    }

    fn start_servers(&mut self) -> Result<()> {
        let folder = self.folder.path().to_owned();
        for name in ["www", "in"] {
            fs::create_dir(folder.join(name))?;
        }
        File::create(folder.join("www/image.iso"))?.set_len(LARGE)?;
        File::create(folder.join("backup.img"))?.set_len(LARGE)?;
        fs::write(folder.join("www/status"), "fine\n")?;
        fs::write(
            folder.join("www/index.html"),
            "<p>Welcome</p>\n".repeat(4_000),
        )?;
        fs::write(folder.join("nginx.conf"), nginx(&folder))?;
        fs::write(folder.join("rsyncd.conf"), rsyncd(&folder))?;
        let path = |name: &str| folder.join(name).display().to_string();
        self.spawn(SERVER, "nginx", &["-c", &path("nginx.conf")])?;
        self.spawn(SERVER, "iperf3", &["-s"])?;
        self.spawn(
            SERVER,
            "rsync",
            &["--daemon", "--no-detach", "--config", &path("rsyncd.conf")],
        )?;
        let dnsmasq = [
            "-k",
            "-C",
            "/dev/null",
            "-R",
            "-h",
            "-u",
            "root",
            "-p",
            "53",
        ];
        let answers = [
            "--address=/example.com/203.0.113.10",
            "--address=/example.com/2001:db8::10",
        ];
        self.spawn(SERVER, "dnsmasq", &[&dnsmasq[..], &answers].concat())
    }

    fn start_clients(&mut self) -> Result<()> {
        let folder = self.folder.path().to_owned();
        let image = format!("http://{SERVER_ADDRESS}/image.iso");
        self.spawn(
            HOST,
            "curl",
            &["-s", "-o", "/dev/null", "--limit-rate", "24M", &image],
        )?;
        let backup = folder.join("backup.img").display().to_string();
        let to = format!("rsync://{SERVER_ADDRESS}/in/");
        self.spawn(
            HOST,
            "rsync",
            &["--whole-file", "--inplace", "--bwlimit=9000", &backup, &to],
        )?;
        let words = ["-c", SERVER_ADDRESS, "-u", "-b", "30M", "-t", "3600"];
        self.spawn(HOST, "iperf3", &words)?;
        self.spawn(HOST, "python3", &["-c", LEAK, SERVER_ADDRESS])?;
        let (_, leaking) = self.processes.last_mut().context("it was started")?;
        let output = leaking.stdout.take().context("a piped output is there")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(line == "leaking\n", "`python3` leaks no connections");
        Ok(())
    }

    fn spawn(&mut self, namespace: &str, name: &'static str, arguments: &[&str]) -> Result<()> {
        let child = network::command(namespace)
            .arg(name)
            .args(arguments)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null())
            .stdout(if name == "python3" {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("`{name}` does not start"))?;
        self.processes.push((name, child));
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Clients first; both calls fail when the process has ended, which is what is wanted.
        for (_, child) in self.processes.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn nginx(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off; keepalive_timeout 1;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 80; root {folder}/www; }}
}}
"
    )
}

fn rsyncd(folder: &Path) -> String {
    let folder = folder.display();
    format!("use chroot = no\nuid = root\ngid = root\n[in]\npath = {folder}/in\nread only = no\n")
}

/// Waits until the server accepts connections on a port.
fn wait_for_port(port: u16) -> Result<()> {
    let file = File::open(format!("/run/netns/{SERVER}"))?;
    let waiting = thread::spawn(move || -> Result<()> {
        setns(file, CloneFlags::CLONE_NEWNET)?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let pause = Duration::from_millis(20);
        let tries = PATIENCE.as_millis() / pause.as_millis();
        let listens = (0..tries).any(|_| {
            thread::sleep(pause);
            TcpStream::connect(address).is_ok()
        });
        ensure!(listens, "no server on port {port}");
        Ok(())
    });
    waiting.join().ok().context("a thread panicked")?
}
