//! Which compiler and linker make the kernel side, and are they still what set-up accepted?
//!
//! `netperf/sys/build.rs` includes this file too, so that both read the same record in the same way:
//! it uses nothing but std.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

/// Folder of the target directory that holds the record, the linker and the logs of set-up.
pub(crate) const FOLDER: &str = "ebpf-toolchain";

/// Variables of the outer cargo that the cargo for the kernel side may see. The rest describes
/// another compiler, another target and another package.
const KEPT: [&str; 8] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_MAKEFLAGS",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
];

/// What compiles and links the kernel side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// Compiler whose sysroot contains the sources of `core`.
    pub(crate) rustc: Tool,
    /// The cargo of the same toolchain.
    pub(crate) cargo: Tool,
    /// `bpf-linker` for the LLVM of that compiler.
    pub(crate) linker: Tool,
}

/// A program and what it looked like when set-up accepted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tool {
    /// Absolute path.
    pub(crate) path: PathBuf,
    /// Size in bytes and time of last change in seconds: both change when it is replaced.
    seen: (u64, i64),
}

impl Tool {
    /// Records the program at `path` as it is now.
    pub(crate) fn new(path: PathBuf) -> io::Result<Self> {
        let file = fs::metadata(&path)?;
        Ok(Self {
            path,
            seen: (file.size(), file.mtime()),
        })
    }

    fn is_unchanged(&self) -> bool {
        Self::new(self.path.clone()).is_ok_and(|now| now == *self)
    }
}

/// Why the kernel side can't be compiled, with the command that helps.
#[derive(Debug)]
pub(crate) struct NotSetUp(String);

impl fmt::Display for NotSetUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "there is no eBPF toolchain to compile the kernel side with"
        )?;
        writeln!(f, "looked for: {}", self.0)?;
        write!(f, "run: cargo xtask setup")
    }
}

impl std::error::Error for NotSetUp {}

impl Toolchain {
    /// Path of the record under a target directory.
    pub(crate) fn record(target: &Path) -> PathBuf {
        target.join(FOLDER).join("toolchain")
    }

    /// Reads the record and checks that every program in it is the one that set-up accepted.
    pub(crate) fn load(target: &Path) -> Result<Self, NotSetUp> {
        let record = Self::record(target);
        let text = fs::read_to_string(&record)
            .map_err(|error| NotSetUp(format!("the record `{}`: {error}", record.display())))?;
        let toolchain: Self = text.parse()?;
        if let Some(tool) = toolchain
            .tools()
            .into_iter()
            .find(|tool| !tool.is_unchanged())
        {
            let path = tool.path.display();
            return Err(NotSetUp(format!(
                "`{path}`, which has changed or gone since set-up"
            )));
        }
        Ok(toolchain)
    }

    /// The three programs.
    pub(crate) fn tools(&self) -> [&Tool; 3] {
        [&self.rustc, &self.cargo, &self.linker]
    }

    /// A cargo command that compiles for this machine's kernel, artifacts going to `target_dir`.
    ///
    /// `-Z build-std` is unstable; `RUSTC_BOOTSTRAP` lets a release compiler do it too.
    pub(crate) fn cargo(&self, subcommand: &str, target_dir: &Path) -> Command {
        let mut cargo = Command::new(&self.cargo.path);
        for (name, _) in std::env::vars_os().filter(|(name, _)| !is_kept(name)) {
            cargo.env_remove(name);
        }
        cargo
            .env("RUSTC", &self.rustc.path)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC_WRAPPER", "")
            .env("RUSTC_WORKSPACE_WRAPPER", "")
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags().join("\x1f"))
            .args([
                subcommand,
                "--release",
                "-Z",
                "build-std=core",
                "--target",
                target(),
            ])
            .arg("--target-dir")
            .arg(target_dir);
        cargo
    }

    /// BTF needs full debug information; `aya-ebpf` picks its register names by the cfg.
    fn flags(&self) -> [String; 4] {
        [
            format!("--cfg=bpf_target_arch=\"{}\"", std::env::consts::ARCH),
            "-Cdebuginfo=2".to_owned(),
            "-Clink-arg=--btf".to_owned(),
            format!("-Clinker={}", self.linker.path.display()),
        ]
    }
}

/// The kernel's byte order decides; programs run on the machine that compiled them, or its like.
pub(crate) fn target() -> &'static str {
    if cfg!(target_endian = "big") {
        "bpfeb-unknown-none"
    } else {
        "bpfel-unknown-none"
    }
}

fn is_kept(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let foreign =
        name.starts_with("CARGO") || name.starts_with("RUST") || name == "LD_LIBRARY_PATH";
    !foreign || KEPT.iter().any(|kept| name.starts_with(kept))
}

/// One line a program: what it is, its size, its time of last change, its path.
impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, tool) in ["rustc", "cargo", "linker"].into_iter().zip(self.tools()) {
            writeln!(
                f,
                "{name} {} {} {}",
                tool.seen.0,
                tool.seen.1,
                tool.path.display()
            )?;
        }
        Ok(())
    }
}

impl FromStr for Toolchain {
    type Err = NotSetUp;

    fn from_str(text: &str) -> Result<Self, NotSetUp> {
        let tool = |name: &str| {
            text.lines()
                .find_map(|line| parse_tool(line.strip_prefix(name)?.strip_prefix(' ')?))
                .ok_or_else(|| NotSetUp(format!("a `{name}` line in the record of set-up")))
        };
        Ok(Self {
            rustc: tool("rustc")?,
            cargo: tool("cargo")?,
            linker: tool("linker")?,
        })
    }
}

fn parse_tool(text: &str) -> Option<Tool> {
    let mut fields = text.splitn(3, ' ');
    let seen = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Tool {
        path: PathBuf::from(fields.next()?),
        seen,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(path: &str) -> Tool {
        Tool {
            path: PathBuf::from(path),
            seen: (7, -1),
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let toolchain = Toolchain {
            rustc: tool("/usr/bin/rustc"),
            cargo: tool("/a folder/with spaces/cargo"),
            linker: tool("/usr/bin/bpf-linker"),
        };
        assert_eq!(
            toolchain.to_string().parse::<Toolchain>().unwrap(),
            toolchain
        );
    }

    #[test]
    fn a_record_that_lacks_a_tool_is_no_set_up() {
        let missing = "rustc 1 2 /usr/bin/rustc\n"
            .parse::<Toolchain>()
            .unwrap_err();
        assert!(missing.to_string().ends_with("run: cargo xtask setup"));
    }

    #[test]
    fn a_replaced_tool_is_noticed() {
        assert!(!tool("/proc/self/exe").is_unchanged());
        assert!(!tool("/nowhere/rustc").is_unchanged());
    }

    #[test]
    fn the_outer_cargo_does_not_reach_the_inner_one() {
        for name in [
            "RUSTFLAGS",
            "RUSTUP_TOOLCHAIN",
            "CARGO_PROFILE_DEV_DEBUG",
            "LD_LIBRARY_PATH",
        ] {
            assert!(!is_kept(OsStr::new(name)), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_MAKEFLAGS",
        ] {
            assert!(is_kept(OsStr::new(name)), "{name}");
        }
    }
}
