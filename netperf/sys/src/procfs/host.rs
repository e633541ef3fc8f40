//! What machine is this, what does the tracer's own process weigh, and how do its clocks lie?

use std::collections::HashSet;
use std::fs;

use netperf_core::clock::{MonoNs, WallNs};

use super::{Procfs, lossy};

const NAME_MAX_BYTES: u64 = 256;
const STATUS_MAX_BYTES: u64 = 64 * 1024;

impl Procfs {
    /// Host name in this UTS namespace. Untrusted text.
    pub fn host_name(&self) -> Option<String> {
        self.word("proc/sys/kernel/hostname")
    }

    /// Release of the running kernel, for example `6.18.44`.
    pub fn kernel_release(&self) -> Option<String> {
        self.word("proc/sys/kernel/osrelease")
    }

    /// Version and patch level of the running kernel; zeros where it does not say.
    pub fn kernel_version(&self) -> (u32, u32) {
        let release = self.kernel_release().unwrap_or_default();
        let mut numbers = release.split(|sign: char| !sign.is_ascii_digit());
        let mut next = || numbers.next()?.parse().ok();
        (next().unwrap_or(0), next().unwrap_or(0))
    }

    /// Whether this process is in the first user namespace, in which capabilities are valid for the
    /// whole machine; also where nothing is said.
    pub fn is_in_initial_user_namespace(&self) -> bool {
        /// `PROC_USER_INIT_INO` (`include/linux/proc_ns.h`).
        const INITIAL: &str = "user:[4026531837]";
        let own = fs::read_link(self.root.join("proc/self/ns/user"));
        own.map_or(true, |own| own.as_os_str() == INITIAL)
    }

    /// Whether this process is in the first pid namespace, in which the kernel numbers processes by
    /// itself; also where nothing is said.
    pub fn is_in_initial_pid_namespace(&self) -> bool {
        /// `PROC_PID_INIT_INO` (`include/linux/proc_ns.h`).
        const INITIAL: &str = "pid:[4026531836]";
        let own = fs::read_link(self.root.join("proc/self/ns/pid"));
        own.map_or(true, |own| own.as_os_str() == INITIAL)
    }

    /// Resident memory of this process in bytes, without what it shares with files: its program and
    /// the maps that it shares with the kernel.
    pub fn own_anonymous_bytes(&self) -> Option<u64> {
        let status = self.text("proc/self/status", STATUS_MAX_BYTES)?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))?;
        let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
        kib.checked_mul(1024)
    }

    /// Sockets that are open now in every network namespace that has a process.
    pub fn open_sockets(&self) -> u32 {
        let mut seen = HashSet::new();
        let processes = self.processes().filter(|tgid| {
            let netns = fs::read_link(self.root.join(format!("proc/{tgid}/ns/net")));
            netns.is_ok_and(|netns| seen.insert(netns))
        });
        processes
            .filter_map(|tgid| self.text(&format!("proc/{tgid}/net/sockstat"), STATUS_MAX_BYTES))
            .filter_map(|text| {
                text.lines()
                    .next()?
                    .strip_prefix("sockets: used ")?
                    .parse()
                    .ok()
            })
            .fold(0, u32::saturating_add)
    }

    /// Every process that is listed now.
    pub fn processes(&self) -> impl Iterator<Item = u32> {
        let entries = fs::read_dir(self.root.join("proc"));
        let names = entries
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name());
        names.filter_map(|name| name.to_str()?.parse().ok())
    }

    /// Kernel memory of the BPF maps that this process holds, as their `fdinfo` tells.
    pub fn own_map_bytes(&self) -> u64 {
        let entries = fs::read_dir(self.root.join("proc/self/fdinfo"));
        let names = entries
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name());
        names
            .filter_map(|name| self.text(&format!("proc/self/fdinfo/{}", name.to_str()?), 4096))
            .filter(|info| info.contains("map_type:"))
            .filter_map(|info| {
                let line = info
                    .lines()
                    .find_map(|line| line.strip_prefix("memlock:"))?;
                line.trim().parse::<u64>().ok()
            })
            .sum()
    }

    /// Whether this speed of an interface is no limit: one that tun and veth begin with, which are no devices and
    /// have none below them, or that of a bridge, which says the speed of one of its ports.
    fn makes_up(&self, name: &str, speed_mbit: u32) -> bool {
        let place = self.root.join("sys/class/net").join(name);
        let is_virtual = fs::read_link(&place)
            .is_ok_and(|target| target.to_string_lossy().contains("/virtual/"));
        let mut entries = fs::read_dir(&place).into_iter().flatten().flatten();
        let is_above =
            entries.any(|entry| entry.file_name().to_string_lossy().starts_with("lower_"));
        let is_default = matches!(speed_mbit, 10 | 10_000);
        is_virtual && (place.join("bridge").is_dir() || (is_default && !is_above))
    }

    /// Speed of a network interface in Mbit/s, in the network namespace that `/sys` was mounted
    /// in; `None` where the driver says none, or makes it up.
    pub fn link_speed_mbit(&self, name: &str) -> Option<u32> {
        // The kernel allows no such interface name; a path must not come out of one.
        if name.contains('/') || name.starts_with('.') {
            return None;
        }
        let speed: i64 = self
            .word(&format!("sys/class/net/{name}/speed"))?
            .parse()
            .ok()?;
        // -1 as a signed, or on some drivers as an unsigned, number means unknown.
        u32::try_from(speed)
            .ok()
            .filter(|&mbit| mbit != 0 && mbit != u32::MAX && !self.makes_up(name, mbit))
    }

    /// How far this time namespace has moved `CLOCK_BOOTTIME`; no distance where the kernel has no
    /// time namespaces (before 5.6).
    pub fn boot_offset(&self) -> BootOffset {
        let offsets = self.text("proc/self/timens_offsets", STATUS_MAX_BYTES);
        BootOffset(offsets.as_deref().and_then(boot_offset_ns).unwrap_or(0))
    }

    fn word(&self, path: &str) -> Option<String> {
        let text = self.text(path, NAME_MAX_BYTES)?;
        Some(text.trim_end().to_owned()).filter(|word| !word.is_empty())
    }

    fn text(&self, path: &str, max_bytes: u64) -> Option<String> {
        self.read(path, max_bytes).map(|bytes| lossy(&bytes))
    }
}

