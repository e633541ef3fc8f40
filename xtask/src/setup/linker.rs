//! Finds a `bpf-linker` that reads the output of a compiler, or builds one.
//!
//! The linker contains an LLVM of its own, which must not be older than the compiler's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::compiler::Compiler;
use super::programs;
use crate::step::Steps;
use crate::toolchain::{Tool, Toolchain};
use crate::workspace::host_cargo;

/// Versions to build, in this order: the one this project was made with, else the newest, which
/// may know an LLVM that came later.
const VERSIONS: [&str; 2] = ["^0.13", "*"];

/// Finds and builds linkers, in a folder of the target directory.
pub(super) struct Linkers<'a> {
    /// Folder of set-up.
    pub(super) folder: &'a Path,
    /// How long steps are run.
    pub(super) steps: &'a Steps,
}

impl Linkers<'_> {
    /// A linker for `compiler`, out of what this machine has.
    pub(super) fn find(&self, compiler: &Compiler) -> Result<PathBuf> {
        let own = self.root(compiler).join("bin/bpf-linker");
        if starts(&own) {
            return Ok(own);
        }
        if let Some(linker) =
            programs::find("bpf-linker").filter(|linker| self.links(compiler, linker))
        {
            return Ok(linker);
        }
        let prefix = llvm_prefix(compiler.llvm)?;
        self.build(compiler, &prefix)?;
        ensure!(
            starts(&own),
            "`{}` was built but does not start",
            own.display()
        );
        Ok(own)
    }

    fn root(&self, compiler: &Compiler) -> PathBuf {
        self.folder.join(format!("bpf-linker-{}", compiler.llvm))
    }

    fn build(&self, compiler: &Compiler, llvm_prefix: &Path) -> Result<()> {
        let scratch = self.folder.join("build");
        let mut failures = Vec::new();
        for version in VERSIONS {
            let feature = format!("llvm-{}", compiler.llvm);
            let mut install = Command::new(host_cargo());
            install
                .args(["install", "bpf-linker", "--locked", "--force"])
                .args(["--version", version])
                .args(["--no-default-features", "--features", &feature])
                .arg("--root")
                .arg(self.root(compiler))
                .arg("--target-dir")
                .arg(&scratch)
                .env("LLVM_PREFIX", llvm_prefix)
                .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
            let title = format!("building bpf-linker {version} with {feature}");
            match self.steps.run(&title, &mut install) {
                Ok(()) => return Ok(fs::remove_dir_all(&scratch)?),
                Err(error) => failures.push(format!("{error:#}")),
            }
        }
        bail!("{}", failures.join("\n"))
    }

    /// Whether `linker` makes a program out of what `compiler` makes of `core`: the only proof
    /// there is, as a linker does not print its LLVM version.
    fn links(&self, compiler: &Compiler, linker: &Path) -> bool {
        let title = format!("trying `{}`", linker.display());
        let trial = || -> Result<()> {
            let toolchain = toolchain(compiler, linker)?;
            let mut cargo = toolchain.cargo("build", &self.folder.join("trial"));
            self.steps.run(
                &title,
                cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/trial")),
            )
        };
        trial().is_ok()
    }
}

/// What set-up records.
pub(super) fn toolchain(compiler: &Compiler, linker: &Path) -> Result<Toolchain> {
    let tool = |path: &Path| {
        Tool::new(path.to_owned()).with_context(|| format!("can't look at `{}`", path.display()))
    };
    Ok(Toolchain {
        rustc: tool(&compiler.rustc)?,
        cargo: tool(&compiler.cargo)?,
        linker: tool(linker)?,
    })
}

/// Debian's packages to build a linker from.
pub(super) fn packages_for(llvm: u32) -> Vec<String> {
    vec![
        format!("llvm-{llvm}-dev"),
        format!("libpolly-{llvm}-dev"),
        "zlib1g-dev".to_owned(),
    ]
}

/// Where that LLVM is installed with its headers and libraries.
fn llvm_prefix(llvm: u32) -> Result<PathBuf> {
    let debian = format!("/usr/lib/llvm-{llvm}/bin/llvm-config");
    for config in [
        debian.as_str(),
        &format!("llvm-config-{llvm}"),
        "llvm-config",
    ] {
        let ask = |option| {
            let answer = Command::new(config).arg(option).output().ok()?;
            Some(String::from_utf8(answer.stdout).ok()?.trim().to_owned())
        };
        let matches =
            ask("--version").is_some_and(|version| version.starts_with(&format!("{llvm}.")));
        if let Some(prefix) = ask("--prefix").filter(|_| matches) {
            return Ok(PathBuf::from(prefix));
        }
    }
    bail!("no llvm-config of LLVM {llvm}")
}

/// Whether it starts: a linker whose libLLVM was removed does not.
pub(super) fn starts(linker: &Path) -> bool {
    Command::new(linker)
        .arg("--version")
        .output()
        .is_ok_and(|answer| answer.status.success())
}
