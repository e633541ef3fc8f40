//! Who is a process, as far as `/proc/PID` tells?

use std::fs;
use std::path::{Path, PathBuf};

use netperf_core::clock::MonoNs;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use super::{Procfs, lossy, read_bounded};

/// Longest part of a command line that is read. A command line may be 2 MiB long and is shown on
/// one line of a screen; where more was there, the last argument read ends in `…`.
pub const CMDLINE_MAX_BYTES: usize = 4096;

/// `USER_HZ`: 100 in the user interface of every architecture that has BPF, whatever `HZ` is.
const NS_PER_TICK: u64 = 1_000_000_000 / 100;

/// Bounds for files that are short unless someone tampers.
const LINE_MAX_BYTES: u64 = 4096;
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// Start of a process in clock ticks (10 ms) since boot, in the reader's time namespace
/// (field 22 of `/proc/PID/stat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StartTicks(pub u64);

impl StartTicks {
    /// Start on `CLOCK_BOOTTIME`, rounded down to 10 ms.
    pub fn to_mono(self) -> MonoNs {
        MonoNs(self.0.saturating_mul(NS_PER_TICK))
    }
}

/// Whether a process seen in `/proc` is the one that started at `start`, which is exact and in the
/// reader's time namespace (see [`super::BootOffset`]).
pub fn same_process(proc_ticks: StartTicks, start: MonoNs) -> bool {
    proc_ticks.0 == start.0 / NS_PER_TICK
}

/// What `/proc/PID` says about one process. All text is untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessFacts {
    /// When it started.
    pub start: StartTicks,
    /// Name of the leader thread.
    pub comm: String,
    /// Path of the executable; ends in ` (deleted)` where the file is gone.
    pub exe: Option<String>,
    /// Arguments, at most [`CMDLINE_MAX_BYTES`] of them. `None` for kernel threads and zombies.
    pub cmdline: Option<Vec<String>>,
    /// Real user id, in the reader's user namespace.
    pub uid: Option<u32>,
    /// Inode number of the network namespace.
    pub netns: Option<u32>,
    /// Path in the cgroup v2 hierarchy, in the reader's cgroup namespace.
    pub cgroup: Option<String>,
}

impl Procfs {
    /// Reads what is known of a process; `None` when it has ended, is hidden, or its pid changed
    /// hands meanwhile. Another user's `exe` and `netns` need `CAP_SYS_PTRACE`.
    pub fn process(&self, tgid: u32) -> Option<ProcessFacts> {
        let dir = self.process_dir(tgid);
        let (comm, start) = stat(&dir)?;
        let facts = ProcessFacts {
            start,
            comm,
            exe: link(&dir.join("exe")),
            cmdline: cmdline(&dir),
            uid: uid(&dir),
            netns: link(&dir.join("ns/net"))
                .as_deref()
                .and_then(namespace_inode),
            cgroup: cgroup(&dir),
        };
        // The files above were opened by pid, one after the other: they are one process's only if
        // the same one still has that pid.
        (self.start(tgid)? == start).then_some(facts)
    }

    /// When the process that has this pid now started; `None` if there is none.
    pub fn start(&self, tgid: u32) -> Option<StartTicks> {
        stat(&self.process_dir(tgid)).map(|(_, start)| start)
    }

    /// Whether this very process (not a later one with its pid) still exists, zombies included.
    /// `tgid` is its number in this process's own pid namespace.
    pub fn is_alive(&self, tgid: u32, start: MonoNs) -> bool {
        match self.start(tgid) {
            Some(ticks) => same_process(ticks, start),
            None => is_hidden(tgid),
        }
    }

    /// The same for a number in another pid namespace, that of `/proc`.
    pub fn is_listed(&self, tgid: u32, start: MonoNs) -> bool {
        self.start(tgid)
            .is_some_and(|ticks| same_process(ticks, start))
    }

    /// Whether `/proc` numbers processes as the pid namespace does in which this process is `own`;
    /// also where it does not say.
    pub fn numbers_as(&self, own: u32) -> bool {
        link(&self.root.join("proc/self")).is_none_or(|number| number == own.to_string())
    }

    /// The process that this thread is of, which is itself for the first of its threads; `None` if no
    /// thread has this number, or it is hidden.
    pub fn process_of_thread(&self, tid: u32) -> Option<u32> {
        number(&self.process_dir(tid), b"Tgid:")
    }

    /// Whether there is a process or thread of this number in this process's own pid namespace, also
    /// where `/proc` hides it.
    pub fn exists(&self, tid: u32) -> bool {
        self.start(tid).is_some() || is_hidden(tid)
    }

    fn process_dir(&self, tgid: u32) -> PathBuf {
        self.root.join("proc").join(tgid.to_string())
    }
}

/// Whether there is such a process although `/proc` does not show it: mounted with `hidepid`, it
/// hides those of other users. Signal 0 is never delivered, but finds them.
fn is_hidden(tgid: u32) -> bool {
    let pid = i32::try_from(tgid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM)))
}

