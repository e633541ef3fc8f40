//! Which network namespaces have processes?

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;

use super::Procfs;
use super::pid::namespace_inode;

/// The network namespaces that have processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Inode number of the reader's own.
    pub own: Option<u32>,
    /// The others: inode number, and a process that is in it.
    pub others: Vec<(u32, u32)>,
    /// Processes whose namespace may not be seen.
    pub hidden: usize,
}

impl Procfs {
    /// Every network namespace that a process is in now. That of another user's process needs
    /// `CAP_SYS_PTRACE`.
    pub fn network_namespaces(&self) -> Namespaces {
        let own = self.own_network_namespace();
        let mut seen: HashSet<u32> = own.into_iter().collect();
        let mut found = Namespaces {
            own,
            ..Namespaces::default()
        };
        for tgid in self.processes() {
            match self.netns_of(&tgid.to_string()) {
                Ok(Some(inode)) if seen.insert(inode) => found.others.push((inode, tgid)),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => found.hidden += 1,
                Ok(_) | Err(_) => {}
            }
        }
        found
    }

    /// Inode number of the network namespace that the reader is in.
    pub fn own_network_namespace(&self) -> Option<u32> {
        self.netns_of("self").ok().flatten()
    }

    /// Inode number of the network namespace of a process.
    ///
    /// # Errors
    /// When it has ended, or may not be seen.
    pub fn network_namespace(&self, tgid: u32) -> io::Result<Option<u32>> {
        self.netns_of(&tgid.to_string())
    }

    /// The network namespace of a process, to enter it.
    ///
    /// # Errors
    /// When it has ended, or may not be seen.
    pub fn open_network_namespace(&self, tgid: u32) -> io::Result<File> {
        File::open(self.root.join(format!("proc/{tgid}/ns/net")))
    }

    /// The network namespace of the calling thread, to keep it.
    ///
    /// # Errors
    /// When it may not be seen.
    pub fn open_thread_network_namespace(&self) -> io::Result<File> {
        File::open(self.root.join("proc/thread-self/ns/net"))
    }

    fn netns_of(&self, process: &str) -> io::Result<Option<u32>> {
        let link = fs::read_link(self.root.join(format!("proc/{process}/ns/net")))?;
        Ok(link.to_str().and_then(namespace_inode))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn each_namespace_is_found_once_and_the_own_one_apart() {
        let root = tempfile::tempdir().unwrap();
        for (process, inode) in [("self", 10), ("1", 10), ("7", 20), ("8", 20), ("9", 30)] {
            let dir = root.path().join(format!("proc/{process}/ns"));
            fs::create_dir_all(&dir).unwrap();
            symlink(format!("net:[{inode}]"), dir.join("net")).unwrap();
        }
        fs::create_dir_all(root.path().join("proc/11/ns")).unwrap();
        let found = Procfs::new(root.path()).network_namespaces();
        let mut inodes: Vec<_> = found.others.iter().map(|&(inode, _)| inode).collect();
        inodes.sort_unstable();
        assert_eq!((found.own, inodes), (Some(10), vec![20, 30]));
        assert_eq!(found.hidden, 0, "a process that went is not hidden");
    }
}
