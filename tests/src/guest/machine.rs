//! The duties of PID 1: file systems, modules, a network, and the end of the machine.

#![expect(
    unsafe_code,
    reason = "system calls that only PID 1 makes, and the port that ends a virtual machine"
)]

use std::ffi::{CStr, OsStr};
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::termios::tcdrain;

use crate::sys::calls;

/// Kernel modules of the image, in the order in which they need each other.
const MODULES: &str = "/modules";

/// The qdisc that limits prefer; the first test runs without it.
const LATE: &str = "sch_tbf";

/// QEMU's `isa-debug-exit` device: a number written here ends the machine, and QEMU with twice the
/// number and one.
const EXIT_PORT: u16 = 0xf4;
/// QEMU exits with 33.
const PASSED: u32 = 16;
/// QEMU exits with 35.
const FAILED: u32 = 17;

/// QEMU ends the machine in less than this.
const GRACE: Duration = Duration::from_secs(10);

/// Version of the running kernel.
pub(super) type Kernel = (u32, u32);

/// Mounts, loads modules, brings the loopback interface up.
pub(super) fn prepare() -> Result<()> {
    mount(c"proc", c"/proc")?;
    mount(c"sysfs", c"/sys")?;
    mount(c"devtmpfs", c"/dev")?;
    mount(c"cgroup2", c"/sys/fs/cgroup")?;
    fs::create_dir_all("/tmp")?;
    fs::create_dir_all("/run")?;
    load_modules()?;
    bring_up(c"lo")
}

/// Mounts the description of tracepoints and their records.
pub(super) fn mount_tracefs() -> Result<()> {
    mount(c"tracefs", c"/sys/kernel/tracing")
}

fn mount(kind: &CStr, at: &CStr) -> Result<()> {
    let place = at.to_str()?;
    fs::create_dir_all(place)?;
    let nothing = std::ptr::null();
    // SAFETY: three strings that end in zero, and no options.
    let status = unsafe { libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), 0, nothing) };
    Errno::result(status).with_context(|| format!("cannot mount `{place}`"))?;
    Ok(())
}

/// Loads the modules of the image except [`LATE`].
fn load_modules() -> Result<()> {
    load(|module| !is_called(module, LATE))
}

/// Loads [`LATE`].
pub(super) fn load_late() -> Result<()> {
    load(|module| is_called(module, LATE))
}

/// Whether the file `17-sch_tbf.ko` is of this module.
fn is_called(module: &Path, name: &str) -> bool {
    let stem = module.file_stem().and_then(OsStr::to_str).unwrap_or("");
    stem.split_once('-').is_some_and(|(_, rest)| rest == name)
}

fn load(is_wanted: impl Fn(&Path) -> bool) -> Result<()> {
    let entries = match fs::read_dir(MODULES) {
        Ok(entries) => entries.collect::<Result<Vec<_>, _>>()?,
        Err(_) => return Ok(()),
    };
    let mut modules: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
    modules.sort();
    for path in modules.into_iter().filter(|path| is_wanted(path)) {
        let file = File::open(&path)?;
        let fd = file.as_raw_fd();
        // SAFETY: a file that outlives the call, and a string that ends in zero.
        let status = unsafe { libc::syscall(libc::SYS_finit_module, fd, c"".as_ptr(), 0) };
        match Errno::result(status) {
            Ok(_) | Err(Errno::EEXIST) => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot load `{}`", path.display()));
            }
        }
    }
    Ok(())
}

fn bring_up(interface: &CStr) -> Result<()> {
    let socket = calls::socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    // SAFETY: a struct of integers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(interface.to_bytes()) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING)?;
    // SAFETY: this request takes a pointer to an `ifreq`, which outlives the call.
    let status = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request) };
    Errno::result(status).context("cannot bring the loopback interface up")?;
    Ok(())
}

/// Version of the running kernel: the first two numbers of its release.
pub(super) fn kernel() -> Result<Kernel> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let mut numbers = release.split('.').map(str::parse);
    let mut next = || numbers.next()?.ok();
    next()
        .zip(next())
        .with_context(|| format!("`{}` is no release", release.trim()))
}

/// Seconds since the machine began to boot.
pub(super) fn uptime() -> Option<f64> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    uptime.split(' ').next()?.parse().ok()
}

/// The taint flags of the kernel; 0 is an untainted one.
pub(super) fn taint() -> Option<u64> {
    let taint = fs::read_to_string("/proc/sys/kernel/tainted").ok()?;
    taint.trim().parse().ok()
}

/// Ends the machine, and QEMU with a status of the outcome.
pub(super) fn switch_off(passed: bool) -> Result<ExitCode> {
    tcdrain(std::io::stdout()).context("the console did not take everything")?;
    // SAFETY: takes integers only.
    let status = unsafe { libc::ioperm(EXIT_PORT.into(), 4, 1) };
    Errno::result(status).context("no access to the port that ends the machine")?;
    end(if passed { PASSED } else { FAILED });
    // The machine goes on until QEMU has seen the write, and PID 1 must not return before that. If QEMU
    // never does, the machine ends in a panic, which counts as a failure.
    thread::sleep(GRACE);
    Ok(ExitCode::FAILURE)
}

#[cfg(target_arch = "x86_64")]
fn end(value: u32) {
    // SAFETY: the port is open to this process, and a write to it ends the machine.
    unsafe {
        std::arch::asm!("out dx, eax", in("dx") EXIT_PORT, in("eax") value, options(nomem, nostack));
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn end(_value: u32) {}