/// Distance of this time namespace's `CLOCK_BOOTTIME` from the kernel's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BootOffset(i64);

impl BootOffset {
    /// The tracer's `CLOCK_BOOTTIME` for a moment that the kernel side gave, such as
    /// `task_struct.start_boottime`.
    pub fn to_own_clock(self, kernel_ns: u64) -> MonoNs {
        MonoNs(kernel_ns.saturating_add_signed(self.0))
    }

    /// The reverse: what the kernel side would give for a moment on the tracer's `CLOCK_BOOTTIME`.
    pub fn to_kernel_ns(self, own: MonoNs) -> u64 {
        own.0.saturating_add_signed(self.0.saturating_neg())
    }
}

/// Lines are `CLOCK SECONDS NANOSECONDS`, as in `timens_offsets_show` of the kernel.
fn boot_offset_ns(offsets: &str) -> Option<i64> {
    let line = offsets
        .lines()
        .find_map(|line| line.strip_prefix("boottime"))?;
    let mut numbers = line.split_ascii_whitespace().map(str::parse::<i64>);
    let (secs, nanos) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    secs.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// When the machine booted, from both clocks read at one moment; `None` if the wall clock is set to
/// less than the time since boot.
pub fn boot_time(now: MonoNs, wall: WallNs) -> Option<WallNs> {
    wall.0.checked_sub(now.0).map(WallNs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Procfs) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let procfs = Procfs::new(root.path());
        (root, procfs)
    }

    #[test]
    fn sockets_are_counted_once_for_each_network_namespace() {
        let used = "sockets: used 40\nTCP: inuse 3\n";
        let (root, procfs) = tree(&[
            ("proc/1/net/sockstat", used),
            ("proc/2/net/sockstat", used),
            ("proc/3/net/sockstat", "sockets: used 2\n"),
            ("proc/self/net/sockstat", used),
        ]);
        for (tgid, netns) in [(1, 10), (2, 10), (3, 11)] {
            let dir = root.path().join(format!("proc/{tgid}/ns"));
            fs::create_dir(&dir).unwrap();
            std::os::unix::fs::symlink(format!("net:[{netns}]"), dir.join("net")).unwrap();
        }
        assert_eq!(procfs.open_sockets(), 42);
        assert_eq!(tree(&[]).1.open_sockets(), 0);
    }

    #[test]
    fn a_speed_that_the_driver_does_not_know_is_none() {
        let (_root, procfs) = tree(&[
            ("sys/class/net/eth0/speed", "1000\n"),
            ("sys/class/net/virt0/speed", "-1\n"),
            ("sys/class/net/old0/speed", "4294967295\n"),
            ("sys/class/net/off0/speed", "0\n"),
            ("sys/class/net/bad0/speed", "fast\n"),
            ("sys/secret/speed", "7\n"),
        ]);
        assert_eq!(procfs.link_speed_mbit("eth0"), Some(1000));
        for name in [
            "virt0",
            "old0",
            "off0",
            "bad0",
            "none0",
            "..",
            "../../secret",
            "",
        ] {
            assert_eq!(procfs.link_speed_mbit(name), None, "{name}");
        }
    }

    #[test]
    fn a_speed_that_the_driver_makes_up_is_none() {
        const VIRTUAL: &str = "sys/devices/virtual/net";
        let at = |path: &str| format!("{VIRTUAL}/{path}");
        let (root, procfs) = tree(&[
            (&at("tun0/speed"), "10\n"),
            (&at("tun1/speed"), "50\n"),
            (&at("veth0/speed"), "10000\n"),
            (&at("vlan0/speed"), "1000\n"),
            (&at("vlan0/lower_eth0/speed"), "1000\n"),
            (&at("br0/speed"), "1000\n"),
            (&at("br0/lower_eth0/speed"), "1000\n"),
            (&at("br0/bridge/stp_state"), "0\n"),
            ("sys/class/net/eth0/speed", "1000\n"),
        ]);
        for name in ["tun0", "tun1", "veth0", "vlan0", "br0"] {
            let link = root.path().join("sys/class/net").join(name);
            std::os::unix::fs::symlink(format!("../../devices/virtual/net/{name}"), link).unwrap();
        }
        for name in ["tun0", "veth0", "br0"] {
            assert_eq!(procfs.link_speed_mbit(name), None, "{name}");
        }
        assert_eq!(procfs.link_speed_mbit("vlan0"), Some(1000));
        // Somebody has set it.
        assert_eq!(procfs.link_speed_mbit("tun1"), Some(50));
    }

    #[test]
    fn names_lose_their_newline_and_empty_ones_are_none() {
        let (_root, procfs) = tree(&[
            ("proc/sys/kernel/hostname", "web-1\n"),
            ("proc/sys/kernel/osrelease", "\n"),
        ]);
        assert_eq!(procfs.host_name().as_deref(), Some("web-1"));
        assert_eq!(procfs.kernel_release(), None);
    }

    #[test]
    fn a_version_is_the_first_two_numbers_of_a_release() {
        for (release, version) in [
            ("7.3.4+deb13-cloud-amd64\n", (7, 3)),
            ("6.18-rc1\n", (6, 18)),
            ("7.0-rc1\n", (7, 0)),
            ("strange\n", (0, 0)),
        ] {
            let (_root, procfs) = tree(&[("proc/sys/kernel/osrelease", release)]);
            assert_eq!(procfs.kernel_version(), version, "{release}");
        }
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        let (_root, procfs) = tree(&[("proc/self/status", "VmHWM:\t 9 kB\nRssAnon:\t  12 kB\n")]);
        assert_eq!(procfs.own_anonymous_bytes(), Some(12 * 1024));
        assert_eq!(tree(&[]).1.own_anonymous_bytes(), None);
        assert!(Procfs::new("/").own_anonymous_bytes().unwrap() > 100_000);
    }

    #[test]
    fn the_first_user_namespace_is_told_from_others() {
        let (root, procfs) = tree(&[("proc/self/ns/net", "")]);
        assert!(procfs.is_in_initial_user_namespace());
        let link = root.path().join("proc/self/ns/user");
        std::os::unix::fs::symlink("user:[4026532000]", &link).unwrap();
        assert!(!procfs.is_in_initial_user_namespace());
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink("user:[4026531837]", &link).unwrap();
        assert!(procfs.is_in_initial_user_namespace());
    }

    #[test]
    fn a_time_namespace_moves_start_times_both_ways() {
        let offset = |text| tree(&[("proc/self/timens_offsets", text)]).1.boot_offset();
        let ahead = offset("monotonic           3         0\nboottime           10       500\n");
        assert_eq!(ahead.to_own_clock(5), MonoNs(10_000_000_505));
        assert_eq!(ahead.to_kernel_ns(MonoNs(10_000_000_505)), 5);
        let behind = offset("monotonic           0         0\nboottime           -1 999999000\n");
        assert_eq!(behind.to_own_clock(5_000), MonoNs(4_000));
        assert_eq!(tree(&[]).1.boot_offset(), BootOffset::default());
        assert_eq!(offset("boottime nonsense\n"), BootOffset::default());
    }

    #[test]
    fn boot_time_is_missing_when_the_wall_clock_is_before_it() {
        assert_eq!(boot_time(MonoNs(5), WallNs(12)), Some(WallNs(7)));
        assert_eq!(boot_time(MonoNs(12), WallNs(5)), None);
    }
}