fn stat(dir: &Path) -> Option<(String, StartTicks)> {
    parse_stat(&read_bounded(&dir.join("stat"), LINE_MAX_BYTES)?)
}

/// Takes `comm` (field 2) and the start time (field 22) out of a `stat` line. `comm` may hold
/// anything, parentheses and newlines included, so it ends at the last `)`.
fn parse_stat(line: &[u8]) -> Option<(String, StartTicks)> {
    let (comm, mut fields) = stat_fields(line)?;
    // The first field after `comm` is field 3.
    let start = fields.nth(22 - 3)?.parse().ok()?;
    Some((comm, StartTicks(start)))
}

/// `comm` of a `stat` line, and the fields from the third on.
pub(super) fn stat_fields(line: &[u8]) -> Option<(String, impl Iterator<Item = &str>)> {
    let open = line.iter().position(|&byte| byte == b'(')?;
    let close = line.iter().rposition(|&byte| byte == b')')?;
    let comm = line.get(open + 1..close)?;
    let after = str::from_utf8(line.get(close + 1..)?).ok()?;
    Some((lossy(comm), after.split_ascii_whitespace()))
}

fn cmdline(dir: &Path) -> Option<Vec<String>> {
    // One byte more than is kept tells whether there was more.
    let max = u64::try_from(CMDLINE_MAX_BYTES).ok()? + 1;
    arguments(&read_bounded(&dir.join("cmdline"), max)?)
}

/// Splits at zero bytes. Those at the end are dropped: programs that write a title over their
/// arguments leave many.
fn arguments(bytes: &[u8]) -> Option<Vec<String>> {
    let kept = &bytes[..bytes.len().min(CMDLINE_MAX_BYTES)];
    let end = kept.iter().rposition(|&byte| byte != 0)? + 1;
    let mut arguments: Vec<_> = kept[..end].split(|&byte| byte == 0).map(lossy).collect();
    if bytes.len() > kept.len()
        && let Some(last) = arguments.last_mut()
    {
        last.push('…');
    }
    Some(arguments)
}

fn uid(dir: &Path) -> Option<u32> {
    number(dir, b"Uid:")
}

/// The first number in a line of `status`.
fn number(dir: &Path, line: &[u8]) -> Option<u32> {
    let status = read_bounded(&dir.join("status"), FILE_MAX_BYTES)?;
    // The kernel escapes newlines in the `Name:` line, so no process can forge this one.
    let line = status
        .split(|&byte| byte == b'\n')
        .find_map(|it| it.strip_prefix(line))?;
    str::from_utf8(line)
        .ok()?
        .split_ascii_whitespace()
        .next()?
        .parse()
        .ok()
}

fn cgroup(dir: &Path) -> Option<String> {
    cgroup_v2(&read_bounded(&dir.join("cgroup"), FILE_MAX_BYTES)?)
}

/// The `0::` line is that of cgroup v2; a cgroup removed under its processes is marked after it.
fn cgroup_v2(lines: &[u8]) -> Option<String> {
    let path = lines
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.strip_prefix(b"0::"))?;
    Some(lossy(path.strip_suffix(b" (deleted)").unwrap_or(path)))
}

fn link(path: &Path) -> Option<String> {
    Some(fs::read_link(path).ok()?.to_string_lossy().into_owned())
}

