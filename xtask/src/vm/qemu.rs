//! Boots kernels in QEMU, without hardware support, which a virtual machine rarely has.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::archive::{Archive, Mirror, output};
use super::image::INIT;
use crate::setup::programs;
use crate::step::Steps;

const NAME: &str = "qemu-system-x86_64";
const PACKAGE: &str = "qemu-system-x86";

/// Older ones corrupt their guests: the emulated `cmpxchg16b` sets wrong flags.
const OLDEST: u32 = 9;

/// All paths with all sets take a quarter of this.
const DEADLINE: Duration = Duration::from_mins(15);

/// Processors that the kernel makes ready for, as many as a small server has: before 5.15, that many
/// processes at once can be in a function with a kretprobe.
const MAX_CPUS: u32 = 8;

const POLL: Duration = Duration::from_millis(100);

/// The kernel's own messages go to the console only if they are warnings or worse. Hooks are attached
/// and detached many times, each time after a grace period: an expedited one is short.
const COMMAND_LINE: &str = "console=ttyS0 panic=-1 oops=panic loglevel=5 mitigations=off \
     tsc=reliable rcupdate.rcu_expedited=1";

/// A QEMU that is new enough.
#[derive(Debug)]
pub(super) struct Qemu {
    program: PathBuf,
    /// Where it was unpacked, if it is not the system's.
    root: Option<PathBuf>,
}

/// What a virtual machine is made of.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    /// Kernel to boot.
    pub(super) kernel: &'a Path,
    /// Path of the initramfs.
    pub(super) image: &'a Path,
    /// The file for the console.
    pub(super) console: &'a Path,
    /// Arguments of PID 1.
    pub(super) arguments: &'a [String],
    /// Processors that run.
    pub(super) cpus: u32,
}

/// How and when a machine ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    /// `None` if it had to be ended.
    pub(super) status: Option<ExitStatus>,
    /// How long it ran.
    pub(super) after: Duration,
}

impl Qemu {
    /// The system's if it is new enough, else one from the archive, unpacked beside the system.
    ///
    /// # Errors
    /// When neither is there.
    pub(super) fn obtain(mirror: &Mirror, folder: &Path, steps: &Steps) -> Result<Self> {
        let of_the_system = programs::find(NAME).map(|program| Self {
            program,
            root: None,
        });
        match of_the_system {
            Some(qemu) if qemu.is_new_enough()? => Ok(qemu),
            _ => Self::unpack(mirror, folder, steps),
        }
    }

    fn unpack(mirror: &Mirror, folder: &Path, steps: &Steps) -> Result<Self> {
        let archive = Archive::of_this_machine(mirror, folder, steps)?;
        let backports = format!("{}-backports", mirror.codename);
        let packages = archive.missing(PACKAGE, &backports)?;
        let root = archive.unpack(PACKAGE, &packages, &folder.join("qemu"))?;
        let qemu = Self {
            program: root.join("usr/bin").join(NAME),
            root: Some(root),
        };
        ensure!(qemu.is_new_enough()?, "Debian has no QEMU from {OLDEST} on");
        Ok(qemu)
    }

    fn is_new_enough(&self) -> Result<bool> {
        let answer = output(self.command().arg("--version"))?;
        let version = answer.split("version ").nth(1).unwrap_or_default();
        let major = version.split('.').next().unwrap_or_default();
        Ok(major.parse::<u32>().is_ok_and(|major| major >= OLDEST))
    }

    /// It finds its libraries, modules and firmware where it was unpacked.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(root) = &self.root {
            let libraries = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"];
            let libraries = libraries.map(|folder| root.join(folder));
            if let Ok(path) = env::join_paths(libraries) {
                command.env("LD_LIBRARY_PATH", path);
            }
            command.env(
                "QEMU_MODULE_DIR",
                root.join("usr/lib/x86_64-linux-gnu/qemu"),
            );
            for firmware in ["usr/share/qemu", "usr/share/seabios"] {
                command.arg("-L").arg(root.join(firmware));
            }
        }
        command
    }

    /// Boots a machine and waits for its end.
    ///
    /// # Errors
    /// When QEMU does not start.
    pub(super) fn run(&self, machine: &Machine<'_>) -> Result<Ended> {
        let mut command = self.command();
        command
            .args(["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max"])
            .args([
                "-smp",
                &format!("{},maxcpus={MAX_CPUS}", machine.cpus),
                "-m",
                "1024",
                "-display",
                "none",
                "-nic",
                "none",
            ])
            .args(["-no-reboot", "-monitor", "none"])
            .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
            .arg("-serial")
            .arg(format!("file:{}", machine.console.display()))
            .arg("-kernel")
            .arg(machine.kernel)
            .arg("-initrd")
            .arg(machine.image)
            .arg("-append")
            .arg(format!(
                "{COMMAND_LINE} rdinit={INIT} -- {}",
                machine.arguments.join(" ")
            ))
            .stdin(Stdio::null());
        let errors = machine.console.with_extension("qemu");
        let began = now();
        let mut child = command
            .stderr(fs::File::create(&errors)?)
            .spawn()
            .with_context(|| format!("`{NAME}` does not start"))?;
        loop {
            let status = child.try_wait()?;
            let after = began.elapsed();
            if status.is_some() {
                return Ok(Ended { status, after });
            }
            if after > DEADLINE {
                child.kill()?;
                child.wait()?;
                return Ok(Ended { status, after });
            }
            thread::sleep(POLL);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the clock rule is for models; a machine is timed as it runs"
)]
fn now() -> Instant {
    Instant::now()
}
