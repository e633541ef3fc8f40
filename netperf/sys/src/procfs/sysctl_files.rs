//! Which files give a kernel setting its value at boot?

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::{Procfs, lossy};

/// Where `sysctl --system` and systemd look (`sysctl.d(5)`).
const FOLDERS: [&str; 5] = [
    "etc/sysctl.d",
    "run/sysctl.d",
    "usr/local/lib/sysctl.d",
    "usr/lib/sysctl.d",
    "lib/sysctl.d",
];
const FILE: &str = "etc/sysctl.conf";
const FILE_MAX_BYTES: u64 = 256 * 1024;

impl Procfs {
    /// The files that set `setting`, named with dots, to anything but 0.
    pub fn files_that_set(&self, setting: &str) -> Vec<String> {
        let mut paths = vec![FILE.to_owned()];
        for folder in FOLDERS {
            let entries = fs::read_dir(self.root.join(folder));
            let names = entries.into_iter().flatten().flatten();
            let names = names.filter_map(|entry| entry.file_name().into_string().ok());
            let mut names: Vec<_> = names.filter(|name| is_read(name)).collect();
            names.sort_unstable();
            paths.extend(names.iter().map(|name| format!("{folder}/{name}")));
        }
        // A file may be found again through a link to it or to its folder.
        let mut seen = HashSet::new();
        let sets = |path: &String| {
            let is_new = fs::canonicalize(self.root.join(path)).is_ok_and(|it| seen.insert(it));
            let text = self.read(path, FILE_MAX_BYTES).filter(|_| is_new);
            let text = lossy(&text.unwrap_or_default());
            text.lines().any(|line| is_set(line, setting))
        };
        let found = paths.into_iter().filter(sets);
        found.map(|path| format!("/{path}")).collect()
    }
}

/// Others are copies that package managers and editors leave.
fn is_read(name: &str) -> bool {
    Path::new(name).extension() == Some("conf".as_ref())
}

/// `name = value`; slashes may stand for dots, and a `-` in front for ignored errors.
fn is_set(line: &str, setting: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix('-').unwrap_or(line);
    let Some((name, value)) = line.split_once('=') else {
        return false;
    };
    name.trim().replace('/', ".") == setting && value.trim() != "0"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_take_effect_count() {
        for (line, set) in [
            ("net.ipv4.tcp_tw_recycle = 1", true),
            ("net.ipv4.tcp_tw_recycle=1", true),
            ("-net/ipv4/tcp_tw_recycle = 1", true),
            ("net.ipv4.tcp_tw_recycle = 0", false),
            ("# net.ipv4.tcp_tw_recycle = 1", false),
            ("; net.ipv4.tcp_tw_recycle = 1", false),
            ("net.ipv4.tcp_tw_reuse = 1", false),
        ] {
            assert_eq!(is_set(line, "net.ipv4.tcp_tw_recycle"), set, "{line}");
        }
    }

    #[test]
    fn files_of_every_folder_are_found_and_others_are_not_read() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "vm.swappiness = 1\nnet.ipv4.tcp_tw_recycle = 1\n").unwrap();
        };
        write("etc/sysctl.conf");
        write("etc/sysctl.d/90-net.conf");
        write("etc/sysctl.d/90-net.conf.dpkg-old");
        write("usr/lib/sysctl.d/50-default.conf");
        let link = root.path().join("etc/sysctl.d/99-sysctl.conf");
        std::os::unix::fs::symlink("../sysctl.conf", link).unwrap();
        let found = Procfs::new(root.path()).files_that_set("net.ipv4.tcp_tw_recycle");
        let expected = [
            "/etc/sysctl.conf",
            "/etc/sysctl.d/90-net.conf",
            "/usr/lib/sysctl.d/50-default.conf",
        ];
        assert_eq!(found, expected);
        assert_eq!(Procfs::new("/nonexistent").files_that_set("a.b"), [""; 0]);
    }
}
