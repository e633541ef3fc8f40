//! Which path has a cgroup, given the identifier that the kernel side saw?
//!
//! Needed for processes that end before `/proc/PID/cgroup` is read.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use netperf_core::clock::MonoNs;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use super::{lossy, read_bounded};

const MOUNTINFO_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A walk costs 13 µs a cgroup (measured with 1000 of them), so a stream of unknown identifiers must
/// not start one each.
const WALK_PAUSE: Duration = Duration::from_secs(1);

/// Most cgroups that are looked at in a walk and remembered.
const CGROUPS_MAX: usize = 65_536;

/// Paths in the cgroup v2 hierarchy by cgroup identifier.
#[derive(Debug)]
pub struct Cgroups {
    mount: Option<Mount>,
    /// `None` marks an identifier that a walk did not find. Identifiers are never used twice, so it
    /// stays unknown.
    paths: HashMap<u64, Option<String>>,
    walked: Option<MonoNs>,
}

fn unmounted_root() -> Result<File, Errno> {
    let fs = fsopen("cgroup2", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_create(&fs)?;
    let tree = fsmount(&fs, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(openat(&tree, ".", flags, Mode::empty())?.into())
}

/// Where the hierarchy is mounted.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    point: PathBuf,
    /// Path of the cgroup at the mount point: other than `/` in some containers.
    root: String,
}

impl Cgroups {
    /// Finds the mount of cgroup v2, alone or beside v1, in `/proc/self/mountinfo`.
    pub(super) fn find(root: &Path) -> Self {
        let mounts = read_bounded(&root.join("proc/self/mountinfo"), MOUNTINFO_MAX_BYTES);
        let mount = mounts.as_deref().and_then(mount).map(|mount| Mount {
            point: root.join(mount.point.strip_prefix("/").unwrap_or(&mount.point)),
            ..mount
        });
        Self {
            mount,
            paths: HashMap::new(),
            walked: None,
        }
    }

    /// Directory of the topmost cgroup that can be seen, or `None` where no cgroup v2 is mounted.
    pub fn root(&self) -> Option<&Path> {
        self.mount.as_ref().map(|mount| mount.point.as_path())
    }

    /// The topmost cgroup: where no cgroup v2 is mounted that can be seen, from a mount that nobody else
    /// sees and that goes with the descriptor (Linux 5.2). `None` where the kernel has none.
    pub fn open_root(&self) -> Option<File> {
        match self.root() {
            Some(path) => File::open(path).ok(),
            None => unmounted_root().ok(),
        }
    }

    /// Path of a cgroup by its identifier (`cgrp->kn->id`, the inode number on 64-bit hosts), or
    /// `None` if it is gone or none of ours. An unknown one starts a walk of the hierarchy, at most
    /// once a second. Untrusted text.
    pub fn path(&mut self, id: u64, now: MonoNs) -> Option<&str> {
        if !self.paths.contains_key(&id) && self.may_walk(now) {
            self.walk();
            self.walked = Some(now);
            self.paths.entry(id).or_insert(None);
        }
        self.paths.get(&id)?.as_deref()
    }

    /// Directory of the cgroup that a user names: as `/proc/PID/cgroup` shows it, or as a file path.
    /// `None` if there is none.
    pub fn folder(&self, path: &Path) -> Option<PathBuf> {
        let mount = self.mount.as_ref()?;
        let below = path.strip_prefix("/").unwrap_or(path);
        let root = mount.root.trim_start_matches('/');
        let from_root = below.strip_prefix(root).unwrap_or(below);
        let folder = if path.starts_with(&mount.point) {
            path.to_owned()
        } else {
            mount.point.join(from_root)
        };
        let has_parents = path.components().any(|part| part == Component::ParentDir);
        (!has_parents && folder.join("cgroup.procs").exists()).then_some(folder)
    }

    /// The topmost cgroups whose path `takes` accepts: path and directory. Untrusted text.
    pub fn find_folders(&self, takes: impl Fn(&str) -> bool) -> Vec<(String, PathBuf)> {
        let mut found = Vec::new();
        let Some(mount) = &self.mount else {
            return found;
        };
        let mut below = vec![(mount.point.clone(), mount.root.clone())];
        let mut looked_at = 0;
        while let Some((dir, path)) = below.pop() {
            looked_at += 1;
            if takes(&path) {
                found.push((path, dir));
            } else if looked_at < CGROUPS_MAX {
                let children = children(&dir, &path).into_iter();
                below.extend(children.map(|(_, dir, path)| (dir, path)));
            }
        }
        found.sort();
        found
    }

    fn may_walk(&self, now: MonoNs) -> bool {
        self.walked
            .is_none_or(|walked| now.since(walked).is_some_and(|pause| pause >= WALK_PAUSE))
    }

    fn walk(&mut self) {
        let Some(mount) = &self.mount else { return };
        if self.paths.len() >= CGROUPS_MAX {
            self.paths.clear();
        }
        let Ok(top) = fs::metadata(&mount.point) else {
            return;
        };
        let mut below = vec![(top.ino(), mount.point.clone(), mount.root.clone())];
        while let Some((id, dir, path)) = below.pop() {
            below.extend(children(&dir, &path));
            self.paths.insert(id, Some(path));
            if self.paths.len() + below.len() > CGROUPS_MAX {
                return;
            }
        }
    }
}

/// Child cgroups: identifier, directory and path. The listing itself gives type and inode number,
/// so nothing but the directory is touched.
fn children(dir: &Path, path: &str) -> Vec<(u64, PathBuf, String)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let directories = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    directories
        .map(|entry| {
            let parent = path.trim_end_matches('/');
            let child = format!("{parent}/{}", entry.file_name().to_string_lossy());
            (entry.ino(), entry.path(), child)
        })
        .collect()
}

