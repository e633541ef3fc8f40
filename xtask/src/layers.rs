//! Checks that the arrows between the rooms of the program go one way.
//!
//! Cargo checks the arrows between crates. What it can't see is a table of words that must not be
//! written in some rooms. A room is a file or folder below a crate's `src`, named by its crate and
//! path: `core/model`; those of the binary are `src/view` and so on. Comments and tests may say anything.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Words that some rooms must not contain.
struct Rule {
    rooms: Rooms,
    never: &'static [&'static str],
    because: &'static str,
}

/// Rooms by the beginnings of their paths below `netperf`, for example `core/model`.
enum Rooms {
    In(&'static [&'static str]),
    OutsideOf(&'static [&'static str]),
}

const RULES: &[Rule] = &[
    Rule {
        rooms: Rooms::In(&["core", "src"]),
        never: &["crate::{"],
        because: "one `use` a room lets the rules below see every arrow of this crate",
    },
    Rule {
        rooms: Rooms::OutsideOf(&["sys/bpf", "sys/build"]),
        never: &["aya::", "aya_obj::", "NETPERF_EBPF_OBJECT"],
        because: "only `bpf` talks to the kernel's eBPF side",
    },
    Rule {
        rooms: Rooms::OutsideOf(&["sys/netlink"]),
        never: &["AF_NETLINK", "netlink_sys::", "netlink_packet_core::"],
        because: "only `netlink` talks netlink",
    },
    Rule {
        rooms: Rooms::OutsideOf(&["sys/procfs"]),
        never: &["\"/proc"],
        because: "only `procfs` reads /proc",
    },
    Rule {
        rooms: Rooms::OutsideOf(&["src/render"]),
        never: &["ratatui::", "crossterm::"],
        because: "only `render` draws on the terminal",
    },
    Rule {
        rooms: Rooms::In(&["sys", "throttle", "probe"]),
        never: &["netperf_core::model"],
        because: "readers deliver samples and know nothing of what is made of them",
    },
    Rule {
        rooms: Rooms::In(&["src/view", "src/render"]),
        never: &["netperf_sys", "netperf_throttle", "netperf_probe"],
        because: "only a command reads this machine, limits it or sends probes",
    },
    Rule {
        rooms: Rooms::In(&["throttle"]),
        never: &["netperf_sys::capture", "netperf_sys::preflight"],
        because: "the throttle counts with its own queue",
    },
    Rule {
        rooms: Rooms::In(&["core/sample", "core/clock", "core/units", "core/text"]),
        never: &["crate::model", "crate::collect"],
        because: "everything stands on these, so they stand alone",
    },
    Rule {
        rooms: Rooms::In(&["core/model"]),
        never: &["crate::collect"],
        because: "the model is made of samples alone",
    },
    Rule {
        rooms: Rooms::In(&["src/view", "src/render"]),
        never: &["crate::cmd"],
        because: "arrows go one way: cmd, render, view",
    },
    Rule {
        rooms: Rooms::In(&["src/view"]),
        never: &["crate::render"],
        because: "arrows go one way: cmd, render, view",
    },
    Rule {
        rooms: Rooms::In(&["core/model", "src/view", "diagnose"]),
        never: &[
            "std::fs",
            "std::io",
            "std::env",
            "std::process",
            "std::thread",
            "libc::",
        ],
        because: "models, rules and views are pure",
    },
    Rule {
        rooms: Rooms::In(&[
            "core/model",
            "core/sample",
            "src/view",
            "src/render",
            "diagnose",
        ]),
        never: &[
            "clock::now",
            "clock::own_cpu",
            "Instant::now",
            "SystemTime::now",
        ],
        because: "the clock is an argument",
    },
];

/// A word where it must not be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    file: PathBuf,
    line: usize,
    word: &'static str,
    because: &'static str,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            word,
            because,
        } = self;
        write!(
            f,
            "{}:{line}: `{word}` is not for this room: {because}",
            file.display()
        )
    }
}

/// Looks at every Rust file below `sources`.
pub(crate) fn check(sources: &Path) -> Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for file in rust_files(sources)? {
        let text = fs::read_to_string(&file)?;
        let room = room(file.strip_prefix(sources)?);
        breaches.extend(read(&file, &room, &text));
    }
    Ok(breaches)
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("no `{}`", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Where a file is: `core/model/flow` for `core/src/model/flow.rs`, `src/view` for `src/view/mod.rs`.
fn room(file: &Path) -> String {
    let file = file.with_extension("").to_string_lossy().into_owned();
    file.replacen("/src/", "/", 1)
}

/// Unit tests end a file, or have one of their own.
fn read(file: &Path, room: &str, text: &str) -> Vec<Breach> {
    if file.file_name().is_some_and(|name| name == "tests.rs") {
        return Vec::new();
    }
    let code = text
        .lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    let code = code.filter(|(_, line)| !line.trim_start().starts_with("//"));
    let breach = |(number, line): (usize, &str)| {
        let rules = RULES.iter().filter(|rule| rule.rooms.contain(room));
        let words = rules.flat_map(|rule| rule.never.iter().map(|word| (*word, rule.because)));
        let said = words.filter(|(word, _)| says(line, word));
        said.map(|(word, because)| Breach {
            file: file.to_owned(),
            line: number + 1,
            word,
            because,
        })
        .collect::<Vec<_>>()
    };
    code.flat_map(breach).collect()
}

impl Rooms {
    fn contain(&self, room: &str) -> bool {
        match self {
            Self::In(rooms) => rooms.iter().any(|outer| is_within(room, outer)),
            Self::OutsideOf(rooms) => !rooms.iter().any(|outer| is_within(room, outer)),
        }
    }
}

fn is_within(room: &str, outer: &str) -> bool {
    let rest = room.strip_prefix(outer);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether `line` contains `word`, and not as the part of a longer name.
fn says(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let ends_in_name = word.chars().next_back().is_some_and(is_name);
        !(before.is_some_and(is_name) || ends_in_name && after.is_some_and(is_name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(room: &str, text: &str) -> Vec<&'static str> {
        read(Path::new("x.rs"), room, text)
            .into_iter()
            .map(|breach| breach.word)
            .collect()
    }

    #[test]
    fn an_arrow_that_points_back_is_found() {
        assert_eq!(words("src/view", "use crate::cmd::run;"), ["crate::cmd"]);
        assert_eq!(
            words("sys/procfs/pid", "let now = netperf_core::model::Tick;"),
            ["netperf_core::model"]
        );
        assert_eq!(
            words("src/cmd/args", "let stat = open(\"/proc/1/stat\");"),
            ["\"/proc"]
        );
    }

    #[test]
    fn an_arrow_that_points_forward_is_fine() {
        assert!(words("src/render", "use crate::view::Table;").is_empty());
        assert!(words("sys/bpf/load", "use aya::Ebpf;").is_empty());
        assert!(words("core/model", "use crate::collection::X;").is_empty());
    }

    #[test]
    fn comments_and_tests_may_say_anything() {
        assert!(words("core/model", "/// See [`crate::collect`].").is_empty());
        assert!(
            words(
                "core/model",
                "fn a() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}"
            )
            .is_empty()
        );
    }

    #[test]
    fn a_room_is_a_file_or_a_folder() {
        assert_eq!(room(Path::new("src/view/top.rs")), "src/view/top");
        assert_eq!(room(Path::new("core/src/clock.rs")), "core/clock");
    }
}
