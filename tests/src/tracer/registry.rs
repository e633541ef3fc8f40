//! Where do the limits of a test keep their files? Where no other test and no user of the machine looks.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, ensure};

use crate::tracer;
use crate::tracer::command::{run_as, text};

/// A folder for the files of limits; removed with this value.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Folder {
    /// A name; nothing is there.
    pub fn none() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("netperf-limits-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// A folder of this user alone.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn new() -> Result<Self> {
        let folder = Self::none();
        DirBuilder::new().mode(0o700).create(&folder.0)?;
        Ok(folder)
    }

    /// A path in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// `netperf-trace limit ARGS`, as far as it comes within 20 s.
    ///
    /// # Errors
    /// When it can't run, or does not end.
    pub fn limit(&self, args: &[&str]) -> Result<Output> {
        self.run(
            Command::new("timeout").arg("20").arg(tracer::binary()?),
            args,
        )
    }

    /// The same by a program that becomes it.
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

    /// The message of a command line that must end with `status`, without a word on stdout.
    ///
    /// # Errors
    /// When it ends otherwise.
    pub fn refused(&self, args: &[&str], status: i32) -> Result<String> {
        let output = self.limit(args)?;
        let message = text(&output.stderr)?.to_owned();
        ensure!(
            output.status.code() == Some(status),
            "{args:?}: {}, {message}",
            output.status
        );
        ensure!(
            output.stdout.is_empty(),
            "{args:?} says something on stdout"
        );
        Ok(message)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
