//! What do the files of the kernel say about what it allows?

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use netperf_core::machine::{Btf, CgroupVersion, KernelFacts, Lockdown, Mounted};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use rustix::process::{Resource, getrlimit};

use super::{Procfs, lossy};

const MOUNTS_MAX_BYTES: u64 = 4 * 1024 * 1024;

impl Procfs {
    /// Everything that decides what can be counted here.
    pub fn kernel_facts(&self) -> KernelFacts {
        let mounts = self.read("proc/self/mountinfo", MOUNTS_MAX_BYTES);
        let mounts = Mounts::parse(&lossy(&mounts.unwrap_or_default()));
        let setting = |name| self.number(&format!("proc/sys/kernel/{name}"));
        KernelFacts {
            host: self.host_name(),
            release: self.kernel_release(),
            btf: self.btf(),
            lockdown: self.lockdown(),
            perf_event_paranoid: setting("perf_event_paranoid"),
            unprivileged_bpf_disabled: setting("unprivileged_bpf_disabled"),
            kptr_restrict: setting("kptr_restrict"),
            cgroups: mounts.cgroups(),
            tracefs: mounts.of_type("tracefs"),
            bpffs: mounts.of_type("bpf"),
            hidepid: mounts.hidepid(),
            own_proc: self.numbers_as(std::process::id()),
            memlock_bytes: getrlimit(Resource::Memlock).current,
        }
    }

    /// Where the kernel shows its types, from 4.18 on (with `CONFIG_DEBUG_INFO_BTF`). Tests set
    /// `NETPERF_TRACE_BTF` to hide it.
    pub fn btf_path(&self) -> PathBuf {
        std::env::var_os("NETPERF_TRACE_BTF")
            .map_or_else(|| self.root.join("sys/kernel/btf/vmlinux"), PathBuf::from)
    }

    fn number(&self, path: &str) -> Option<i64> {
        lossy(&self.read(path, 64)?).trim().parse().ok()
    }

    fn btf(&self) -> Btf {
        let path = self.btf_path();
        let read = || -> io::Result<u64> {
            File::open(&path)?.read_exact(&mut [0; 4])?;
            Ok(fs::metadata(&path)?.len())
        };
        read().map_or_else(
            |error| Btf::Unreadable(format!("`{}`: {error}", path.display())),
            Btf::Bytes,
        )
    }

    fn lockdown(&self) -> Lockdown {
        let mounted = self.read("sys/kernel/security/lockdown", 256);
        match mounted.map_or_else(unmounted_lockdown, Ok) {
            Ok(words) => chosen(&lossy(&words)).map_or(Lockdown::Absent, Lockdown::Level),
            Err(Errno::NOENT | Errno::NODEV | Errno::NOSYS) => Lockdown::Absent,
            Err(error) => Lockdown::Unknown(error.to_string()),
        }
    }
}

/// Reads it from a securityfs that is mounted nowhere and goes with this call. Linux 5.2.
fn unmounted_lockdown() -> Result<Vec<u8>, Errno> {
    let fs = fsopen("securityfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&fs)?;
    let tree: OwnedFd = fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    let file = openat(
        &tree,
        "lockdown",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut words = Vec::new();
    let read = File::from(file).take(256).read_to_end(&mut words);
    read.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    Ok(words)
}

/// The word in brackets of `none [integrity] confidentiality`.
fn chosen(words: &str) -> Option<String> {
    let (_, after) = words.split_once('[')?;
    Some(after.split_once(']')?.0.to_owned())
}

/// Lines of `mountinfo`, see `proc_pid_mountinfo(5)`.
#[derive(Debug)]
struct Mounts(Vec<Mount>);

#[derive(Debug)]
struct Mount {
    point: String,
    options: String,
    kind: String,
    super_options: String,
}

impl Mounts {
    fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(mount).collect())
    }

    fn of_type(&self, kind: &str) -> Mounted {
        let of_type = || self.0.iter().filter(|mount| mount.kind == kind);
        let writable = of_type().find(|mount| !mount.is_read_only());
        match (writable, of_type().next()) {
            (Some(mount), _) => Mounted::At(mount.point.clone()),
            (None, Some(mount)) => Mounted::ReadOnly(mount.point.clone()),
            (None, None) => Mounted::Nowhere,
        }
    }

    fn cgroups(&self) -> CgroupVersion {
        let has = |kind| self.0.iter().any(|mount| mount.kind == kind);
        match (has("cgroup"), has("cgroup2")) {
            (false, false) => CgroupVersion::None,
            (true, false) => CgroupVersion::V1,
            (true, true) => CgroupVersion::Hybrid,
            (false, true) => CgroupVersion::V2,
        }
    }

    /// The last mount at a place is the one that is seen.
    fn hidepid(&self) -> Option<String> {
        let at_proc = |mount: &&Mount| mount.kind == "proc" && mount.point == "/proc";
        let shown = self.0.iter().rfind(at_proc)?;
        let options = shown.super_options.split(',');
        let mut set = options.filter_map(|option| option.strip_prefix("hidepid="));
        set.next().map(str::to_owned)
    }
}

