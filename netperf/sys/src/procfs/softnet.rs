//! What does each processor take from the interfaces, and what does it throw away?

use netperf_core::sample::nic::SoftnetReading;

use super::{Procfs, lossy};

const TABLE_MAX_BYTES: u64 = 1024 * 1024;

/// Columns of `softnet_seq_show` (`net/core/net-procfs.c`).
const PROCESSED: usize = 0;
const DROPPED: usize = 1;
const SQUEEZED: usize = 2;
/// Since Linux 5.10; before, the lines are those of the processors that are online, in order.
const CPU: usize = 12;

impl Procfs {
    /// Each processor, in order. Of the machine, whatever the network namespace.
    pub fn softnet(&self) -> Vec<SoftnetReading> {
        let bytes = self.read("proc/net/softnet_stat", TABLE_MAX_BYTES);
        let text = lossy(&bytes.unwrap_or_default());
        let lines = text.lines().enumerate();
        lines.filter_map(|(at, line)| reading(at, line)).collect()
    }
}

fn reading(at: usize, line: &str) -> Option<SoftnetReading> {
    let columns = line.split_ascii_whitespace();
    let columns: Vec<u32> = columns
        .map_while(|word| u32::from_str_radix(word, 16).ok())
        .collect();
    let column = |at: usize| columns.get(at).copied();
    Some(SoftnetReading {
        cpu: column(CPU).or_else(|| u32::try_from(at).ok())?,
        processed: column(PROCESSED)?,
        dropped: column(DROPPED)?,
        squeezed: column(SQUEEZED)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_numbered_by_their_line_where_the_kernel_does_not_say() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("proc/net");
        std::fs::create_dir_all(&dir).unwrap();
        let zeros = "00000000 ".repeat(9);
        let text = format!(
            "0000000a 00000001 00000002 00000000\n\
             000000ff 00000003 00000004 {zeros}00000005 00000000 00000000\ncut\n"
        );
        std::fs::write(dir.join("softnet_stat"), text).unwrap();
        let found = Procfs::new(root.path()).softnet();
        let figures: Vec<_> = found
            .iter()
            .map(|it| (it.cpu, it.processed, it.dropped, it.squeezed))
            .collect();
        assert_eq!(figures, [(0, 10, 1, 2), (5, 255, 3, 4)]);
        assert!(!Procfs::new("/").softnet().is_empty());
        assert_eq!(Procfs::new("/nonexistent").softnet(), []);
    }
}
