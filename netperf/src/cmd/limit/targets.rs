//! Finds the processes to limit, in `/proc` and among the cgroups, and refuses those that can't be
//! limited.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process;

use netperf_sys::procfs::{Cgroups, Procfs, Relative, same_process, unit_and_container};
use netperf_throttle::Target;

use super::Selector;
use netperf_core::failure::Failure;

/// Shortest prefix of a container's ID that is accepted.
const ID_MIN: usize = 4;

/// The processes to limit.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The processes, with their child processes.
    pub(super) processes: Vec<Relative>,
    /// Directory of their cgroup, if a cgroup was selected.
    pub(super) cgroup: Option<PathBuf>,
}

impl Found {
    /// The processes, for the engine.
    pub(super) fn targets(&self) -> Vec<Target> {
        self.processes.iter().map(target).collect()
    }
}

/// A process, for the engine.
pub(super) fn target(process: &Relative) -> Target {
    Target {
        pid: process.tgid,
        start: process.start.to_mono(),
    }
}

/// Finds the selected processes. All must be in one network namespace.
pub(super) fn look_up(
    procfs: &Procfs,
    selector: &Selector,
    children: bool,
) -> Result<Found, Failure> {
    let found = match selector {
        Selector::Processes { pids, name, .. } => {
            check(procfs, selector)?;
            let name = name.as_ref();
            let by_name =
                |one: &Relative| name.is_some_and(|name| fits(one) && name.is_match(&one.comm));
            let chosen = |one: &Relative| pids.contains(&one.tgid) || by_name(one);
            Found {
                processes: with_children(procfs, chosen, children),
                cgroup: None,
            }
        }
        Selector::Cgroup(path) => {
            let cgroups = procfs.cgroups();
            let folder = cgroups.folder(path);
            let path = path.display();
            let folder = folder.ok_or_else(|| no_cgroup(&cgroups, &format!("`{path}`")))?;
            in_cgroup(procfs, folder)?
        }
        Selector::Unit(name) => {
            let full = |suffix: &str| format!("{name}{suffix}");
            let names = [name.clone(), full(".service"), full(".scope")];
            let takes = |path: &str| {
                unit_and_container(path)
                    .0
                    .is_some_and(|it| names.contains(&it))
            };
            let what = format!("of the unit `{name}`");
            in_cgroup(procfs, only(&procfs.cgroups(), takes, &what)?)?
        }
        Selector::Container(id) => {
            if id.len() < ID_MIN {
                return Err(usage(format!(
                    "`{id}` is too short for the ID of a container: give {ID_MIN} characters or more"
                )));
            }
            let takes = |path: &str| {
                let container = unit_and_container(path).1;
                container.is_some_and(|container| container.id.starts_with(id.as_str()))
            };
            let what = format!("of a container whose ID begins with `{id}` (a name is none)");
            in_cgroup(procfs, only(&procfs.cgroups(), takes, &what)?)?
        }
        Selector::Command(_) => Found {
            processes: Vec::new(),
            cgroup: None,
        },
    };
    if found.processes.is_empty() {
        return Err(usage(no_match(selector)));
    }
    same_namespace(procfs, &found.processes)?;
    Ok(found)
}

/// Processes whose name matches and that are not among `known`.
pub(super) fn newcomers(
    procfs: &Procfs,
    selector: &Selector,
    children: bool,
    known: &[u32],
) -> Vec<Relative> {
    let Selector::Processes {
        name: Some(name), ..
    } = selector
    else {
        return Vec::new();
    };
    let chosen =
        |one: &Relative| fits(one) && !known.contains(&one.tgid) && name.is_match(&one.comm);
    let mut found = with_children(procfs, chosen, children);
    found.retain(|one| !known.contains(&one.tgid));
    found
}

/// Whether a name may select this process.
fn fits(process: &Relative) -> bool {
    !process.is_kernel && process.tgid > 1 && process.tgid != process::id()
}