impl Mount {
    fn is_read_only(&self) -> bool {
        let read_only = |options: &str| options.split(',').any(|option| option == "ro");
        read_only(&self.options) || read_only(&self.super_options)
    }
}

fn mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(4).map(str::to_owned);
    let mut after = after.split(' ');
    Some(Mount {
        point: before.next()?,
        options: before.next()?,
        kind: after.next()?.to_owned(),
        super_options: after.nth(1)?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
41 31 0:38 / /sys/fs/cgroup/unified rw shared:2 - cgroup2 cgroup2 rw
50 27 0:50 / /sys/kernel/tracing ro - tracefs tracefs rw
51 27 0:51 / /sys/fs/bpf rw - bpf bpf ro
52 22 0:52 / /proc rw,relatime - proc proc rw,hidepid=invisible
";

    fn without(kind: &str) -> Mounts {
        let of_kind = format!(" - {kind} ");
        let kept: Vec<_> = HYBRID
            .lines()
            .filter(|line| !line.contains(&of_kind))
            .collect();
        Mounts::parse(&kept.join("\n"))
    }

    #[test]
    fn versions_of_cgroups_are_told_apart() {
        assert_eq!(Mounts::parse(HYBRID).cgroups(), CgroupVersion::Hybrid);
        assert_eq!(without("cgroup").cgroups(), CgroupVersion::V2);
        assert_eq!(without("cgroup2").cgroups(), CgroupVersion::V1);
        assert_eq!(Mounts::parse("").cgroups(), CgroupVersion::None);
    }

    #[test]
    fn a_read_only_mount_or_file_system_is_read_only() {
        let mounts = Mounts::parse(HYBRID);
        let read_only = |point: &str| Mounted::ReadOnly(point.to_owned());
        assert_eq!(mounts.of_type("tracefs"), read_only("/sys/kernel/tracing"));
        assert_eq!(mounts.of_type("bpf"), read_only("/sys/fs/bpf"));
        assert_eq!(mounts.of_type("proc"), Mounted::At("/proc".to_owned()));
        assert_eq!(without("bpf").of_type("bpf"), Mounted::Nowhere);
    }

    #[test]
    fn the_uppermost_proc_says_whether_it_hides() {
        assert_eq!(
            Mounts::parse(HYBRID).hidepid().as_deref(),
            Some("invisible")
        );
        let lower: Vec<_> = HYBRID.lines().take(5).collect();
        assert_eq!(Mounts::parse(&lower.join("\n")).hidepid(), None);
    }

    #[test]
    fn the_word_in_brackets_is_chosen() {
        let integrity = chosen("none [integrity] confidentiality\n");
        assert_eq!(integrity.as_deref(), Some("integrity"));
        assert_eq!(chosen("none"), None);
    }

    #[test]
    fn this_kernel_tells_its_facts() {
        let facts = Procfs::new("/").kernel_facts();
        assert!(facts.perf_event_paranoid.is_some() && facts.kptr_restrict.is_some());
        assert!(matches!(facts.btf, Btf::Bytes(bytes) if bytes > 1_000_000));
        assert!(facts.own_proc);
    }
}
