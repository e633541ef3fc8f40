//! Root: whether this process has it, and how a program gets it.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// Environment variables that sudo would drop.
const KEPT: [&str; 6] = [
    "CI",
    "COLORTERM",
    "NO_COLOR",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "TERM",
];

/// Whether this process runs as root.
pub fn is_root() -> bool {
    #![expect(unsafe_code, reason = "std has no geteuid")]
    // SAFETY: geteuid takes nothing, touches no memory of ours and can't fail.
    unsafe { libc::geteuid() == 0 }
}

/// Checks that sudo works, asking for the password if there is a terminal.
///
/// # Errors
/// Says what `command` needs root for.
pub(crate) fn obtain(command: &str) -> Result<()> {
    if is_root() {
        return Ok(());
    }
    let mut sudo = Command::new("sudo");
    let sudo = if io::stdin().is_terminal() {
        sudo.arg("-v")
    } else {
        sudo.args(["-n", "true"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
    };
    let status = sudo
        .status()
        .with_context(|| format!("root is needed, and there is no sudo, for `{command}`"))?;
    ensure!(
        status.success(),
        "root is needed, and sudo wants a password, for `{command}`"
    );
    Ok(())
}

/// A command that runs `program` as root, with the variables of [`KEPT`] and `more`.
pub(crate) fn command(program: &Path, more: &[(&str, &OsStr)]) -> Command {
    if is_root() {
        let mut command = Command::new(program);
        command.envs(more.iter().copied());
        return command;
    }
    let kept = KEPT
        .iter()
        .filter_map(|name| Some((*name, env::var_os(name)?)));
    let more = more
        .iter()
        .map(|(name, value)| (*name, value.to_os_string()));
    let mut sudo = Command::new("sudo");
    sudo.args(["--", "env"]);
    for (name, value) in kept.chain(more) {
        let mut setting = OsString::from(format!("{name}="));
        setting.push(value);
        sudo.arg(setting);
    }
    sudo.arg(program);
    sudo
}
