//! Finds and installs system packages, with the user's consent.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::compiler::is_at_least;
use crate::root;
use crate::step::Steps;

/// Waits for another installation instead of failing beside it.
const WAIT: [&str; 2] = ["-o", "DPkg::Lock::Timeout=300"];

/// Debian's package manager, used as root or through sudo.
pub(super) struct Packages<'a> {
    steps: &'a Steps,
    consent: Consent,
    lists_are_fresh: bool,
}

/// Whether packages may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Ask the person at the terminal; where there is none, having root is enough.
    Ask,
    /// Yes: by `--yes`, or because root runs this.
    Given,
    /// No: the user declined.
    Refused,
}

impl<'a> Packages<'a> {
    /// Root's consent is given.
    pub(super) fn new(steps: &'a Steps, consent: Consent) -> Self {
        let consent = if root::is_root() {
            Consent::Given
        } else {
            consent
        };
        Self {
            steps,
            consent,
            lists_are_fresh: false,
        }
    }

    /// Installs what is missing of `names`; `purpose` completes "packages are needed to ...".
    pub(super) fn install(&mut self, names: &[String], purpose: &str) -> Result<()> {
        let missing: Vec<String> = names
            .iter()
            .filter(|name| !is_installed(name))
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.agree(&missing, purpose)?;
        self.refresh();
        ensure!(
            offers(&missing, None),
            "the archive lacks one of `{}`",
            missing.join("`, `")
        );
        self.get(&missing)
    }

    /// Installs the first of `sets` that the archive has in at least the version `needed`.
    pub(super) fn install_first<const N: usize>(
        &mut self,
        sets: &[[String; N]],
        needed: &str,
        purpose: &str,
    ) -> Result<()> {
        let likely = sets.first().context("there is nothing to choose from")?;
        self.agree(likely, purpose)?;
        self.refresh();
        let set = sets.iter().find(|set| offers(*set, Some(needed)));
        self.get(set.with_context(|| format!("the archive has none from {needed} on"))?)
    }

    /// Whether the archive has `names`, as far as is known.
    pub(super) fn may_offer(&self, names: &[String]) -> bool {
        is_here() && (!self.lists_are_fresh || offers(names, None))
    }

    fn agree(&mut self, names: &[String], purpose: &str) -> Result<()> {
        ensure!(is_here(), "there is no apt-get");
        ensure!(
            self.consent != Consent::Refused,
            "not installed: you declined"
        );
        let command = command_for(names);
        if self.consent == Consent::Ask && io::stdin().is_terminal() {
            eprint!("Packages are needed to {purpose}:\n  {command}\nInstall them? [Y/n] ");
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer)?;
            if !is_yes(&answer) {
                self.consent = Consent::Refused;
                bail!("not installed: you declined");
            }
        }
        root::obtain(&command)
    }

    /// Reads the archive's lists again, once. A broken third-party archive must not stop the rest,
    /// so failing here is no error.
    fn refresh(&mut self) {
        if self.lists_are_fresh {
            return;
        }
        if let Err(error) = self
            .steps
            .run("reading the package lists", &mut apt_get("update"))
        {
            eprintln!("{error:#}\ngoing on with the lists that are there");
        }
        self.lists_are_fresh = true;
    }

    /// Never removes another package to make room.
    fn get(&self, names: &[String]) -> Result<()> {
        let mut install = apt_get("install");
        install
            .args(["--yes", "--no-install-recommends", "--no-remove", "--"])
            .args(names);
        self.steps
            .run(&format!("installing {}", names.join(" ")), &mut install)
    }
}

fn is_here() -> bool {
    Command::new("apt-get").arg("--version").output().is_ok()
}

/// The command to type by hand.
pub(super) fn command_for(names: &[String]) -> String {
    let install = format!(
        "apt-get install --no-install-recommends {}",
        names.join(" ")
    );
    if root::is_root() {
        format!("apt-get update && {install}")
    } else {
        format!("sudo apt-get update && sudo {install}")
    }
}

/// Whether the archive has every one of `names`, each in at least the version `needed`.
fn offers(names: &[String], needed: Option<&str>) -> bool {
    let is_new_enough = |version: &str| needed.is_none_or(|needed| is_at_least(version, needed));
    names
        .iter()
        .all(|name| candidate(name).is_some_and(|version| is_new_enough(&version)))
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

/// `apt-get` as root, which never asks: its output goes to a log.
fn apt_get(subcommand: &str) -> Command {
    let quiet = [
        ("DEBIAN_FRONTEND", OsStr::new("noninteractive")),
        ("LC_ALL", OsStr::new("C.UTF-8")),
    ];
    let mut command = root::command(Path::new("apt-get"), &quiet);
    command.arg(subcommand);
    command.args(WAIT);
    command
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.to_lowercase().as_str(), "\n" | "y\n" | "yes\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_return_or_yes_is_consent() {
        assert!(is_yes("\n"));
        assert!(is_yes("Y\n"));
        assert!(!is_yes("n\n"));
        assert!(!is_yes(""), "a closed terminal is no consent");
    }
}
