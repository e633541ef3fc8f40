//! Writes the initramfs: the files that a virtual machine has besides the kernel.
//!
//! Format: `Documentation/driver-api/early-userspace/buffer-format.rst` ("newc").

use std::collections::HashSet;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::archive::output;
use super::kernels::Kernel;

/// Modules that the paths need, where the kernel has them as such.
const MODULES: [&str; 17] = [
    "veth",
    "tun",
    "af_packet",
    "vsock_loopback",
    "tls",
    "gcm",
    "ctr",
    "ghash-generic",
    "aesni-intel",
    "tcp_diag",
    "udp_diag",
    "sch_htb",
    "sch_tbf",
    "sch_ingress",
    "cls_bpf",
    "sch_fq",
    "sch_netem",
];

/// Where PID 1 is, beside the programs that its harness looks for: as in a target directory.
pub(super) const INIT: &str = "/target/deps/guest";

/// Programs of the guest.
#[derive(Debug)]
pub(super) struct Programs {
    /// PID 1, static.
    pub(super) init: PathBuf,
    /// The program that it tests and those that it tests with, static.
    pub(super) tested: Vec<PathBuf>,
    /// Programs of this machine that the tests call.
    pub(super) called: Vec<PathBuf>,
}

/// Whether the tests need modules.
#[derive(Clone, Copy, Debug)]
pub(super) enum Modules {
    /// They do: loading takes a second or two.
    Needed,
    /// Only tests that every kernel can run without modules.
    None,
}

/// Writes the image for a kernel.
pub(super) fn write(
    to: &Path,
    programs: &Programs,
    kernel: &Kernel,
    modules: Modules,
) -> Result<()> {
    let mut archive = Newc::new(BufWriter::new(fs::File::create(to)?));
    archive.program(INIT, &fs::read(&programs.init)?)?;
    for program in &programs.tested {
        archive.program(&place("/target", program)?, &fs::read(program)?)?;
    }
    let mut needed = Vec::new();
    for program in &programs.called {
        archive.program(&place("/bin", program)?, &fs::read(program)?)?;
        needed.extend(libraries(program)?);
    }
    needed.sort_unstable();
    needed.dedup();
    for library in needed {
        archive.program(&library, &fs::read(&library)?)?;
    }
    let modules = match modules {
        Modules::Needed => in_order(kernel),
        Modules::None => Vec::new(),
    };
    for (number, module) in modules.iter().enumerate() {
        let name = module_name(module).context("a module has a name")?;
        let name = format!("/modules/{number:02}-{name}.ko");
        archive.program(&name, &decompressed(module)?)?;
    }
    archive.close()?;
    Ok(())
}

/// Where a program goes.
fn place(folder: &str, program: &Path) -> Result<String> {
    let name = program.file_name().context("a program has a name")?;
    Ok(format!("{folder}/{}", name.display()))
}

/// The libraries of a program, and what loads them.
fn libraries(program: &Path) -> Result<Vec<String>> {
    let answer = output(Command::new("ldd").arg(program))?;
    let words = answer.split_whitespace();
    Ok(words
        .filter(|word| word.starts_with('/'))
        .map(str::to_owned)
        .collect())
}

/// Files of the modules that this kernel has, each after those that it needs.
fn in_order(kernel: &Kernel) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for module in MODULES {
        let mut modprobe = Command::new("/usr/sbin/modprobe");
        modprobe
            .args(["--show-depends", "--config", "/dev/null", "--dirname"])
            .arg(&kernel.root)
            .args(["--set-version", &kernel.release, module]);
        // A kernel that lacks it fails here; so will the paths that need it, which say so.
        for line in output(&mut modprobe).unwrap_or_default().lines() {
            let file = line
                .strip_prefix("insmod ")
                .map(str::trim)
                .map(PathBuf::from);
            files.extend(file.filter(|file| !files.contains(file)));
        }
    }
    files
}

/// `tls` of `…/tls.ko.xz`.
fn module_name(file: &Path) -> Option<&str> {
    file.file_name()?.to_str()?.split('.').next()
}

fn decompressed(module: &Path) -> Result<Vec<u8>> {
    if module.extension().is_none_or(|extension| extension != "xz") {
        return Ok(fs::read(module)?);
    }
    let answer = Command::new("xz").arg("-dc").arg(module).output()?;
    anyhow::ensure!(answer.status.success(), "`{}` is damaged", module.display());
    Ok(answer.stdout)
}

/// Writer of the archive format that the kernel unpacks at boot.
struct Newc<W: Write> {
    into: W,
    /// Each file has a number of its own.
    inode: u32,
    /// Folders that are written.
    folders: HashSet<PathBuf>,
    written: usize,
}

/// `S_IFDIR | 0755` and `S_IFREG | 0755`.
const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;

impl<W: Write> Newc<W> {
    fn new(into: W) -> Self {
        Self {
            into,
            inode: 0,
            folders: HashSet::new(),
            written: 0,
        }
    }

    /// Adds a file at an absolute path, and the folders in which it is.
    fn program(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        let folders: Vec<_> = Path::new(path).ancestors().skip(1).collect();
        for folder in folders.into_iter().rev().skip(1) {
            if self.folders.insert(folder.to_owned()) {
                self.entry(&folder.to_string_lossy(), FOLDER, &[])?;
            }
        }
        self.entry(path, PROGRAM, content)
    }

    fn close(mut self) -> io::Result<()> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.into.flush()
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        let name = path.trim_start_matches('/');
        self.inode += 1;
        let size = u32::try_from(content.len()).map_err(io::Error::other)?;
        let name_size = u32::try_from(name.len() + 1).map_err(io::Error::other)?;
        let inode = self.inode;
        // Inode, mode, owner, group, links, time, size, four device numbers, name size, checksum.
        let fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        self.put(b"070701")?;
        for field in fields {
            self.put(format!("{field:08x}").as_bytes())?;
        }
        self.put(name.as_bytes())?;
        self.put(&[0])?;
        self.pad()?;
        self.put(content)?;
        self.pad()
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len();
        self.into.write_all(bytes)
    }

    fn pad(&mut self) -> io::Result<()> {
        let missing = self.written.next_multiple_of(4) - self.written;
        self.put([0, 0, 0].split_at(missing).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_begin_at_multiples_of_four() {
        let mut bytes = Vec::new();
        let mut archive = Newc::new(&mut bytes);
        archive.program("/init", b"12345").unwrap();
        archive.close().unwrap();
        let second = bytes.windows(6).rposition(|window| window == b"070701");
        assert_eq!(second, Some(124));
        assert_eq!(&bytes[..22], b"0707010000000100008\x31ed");
        assert_eq!(bytes.len() % 4, 0);
    }

    #[test]
    fn a_module_is_named_without_its_endings() {
        assert_eq!(module_name(Path::new("/x/tls.ko.xz")), Some("tls"));
    }
}