/// The first mount of type `cgroup2`. `proc_pid_mountinfo(5)` describes the lines: the root and
/// the mount point are fields 4 and 5, the type is the first field after ` - `.
fn mount(mountinfo: &[u8]) -> Option<Mount> {
    mountinfo.split(|&byte| byte == b'\n').find_map(|line| {
        let line = lossy(line);
        let (before, after) = line.split_once(" - ")?;
        let mut fields = before.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        let is_v2 = after.split(' ').next() == Some("cgroup2");
        is_v2.then(|| Mount {
            point: unescape(point).into(),
            root: unescape(root),
        })
    })
}

/// The kernel writes blanks, newlines and backslashes in mount points as octal escapes.
fn unescape(field: &str) -> String {
    let escapes = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    escapes
        .iter()
        .fold(field.to_owned(), |text, (escape, plain)| {
            text.replace(escape, plain)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn tree(cgroup_root: &str) -> (tempfile::TempDir, Cgroups) {
        let root = tempfile::tempdir().unwrap();
        let point = root.path().join("sys/fs/cgroup/unified");
        fs::create_dir_all(point.join("system.slice/ssh.service")).unwrap();
        fs::write(point.join("system.slice/cgroup.procs"), "").unwrap();
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        let mountinfo = format!(
            "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
             32 31 0:29 / /sys/fs/cgroup/cpu rw shared:5 - cgroup cgroup rw,cpu\n\
             41 31 0:38 {cgroup_root} /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n"
        );
        fs::write(root.path().join("proc/self/mountinfo"), mountinfo).unwrap();
        let cgroups = Cgroups::find(root.path());
        (root, cgroups)
    }

    fn inode(root: &tempfile::TempDir, path: &str) -> u64 {
        let point = root.path().join("sys/fs/cgroup/unified");
        fs::metadata(point.join(path)).unwrap().ino()
    }

    #[test]
    fn identifiers_are_found_below_the_mount() {
        let (root, mut cgroups) = tree("/");
        let ssh = inode(&root, "system.slice/ssh.service");
        assert_eq!(
            cgroups.path(ssh, MonoNs(0)),
            Some("/system.slice/ssh.service")
        );
        assert_eq!(cgroups.path(inode(&root, ""), MonoNs(0)), Some("/"));
        assert_eq!(
            cgroups.path(inode(&root, "system.slice/cgroup.procs"), MonoNs(0)),
            None
        );
    }

    #[test]
    fn a_mount_of_a_part_of_the_hierarchy_keeps_its_prefix() {
        let (root, mut cgroups) = tree("/docker/abc");
        let slice = inode(&root, "system.slice");
        assert_eq!(
            cgroups.path(slice, MonoNs(0)),
            Some("/docker/abc/system.slice")
        );
    }

    #[test]
    fn unknown_identifiers_start_at_most_one_walk_a_second() {
        let (root, mut cgroups) = tree("/");
        assert_eq!(cgroups.path(u64::MAX, MonoNs(SECOND)), None);
        fs::create_dir(root.path().join("sys/fs/cgroup/unified/new.scope")).unwrap();
        let new = inode(&root, "new.scope");
        assert_eq!(cgroups.path(new, MonoNs(2 * SECOND - 1)), None);
        assert_eq!(cgroups.path(new, MonoNs(2 * SECOND)), Some("/new.scope"));
    }

    #[test]
    fn an_identifier_that_a_walk_missed_starts_no_other() {
        let (_root, mut cgroups) = tree("/");
        assert_eq!(cgroups.path(u64::MAX, MonoNs(0)), None);
        assert_eq!(cgroups.path(u64::MAX, MonoNs(9 * SECOND)), None);
        assert_eq!(cgroups.walked, Some(MonoNs(0)));
    }

    #[test]
    fn a_removed_cgroup_keeps_its_path() {
        let (root, mut cgroups) = tree("/");
        let ssh = inode(&root, "system.slice/ssh.service");
        cgroups.path(ssh, MonoNs(0));
        fs::remove_dir(
            root.path()
                .join("sys/fs/cgroup/unified/system.slice/ssh.service"),
        )
        .unwrap();
        cgroups.path(u64::MAX, MonoNs(2 * SECOND));
        assert_eq!(
            cgroups.path(ssh, MonoNs(3 * SECOND)),
            Some("/system.slice/ssh.service")
        );
    }

    #[test]
    fn no_cgroup_v2_names_no_cgroup() {
        let mut cgroups = Cgroups::find(Path::new("/nonexistent"));
        assert_eq!(cgroups.path(1, MonoNs(0)), None);
        assert_eq!(
            mount(b"31 23 0:28 / /x rw - tmpfs cgroup2 rw\nshort - cgroup2\n"),
            None
        );
    }

    #[test]
    fn a_cgroup_is_named_by_path_or_file_and_never_above_the_mount() {
        let (root, cgroups) = tree("/");
        let slice = root.path().join("sys/fs/cgroup/unified/system.slice");
        for path in ["/system.slice", "system.slice", slice.to_str().unwrap()] {
            assert_eq!(
                cgroups.folder(Path::new(path)).as_ref(),
                Some(&slice),
                "{path}"
            );
        }
        for path in [
            "/nothing",
            "/system.slice/../system.slice",
            "/system.slice/ssh.service",
        ] {
            assert_eq!(cgroups.folder(Path::new(path)), None, "{path}");
        }
        let (_root, part) = tree("/docker/abc");
        assert!(part.folder(Path::new("/docker/abc/system.slice")).is_some());
    }

    #[test]
    fn the_topmost_cgroup_that_fits_is_found_and_none_below_it() {
        let (root, cgroups) = tree("/");
        let ssh = root
            .path()
            .join("sys/fs/cgroup/unified/system.slice/ssh.service");
        fs::create_dir(ssh.join("session")).unwrap();
        let found = cgroups.find_folders(|path| path.contains("ssh.service"));
        assert_eq!(found, [("/system.slice/ssh.service".to_owned(), ssh)]);
        assert!(cgroups.find_folders(|path| path == "/none").is_empty());
    }

    #[test]
    fn blanks_in_the_mount_point_are_read_back() {
        let found = mount(b"1 2 0:3 / /my\\040mount rw - cgroup2 none rw").unwrap();
        assert_eq!(found.point, Path::new("/my mount"));
    }

    #[test]
    fn this_machines_root_cgroup_is_found_where_v2_is_mounted() {
        let mut cgroups = Cgroups::find(Path::new("/"));
        let Some(mount) = &cgroups.mount else {
            // Past the capture of the test runner, which hides what tests print.
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "skipped: no cgroup v2 mounted here");
            return;
        };
        let (id, path) = (
            fs::metadata(&mount.point).unwrap().ino(),
            mount.root.clone(),
        );
        assert_eq!(cgroups.path(id, MonoNs(0)), Some(path.as_str()));
    }
}
