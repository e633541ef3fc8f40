//! Where are the files of limits, and which of them are held?

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use netperf_core::clock;
use netperf_core::sample::limit::LimitRecord;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::LIMITS_MAX;
use super::seat::Seat;

/// Where the files are.
const PLACE: &str = "/run/netperf-trace";

/// Tests have a folder of their own.
const PLACE_VARIABLE: &str = "NETPERF_TRACE_RUN";

/// Longest file that is read.
const RECORD_MAX_BYTES: u64 = 1024 * 1024;

/// How often is looked whether a limit has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The folder of the files.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// A limit that somebody holds.
#[derive(Clone, Debug)]
pub struct Held {
    /// What its holder wrote; `None` while it has not written anything yet.
    pub record: Option<LimitRecord>,
    /// Its number.
    pub id: u8,
}

/// Why the limits of this machine can't be known.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// Somebody else put something there.
    #[error("`{}` {what}: remove it, and see who put it there", .path.display())]
    Foreign {
        /// What is there.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// All numbers are taken.
    #[error(
        "{LIMITS_MAX} limits are held on this machine already, and no more can be: \
         `netperf-trace limit list` shows them, `netperf-trace limit clear --id N` ends one"
    )]
    Full,
    /// Only root may look.
    #[error("`{}` is for root only: run it as root, through sudo", .path.display())]
    Forbidden {
        /// The folder.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refuses.
    #[error("can't use `{}`", .path.display())]
    Failed {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Folder {
    /// That of this machine; nothing is made or opened yet.
    pub fn of_machine() -> Self {
        Self::at(std::env::var_os(PLACE_VARIABLE).unwrap_or_else(|| PLACE.into()))
    }

    /// A folder of one's own.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The limits that are held, by number. What was left by holders that were killed is removed.
    ///
    /// # Errors
    /// When the folder is somebody else's, or may not be seen.
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

    /// Takes the lowest number that is free.
    ///
    /// # Errors
    /// When none is, or the folder can't be used.
    pub fn take_seat(&self) -> Result<Seat, LimitsError> {
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
            return Ok(Seat::new(self.clone(), id, file));
        }
        Err(LimitsError::Full)
    }

    /// Waits until nobody holds this limit any more; false if it is held all the same.
    ///
    /// # Errors
    /// As [`Self::held`].
    pub fn wait_for_end(&self, id: u8, patience: Duration) -> Result<bool, LimitsError> {
        let began = clock::now().0;
        while self.held()?.iter().any(|held| held.id == id) {
            if clock::now().0.since(began).unwrap_or_default() >= patience {
                return Ok(false);
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(true)
    }

    /// The file of a limit.
    pub(super) fn file(&self, id: u8) -> PathBuf {
        self.path.join(format!("limit-{id}"))
    }

    /// The socket that takes orders for it.
    pub(super) fn socket(&self, id: u8) -> PathBuf {
        self.path.join(format!("limit-{id}.sock"))
    }

    /// Keeps others from adding and removing files, until it is dropped. `None` if there is no folder.
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

    /// What is held under this number; what nobody holds is removed. Under [`Self::lock`].
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

/// A file of ours is a plain one, and of this user.
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

pub(super) fn failed(path: &Path, source: io::Error) -> LimitsError {
    let path = path.to_owned();
    LimitsError::Failed { path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use netperf_core::fixtures::limit_record;

    fn folder() -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::at(root.path().join("limits"));
        (root, folder)
    }

    fn ids(folder: &Folder) -> Vec<u8> {
        let held = folder.held().unwrap();
        held.iter().map(|held| held.id).collect()
    }

    #[test]
    fn without_a_folder_nothing_is_held_and_none_is_made() {
        let (root, folder) = folder();
        assert!(folder.held().unwrap().is_empty());
        assert!(!root.path().join("limits").exists());
    }

    #[test]
    fn each_limit_has_a_number_of_its_own_that_is_free_again_after_it() {
        let (_root, folder) = folder();
        let first = folder.take_seat().unwrap();
        let second = folder.take_seat().unwrap();
        assert_eq!((first.id(), second.id()), (1, 2));
        assert_eq!(ids(&folder), [1, 2]);
        drop(first);
        assert_eq!(ids(&folder), [2]);
        assert_eq!(folder.take_seat().unwrap().id(), 1);
        let _rest: Vec<_> = (0..15).map(|_| folder.take_seat().unwrap()).collect();
        assert!(matches!(folder.take_seat(), Err(LimitsError::Full)));
    }

    #[test]
    fn only_the_owner_may_read_the_folder_and_its_files() {
        let (_root, folder) = folder();
        let mut seat = folder.take_seat().unwrap();
        seat.write(&limit_record(1)).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder.path), 0o700);
        assert_eq!(mode(&folder.file(1)), 0o600);
        assert_eq!(folder.held().unwrap()[0].record, Some(limit_record(1)));
    }

    #[test]
    fn what_a_killed_holder_left_is_removed_and_what_is_held_is_not() {
        let (_root, folder) = folder();
        let seat = folder.take_seat().unwrap();
        fs::write(folder.file(2), "{}").unwrap();
        fs::write(folder.socket(2), "").unwrap();
        fs::write(folder.socket(3), "").unwrap();
        assert_eq!(ids(&folder), [1]);
        for gone in [folder.file(2), folder.socket(2), folder.socket(3)] {
            assert!(!gone.exists(), "{}", gone.display());
        }
        assert!(folder.file(seat.id()).exists());
    }

    #[test]
    fn a_record_that_is_not_written_yet_or_broken_is_held_all_the_same() {
        let (_root, folder) = folder();
        let seat = folder.take_seat().unwrap();
        assert_eq!(folder.held().unwrap()[0].record, None);
        fs::write(folder.file(seat.id()), "{\"id\":").unwrap();
        assert_eq!(folder.held().unwrap()[0].record, None);
    }

    #[test]
    fn links_and_folders_that_others_may_write_are_refused() {
        let (root, folder) = folder();
        drop(folder.take_seat().unwrap());
        let victim = root.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, folder.file(1)).unwrap();
        for result in [folder.held().map(drop), folder.take_seat().map(drop)] {
            assert!(matches!(result, Err(LimitsError::Foreign { .. })));
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        fs::remove_file(folder.file(1)).unwrap();
        fs::set_permissions(&folder.path, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(folder.held(), Err(LimitsError::Foreign { .. })));
        let linked = Folder::at(root.path().join("linked"));
        symlink(&folder.path, &linked.path).unwrap();
        for result in [linked.held().map(drop), linked.take_seat().map(drop)] {
            assert!(matches!(result, Err(LimitsError::Foreign { .. })));
        }
    }

    #[test]
    fn an_end_is_waited_for_but_not_for_ever() {
        let (_root, folder) = folder();
        let seat = folder.take_seat().unwrap();
        assert!(!folder.wait_for_end(1, Duration::ZERO).unwrap());
        drop(seat);
        assert!(folder.wait_for_end(1, Duration::ZERO).unwrap());
    }
}
