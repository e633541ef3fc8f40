//! dnsmasq, a real DNS server, with some names of its own and no upstream.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::sys::deadline::Deadline;

/// Where it listens, at port 53.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 4);

/// A running dnsmasq.
#[derive(Debug)]
pub struct Dnsmasq(Child);

impl Dnsmasq {
    /// Starts it in the network namespace of this thread. `real.test` has two IPv4 addresses and one of IPv6, a
    /// text, a mail server and an alias `alias.test`; other names below `test` do not exist.
    ///
    /// # Errors
    /// When it does not answer soon.
    pub fn start() -> Result<Self> {
        let mut command = Command::new("dnsmasq");
        command
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--pid-file",
            ])
            .args(["--user=root", "--no-resolv", "--no-hosts", "--local=/test/"])
            .args([
                "--bind-interfaces",
                "--except-interface=lo",
                "--local-ttl=77",
            ])
            .arg(format!("--listen-address={ADDRESS}"))
            .arg("--host-record=real.test,192.0.2.7,2001:db8::7")
            .arg("--host-record=real.test,192.0.2.8")
            .arg("--txt-record=real.test,hello,world")
            .arg("--mx-host=real.test,mail.test,10")
            .arg("--cname=alias.test,real.test")
            .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        let server = Self(command.spawn().context("dnsmasq can't run")?);
        let deadline = Deadline::seconds(20);
        while !answers()? {
            ensure!(!deadline.passed(), "dnsmasq does not answer");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn answers() -> Result<bool> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    socket.connect((ADDRESS, 53))?;
    let sent = socket.send(b"\0\x07\x01\0\0\x01\0\0\0\0\0\0\x04real\x04test\0\0\x01\0\x01");
    Ok(sent.is_ok() && socket.recv(&mut [0; 512]).is_ok())
}
