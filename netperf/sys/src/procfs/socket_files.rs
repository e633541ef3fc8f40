//! Which process holds which socket open? From the links in `/proc/PID/fd`.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::path::Path;

use rustix::fs::{Dir, readlinkat_raw};
use rustix::io::Errno;

use super::Procfs;

/// Longest link of interest: `socket:[4294967295]`. Longer ones are cut, and are no sockets.
const LINK_MAX_BYTES: usize = 24;

/// An open file that is a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SocketFile {
    /// Inode number of the socket.
    pub inode: u32,
    /// The process that has it open.
    pub tgid: u32,
    /// File descriptor in that process.
    pub fd: u32,
}

/// The sockets that processes have open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketFiles {
    /// What was found.
    pub files: Vec<SocketFile>,
    /// Processes whose files may not be seen.
    pub hidden: usize,
}

impl Procfs {
    /// The sockets of `wanted` processes, or of all. A look costs about a microsecond for each open
    /// file of any kind. Another user's files need `CAP_SYS_PTRACE` and `CAP_DAC_READ_SEARCH`.
    pub fn socket_files(&self, wanted: &[u32]) -> SocketFiles {
        let mut found = SocketFiles::default();
        let is_wanted = |tgid: &u32| wanted.is_empty() || wanted.contains(tgid);
        for tgid in self.processes().filter(is_wanted) {
            let dir = self.root.join(format!("proc/{tgid}/fd"));
            match sockets_in(&dir, tgid, &mut found.files) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => found.hidden += 1,
                Ok(()) | Err(_) => {}
            }
        }
        found
    }
}

fn sockets_in(dir: &Path, tgid: u32, files: &mut Vec<SocketFile>) -> io::Result<()> {
    let dir = File::open(dir)?;
    let mut buffer = [MaybeUninit::uninit(); LINK_MAX_BYTES];
    for entry in Dir::read_from(&dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(fd) = name.to_str().ok().and_then(|name| name.parse().ok()) else {
            continue;
        };
        match readlinkat_raw(&dir, name, &mut buffer) {
            Ok((link, _)) => {
                let inode = socket_inode(link);
                files.extend(inode.map(|inode| SocketFile { inode, tgid, fd }));
            }
            // The list of files may be seen with fewer rights than the files.
            Err(Errno::ACCESS) => return Err(Errno::ACCESS.into()),
            // It was closed between the listing and the look.
            Err(_) => {}
        }
    }
    Ok(())
}

fn socket_inode(link: &[u8]) -> Option<u32> {
    let number = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn only_links_to_sockets_count() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("proc/42/fd");
        fs::create_dir_all(&dir).unwrap();
        let long = format!("socket:[{}]", "1".repeat(40));
        for (fd, target) in [
            ("3", "socket:[4294967295]"),
            ("4", "pipe:[77]"),
            ("5", "/a/long/path/that/ends/in/socket:[78]"),
            ("6", long.as_str()),
            ("odd", "socket:[79]"),
        ] {
            symlink(target, dir.join(fd)).unwrap();
        }
        fs::create_dir_all(root.path().join("proc/43")).unwrap();
        let found = Procfs::new(root.path()).socket_files(&[]);
        let file = SocketFile {
            inode: u32::MAX,
            tgid: 42,
            fd: 3,
        };
        assert_eq!((found.files, found.hidden), (vec![file], 0));
        let others = Procfs::new(root.path()).socket_files(&[43]);
        assert_eq!(others, SocketFiles::default());
    }

    #[test]
    fn a_socket_of_this_test_is_found() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let number = socket.as_raw_fd();
        let inode = fs::metadata(format!("/proc/self/fd/{number}"))
            .unwrap()
            .ino();
        let file = SocketFile {
            inode: inode.try_into().unwrap(),
            tgid: std::process::id(),
            fd: number.try_into().unwrap(),
        };
        let found = Procfs::new("/").socket_files(&[std::process::id()]);
        assert!(found.files.contains(&file), "{file:?} in {found:?}");
    }
}
