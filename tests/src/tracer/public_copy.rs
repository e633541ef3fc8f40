//! A copy of the tracer for users who may not read the repository.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, ensure};

use crate::tracer;

/// A copy of the tracer that every user may run, removed when it is dropped.
#[derive(Debug)]
pub struct PublicCopy {
    folder: PathBuf,
    program: PathBuf,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl PublicCopy {
    /// A new copy.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn new() -> Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("netperf-tests-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let public = Self {
            program: folder.join("netperf-trace"),
            folder,
        };
        fs::create_dir(&public.folder)?;
        fs::set_permissions(&public.folder, fs::Permissions::from_mode(0o755))?;
        // By another process: no test could run a file that this process has open for writing.
        let copied = Command::new("cp")
            .arg(tracer::binary()?)
            .arg(&public.folder)
            .status()?;
        ensure!(copied.success(), "cp: {copied}");
        Ok(public)
    }

    /// Path of the copy.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The tracer as user 65534, without capabilities.
    pub fn as_nobody(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=-all",
        ]);
        command.arg(self.program());
        command
    }
}

impl Drop for PublicCopy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
