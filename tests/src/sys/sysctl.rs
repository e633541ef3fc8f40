//! Kernel settings, changed for one test.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

/// A changed setting below `/proc/sys`, restored when it is dropped.
#[derive(Debug)]
pub struct Sysctl {
    path: PathBuf,
    before: String,
}

impl Sysctl {
    /// Gives the setting `name`, a path below `/proc/sys`, a new value.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub fn set(name: &str, value: &str) -> Result<Self> {
        let path = PathBuf::from("/proc/sys").join(name);
        let before = read(name)?;
        let setting = Self { path, before };
        setting.write(value)?;
        ensure!(read(name)? == value, "`{name}` did not become {value}");
        Ok(setting)
    }

    fn write(&self, value: &str) -> Result<()> {
        fs::write(&self.path, value)
            .with_context(|| format!("no {} = {value}", self.path.display()))
    }
}

impl Drop for Sysctl {
    fn drop(&mut self) {
        let _ = self.write(&self.before);
    }
}

/// The current value of a setting.
///
/// # Errors
/// When this kernel has no such setting.
pub fn read(name: &str) -> Result<String> {
    let path = PathBuf::from("/proc/sys").join(name);
    let value = fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))?;
    Ok(value.trim().to_owned())
}
