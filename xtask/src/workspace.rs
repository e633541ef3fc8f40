//! Where this workspace is, where its artifacts go, and how cargo is called.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// The folders of this workspace.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Where the workspace's `Cargo.toml` is.
    pub root: PathBuf,
    /// Where artifacts go: `CARGO_TARGET_DIR`, cargo's configuration or `target`.
    pub target: PathBuf,
}

impl Workspace {
    /// Asks cargo, which knows every way to move the target directory.
    ///
    /// # Errors
    /// When cargo does not start or can't read the workspace.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .canonicalize()?;
        let answer = Command::new(host_cargo())
            .args([
                "metadata",
                "--format-version=1",
                "--no-deps",
                "--offline",
                "--manifest-path",
            ])
            .arg(root.join("Cargo.toml"))
            .output()
            .context("cargo does not start")?;
        ensure!(
            answer.status.success(),
            "{}",
            String::from_utf8_lossy(&answer.stderr).trim()
        );
        let answer: Value = serde_json::from_slice(&answer.stdout)?;
        let target = answer["target_directory"]
            .as_str()
            .context("cargo names no target directory")?;
        Ok(Self {
            root,
            target: PathBuf::from(target),
        })
    }

    /// A cargo command that compiles for this machine, run at the root of the workspace.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut cargo = Command::new(host_cargo());
        cargo
            .arg(subcommand)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        cargo
    }
}

/// The cargo that runs this program.
pub(crate) fn host_cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}