fn with_children(
    procfs: &Procfs,
    chosen: impl Fn(&Relative) -> bool,
    children: bool,
) -> Vec<Relative> {
    let mut found = if children {
        procfs.families(chosen)
    } else {
        let all = procfs.relatives().into_iter();
        all.filter(|one| chosen(one) && !one.is_zombie).collect()
    };
    // It has no traffic of its own, but may descend from what it limits.
    found.retain(|one| one.tgid != process::id());
    found
}

/// Refuses named processes that can't be limited.
fn check(procfs: &Procfs, selector: &Selector) -> Result<(), Failure> {
    let Selector::Processes { pids, started, .. } = selector else {
        return Ok(());
    };
    for &pid in pids {
        let found = procfs.processes().any(|one| one == pid);
        let found = found.then(|| procfs.relative(pid)).flatten();
        let Some(found) = found.filter(|one| !one.is_zombie) else {
            return Err(usage(match procfs.relative(pid) {
                Some(one) if !one.is_zombie => format!(
                    "{pid} ({}) is a thread: name its process, all of whose threads are limited",
                    one.comm
                ),
                _ => format!("there is no process {pid}"),
            }));
        };
        let name = &found.comm;
        if pid == process::id() {
            return Err(usage(format!("{pid} is this very process, netperf-trace")));
        }
        if pid == 1 {
            return Err(usage(format!(
                "process 1 ({name}) can't be limited: all others descend from it, and so the whole \
                 machine would be"
            )));
        }
        if found.is_kernel {
            return Err(usage(format!(
                "process {pid} ({name}) is a thread of the kernel: its packets belong to no socket of \
                 a process"
            )));
        }
        if started.is_some_and(|start| !same_process(found.start, start)) {
            return Err(usage(format!(
                "the process {pid} that was meant has ended; its number is {name}'s now"
            )));
        }
    }
    Ok(())
}

fn in_cgroup(procfs: &Procfs, folder: PathBuf) -> Result<Found, Failure> {
    let members = procfs.members(&folder);
    if members.contains(&1) {
        return Err(usage(format!(
            "process 1 is in the cgroup `{}`: the whole machine would be limited",
            folder.display()
        )));
    }
    let processes = members.into_iter().filter(|&tgid| tgid != process::id());
    let processes = processes.filter_map(|tgid| procfs.relative(tgid));
    Ok(Found {
        processes: processes
            .filter(|one| !one.is_kernel && !one.is_zombie)
            .collect(),
        cgroup: Some(folder),
    })
}

/// The one cgroup that matches.
fn only(cgroups: &Cgroups, takes: impl Fn(&str) -> bool, what: &str) -> Result<PathBuf, Failure> {
    let mut found = cgroups.find_folders(takes);
    if found.len() > 1 {
        let paths: Vec<_> = found.iter().map(|(path, _)| format!("`{path}`")).collect();
        return Err(usage(format!(
            "there are several cgroups {what}: choose one with --cgroup: {}",
            paths.join(", ")
        )));
    }
    match found.pop() {
        Some((_, folder)) => Ok(folder),
        None => Err(no_cgroup(cgroups, what)),
    }
}

fn no_cgroup(cgroups: &Cgroups, what: &str) -> Failure {
    if cgroups.root().is_none() {
        return Failure::Lacking(
            "no cgroup v2 hierarchy is mounted here (looked into /proc/self/mountinfo): name the \
             processes with --pid or --name"
                .to_owned(),
        );
    }
    usage(format!("there is no cgroup (v2) {what}"))
}

fn no_match(selector: &Selector) -> String {
    match selector {
        Selector::Processes {
            name: Some(name), ..
        } => format!("no process has a name that matches `{name}`"),
        Selector::Processes { .. } | Selector::Command(_) => "the process has ended".to_owned(),
        Selector::Cgroup(_) | Selector::Unit(_) | Selector::Container(_) => {
            "there is no process in that cgroup now".to_owned()
        }
    }
}

