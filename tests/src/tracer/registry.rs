//! A registry of limits for one test, apart from that of the machine.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, ensure};

use crate::tracer;
use crate::tracer::command::{run_as, text};

/// A folder for the files of limits; removed when it is dropped.
#[derive(Debug)]
pub struct RegistryFolder(pub PathBuf);

static COUNT: AtomicU32 = AtomicU32::new(0);

impl RegistryFolder {
    /// A path at which nothing exists.
    pub fn none() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("netperf-limits-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// A folder that only this user may access.
    ///
    /// # Errors
    /// When it can't be created.
    pub fn new() -> Result<Self> {
        let folder = Self::none();
        DirBuilder::new().mode(0o700).create(&folder.0)?;
        Ok(folder)
    }

    /// A path in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Runs `netperf-trace limit ARGS`, for 20 s at most.
    ///
    /// # Errors
    /// When it can't run, or does not end.
    pub fn limit(&self, args: &[&str]) -> Result<Output> {
        self.run(
            Command::new("timeout").arg("20").arg(tracer::binary()?),
            args,
        )
    }

    /// The same with a command that executes the tracer.
    ///
    /// # Errors
    /// When it can't run, or does not end.
    pub fn run(&self, program: &mut Command, args: &[&str]) -> Result<Output> {
        run_as(
            program
                .arg("limit")
                .args(args)
                .env("NETPERF_TRACE_RUN", &self.0),
        )
    }

    /// The error message of a command that must exit with `status` and print nothing on stdout.
    ///
    /// # Errors
    /// When it does not.
    pub fn refused(&self, args: &[&str], status: i32) -> Result<String> {
        let output = self.limit(args)?;
        let message = text(&output.stderr)?.to_owned();
        ensure!(
            output.status.code() == Some(status),
            "{args:?}: {}, {message}",
            output.status
        );
        ensure!(output.stdout.is_empty(), "{args:?} prints on stdout");
        Ok(message)
    }
}

impl Drop for RegistryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
