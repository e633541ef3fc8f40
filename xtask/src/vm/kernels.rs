//! Kernels to boot: found by Debian suite, never by point version.

use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context as _, Result};

use super::archive::{Archive, Mirror, output};
use super::only_entry;
use crate::step::Steps;

/// The flavour for virtual machines: smaller than others, and built in the same way.
const FLAVOUR: &str = "-cloud-amd64";

/// A kernel to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    suite: String,
    /// Such as `6.18`; the suite's default if none.
    series: Option<String>,
}

impl Wanted {
    /// `SUITE` or `SUITE:SERIES`.
    pub(super) fn new(text: &str) -> Self {
        let (suite, series) = match text.split_once(':') {
            Some((suite, series)) => (suite, Some(series.to_owned())),
            None => (text, None),
        };
        Self {
            suite: suite.to_owned(),
            series,
        }
    }
}

impl FromStr for Wanted {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::new(text))
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.series {
            Some(series) => write!(f, "{}:{series}", self.suite),
            None => f.write_str(&self.suite),
        }
    }
}

/// A kernel that can be booted.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// As `uname -r` prints it.
    pub(super) release: String,
    /// The kernel image.
    pub(super) image: PathBuf,
    /// The folder in which `lib/modules` is.
    pub(super) root: PathBuf,
}

/// Finds the kernel in its suite, and fetches it if it is not here yet.
///
/// # Errors
/// When the suite or the series is gone, or the mirror can't be reached.
pub(super) fn obtain(
    wanted: &Wanted,
    mirror: &Mirror,
    folder: &Path,
    steps: &Steps,
) -> Result<Kernel> {
    let archive = Archive::of_suite(&wanted.suite, mirror, folder, steps)?;
    let package = match &wanted.series {
        None => format!("linux-image{FLAVOUR}"),
        Some(series) => newest(&archive, series)?,
    };
    let packages: Vec<_> = archive
        .closure(&package)?
        .into_iter()
        .filter(|name| is_part_of_a_kernel(name))
        .collect();
    let main = packages
        .iter()
        .find(|name| name.starts_with("linux-image-"))
        .with_context(|| format!("`{package}` leads to no kernel"))?;
    let root = archive.unpack(main, &packages, &folder.join("kernels"))?;
    prepare(root)
}

/// The newest kernel of a series.
fn newest(archive: &Archive<'_>, series: &str) -> Result<String> {
    archive
        .names(&format!("linux-image-{series}."))?
        .into_iter()
        .filter(|name| name.ends_with(FLAVOUR))
        .max_by(|a, b| by_numbers(a, b))
        .with_context(|| format!("the suite has no kernel {series} any more"))
}

/// Compares the numbers in two names, one after the other.
fn by_numbers(a: &str, b: &str) -> Ordering {
    let numbers = |name: &str| -> Vec<u64> {
        let parts = name.split(|c: char| !c.is_ascii_digit());
        parts.filter_map(|part| part.parse().ok()).collect()
    };
    numbers(a).cmp(&numbers(b))
}

/// Image and modules may be in one package or in several; those of one kernel have its version in
/// their name.
fn is_part_of_a_kernel(package: &str) -> bool {
    package
        .strip_prefix("linux-")
        .and_then(|rest| rest.strip_suffix(FLAVOUR))
        .is_some_and(|rest| rest.contains(|c: char| c.is_ascii_digit()))
}

fn prepare(root: PathBuf) -> Result<Kernel> {
    // Older packages have `lib`, newer ones `usr/lib`.
    if !root.join("lib").exists() {
        symlink("usr/lib", root.join("lib"))?;
    }
    let modules = root.join("lib/modules");
    let release = only_entry(&modules)?;
    let modules = modules.join(&release);
    if !modules.join("modules.dep").exists() {
        output(
            Command::new("/usr/sbin/depmod")
                .arg("-b")
                .arg(&root)
                .arg(&release),
        )?;
    }
    let image = [
        root.join("boot").join(format!("vmlinuz-{release}")),
        modules.join("vmlinuz"),
    ]
    .into_iter()
    .find(|image| fs::exists(image).is_ok_and(|exists| exists))
    .with_context(|| format!("the packages of `{release}` hold no kernel"))?;
    Ok(Kernel {
        release,
        image,
        root,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_read_as_suite_and_series() {
        let wanted: Wanted = "trixie-backports:6.18".parse().unwrap();
        assert_eq!(wanted.series.as_deref(), Some("6.18"));
        assert_eq!(wanted.to_string(), "trixie-backports:6.18");
    }

    #[test]
    fn newer_is_by_number_and_not_by_letter() {
        let (older, newer) = ("linux-image-6.18.9+deb13", "linux-image-6.18.12+deb13");
        assert_eq!(by_numbers(older, newer), Ordering::Less);
    }

    #[test]
    fn packages_of_a_kernel_differ_from_names_that_point_to_them() {
        assert!(is_part_of_a_kernel("linux-modules-7.3.4+deb13-cloud-amd64"));
        assert!(!is_part_of_a_kernel("linux-image-cloud-amd64"));
        assert!(!is_part_of_a_kernel("linux-base"));
    }
}
