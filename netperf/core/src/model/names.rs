//! Which names has a process? Its thread's name is cut after 15 characters, and that of a script is the
//! interpreter's.

use regex::Regex;

use crate::sample::Process;

/// What the kernel adds to the path of a program whose file has been replaced or removed.
const DELETED: &str = " (deleted)";

/// Programs that run the script which is named in their arguments. Versions may follow (`python3.13`).
const INTERPRETERS: [&str; 17] = [
    "python", "pypy", "perl", "ruby", "node", "nodejs", "bun", "bash", "sh", "dash", "ash", "zsh",
    "ksh", "php", "lua", "java", "Rscript",
];

/// Options after which text of a program follows, not its name.
const INLINE: [&str; 5] = ["-c", "-e", "-E", "-r", "-p"];

/// Options after which the name of what is run follows.
const NAMING: [&str; 3] = ["-m", "-jar", "-f"];

/// Whether one of a process's names matches: that of its leading thread, of its program, of the script
/// that an interpreter runs, or its first argument.
pub fn is_named(process: &Process, wanted: &Regex) -> bool {
    let arguments = process.cmdline.as_deref().unwrap_or_default();
    is_one_named(&process.name, process.exe.as_deref(), arguments, wanted)
}

/// The same of what `/proc` tells of a process.
pub fn is_one_named(comm: &str, exe: Option<&str>, arguments: &[String], wanted: &Regex) -> bool {
    all(comm, exe, arguments).any(|name| wanted.is_match(name))
}

fn all<'p>(
    comm: &'p str,
    exe: Option<&'p str>,
    arguments: &'p [String],
) -> impl Iterator<Item = &'p str> {
    let exe = exe.map(program);
    let first = arguments.first().map(String::as_str);
    let called = first.map(last_part);
    [Some(comm), exe, first, called, script(exe, arguments)]
        .into_iter()
        .flatten()
        .filter(|name| !name.is_empty())
}

fn program(exe: &str) -> &str {
    last_part(exe.strip_suffix(DELETED).unwrap_or(exe))
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The script that an interpreter runs, without its directory.
fn script<'p>(exe: Option<&str>, arguments: &'p [String]) -> Option<&'p str> {
    let (first, rest) = arguments.split_first()?;
    let is_interpreter = [exe, Some(last_part(first))]
        .into_iter()
        .flatten()
        .any(interprets);
    if !is_interpreter {
        return None;
    }
    let mut rest = rest.iter().map(String::as_str);
    loop {
        match rest.next()? {
            option if INLINE.contains(&option) => return None,
            option if NAMING.contains(&option) => return rest.next().map(last_part),
            "--" => return rest.next().map(last_part),
            option if option.starts_with('-') => {}
            script => return Some(last_part(script)),
        }
    }
}

fn interprets(program: &str) -> bool {
    let version = |rest: &str| rest.chars().all(|it| it.is_ascii_digit() || it == '.');
    INTERPRETERS
        .iter()
        .any(|name| program.strip_prefix(name).is_some_and(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(comm: &str, exe: &str, line: &str) -> Vec<String> {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let names = all(comm, Some(exe), &arguments);
        names.map(str::to_owned).collect()
    }

    #[test]
    fn a_name_longer_than_the_kernel_keeps_is_that_of_the_program() {
        let process = Process {
            name: "kube-controller".into(),
            exe: Some("/usr/bin/kube-controller-manager (deleted)".into()),
            ..Process::default()
        };
        for (wanted, is_its) in [
            ("^kube-controller-manager$", true),
            ("^kube-controller$", true),
            ("^kube-controller-manager-2", false),
            ("usr", false),
            ("deleted", false),
        ] {
            assert_eq!(
                is_named(&process, &Regex::new(wanted).unwrap()),
                is_its,
                "{wanted}"
            );
        }
    }

    #[test]
    fn a_script_is_known_by_its_own_name() {
        for (exe, line, script) in [
            (
                "/usr/bin/python3.13",
                "python3 -u /opt/backup-all.py --now",
                "backup-all.py",
            ),
            (
                "/usr/bin/python3.13",
                "/usr/bin/python3 -m http.server 80",
                "http.server",
            ),
            (
                "/usr/bin/dash",
                "/bin/sh /etc/cron.daily/rotate-everything",
                "rotate-everything",
            ),
            (
                "/usr/lib/jvm/bin/java",
                "java -Xmx1g -jar /srv/billing.jar",
                "billing.jar",
            ),
            ("/usr/bin/perl", "perl -- /x/collect.pl", "collect.pl"),
        ] {
            assert!(named("x", exe, line).contains(&script.to_owned()), "{line}");
        }
    }

    #[test]
    fn arguments_of_other_programs_and_inline_code_name_nobody() {
        for (exe, line, is_none) in [
            ("/usr/bin/rsync", "rsync /srv/data", "data"),
            ("/usr/bin/bash", "bash -c sleep", "sleep"),
            ("/usr/bin/pythonic", "pythonic /x/y", "y"),
        ] {
            assert!(
                !named("x", exe, line).contains(&is_none.to_owned()),
                "{line}"
            );
        }
    }

    #[test]
    fn a_process_that_writes_a_title_is_found_by_it() {
        let names = named("nginx", "/usr/sbin/nginx", "nginx:");
        assert!(names.contains(&"nginx:".to_owned()));
        let process = Process {
            name: "postgres".into(),
            cmdline: Some(vec!["postgres: replica walreceiver".into()]),
            ..Process::default()
        };
        assert!(is_named(&process, &Regex::new("walreceiver").unwrap()));
    }
}
