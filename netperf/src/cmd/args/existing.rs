//! Is there what the filters name? What must exist now and does not is refused: a filter that can match
//! nothing would look like silence. What may come later, such as a name, is waited for.

use netperf_core::failure::Failure;
use netperf_core::model::query::{CgroupPath, ProcessQuery};
use netperf_sys::procfs::{Procfs, UserLookUp};

/// The number of the row of the kernel, which is no process.
const KERNEL: u32 = 0;

/// Refuses what is not there, and replaces a user by its number.
///
/// # Errors
/// When no such process, user or cgroup is there; it says what was looked for.
pub(in crate::cmd) fn check(query: &mut ProcessQuery) -> Result<(), Failure> {
    let procfs = Procfs::new("/");
    // Elsewhere its numbers are those of another pid namespace, and tell nothing.
    if procfs.numbers_as(std::process::id()) {
        for &pid in query.pids.iter().filter(|&&pid| pid != KERNEL) {
            check_pid(&procfs, pid)?;
        }
    }
    if let Some(user) = &mut query.user {
        *user = number_of(&procfs, user)?.to_string();
    }
    match &query.cgroup {
        Some(path) => check_cgroup(&procfs, path),
        None => Ok(()),
    }
}

fn check_pid(procfs: &Procfs, pid: u32) -> Result<(), Failure> {
    match procfs.process_of_thread(pid) {
        Some(tgid) if tgid == pid => Ok(()),
        Some(tgid) => Err(Failure::Usage(format!(
            "{pid} is a thread of process {tgid}: name that"
        ))),
        None if procfs.exists(pid) => Ok(()),
        None => Err(Failure::Usage(format!("there is no process {pid}"))),
    }
}

fn number_of(procfs: &Procfs, user: &str) -> Result<u32, Failure> {
    match procfs.user_number(user) {
        UserLookUp::Found(uid) => Ok(uid),
        UserLookUp::Unknown => Err(Failure::Usage(format!(
            "there is no user `{user}` (looked in /etc/passwd, and asked `getent passwd`)"
        ))),
        UserLookUp::NotAsked(why) => Err(Failure::Usage(format!(
            "there is no user `{user}` in /etc/passwd, and `getent passwd`, which asks other \
             sources of users, failed: {why}; give the user's number"
        ))),
    }
}

fn check_cgroup(procfs: &Procfs, path: &CgroupPath) -> Result<(), Failure> {
    let is_folder = || {
        !procfs
            .cgroups()
            .find_folders(|it| path.contains(it))
            .is_empty()
    };
    let has_process = || {
        let of = |tgid| procfs.process(tgid)?.cgroup;
        procfs
            .processes()
            .filter_map(of)
            .any(|it| path.contains(&it))
    };
    if is_folder() || has_process() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "there is no cgroup (v2) `{path}`, and no process in one of that name"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &mut ProcessQuery) -> Option<String> {
        match check(query) {
            Err(Failure::Usage(text)) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn what_is_not_there_is_refused_with_what_was_looked_for() {
        let of_nobody = ProcessQuery {
            pids: vec![std::process::id(), 4_194_301],
            ..ProcessQuery::default()
        };
        let of_no_user = ProcessQuery {
            user: Some("no-such-user".into()),
            ..ProcessQuery::default()
        };
        let in_no_cgroup = ProcessQuery {
            cgroup: Some(CgroupPath::new("/no/such.slice")),
            ..ProcessQuery::default()
        };
        for (mut query, named) in [
            (of_nobody, "4194301"),
            (of_no_user, "no-such-user"),
            (in_no_cgroup, "/no/such.slice"),
        ] {
            let text = refused(&mut query).unwrap();
            assert!(text.contains(named), "{text}");
        }
    }

    #[test]
    fn what_is_there_is_taken_and_a_user_becomes_a_number() {
        let mut query = ProcessQuery {
            pids: vec![std::process::id(), KERNEL],
            user: Some("root".into()),
            ..ProcessQuery::default()
        };
        check(&mut query).unwrap();
        assert_eq!(query.user.as_deref(), Some("0"));
        query.user = Some("4294967294".into());
        check(&mut query).unwrap();
        assert_eq!(query.user.as_deref(), Some("4294967294"));
    }

    #[test]
    fn a_thread_is_no_process() {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero().get())
                .unwrap();
            let _ = ended.recv();
        });
        let tid = u32::try_from(told.recv().unwrap()).unwrap();
        let mut query = ProcessQuery {
            pids: vec![tid],
            ..ProcessQuery::default()
        };
        let text = refused(&mut query);
        drop(end);
        thread.join().unwrap();
        let process = format!("thread of process {}", std::process::id());
        assert!(text.unwrap().contains(&process));
    }
}
