//! The registry of limits: those in force on this machine, and their holders.
//!
//! Files below `/run/netperf-trace` that their holders keep locked as long as they live, each with a socket beside
//! it that takes orders. An unlocked file was left by a killed holder: the next run that reads the registry removes it.

mod control;
mod error;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use netperf_core::clock;
use netperf_core::sample::limit::LimitRecord;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

pub use self::control::{Answer, Order, Orders, ask};
pub use self::error::LimitsError;
use self::error::failed;

/// Largest number of limits at a time.
pub const LIMITS_MAX: u8 = 16;

/// Directory of the registry.
const PLACE: &str = "/run/netperf-trace";

/// Environment variable that names another directory, for tests.
const PLACE_VARIABLE: &str = "NETPERF_TRACE_RUN";

/// Longest file to read.
const RECORD_MAX_BYTES: u64 = 1024 * 1024;

/// How often to check whether a limit has ended.
const CHECK_EVERY: Duration = Duration::from_millis(10);

/// The directory with the files of all limits.
#[derive(Clone, Debug)]
pub struct Registry {
    path: PathBuf,
}

/// A limit that a process holds.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its record; `None` until the holder has written one.
    pub record: Option<LimitRecord>,
    /// Number of the limit.
    pub id: u8,
}

impl Registry {
    /// The registry of this machine; nothing is made or opened yet.
    pub fn of_machine() -> Self {
        Self::at(std::env::var_os(PLACE_VARIABLE).unwrap_or_else(|| PLACE.into()))
    }

    /// A registry in this directory.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The limits in force, by number. Removes what killed holders have left.
    ///
    /// # Errors
    ///
    /// The directory belongs to another user, or may not be read.
    pub fn held(&self) -> Result<Vec<Held>, LimitsError> {
        let Some(_lock) = self.lock()? else {
            return Ok(Vec::new());
        };
        let mut held = Vec::new();
        for id in 1..=LIMITS_MAX {
            held.extend(self.look_at(id)?);
        }
        Ok(held)
    }

