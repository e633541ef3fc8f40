//! Memory of the tracer, in its process and in the kernel.

use std::collections::BTreeMap;
use std::fs;
use std::ops::AddAssign;

use anyhow::Result;

/// Parts of a program's memory, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    /// Resident pages of the process that are not those of its maps.
    pub(super) process: u64,
    /// Its maps, as the kernel accounts for them.
    pub(super) maps: u64,
}

impl Memory {
    /// What process `pid` holds now.
    pub(super) fn of(pid: u32) -> Result<Self> {
        let mappings = fs::read_to_string(format!("/proc/{pid}/smaps"))?;
        Ok(Self {
            process: resident(&mappings),
            maps: maps(pid)?,
        })
    }
}

/// Memory of the kernel's own small objects that can't be given back, in bytes: what it remembers
/// of each socket for the tracer is there, and belongs to no map's account.
pub(super) fn kernel_objects() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    Ok(kilobytes(&text, "SUnreclaim:").sum())
}

/// Sum of the mappings' resident pages; maps that are mapped are accounted for as maps.
fn resident(mappings: &str) -> u64 {
    let mut total = 0;
    let mut is_map = false;
    for line in mappings.lines() {
        let is_heading = line
            .split(' ')
            .next()
            .is_some_and(|word| word.contains('-'));
        if is_heading {
            is_map = line.ends_with("anon_inode:bpf-map");
        } else if !is_map {
            total.add_assign(kilobytes(line, "Rss:").sum::<u64>());
        }
    }
    total
}

/// Sum over the maps that the process has descriptors of, each once.
fn maps(pid: u32) -> Result<u64> {
    let mut sizes = BTreeMap::new();
    for descriptor in fs::read_dir(format!("/proc/{pid}/fdinfo"))? {
        // A descriptor may be closed between the two looks.
        let text = fs::read_to_string(descriptor?.path()).unwrap_or_default();
        if let Some(id) = number(&text, "map_id:").next() {
            sizes.insert(id, number(&text, "memlock:").sum::<u64>());
        }
    }
    Ok(sizes.values().sum())
}

fn kilobytes(text: &str, field: &str) -> impl Iterator<Item = u64> {
    number(text, field).map(|kilobytes| kilobytes * 1024)
}

/// The numbers behind a field's name.
fn number(text: &str, field: &str) -> impl Iterator<Item = u64> {
    text.lines()
        .filter_map(move |line| line.strip_prefix(field))
        .filter_map(|rest| rest.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_maps_are_not_counted_twice() {
        let mappings = "\
5652f27e7000-5652f27e9000 r--p 00000000 fe:00 247030 /usr/bin/x
Rss:                   8 kB
Pss:                   4 kB
7f0000000000-7f0000400000 rw-s 00000000 00:0e 1036 anon_inode:bpf-map
Rss:                4096 kB
7f0000400000-7f0000401000 rw-p 00000000 00:00 0
Rss:                   4 kB
";
        assert_eq!(resident(mappings), 12 * 1024);
    }
}
