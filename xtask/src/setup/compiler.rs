//! Finds compilers that can compile for BPF: new enough, and with the sources of `core`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Where a distribution's own Rust is installed.
pub(super) const SYSTEM: &str = "/usr";

/// The sources whose presence makes a compiler able to build `core` for another target.
const CORE: &str = "lib/rustlib/src/rust/library/core/Cargo.toml";

/// A compiler with the sources of `core`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compiler {
    /// Path of `rustc`.
    pub(super) rustc: PathBuf,
    /// Path of the cargo that belongs to it.
    pub(super) cargo: PathBuf,
    /// For example `rustc 1.96.0 with LLVM 22`.
    pub(super) name: String,
    /// Major version of the LLVM inside: a linker for another can't read its output.
    pub(super) llvm: u32,
}

/// Tries every place, best first, and notes in `looked` why others are of no use.
pub(super) fn find(looked: &mut Vec<String>) -> Vec<Compiler> {
    let mut found = Vec::new();
    for sysroot in sysroots() {
        match probe(&sysroot) {
            Ok(compiler) => found.push(compiler),
            Err(why) => looked.push(format!("Rust in `{}`: {why:#}", sysroot.display())),
        }
    }
    found
}

/// Checks the toolchain in `sysroot`.
pub(super) fn probe(sysroot: &Path) -> Result<Compiler> {
    let rustc = sysroot.join("bin/rustc");
    let cargo = sysroot.join("bin/cargo");
    ensure!(rustc.exists(), "no rustc");
    ensure!(cargo.exists(), "no cargo");
    ensure!(
        sysroot.join(CORE).exists(),
        "no rust-src (`{CORE}` is missing)"
    );
    let answer = Command::new(&rustc)
        .arg("-vV")
        .output()
        .context("rustc does not start")?;
    let answer = String::from_utf8_lossy(&answer.stdout);
    let field = |name: &str| {
        let value = answer.lines().find_map(|line| line.strip_prefix(name));
        value
            .map(str::trim)
            .with_context(|| format!("`rustc -vV` has no line `{name}`"))
    };
    let release = field("release:")?;
    let needed = env!("CARGO_PKG_RUST_VERSION");
    ensure!(
        is_at_least(release, needed),
        "{release} is older than {needed}"
    );
    let llvm = leading_number(field("LLVM version:")?).context("its LLVM has no number")?;
    Ok(Compiler {
        rustc,
        cargo,
        name: format!("rustc {release} with LLVM {llvm}"),
        llvm,
    })
}

/// Rustup's toolchains, nightly first as that is where `rust-src` usually is, then the system's.
fn sysroots() -> Vec<PathBuf> {
    let rustup = env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".rustup")));
    let mut toolchains: Vec<PathBuf> = rustup
        .and_then(|home| fs::read_dir(home.join("toolchains")).ok())
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    toolchains.sort_by_key(|path| {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        (
            !name
                .as_ref()
                .is_some_and(|name| name.starts_with("nightly")),
            name,
        )
    });
    toolchains.extend([SYSTEM, "/usr/local"].map(PathBuf::from));
    toolchains
}

/// Compares `major.minor` of two versions; what follows does not matter here.
pub(super) fn is_at_least(version: &str, needed: &str) -> bool {
    let parts = |text: &str| {
        let mut parts = text.split('.').map(leading_number);
        Some((parts.next()??, parts.next()??))
    };
    parts(version)
        .zip(parts(needed))
        .is_some_and(|(version, needed)| version >= needed)
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(is_at_least("1.97.0-nightly", "1.95"));
        assert!(is_at_least("1.96.0+dfsg1-1~deb12u2", "1.95.0"));
        assert!(is_at_least("2.0", "1.95"));
        assert!(!is_at_least("1.85.0+dfsg3-1", "1.95"));
        assert!(!is_at_least("1.9", "1.10"));
        assert!(!is_at_least("(none)", "1.95"));
    }

    #[test]
    fn a_folder_without_rust_is_no_compiler() {
        assert!(probe(Path::new("/proc")).is_err());
    }
}
