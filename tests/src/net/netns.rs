//! Network namespaces for one test, and what runs in them.

use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use nix::sched::{CloneFlags, setns, unshare};

/// A named network namespace, removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Netns(pub(crate) String);

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Netns {
    pub(crate) fn new() -> Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let named = Self(format!("netperf-tests-{}-{number}", std::process::id()));
        ip(&format!("netns add {}", named.0))?;
        ip(&format!("-n {} link set lo up", named.0))?;
        Ok(named)
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, program]);
        command
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        let _ = ip(&format!("netns del {}", self.0));
    }
}

pub(crate) fn ip(args: &str) -> Result<()> {
    let status = Command::new("ip")
        .args(args.split(' '))
        .status()
        .context("`ip` can't run")?;
    ensure!(status.success(), "`ip {args}` failed");
    Ok(())
}

pub(crate) fn in_netns<T: Send>(
    namespace: &str,
    act: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let home = File::open(format!("/run/netns/{namespace}"))?;
    let moved = || -> Result<T> {
        setns(home, CloneFlags::CLONE_NEWNET)?;
        act()
    };
    thread::scope(|scope| match scope.spawn(moved).join() {
        Ok(outcome) => outcome,
        Err(_) => bail!("a thread of the test panicked"),
    })
}

/// Runs a test in a network namespace that has loopback only, and that disappears with it.
///
/// # Errors
/// When the kernel refuses one, or the test fails.
pub fn in_fresh_netns(test: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    let running = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).context("no network namespace")?;
        let up = Command::new("ip")
            .args(["link", "set", "lo", "up"])
            .status()?;
        ensure!(up.success(), "no loopback");
        test()
    });
    running.join().ok().context("the test panicked")?
}
