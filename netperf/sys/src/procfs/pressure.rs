//! How strained is the machine itself? From `/proc/stat`, `/proc/pressure`, `/proc/meminfo`, the
//! processes, and the tables of the kernel.

use std::collections::HashMap;

use netperf_core::clock::MonoNs;
use netperf_core::sample::pressure::{
    CpuTimes, KernelTables, Memory, PressureSample, ProcessStrain, Stalls,
};

use super::network::counters;
use super::{Procfs, lossy};

const FILE_MAX_BYTES: u64 = 256 * 1024;
const STAT_MAX_BYTES: u64 = 4 * 1024;

impl Procfs {
    /// The machine as a whole, at the moment `at`.
    pub fn pressure(&self, at: MonoNs) -> PressureSample {
        let stat = self.file("proc/stat");
        let is_one = |line: &&str| {
            let number = line.strip_prefix("cpu");
            number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let processors = stat.lines().filter(is_one).count();
        PressureSample {
            at,
            cpu: cpu_times(&stat),
            processors: u32::try_from(processors).unwrap_or(u32::MAX),
            stalls: self.stalls(),
            memory: self.memory(),
            processes: self.strains(),
            tables: self.kernel_tables(),
        }
    }

    /// Every process that can be seen now.
    pub fn strains(&self) -> Vec<ProcessStrain> {
        let of = |tgid: u32| {
            let stat = self.read(&format!("proc/{tgid}/stat"), STAT_MAX_BYTES)?;
            strain(tgid, &lossy(&stat))
        };
        self.processes().filter_map(of).collect()
    }

    fn stalls(&self) -> Stalls {
        let total = |resource: &str, who: &str| {
            let text = self.file(&format!("proc/pressure/{resource}"));
            let line = text.lines().find(|line| line.starts_with(who))?;
            line.rsplit_once("total=")?.1.trim().parse().ok()
        };
        Stalls {
            cpu_some: total("cpu", "some"),
            io_some: total("io", "some"),
            io_full: total("io", "full"),
            memory_some: total("memory", "some"),
            memory_full: total("memory", "full"),
        }
    }

    fn memory(&self) -> Memory {
        let (info, counters) = (self.file("proc/meminfo"), self.file("proc/vmstat"));
        let value = |text: &str, name: &str| {
            let line = text
                .lines()
                .find(|line| line.split([':', ' ']).next() == Some(name))?;
            line.split_ascii_whitespace().nth(1)?.parse().ok()
        };
        Memory {
            total_kib: value(&info, "MemTotal"),
            available_kib: value(&info, "MemAvailable"),
            swapped_in: value(&counters, "pswpin"),
            swapped_out: value(&counters, "pswpout"),
            oom_kills: value(&counters, "oom_kill"),
        }
    }

    /// The kernel's tables of the network namespace that the calling thread is in.
    pub fn kernel_tables(&self) -> KernelTables {
        let number = |path: &str| self.file(path).trim().parse::<u64>().ok();
        // `/proc/net` would be that of the process.
        let of_thread = |name: &str| self.file(&format!("proc/thread-self/net/{name}"));
        let netfilter = |name: &str| number(&format!("proc/sys/net/netfilter/nf_conntrack_{name}"));
        let (snmp, netstat) = (of_thread("snmp"), of_thread("netstat"));
        let (ip, tcp) = (counters(&snmp, "Ip:"), counters(&snmp, "Tcp:"));
        let extended = counters(&netstat, "TcpExt:");
        let conntrack = columns(&of_thread("stat/nf_conntrack"));
        let neighbours = columns(&of_thread("stat/arp_cache"));
        let sum =
            |of: &HashMap<String, Vec<u64>>, name: &str| of.get(name).map(|all| all.iter().sum());
        KernelTables {
            conntrack: netfilter("count"),
            conntrack_max: netfilter("max"),
            conntrack_drops: sum(&conntrack, "drop"),
            // The first column is the whole table's, in each line.
            neighbours: neighbours
                .get("entries")
                .and_then(|all| all.first().copied()),
            neighbours_max: number("proc/sys/net/ipv4/neigh/default/gc_thresh3"),
            neighbours_full: sum(&neighbours, "table_fulls"),
            too_large: ip.get("FragFails").copied(),
            mtu_probes_failed: extended.get("TCPMTUPFail").copied(),
            attempts_failed: tcp.get("AttemptFails").copied(),
            no_route: ip.get("OutNoRoutes").copied(),
        }
    }

    fn file(&self, path: &str) -> String {
        lossy(&self.read(path, FILE_MAX_BYTES).unwrap_or_default())
    }
}

/// The line of all processors together. Time of guests is within that of programs.
fn cpu_times(stat: &str) -> CpuTimes {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "));
    let numbers = line.unwrap_or_default().split_ascii_whitespace();
    let numbers: Vec<u64> = numbers.map_while(|word| word.parse().ok()).collect();
    let at = |at: usize| numbers.get(at).copied().unwrap_or(0);
    CpuTimes {
        busy: at(0) + at(1) + at(2) + at(5) + at(6),
        idle: at(3),
        io_wait: at(4),
        interrupts: at(5) + at(6),
        stolen: at(7),
    }
}

/// `/proc/PID/stat`: the name may hold anything, so what follows its last bracket is read.
fn strain(tgid: u32, stat: &str) -> Option<ProcessStrain> {
    let (before, after) = stat.rsplit_once(')')?;
    let name = before.split_once('(')?.1;
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    // Fields 3, 12, 14, 15 and 22 of proc_pid_stat(5).
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(ProcessStrain {
        tgid,
        start: number(22)?,
        name: name.to_owned(),
        cpu: number(14)? + number(15)?,
        major_faults: number(12)?,
        is_blocked: fields.first() == Some(&"D"),
    })
}

/// A line of names, then one of hexadecimal values for each processor.
fn columns(text: &str) -> HashMap<String, Vec<u64>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace()
        .collect();
    let mut found: HashMap<String, Vec<u64>> = HashMap::new();
    for line in lines {
        for (name, word) in names.iter().zip(line.split_ascii_whitespace()) {
            if let Ok(value) = u64::from_str_radix(word, 16) {
                found.entry((*name).to_owned()).or_default().push(value);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_busy_or_idle_or_wait() {
        let times = cpu_times("cpu  100 10 50 1000 30 5 15 7 20 0\ncpu0 1 2 3 4\n");
        assert_eq!((times.busy, times.idle, times.io_wait), (180, 1_000, 30));
        assert_eq!(
            (times.interrupts, times.stolen, times.total()),
            (20, 7, 1_217)
        );
        assert_eq!(cpu_times("intr 1"), CpuTimes::default());
    }

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let line = "7 (a) D (b) D 1 7 7 0 -1 4194304 100 0 12 0 250 50 0 0 20 0 1 0 4711 1000 10";
        let read = strain(7, line).unwrap();
        assert_eq!((read.name.as_str(), read.is_blocked), ("a) D (b", true));
        assert_eq!((read.cpu, read.major_faults, read.start), (300, 12, 4_711));
        assert_eq!(strain(7, "7 (cut) S 1 2"), None);
    }

    #[test]
    fn tables_of_each_processor_are_added_up() {
        let text = "entries  allocs table_fulls\n0000000a 0001 00000002\n0000000a 0002 00000003\n";
        let read = columns(text);
        assert_eq!(read["entries"], [10, 10]);
        assert_eq!(read["table_fulls"].iter().sum::<u64>(), 5);
        assert!(columns("").is_empty());
    }

    #[test]
    fn this_machine_tells_its_own() {
        let read = Procfs::new("/").pressure(MonoNs(1));
        assert!(read.processors > 0 && read.cpu.total() > 0);
        assert!(read.memory.total_kib > read.memory.available_kib);
        let own = std::process::id();
        assert!(read.processes.iter().any(|process| process.tgid == own));
        assert!(read.tables.attempts_failed.is_some());
    }
}
