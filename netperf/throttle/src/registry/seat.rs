//! How does a holder say what it holds? In a file that it keeps locked as long as it lives.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::path::PathBuf;

use netperf_core::sample::limit::LimitRecord;

use super::folder::{Folder, LimitsError, failed};

/// A number that is this process's until it is dropped, or the process ends.
#[derive(Debug)]
pub struct Seat {
    folder: Folder,
    id: u8,
    /// Locked; not inherited by programs that are started.
    file: File,
}

impl Seat {
    pub(super) fn new(folder: Folder, id: u8, file: File) -> Self {
        Self { folder, id, file }
    }

    /// 1 to 16.
    pub fn id(&self) -> u8 {
        self.id
    }

    /// Says what is held.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write(&mut self, record: &LimitRecord) -> Result<(), LimitsError> {
        let path = self.folder.file(self.id);
        // Others read under the same lock, so none sees half of it.
        let _lock = self.folder.lock()?;
        let mut rewrite = || {
            let text = serde_json::to_vec(record)?;
            self.file.rewind()?;
            self.file.set_len(0)?;
            self.file.write_all(&text)
        };
        rewrite().map_err(|error| failed(&path, error))
    }

    /// Where orders are taken.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.socket(self.id)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Where this fails, the next run that looks removes them.
        if let Ok(Some(_lock)) = self.folder.lock() {
            let _ = self.folder.remove_socket(self.id);
            let _ = fs::remove_file(self.folder.file(self.id));
        }
    }
}
