//! What is the name of a user? From `/etc/passwd` alone: NSS would run code of the system's choice.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use super::{Procfs, lossy, read_bounded};

const PASSWD_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// User names by id, read anew whenever the file changes.
#[derive(Debug)]
pub struct Users {
    path: PathBuf,
    version: Option<Version>,
    names: HashMap<u32, String>,
}

/// What became of looking up a user by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserLookUp {
    /// The user's number.
    Found(u32),
    /// No source of users knows the name.
    Unknown,
    /// The file does not know it, and other sources could not be asked.
    NotAsked(String),
}

impl Procfs {
    /// The number of a user, as `id` takes it: a number, a name in `/etc/passwd`, or one that another
    /// source knows (LDAP, systemd). Those are asked by `getent`, a process of its own, since the C
    /// library loads code of the system's choice for them.
    pub fn user_number(&self, user: &str) -> UserLookUp {
        let text = read_bounded(&self.root.join("etc/passwd"), PASSWD_MAX_BYTES);
        let text = text.unwrap_or_default();
        let all = text.split(|&byte| byte == b'\n').filter_map(entry);
        if let Some(uid) = all
            .into_iter()
            .find_map(|(uid, name)| (name == user).then_some(uid))
        {
            return UserLookUp::Found(uid);
        }
        match user.parse() {
            Ok(uid) => UserLookUp::Found(uid),
            Err(_) => ask_getent(user),
        }
    }
}

/// `getent` ends with 2 where no source knows the name.
fn ask_getent(user: &str) -> UserLookUp {
    let asked = Command::new("getent")
        .args(["passwd", "--", user])
        .stdin(Stdio::null())
        .output();
    match asked {
        Ok(answer) => match answer.stdout.split(|&byte| byte == b'\n').find_map(entry) {
            Some((uid, _)) => UserLookUp::Found(uid),
            None if answer.status.code() == Some(2) => UserLookUp::Unknown,
            None => UserLookUp::NotAsked(answer.status.to_string()),
        },
        Err(error) => UserLookUp::NotAsked(error.to_string()),
    }
}

/// What differs between two versions of a file, also when both were written in one clock tick.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    modified: SystemTime,
    inode: u64,
    bytes: u64,
}

impl Users {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            version: None,
            names: HashMap::new(),
        }
    }

    /// Name of a user, or `None` where the file has none. Untrusted text.
    pub fn name(&mut self, uid: u32) -> Option<&str> {
        let version = self.version();
        if version != self.version {
            let text = read_bounded(&self.path, PASSWD_MAX_BYTES).unwrap_or_default();
            self.names = parse(&text);
            self.version = version;
        }
        self.names.get(&uid).map(String::as_str)
    }

    fn version(&self) -> Option<Version> {
        let file = fs::metadata(&self.path).ok()?;
        Some(Version {
            modified: file.modified().ok()?,
            inode: file.ino(),
            bytes: file.len(),
        })
    }
}

/// Lines are `name:password:uid:…`; the first of several names of a uid counts, as for getpwuid(3).
fn parse(text: &[u8]) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for (uid, name) in text.split(|&byte| byte == b'\n').filter_map(entry) {
        names.entry(uid).or_insert(name);
    }
    names
}

fn entry(line: &[u8]) -> Option<(u32, String)> {
    let mut fields = line.split(|&byte| byte == b':');
    let name = fields.next().filter(|name| !name.is_empty())?;
    let uid = str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
    Some((uid, lossy(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_lines_are_passed_over_and_the_first_name_of_a_uid_counts() {
        let names = parse(
            b"root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/:\n\n# note\n+::::::\n:x:7:\n\
              short:x\nminus:x:-1:0\nhuge:x:4294967296:0\nb\xff:x:34:34::/:\nlast:x:9",
        );
        assert_eq!(names.len(), 3);
        assert_eq!(
            (names[&0].as_str(), names[&34].as_str()),
            ("root", "b\u{fffd}")
        );
        assert_eq!(names[&9], "last");
    }

    #[test]
    fn a_user_is_found_by_name_before_number_and_an_unknown_one_is_told() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("etc")).unwrap();
        fs::write(root.path().join("etc/passwd"), "backup:x:34:34\n7:x:70:7\n").unwrap();
        let procfs = Procfs::new(root.path());
        for (user, uid) in [("backup", 34), ("7", 70), ("34", 34), ("100034", 100_034)] {
            assert_eq!(procfs.user_number(user), UserLookUp::Found(uid), "{user}");
        }
        for unknown in ["no-such-user", "--help"] {
            let answer = procfs.user_number(unknown);
            assert!(
                !matches!(answer, UserLookUp::Found(_)),
                "{unknown}: {answer:?}"
            );
        }
    }

    #[test]
    fn a_changed_file_is_read_anew_and_a_missing_one_names_nobody() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("passwd");
        let mut users = Users::new(path.clone());
        assert_eq!(users.name(34), None);
        fs::write(&path, "backup:x:34:34\n").unwrap();
        assert_eq!(users.name(34), Some("backup"));
        fs::write(&path, "renamed:x:34:34\n").unwrap();
        assert_eq!(users.name(34), Some("renamed"));
        fs::remove_file(&path).unwrap();
        assert_eq!(users.name(34), None);
    }

    #[test]
    fn an_unchanged_file_is_not_read_again() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("passwd");
        fs::write(&path, "backup:x:34:34\n").unwrap();
        let mut users = Users::new(path.clone());
        assert_eq!(users.name(34), Some("backup"));
        users.names.clear();
        assert_eq!(users.name(34), None);
    }
}