/// Refuses processes in several network namespaces: a queue is in one.
fn same_namespace(procfs: &Procfs, processes: &[Relative]) -> Result<(), Failure> {
    let mut namespaces: BTreeMap<u32, &Relative> = BTreeMap::new();
    for process in processes {
        match procfs.network_namespace(process.tgid) {
            Ok(Some(inode)) => {
                namespaces.entry(inode).or_insert(process);
            }
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(Failure::NotAllowed(format!(
                    "the network namespace of process {} can't be seen: CAP_SYS_PTRACE is needed; run \
                     it as root",
                    process.tgid
                )));
            }
            // It has ended.
            Ok(None) | Err(_) => {}
        }
    }
    if namespaces.len() < 2 {
        return Ok(());
    }
    let each = namespaces.iter();
    let each: Vec<_> = each
        .map(|(inode, process)| format!("{} ({}) is in net:[{inode}]", process.tgid, process.comm))
        .collect();
    Err(usage(format!(
        "the processes are in several network namespaces: {}; start a limit for each of them",
        each.join(", ")
    )))
}

fn usage(text: String) -> Failure {
    Failure::Usage(text)
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use regex::Regex;

    use super::*;
    use netperf_core::clock::MonoNs;

    /// A process that ends with the test.
    struct Sleeper(Child);

    impl Sleeper {
        fn start() -> Self {
            Self(Command::new("sleep").arg("60").spawn().unwrap())
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    fn pids(pids: &[u32]) -> Selector {
        Selector::Processes {
            pids: pids.to_vec(),
            started: None,
            name: None,
        }
    }

    fn refused(selector: &Selector) -> String {
        match look_up(&Procfs::new("/"), selector, true) {
            Err(Failure::Usage(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_process_is_found_with_its_start() {
        let sleeper = Sleeper::start();
        let procfs = Procfs::new("/");
        let found = look_up(&procfs, &pids(&[sleeper.0.id()]), true).unwrap();
        let start = procfs.start(sleeper.0.id()).unwrap().to_mono();
        let target = Target {
            pid: sleeper.0.id(),
            start,
        };
        assert_eq!(found.targets(), [target]);
        let reused = Selector::Processes {
            pids: vec![sleeper.0.id()],
            started: Some(MonoNs(start.0 + 1_000_000_000)),
            name: None,
        };
        assert!(refused(&reused).contains("has ended"));
    }

    #[test]
    fn init_this_process_and_an_unknown_name_are_refused_with_the_reason() {
        assert!(refused(&pids(&[1])).contains("the whole machine"));
        assert!(refused(&pids(&[process::id()])).contains("this very process"));
        let ended = {
            let sleeper = Sleeper::start();
            sleeper.0.id()
        };
        assert_eq!(
            refused(&pids(&[ended])),
            format!("there is no process {ended}")
        );
        let unmatched = Selector::Processes {
            pids: Vec::new(),
            started: None,
            name: Some(Regex::new("^no such name$").unwrap()),
        };
        assert!(refused(&unmatched).contains("no process has a name"));
    }

    #[test]
    fn a_thread_is_not_taken_for_a_process() {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid()).unwrap();
            let _ = ended.recv();
        });
        let tid = told.recv().unwrap().as_raw_nonzero().get().cast_unsigned();
        assert!(refused(&pids(&[tid])).contains("is a thread"));
        drop(end);
        thread.join().unwrap();
    }

    #[test]
    fn a_name_takes_newcomers_once_and_never_this_process() {
        let procfs = Procfs::new("/");
        let own = procfs.relative(process::id()).unwrap();
        let named = |pattern: &str| Selector::Processes {
            pids: Vec::new(),
            started: None,
            name: Some(Regex::new(pattern).unwrap()),
        };
        let sleeper = Sleeper::start();
        let found = newcomers(&procfs, &named("^sleep$"), false, &[]);
        assert!(found.iter().any(|one| one.tgid == sleeper.0.id()));
        let known: Vec<_> = found.iter().map(|one| one.tgid).collect();
        let again = newcomers(&procfs, &named("^sleep$"), false, &known);
        assert!(again.iter().all(|one| one.tgid != sleeper.0.id()));
        let pattern = format!("^{}$", regex::escape(&own.comm));
        let same_name = newcomers(&procfs, &named(&pattern), false, &[]);
        assert!(same_name.iter().all(|one| one.tgid != own.tgid));
    }

    #[test]
    fn short_identifiers_name_no_container() {
        assert!(refused(&Selector::Container("abc".to_owned())).contains("too short"));
    }
}
