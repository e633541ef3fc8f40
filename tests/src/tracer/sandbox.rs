//! Sandboxes: namespaces, mounts and rights that a test gives a program, and that end with it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::tracer::Tracer;

/// Wrapper commands, from the outermost to the innermost. Creating namespaces and mounts needs rights,
/// so capabilities come last.
#[derive(Clone, Debug, Default)]
pub struct Sandbox {
    words: Vec<String>,
}

impl Sandbox {
    /// The environment of the tests themselves.
    pub fn here() -> Self {
        Self::default()
    }

    /// With its own mounts, set up by `script`.
    #[must_use]
    pub fn mounts(self, script: &str) -> Self {
        let script = format!("set -e; {script}; exec \"$@\"");
        self.and(&["unshare", "--mount", "sh", "-c", &script, "sh"])
    }

    /// With these lines in /etc/resolv.conf and `192.0.2.9 fixed.test` in /etc/hosts; nsswitch.conf uses both.
    #[must_use]
    pub fn resolv_conf(self, lines: &str) -> Self {
        let script = format!(
            "mount -t tmpfs none /mnt; printf '{lines}' > /mnt/resolv; \
             printf '192.0.2.9 fixed.test' > /mnt/hosts; printf 'hosts: files dns\\n' > /mnt/nss; \
             mount --bind /mnt/resolv /etc/resolv.conf; mount --bind /mnt/hosts /etc/hosts; \
             mount --bind /mnt/nss /etc/nsswitch.conf"
        );
        self.mounts(&script)
    }

    /// In a network namespace of its own, with loopback.
    #[must_use]
    pub fn network(self) -> Self {
        let script = "ip link set lo up; exec \"$@\"";
        self.and(&["unshare", "--net", "sh", "-c", script, "sh"])
    }

    /// In a pid namespace of its own, with its `/proc`.
    #[must_use]
    pub fn pids(self) -> Self {
        self.and(&["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"])
    }

    /// In a pid namespace of its own, with the `/proc` of the one around it.
    #[must_use]
    pub fn pids_without_proc(self) -> Self {
        self.and(&["unshare", "--pid", "--fork", "--kill-child"])
    }

    /// As root of a user namespace of its own.
    #[must_use]
    pub fn users(self) -> Self {
        self.and(&["unshare", "--user", "--map-root-user"])
    }

    /// In the pid and mount namespaces of the process `pid`.
    #[must_use]
    pub fn pids_of(self, pid: u32) -> Self {
        self.and(&["nsenter", &format!("--target={pid}"), "--pid", "--mount"])
    }

    /// As root with these capabilities only, in the notation of setpriv(1).
    #[must_use]
    pub fn capabilities(self, held: &[&str]) -> Self {
        let kept: Vec<_> = held.iter().map(|name| format!(",+{name}")).collect();
        let bounding = format!("--bounding-set=-all{}", kept.concat());
        self.and(&["setpriv", "--inh-caps=-all", &bounding])
    }

    /// As user 65534 with these capabilities only.
    #[must_use]
    pub fn as_nobody(self, held: &[&str]) -> Self {
        let user = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--bounding-set=+all",
        ];
        if held.is_empty() {
            return self.and(&user).and(&["--inh-caps=-all"]);
        }
        let list: Vec<_> = held.iter().map(|name| format!("+{name}")).collect();
        let list = list.join(",");
        self.and(&user).and(&[
            &format!("--inh-caps={list}"),
            &format!("--ambient-caps={list}"),
        ])
    }

    /// With a limit of locked memory, in bytes.
    #[must_use]
    pub fn locked_memory(self, bytes: u64) -> Self {
        self.and(&["prlimit", &format!("--memlock={bytes}:{bytes}")])
    }

    fn and(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|&word| word.to_owned()));
        self
    }

    /// `program`, to run in this sandbox.
    pub fn command(&self, program: &Path) -> Command {
        let mut words = self.words.iter();
        match words.next() {
            None => Command::new(program),
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(program);
                command
            }
        }
    }
}

/// The process at the end of a chain of wrappers, each of which has one child or executes the next.
///
/// # Errors
/// When `/proc` does not list children.
pub fn innermost(pid: u32) -> Result<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    match children.split_whitespace().next() {
        Some(child) => innermost(child.parse()?),
        None => Ok(pid),
    }
}

/// Sends SIGINT to the tracer itself, of which `tracer` is a wrapper.
///
/// # Errors
/// When it is gone.
pub fn interrupt(tracer: &Tracer) -> Result<()> {
    let pid = i32::try_from(innermost(tracer.pid())?)?;
    kill(Pid::from_raw(pid), Signal::SIGINT).context("the tracer has ended")
}
