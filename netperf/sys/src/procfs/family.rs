//! Which processes are there, and who started whom?

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::pid::{StartTicks, stat_fields};
use super::{Procfs, lossy, read_bounded};

/// This program's own file, also after it was replaced or removed.
pub const OWN_EXECUTABLE: &str = "/proc/self/exe";

/// `PF_KTHREAD` of `linux/sched.h`.
const KERNEL_THREAD: u64 = 0x0020_0000;

const STAT_MAX_BYTES: u64 = 4096;

/// Longest list of a cgroup's processes that is read.
const MEMBERS_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A process in the list of all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Relative {
    /// Process id.
    pub tgid: u32,
    /// Who started it, or took it over; 0 for none that can be seen.
    pub parent: u32,
    /// When it started.
    pub start: StartTicks,
    /// Name. Untrusted text.
    pub comm: String,
    /// It is a thread of the kernel.
    pub is_kernel: bool,
    /// It has ended, and nobody has taken notice yet.
    pub is_zombie: bool,
}

impl Procfs {
    /// One process.
    pub fn relative(&self, tgid: u32) -> Option<Relative> {
        let path = self.root.join(format!("proc/{tgid}/stat"));
        relative(tgid, &read_bounded(&path, STAT_MAX_BYTES)?)
    }

    /// Every process that is listed now.
    pub fn relatives(&self) -> Vec<Relative> {
        let all = self.processes();
        all.filter_map(|tgid| self.relative(tgid)).collect()
    }

    /// The processes that `chosen` takes and all that descend from them. Those may be missing that are
    /// started while this looks: whoever needs all looks again until there is nobody new.
    pub fn families(&self, chosen: impl Fn(&Relative) -> bool) -> Vec<Relative> {
        let mut known: HashMap<u32, StartTicks> = HashMap::new();
        let mut members = Vec::new();
        let all = self.relatives();
        while add_generation(&all, &chosen, &mut known, &mut members) {}
        // Whoever has ended meanwhile is nobody's concern.
        members.retain(|one| self.start(one.tgid) == Some(one.start) && !one.is_zombie);
        members.sort_unstable_by_key(|one| one.tgid);
        members
    }

    /// The processes in a cgroup (v2) and those below it.
    pub fn members(&self, cgroup: &Path) -> Vec<u32> {
        let mut members = Vec::new();
        let mut below: Vec<PathBuf> = vec![cgroup.to_owned()];
        while let Some(folder) = below.pop() {
            let list = read_bounded(&folder.join("cgroup.procs"), MEMBERS_MAX_BYTES);
            let list = lossy(&list.unwrap_or_default());
            members.extend(list.lines().filter_map(|line| line.parse::<u32>().ok()));
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            below.extend(folders.map(|entry| entry.path()));
        }
        members.sort_unstable();
        members.dedup();
        // 0 is a process of another pid namespace.
        members.retain(|&tgid| tgid > 0);
        members
    }
}

/// Adds those of `all` that belong and whose parents are known; whether there were any.
fn add_generation(
    all: &[Relative],
    chosen: impl Fn(&Relative) -> bool,
    known: &mut HashMap<u32, StartTicks>,
    members: &mut Vec<Relative>,
) -> bool {
    let before = members.len();
    for one in all {
        // A parent started before its child; a younger one with its number is another.
        let parent = known.get(&one.parent);
        let belongs = chosen(one) || parent.is_some_and(|start| start.0 <= one.start.0);
        if belongs && known.insert(one.tgid, one.start) != Some(one.start) {
            members.push(one.clone());
        }
    }
    members.len() > before
}

fn relative(tgid: u32, line: &[u8]) -> Option<Relative> {
    let (comm, fields) = stat_fields(line)?;
    let fields: Vec<&str> = fields.collect();
    // Fields are numbered from 1, and the first one here is field 3.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Relative {
        tgid,
        parent: u32::try_from(number(4)?).ok()?,
        start: StartTicks(number(22)?),
        comm,
        is_kernel: number(9)? & KERNEL_THREAD != 0,
        is_zombie: matches!(fields.first(), Some(&("Z" | "X"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(tgid: u32, parent: u32, start: u64, name: &str) -> String {
        format!(
            "{tgid} ({name}) S {parent} 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 {start} 99 1\n"
        )
    }

    fn tree(processes: &[(u32, u32, u64, &str)]) -> (tempfile::TempDir, Procfs) {
        let root = tempfile::tempdir().unwrap();
        for &(tgid, parent, start, name) in processes {
            let dir = root.path().join(format!("proc/{tgid}"));
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("stat"), line(tgid, parent, start, name)).unwrap();
        }
        let procfs = Procfs::new(root.path());
        (root, procfs)
    }

    #[test]
    fn children_of_children_belong_and_strangers_do_not() {
        let (_root, procfs) = tree(&[
            (30, 20, 300, "worker"),
            (20, 10, 200, "child"),
            (10, 1, 100, "server"),
            (40, 1, 100, "other"),
        ]);
        let family = procfs.families(|one| one.tgid == 10);
        let tgids: Vec<_> = family.iter().map(|one| one.tgid).collect();
        assert_eq!(tgids, [10, 20, 30]);
    }

    #[test]
    fn a_younger_process_with_the_number_of_a_parent_is_not_the_parent() {
        let (_root, procfs) = tree(&[(10, 1, 500, "new"), (20, 10, 200, "orphan")]);
        let family = procfs.families(|one| one.tgid == 10);
        assert_eq!(family.len(), 1);
    }

    #[test]
    fn threads_of_the_kernel_and_names_of_any_kind_are_told() {
        let stat = b"2 (a) b) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 12 0 0\n";
        let found = relative(2, stat).unwrap();
        assert_eq!(found.comm, "a) b");
        assert!(found.is_kernel && !found.is_zombie);
        assert!(
            !relative(7, line(7, 1, 5, "x").as_bytes())
                .unwrap()
                .is_kernel
        );
        assert_eq!(relative(2, b"2 (x) S 0"), None);
    }

    #[test]
    fn a_cgroup_has_the_members_of_those_below_it_too() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("below");
        fs::create_dir(&below).unwrap();
        fs::write(root.path().join("cgroup.procs"), "7\n0\n").unwrap();
        fs::write(below.join("cgroup.procs"), "9\n8\n").unwrap();
        assert_eq!(Procfs::new("/").members(root.path()), [7, 8, 9]);
    }

    #[test]
    fn this_test_is_found_among_its_relatives() {
        let own = std::process::id();
        let family = Procfs::new("/").families(|one| one.tgid == own);
        assert!(family.iter().any(|one| one.tgid == own && !one.is_kernel));
    }
}
