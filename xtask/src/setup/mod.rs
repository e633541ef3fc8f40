//! `cargo xtask setup`: is there a compiler and a linker for the kernel side, and if not, where
//! from?
//!
//! What is there already is used first. Otherwise Debian's packages come before rustup's nightly:
//! a distribution that offers a new enough Rust offers the LLVM of the same version too, which the
//! linker is built from, while a nightly moves on to an LLVM that the distribution has not got.

mod compiler;
mod linker;
pub(crate) mod packages;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, anyhow, ensure};

use self::compiler::Compiler;
use self::linker::Linkers;
use self::packages::{Consent, Packages};
use crate::step::Steps;
use crate::toolchain::{FOLDER, Toolchain};
use crate::workspace::Workspace;

/// A full Rust with the sources of `core`, under the names distributions give it.
const RUST_PACKAGES: [[&str; 3]; 2] = [
    ["rustc-web", "cargo-web", "rust-web-src"],
    ["rustc", "cargo", "rust-src"],
];

/// Arguments that make rustup install a Rust with the sources of `core`.
const NIGHTLY: [&str; 7] = [
    "toolchain",
    "install",
    "nightly",
    "--profile",
    "minimal",
    "--component",
    "rust-src",
];

/// A download that stands still this long won't come.
const SILENCE: Duration = Duration::from_mins(1);

/// Makes sure that the kernel side can be compiled.
pub(crate) fn run(workspace: &Workspace, yes: bool) -> Result<Toolchain> {
    if let Ok(toolchain) = Toolchain::load(&workspace.target)
        && linker::starts(&toolchain.linker.path)
    {
        return Ok(toolchain);
    }
    let folder = workspace.target.join(FOLDER);
    let steps = Steps::new(folder.join("setup.log"))?;
    let consent = if yes {
        Consent::Given
    } else {
        Consent::Unasked
    };
    let mut search = Search {
        linkers: Linkers {
            folder: &folder,
            steps: &steps,
        },
        packages: Packages::new(&steps, consent),
        steps: &steps,
        looked: Vec::new(),
        help: format!("rustup {}", NIGHTLY.join(" ")),
    };
    let toolchain = search.toolchain()?;
    write(&toolchain, &Toolchain::record(&workspace.target))?;
    Ok(toolchain)
}

/// One search for a toolchain and what it has learned so far.
struct Search<'a> {
    linkers: Linkers<'a>,
    packages: Packages<'a>,
    steps: &'a Steps,
    /// What was looked for without success.
    looked: Vec<String>,
    /// The command that would have helped.
    help: String,
}

impl Search<'_> {
    fn toolchain(&mut self) -> Result<Toolchain> {
        let compilers = compiler::find(&mut self.looked);
        let found = compilers
            .iter()
            .find_map(|compiler| self.complete(compiler));
        let found = found.or_else(|| compilers.iter().find_map(|compiler| self.equip(compiler)));
        let found = found.or_else(|| self.install_system_rust());
        found
            .or_else(|| self.install_nightly())
            .ok_or_else(|| self.explain())
    }

    /// Adds a linker to `compiler`, out of what this machine has.
    fn complete(&mut self, compiler: &Compiler) -> Option<Toolchain> {
        let complete = || linker::toolchain(compiler, &self.linkers.find(compiler)?);
        let what = format!("bpf-linker for {}", compiler.name);
        let toolchain = complete();
        self.note(&what, toolchain)
    }

    /// Adds a linker to `compiler`, installing what it is built from.
    fn equip(&mut self, compiler: &Compiler) -> Option<Toolchain> {
        let needed = linker::packages_for(compiler.llvm);
        let what = format!("packages `{}`", needed.join("`, `"));
        self.help = packages::command_for(&needed);
        let installed = self
            .packages
            .install(&needed, "build the linker of the kernel side");
        self.note(&what, installed)?;
        self.complete(compiler)
    }

    fn install_system_rust(&mut self) -> Option<Toolchain> {
        let sets = RUST_PACKAGES.map(|names| names.map(str::to_owned));
        let installed = self.choose_and_install(&sets);
        self.note("Rust from the distribution's packages", installed)?;
        let probed = compiler::probe(Path::new(compiler::SYSTEM[0]));
        let compiler = self.note("Rust in `/usr` after installing it", probed)?;
        self.complete(&compiler).or_else(|| self.equip(&compiler))
    }

    fn choose_and_install(&mut self, sets: &[[String; 3]]) -> Result<()> {
        ensure!(Packages::exist(), "there is no apt-get");
        let purpose = "compile the kernel side (and the LLVM packages that fit them)";
        self.packages.refresh(&sets[0], purpose)?;
        let needed = env!("CARGO_PKG_RUST_VERSION");
        let set = sets.iter().find(|set| packages::offers(*set, Some(needed)));
        let set = set.with_context(|| format!("none is {needed} or newer"))?;
        self.help = packages::command_for(set);
        self.packages.install(set, purpose)
    }

    fn install_nightly(&mut self) -> Option<Toolchain> {
        let mut rustup = Command::new("rustup");
        rustup.args(NIGHTLY);
        let installed = self.steps.run_bounded(
            "installing rustup's nightly with rust-src",
            &mut rustup,
            Some(SILENCE),
        );
        self.note("rustup's nightly with rust-src", installed)?;
        // What was found before has been tried already.
        let compiler = compiler::find(&mut Vec::new()).into_iter().next()?;
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
            "there is no eBPF toolchain to compile the kernel side with, and none could be installed\n\
             looked for:\n  - {looked}\nrun: {}",
            self.help
        )
    }
}

fn write(toolchain: &Toolchain, record: &Path) -> Result<()> {
    fs::write(record, toolchain.to_string())
        .with_context(|| format!("can't write `{}`", record.display()))
}