/// The number in `net:[4026531840]`.
pub(super) fn namespace_inode(link: &str) -> Option<u32> {
    link.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const AFTER_COMM: &str = "S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 99 1 2 3\n";

    fn line(comm: &[u8]) -> Vec<u8> {
        [b"42 (", comm, b") ", AFTER_COMM.as_bytes()].concat()
    }

    fn tree() -> (tempfile::TempDir, Procfs) {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("proc/42");
        fs::create_dir_all(dir.join("ns")).unwrap();
        fs::write(dir.join("stat"), line(b"backup job")).unwrap();
        let procfs = Procfs::new(root.path());
        (root, procfs)
    }

    #[test]
    fn comm_may_hold_spaces_parentheses_newlines_and_any_byte() {
        for comm in [
            &b"a b"[..],
            b"x) S 1 (y",
            b")))",
            b"(",
            b"a\nb",
            b"",
            b"\x1b[2J",
        ] {
            let expected = (lossy(comm), StartTicks(123_456));
            assert_eq!(parse_stat(&line(comm)), Some(expected));
        }
        assert_eq!(
            parse_stat(&line(b"\xff\xfe")).unwrap().0,
            "\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn a_stat_line_that_was_cut_gives_nothing() {
        let whole = line(b"x");
        let start_ends = whole
            .windows(6)
            .position(|bytes| bytes == b"123456")
            .unwrap();
        for length in 0..start_ends {
            assert_eq!(parse_stat(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(parse_stat(b") ("), None);
    }

    #[test]
    fn start_times_agree_when_they_fall_into_the_same_tick() {
        let ticks = StartTicks(123_456);
        assert!(same_process(ticks, MonoNs(1_234_560_000_000)));
        assert!(same_process(ticks, MonoNs(1_234_569_999_999)));
        assert!(!same_process(ticks, MonoNs(1_234_570_000_000)));
        assert!(!same_process(ticks, MonoNs(1_234_559_999_999)));
        assert_eq!(ticks.to_mono(), MonoNs(1_234_560_000_000));
    }

    #[test]
    fn arguments_are_split_at_zeros_and_titles_lose_their_padding() {
        let strings = |bytes| arguments(bytes).unwrap();
        assert_eq!(strings(b"rsync\0-av\0\0/x\0"), ["rsync", "-av", "", "/x"]);
        assert_eq!(strings(b"nginx: worker\0\0\0\0"), ["nginx: worker"]);
        assert_eq!(strings(b"a\xffb\0"), ["a\u{fffd}b"]);
        assert_eq!(arguments(b""), None);
        assert_eq!(arguments(b"\0\0"), None);
    }

    #[test]
    fn a_long_command_line_is_cut_and_says_so() {
        let exact = vec![b'x'; CMDLINE_MAX_BYTES];
        assert_eq!(arguments(&exact).unwrap(), ["x".repeat(CMDLINE_MAX_BYTES)]);
        let long = vec![b'x'; CMDLINE_MAX_BYTES + 1];
        assert_eq!(
            arguments(&long).unwrap(),
            ["x".repeat(CMDLINE_MAX_BYTES) + "…"]
        );
    }

    #[test]
    fn the_cgroup_is_that_of_v2_or_none() {
        let hybrid = b"9:name=systemd:/a\n1:cpu:/b\n0::/system.slice/ssh.service\n";
        assert_eq!(cgroup_v2(hybrid).unwrap(), "/system.slice/ssh.service");
        assert_eq!(
            cgroup_v2(b"0::/gone.scope (deleted)\n").unwrap(),
            "/gone.scope"
        );
        assert_eq!(cgroup_v2(b"0::/a:b\xff\n").unwrap(), "/a:b\u{fffd}");
        assert_eq!(cgroup_v2(b"2:memory:/0::/x\n1:cpu:/\n"), None);
    }

    #[test]
    fn whatever_a_process_lost_while_being_read_is_none() {
        let (root, procfs) = tree();
        let facts = procfs.process(42).unwrap();
        assert_eq!(
            (facts.comm.as_str(), facts.start.0),
            ("backup job", 123_456)
        );
        assert_eq!((facts.exe, facts.cmdline, facts.uid), (None, None, None));
        assert_eq!((facts.netns, facts.cgroup), (None, None));
        fs::remove_file(root.path().join("proc/42/stat")).unwrap();
        assert_eq!(procfs.process(42), None);
        assert_eq!(procfs.process(43), None);
    }

    #[test]
    fn a_process_that_proc_hides_is_alive_and_one_that_ended_is_not() {
        let (_root, hiding) = tree();
        assert!(hiding.is_alive(std::process::id(), MonoNs(0)));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let tgid = child.id();
        child.wait().unwrap();
        assert!(!hiding.is_alive(tgid, MonoNs(0)));
        assert!(!hiding.is_listed(std::process::id(), MonoNs(0)));
    }

    #[test]
    fn a_proc_of_another_pid_namespace_is_noticed() {
        let (root, procfs) = tree();
        assert!(procfs.numbers_as(42), "where nothing is said");
        symlink("42", root.path().join("proc/self")).unwrap();
        assert!(procfs.numbers_as(42) && !procfs.numbers_as(1));
        assert!(Procfs::new("/").numbers_as(std::process::id()));
    }

    #[test]
    fn a_whole_process_is_read() {
        let (root, procfs) = tree();
        let dir = root.path().join("proc/42");
        fs::write(dir.join("cmdline"), "job\0--now\0").unwrap();
        fs::write(dir.join("status"), "Name:\tUid:\\n\nUid:\t34\t0\t0\t0\n").unwrap();
        fs::write(dir.join("cgroup"), "0::/\n").unwrap();
        symlink("/opt/job (deleted)", dir.join("exe")).unwrap();
        symlink("net:[4026531840]", dir.join("ns/net")).unwrap();
        let facts = procfs.process(42).unwrap();
        assert_eq!(facts.exe.unwrap(), "/opt/job (deleted)");
        assert_eq!(facts.cmdline.unwrap(), ["job", "--now"]);
        assert_eq!((facts.uid, facts.netns), (Some(34), Some(4_026_531_840)));
        assert_eq!(facts.cgroup.unwrap(), "/");
    }

    #[test]
    fn this_test_itself_is_alive_and_its_successor_is_not() {
        let procfs = Procfs::new("/");
        let own = procfs.process(std::process::id()).unwrap();
        assert!(procfs.is_alive(std::process::id(), own.start.to_mono()));
        assert!(!procfs.is_alive(std::process::id(), StartTicks(own.start.0 + 1).to_mono()));
        assert_eq!(
            own.exe.unwrap(),
            std::env::current_exe().unwrap().to_string_lossy()
        );
        assert!(own.uid.is_some() && own.netns.is_some());
        assert_eq!(own.cmdline.unwrap().len(), std::env::args().count());
    }
}