    /// Registers a limit under the lowest free number.
    ///
    /// # Errors
    ///
    /// No number is free, or the directory can't be used.
    pub fn register(&self) -> Result<Registration, LimitsError> {
        self.make()?;
        let _lock = self.lock()?;
        for id in 1..=LIMITS_MAX {
            if self.look_at(id)?.is_some() {
                continue;
            }
            let path = self.file(id);
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true).mode(0o600);
            let file = options.open(&path).map_err(|error| failed(&path, error))?;
            lock_now(&file).map_err(|errno| failed(&path, errno.into()))?;
            let registry = self.clone();
            return Ok(Registration { registry, id, file });
        }
        Err(LimitsError::Full)
    }

    /// Waits until a limit has ended; false if it has not within `patience`.
    ///
    /// # Errors
    ///
    /// As [`Self::held`].
    pub fn wait_for_end(&self, id: u8, patience: Duration) -> Result<bool, LimitsError> {
        let began = clock::now().0;
        while self.held()?.iter().any(|held| held.id == id) {
            if clock::now().0.since(began).unwrap_or_default() >= patience {
                return Ok(false);
            }
            thread::sleep(CHECK_EVERY);
        }
        Ok(true)
    }

    /// The file of a limit.
    pub(super) fn file(&self, id: u8) -> PathBuf {
        self.path.join(format!("limit-{id}"))
    }

    /// The control socket of a limit.
    pub(super) fn socket(&self, id: u8) -> PathBuf {
        self.path.join(format!("limit-{id}.sock"))
    }

    /// Keeps other processes from adding and removing files, until dropped. `None` if there is no
    /// directory.
    pub(super) fn lock(&self) -> Result<Option<File>, LimitsError> {
        let mut options = OpenOptions::new();
        let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::NOFOLLOW;
        options.read(true).custom_flags(flags.bits().cast_signed());
        let folder = match options.open(&self.path) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.refused(error)),
        };
        let about = folder.metadata().map_err(|error| self.refused(error))?;
        if about.uid() != geteuid().as_raw() {
            if geteuid().is_root() {
                return Err(self.foreign("belongs to another user"));
            }
            let source = io::ErrorKind::PermissionDenied.into();
            return Err(self.refused(source));
        }
        if about.mode() & 0o022 != 0 {
            return Err(self.foreign("may be written by others"));
        }
        flock(&folder, FlockOperation::LockExclusive)
            .map_err(|errno| self.refused(errno.into()))?;
        Ok(Some(folder))
    }

    fn make(&self) -> Result<(), LimitsError> {
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map_err(|error| self.refused(error)),
        }
    }

    /// The limit with this number, if a process holds it; otherwise removes what is left. Call it under
    /// [`Self::lock`].
    fn look_at(&self, id: u8) -> Result<Option<Held>, LimitsError> {
        let path = self.file(id);
        let mut options = OpenOptions::new();
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.read(true).custom_flags(flags.bits().cast_signed());
        let file = match options.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.remove_socket(id).map(|()| None);
            }
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                let what = "is a symbolic link";
                return Err(LimitsError::Foreign { path, what });
            }
            Err(error) => return Err(failed(&path, error)),
        };
        check(&file, &path)?;
        match lock_now(&file) {
            Ok(()) => {
                fs::remove_file(&path).map_err(|error| failed(&path, error))?;
                log::info!("removed what a killed holder left: {}", path.display());
                self.remove_socket(id).map(|()| None)
            }
            Err(Errno::WOULDBLOCK) => Ok(Some(Held {
                record: read(&file),
                id,
            })),
            Err(errno) => Err(failed(&path, errno.into())),
        }
    }

    pub(super) fn remove_socket(&self, id: u8) -> Result<(), LimitsError> {
        let path = self.socket(id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&path, error)),
            _ => Ok(()),
        }
    }

    fn refused(&self, source: io::Error) -> LimitsError {
        let path = self.path.clone();
        let is = |errno: Errno| source.raw_os_error() == Some(errno.raw_os_error());
        if source.kind() == io::ErrorKind::PermissionDenied {
            LimitsError::Forbidden { path, source }
        } else if is(Errno::NOTDIR) || is(Errno::LOOP) {
            self.foreign("is no folder")
        } else {
            failed(&path, source)
        }
    }

    fn foreign(&self, what: &'static str) -> LimitsError {
        let path = self.path.clone();
        LimitsError::Foreign { path, what }
    }
}

/// A number that belongs to this process until it is dropped, or the process ends.
#[derive(Debug)]
pub struct Registration {
    registry: Registry,
    id: u8,
    /// Locked, and closed on exec.
    file: File,
}

impl Registration {
    /// Number of the limit, 1 to 16.
    pub fn id(&self) -> u8 {
        self.id
    }

    /// Writes the record for other runs.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub fn write(&mut self, record: &LimitRecord) -> Result<(), LimitsError> {
        let path = self.registry.file(self.id);
        // Others read under the same lock, so none sees half of it.
        let _lock = self.registry.lock()?;
        let mut rewrite = || {
            let text = serde_json::to_vec(record)?;
            self.file.rewind()?;
            self.file.set_len(0)?;
            self.file.write_all(&text)
        };
        rewrite().map_err(|error| failed(&path, error))
    }

    /// The control socket of this limit.
    pub(super) fn socket(&self) -> PathBuf {
        self.registry.socket(self.id)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // Where this fails, the next run that looks removes them.
        if let Ok(Some(_lock)) = self.registry.lock() {
            let _ = self.registry.remove_socket(self.id);
            let _ = fs::remove_file(self.registry.file(self.id));
        }
    }
}

/// Checks that a file is a regular one of this user.
fn check(file: &File, path: &Path) -> Result<(), LimitsError> {
    let about = file.metadata().map_err(|error| failed(path, error))?;
    let what = if !about.is_file() {
        "is no plain file"
    } else if about.uid() != geteuid().as_raw() {
        "belongs to another user"
    } else {
        return Ok(());
    };
    let path = path.to_owned();
    Err(LimitsError::Foreign { path, what })
}

fn lock_now(file: &File) -> Result<(), Errno> {
    flock(file, FlockOperation::NonBlockingLockExclusive)
}

fn read(file: &File) -> Option<LimitRecord> {
    let mut text = Vec::new();
    file.take(RECORD_MAX_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests;
