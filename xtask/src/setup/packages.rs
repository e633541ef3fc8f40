//! How are system packages asked about and installed, with the owner's consent?

use std::io::{self, BufRead as _, IsTerminal as _};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::compiler::is_at_least;
use crate::step::Steps;

/// Debian's package manager, used as root or through sudo.
pub(crate) struct Packages<'a> {
    steps: &'a Steps,
    consent: Consent,
    lists_are_fresh: bool,
}

/// Has the person at the terminal been asked?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Not yet.
    Unasked,
    /// No need to ask: given, or `--yes`, or run by root.
    Given,
}

impl<'a> Packages<'a> {
    /// Whether `apt-get` is there at all.
    pub(crate) fn exist() -> bool {
        succeeds(Command::new("apt-get").arg("--version"))
    }

    /// Packages that will be installed by these steps.
    pub(crate) fn new(steps: &'a Steps, consent: Consent) -> Self {
        let consent = if is_root() { Consent::Given } else { consent };
        Self {
            steps,
            consent,
            lists_are_fresh: false,
        }
    }

    /// Installs what is missing of `names`; `purpose` completes "this is needed to ...".
    ///
    /// Never removes another package to make room.
    pub(crate) fn install(&mut self, names: &[String], purpose: &str) -> Result<()> {
        let missing: Vec<&String> = names.iter().filter(|name| !is_installed(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.refresh(names, purpose)?;
        ensure!(
            offers(names, None),
            "the archive has no `{}`",
            names.join("`, `")
        );
        let mut install = as_root("apt-get");
        install.args(["install", "--yes", "--no-install-recommends", "--no-remove"]);
        install
            .args(["-o", "DPkg::Lock::Timeout=300", "--"])
            .args(&missing);
        let names = missing
            .iter()
            .map(|name| name.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        self.steps.run(&format!("installing {names}"), &mut install)
    }

    /// Reads the archive's package lists again, once, after asking.
    ///
    /// A broken third-party archive must not stop the rest, so failing here is no error.
    pub(crate) fn refresh(&mut self, names: &[String], purpose: &str) -> Result<()> {
        if self.lists_are_fresh {
            return Ok(());
        }
        self.ask(&command_for(names), purpose)?;
        let mut update = as_root("apt-get");
        update.args(["update", "-o", "DPkg::Lock::Timeout=300"]);
        if let Err(error) = self.steps.run("reading the package lists", &mut update) {
            eprintln!("{error:#}\ngoing on with the lists that are there");
        }
        self.lists_are_fresh = true;
        Ok(())
    }

    fn ask(&mut self, command: &str, purpose: &str) -> Result<()> {
        if self.consent == Consent::Given {
            return Ok(());
        }
        if io::stdin().is_terminal() {
            ask_at_the_terminal(command, purpose)?;
        } else {
            let allowed = succeeds(Command::new("sudo").args(["-n", "true"]));
            ensure!(
                allowed,
                "not root, and no terminal to ask on: run `{command}`"
            );
        }
        self.consent = Consent::Given;
        Ok(())
    }
}

fn ask_at_the_terminal(command: &str, purpose: &str) -> Result<()> {
    eprint!("Packages are needed to {purpose}:\n  {command}\nInstall them with sudo? [Y/n] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    ensure!(
        is_yes(&answer),
        "not installed, as you wish: run `{command}`"
    );
    let status = Command::new("sudo")
        .arg("-v")
        .status()
        .context("there is no sudo")?;
    ensure!(status.success(), "sudo refused: run `{command}` as root");
    Ok(())
}

/// The command that a person would type.
pub(crate) fn command_for(names: &[String]) -> String {
    let sudo = if is_root() { "" } else { "sudo " };
    format!(
        "{sudo}apt-get install --no-install-recommends {}",
        names.join(" ")
    )
}

/// Whether the archive has every one of `names`, and in at least this version.
pub(crate) fn offers(names: &[String], needed: Option<&str>) -> bool {
    names.iter().all(|name| {
        let candidate = candidate(name);
        candidate
            .is_some_and(|candidate| needed.is_none_or(|needed| is_at_least(&candidate, needed)))
    })
}

/// The version that would be installed.
fn candidate(name: &str) -> Option<String> {
    let answer = Command::new("apt-cache")
        .args(["policy", "--", name])
        .env("LC_ALL", "C")
        .output();
    let answer = String::from_utf8(answer.ok()?.stdout).ok()?;
    let version = answer
        .lines()
        .find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    let version = version
        .split_once(':')
        .map_or(version, |(_epoch, version)| version);
    (version != "(none)").then(|| version.to_owned())
}

fn is_installed(name: &str) -> bool {
    let answer = Command::new("dpkg-query")
        .args(["-W", "-f=${db:Status-Status}", "--", name])
        .output();
    answer.is_ok_and(|answer| answer.stdout == b"installed")
}

/// A command that runs `program` as root, with sudo's password already given.
pub(crate) fn as_root(program: &str) -> Command {
    let mut command = if is_root() {
        Command::new("env")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "env"]);
        sudo
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", program]);
    command
}

/// Whether this process may do everything.
pub(crate) fn is_root() -> bool {
    #![expect(unsafe_code, reason = "std has no geteuid")]
    // SAFETY: geteuid takes nothing, touches no memory of ours and can't fail.
    unsafe { libc::geteuid() == 0 }
}

fn succeeds(command: &mut Command) -> bool {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes") && !answer.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pressed_return_key_or_yes_is_consent() {
        assert!(is_yes("\n"));
        assert!(is_yes("Y\n"));
        assert!(!is_yes("n\n"));
        assert!(!is_yes(""), "a closed terminal is no consent");
    }
}
