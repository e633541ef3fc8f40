//! Compiles the kernel side and tells the library where the object is.
//!
//! The compiler is the one that `cargo xtask setup` recorded in the target directory.

#[path = "../../xtask/src/toolchain.rs"]
mod toolchain;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use object::build::elf::{Builder, SectionData};
use object::elf::SHT_STRTAB;
use toolchain::{NotSetUp, Toolchain};

const PACKAGE: &str = "netperf-ebpf";

/// Programs of the kernel side, and the variables that tell the library where they are.
const OBJECTS: [(&str, &str); 3] = [
    (PACKAGE, "NETPERF_EBPF_OBJECT"),
    ("netperf-ebpf-limit", "NETPERF_LIMIT_OBJECT"),
    ("netperf-ebpf-names", "NETPERF_NAMES_OBJECT"),
];

#[expect(
    clippy::print_stderr,
    reason = "cargo shows what a failing build script prints there"
)]
fn main() -> ExitCode {
    match compile_kernel_side() {
        Ok(objects) => {
            for (variable, object) in objects {
                println!("cargo::rustc-env={variable}={}", object.display());
            }
            ExitCode::SUCCESS
        }
        Err(error) if error.is::<NotSetUp>() => {
            // Cargo fails the build for these lines, and shows nothing but them.
            for line in error.to_string().lines() {
                println!("cargo::error={line}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compile_kernel_side() -> Result<Vec<(&'static str, PathBuf)>, Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = target_directory(&out);
    for source in ["Cargo.toml", "Cargo.lock", "netperf-common", PACKAGE] {
        rerun_if_changed(&root.join(source));
    }
    rerun_if_changed(&Toolchain::record(target));
    let toolchain = Toolchain::load(target)?;
    for tool in toolchain.tools() {
        rerun_if_changed(&tool.path);
    }

    let artifacts = target.join("ebpf");
    let mut cargo = toolchain.cargo("build", &artifacts);
    cargo.args(["--package", PACKAGE]).current_dir(&root);
    for (name, _) in OBJECTS {
        cargo.args(["--bin", name]);
    }
    if !cargo.status()?.success() {
        return Err("the kernel side does not compile: its errors are above".into());
    }
    // A copy of its own, so that a later build of other sources can't change it behind cargo's back.
    let compiled = artifacts.join(toolchain::target()).join("release");
    OBJECTS
        .map(|(name, variable)| {
            let object = out.join(name);
            let whole = fs::read(compiled.join(name))?;
            fs::write(&object, without_debug_information(&whole)?)?;
            Ok((variable, object))
        })
        .into_iter()
        .collect()
}

/// Types for the kernel (BTF) are made of debug information, which is four fifths of the object and
/// of no more use then.
fn without_debug_information(object: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut elf = Builder::read(object)?;
    for section in &mut elf.sections {
        let name = &*section.name;
        section.delete = name.starts_with(b".debug") || name.starts_with(b".rel.debug");
    }
    elf.delete_orphans();
    // The linker keeps the names of sections and symbols in one table; the writer wants two.
    let names = elf.sections.add();
    names.name = b".shstrtab"[..].into();
    names.sh_type = SHT_STRTAB;
    names.data = SectionData::SectionString;
    let mut stripped = Vec::new();
    elf.write(&mut stripped)?;
    Ok(stripped)
}

/// The target directory that set-up has prepared, else the top of the one cargo builds in.
///
/// Profiles and `--target` put `OUT_DIR` at different depths below it.
fn target_directory(out: &Path) -> &Path {
    let has = |name: &'static str| {
        out.ancestors()
            .find(move |folder| folder.join(name).exists())
    };
    has(toolchain::FOLDER)
        .or_else(|| has("CACHEDIR.TAG"))
        .unwrap_or(out)
}

fn rerun_if_changed(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
