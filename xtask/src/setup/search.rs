//! The order in which toolchains are searched, completed and installed.
//!
//! 1. A compiler with the sources of `core`, and a linker for it, out of what is there.
//! 2. The same, installing the LLVM that the linker is built from.
//! 3. `rust-src` added to rustup's toolchain: a few megabytes, no root, the very compiler that the
//!    rest is compiled with. (A nightly would be a big download and a compiler that moves;
//!    `RUSTC_BOOTSTRAP` makes a stable one do.)
//! 4. Rust from the distribution's packages, which come with an LLVM of the same version even when
//!    rustup has moved on to one that the distribution has not got, or can't be reached.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Error, Result, anyhow};

use super::compiler::{self, Compiler};
use super::linker::{self, Linkers};
use super::packages::{Consent, Packages, command_for};
use crate::step::Steps;
use crate::toolchain::Toolchain;

/// A full Rust with the sources of `core`, under the names that distributions give it.
const RUST: [[&str; 3]; 2] = [
    ["rustc-web", "cargo-web", "rust-web-src"],
    ["rustc", "cargo", "rust-src"],
];

const ADD_SOURCES: [&str; 4] = ["rustup", "component", "add", "rust-src"];

/// Helps where no package manager is known: it fetches a ready-made linker into the `PATH`.
const FETCH_LINKER: &str = "cargo install cargo-binstall && cargo binstall bpf-linker";

/// A download that stands still this long won't come.
const SILENCE: Duration = Duration::from_mins(1);

/// A search for a toolchain, and what it has found so far.
pub(super) struct Search<'a> {
    linkers: Linkers<'a>,
    packages: Packages<'a>,
    steps: &'a Steps,
    /// What was not found, and why.
    looked: Vec<String>,
    /// The command that would have helped.
    help: String,
}

impl<'a> Search<'a> {
    /// A search that has not begun.
    pub(super) fn new(folder: &'a Path, steps: &'a Steps, consent: Consent) -> Self {
        Self {
            linkers: Linkers { folder, steps },
            packages: Packages::new(steps, consent),
            steps,
            looked: Vec::new(),
            help: ADD_SOURCES.join(" "),
        }
    }

    /// The first toolchain that is complete, or can be made so.
    pub(super) fn toolchain(mut self) -> Result<Toolchain> {
        let compilers = compiler::find(&mut self.looked);
        let found = compilers
            .iter()
            .find_map(|compiler| self.complete(compiler));
        let found = found.or_else(|| compilers.iter().find_map(|compiler| self.equip(compiler)));
        let found = found.or_else(|| self.add_sources(&compilers));
        found
            .or_else(|| self.install_rust())
            .ok_or_else(|| self.explain())
    }

    /// Adds a linker to `compiler`, out of what this machine has.
    fn complete(&mut self, compiler: &Compiler) -> Option<Toolchain> {
        let linker = self.linkers.find(compiler);
        let toolchain = linker.and_then(|linker| linker::toolchain(compiler, &linker));
        self.note(&format!("a bpf-linker for {}", compiler.name), toolchain)
    }

    /// Adds a linker to `compiler`, installing what it is built from.
    fn equip(&mut self, compiler: &Compiler) -> Option<Toolchain> {
        let needed = linker::packages_for(compiler.llvm);
        let installed = self
            .packages
            .install(&needed, "build the linker of the kernel side");
        FETCH_LINKER.clone_into(&mut self.help);
        if self.packages.may_offer(&needed) {
            self.help = command_for(&needed);
        }
        self.note(&format!("LLVM for {}", compiler.name), installed)?;
        self.complete(compiler)
    }

    /// Adds the sources of `core` to rustup's toolchain; `tried` are those that had them.
    fn add_sources(&mut self, tried: &[Compiler]) -> Option<Toolchain> {
        let mut rustup = Command::new(ADD_SOURCES[0]);
        rustup.args(&ADD_SOURCES[1..]);
        let title = "adding rust-src to rustup's toolchain";
        let added = self.steps.run_bounded(title, &mut rustup, Some(SILENCE));
        self.note("rust-src by rustup", added)?;
        let mut new = compiler::find(&mut Vec::new());
        new.retain(|compiler| !tried.contains(compiler));
        new.iter()
            .find_map(|compiler| self.complete(compiler).or_else(|| self.equip(compiler)))
    }

    fn install_rust(&mut self) -> Option<Toolchain> {
        let sets = RUST.map(|names| names.map(str::to_owned));
        let needed = env!("CARGO_PKG_RUST_VERSION");
        let installed = self
            .packages
            .install_first(&sets, needed, "compile the kernel side");
        if let Some(set) = sets.iter().find(|set| self.packages.may_offer(*set)) {
            self.help = command_for(set);
        }
        self.note("Rust in the distribution's packages", installed)?;
        let probed = compiler::probe(Path::new(compiler::SYSTEM));
        let compiler = self.note("Rust in the packages just installed", probed)?;
        self.complete(&compiler).or_else(|| self.equip(&compiler))
    }

    /// Keeps the reason of a failure for the explanation.
    fn note<T>(&mut self, what: &str, result: Result<T>) -> Option<T> {
        result
            .map_err(|why| self.looked.push(format!("{what}: {why:#}")))
            .ok()
    }

    fn explain(&self) -> Error {
        let looked = self.looked.join("\n  - ");
        anyhow!(
            "there is no eBPF toolchain to compile the kernel side with, and none could be \
             installed\nlooked for:\n  - {looked}\nrun: {}",
            self.help
        )
    }
}
