//! What do the kernel's counters say? The slots, as memory shared with the kernel side.
#![expect(unsafe_code, reason = "maps the kernel's array into this process")]

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use aya::maps::{Map, MapData, Stack};
use netperf_common::flow::Slot;

/// Every slot, and the stack of those that are free.
pub(super) struct Slots {
    memory: Memory,
    free: Stack<MapData, u32>,
    /// Ended; not reused before the next call, as a hook may still be adding to them.
    retired: Vec<u32>,
}

#[derive(Debug)]
struct Memory {
    base: NonNull<Slot>,
    count: u32,
    bytes: usize,
    /// Keeps the map alive.
    _map: MapData,
}

// SAFETY: the mapping belongs to the process, not to a thread; access is through `&mut Slots` or
// volatile reads.
unsafe impl Send for Memory {}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping that `map` made; nothing refers to it any more.
        let status = unsafe { libc::munmap(self.base.as_ptr().cast(), self.bytes) };
        debug_assert_eq!(status, 0, "unmapping a mapping can't fail");
    }
}

impl Slots {
    /// Maps the array.
    ///
    /// # Errors
    /// If the kernel refuses the mapping or the stack.
    pub(super) fn open(slots: Map, free: Map) -> anyhow::Result<Self> {
        let Map::Array(slots) = slots else {
            anyhow::bail!("the slots are not an array");
        };
        let count = slots
            .info()
            .context("cannot ask for the number of slots")?
            .max_entries();
        let free = Stack::try_from(free).context("cannot use the free slots")?;
        Ok(Self {
            memory: Memory::map(slots, count)?,
            free,
            retired: Vec::new(),
        })
    }

    /// How many there are, the unused first one included.
    pub(super) fn count(&self) -> u32 {
        self.memory.count
    }

    /// Hands those out again that have ended before the last call.
    ///
    /// # Errors
    /// If the kernel refuses one.
    pub(super) fn hand_out(&mut self) -> anyhow::Result<()> {
        for index in std::mem::take(&mut self.retired) {
            self.memory.clear(index);
            self.free.push(index, 0).context("cannot return a slot")?;
        }
        Ok(())
    }

    /// A copy of a slot as it is now; `None` for an index that does not exist.
    pub(super) fn read(&self, index: u32) -> Option<Slot> {
        (index > 0 && index < self.memory.count).then(|| self.memory.read(index))
    }

    /// Gives a slot back whose totals have been taken.
    pub(super) fn retire(&mut self, index: u32) {
        self.retired.push(index);
    }

    /// Slots that were given back and may still receive a straggler.
    pub(super) fn retired(&self) -> &[u32] {
        &self.retired
    }

    /// Indices of all slots that hold a socket.
    pub(super) fn in_use(&self) -> impl Iterator<Item = u32> {
        (1..self.memory.count).filter(|&index| self.memory.is_taken(index))
    }
}

impl Memory {
    fn map(map: MapData, count: u32) -> anyhow::Result<Self> {
        let page = 4096;
        let bytes = (count as usize * size_of::<Slot>()).next_multiple_of(page);
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        let fd = map.fd().as_fd().as_raw_fd();
        // SAFETY: a fresh mapping of a map that is as large; the kernel checks the rest.
        let address = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, fd, 0) };
        anyhow::ensure!(
            address != libc::MAP_FAILED,
            "cannot map the counters: {}",
            std::io::Error::last_os_error()
        );
        let base = NonNull::new(address.cast::<Slot>()).context("mapped at no address")?;
        Ok(Self {
            base,
            count,
            bytes,
            _map: map,
        })
    }

    fn at(&self, index: u32) -> *mut Slot {
        // SAFETY: callers give indices below `count`.
        unsafe { self.base.as_ptr().add(index as usize) }
    }

    fn read(&self, index: u32) -> Slot {
        let at = self.at(index);
        // SAFETY: within the mapping; every bit pattern is a value, and a torn name is refreshed.
        let mut slot = unsafe { at.read_volatile() };
        // SAFETY: the address of a field within the mapping.
        slot.tx_bytes = load(unsafe { &raw mut (*at).tx_bytes });
        // SAFETY: as above.
        slot.rx_bytes = load(unsafe { &raw mut (*at).rx_bytes });
        slot
    }

    /// Whether the kernel has taken this slot.
    fn is_taken(&self, index: u32) -> bool {
        let at = self.at(index);
        // SAFETY: the address of a field within the mapping.
        load(unsafe { &raw mut (*at).socket }) != 0
    }

    fn clear(&mut self, index: u32) {
        // SAFETY: within the mapping; the slot is in nobody's hands.
        unsafe { self.at(index).write_volatile(Slot::default()) };
    }
}

/// Reads a word that the kernel side writes.
fn load(word: *mut u64) -> u64 {
    // SAFETY: callers give an aligned word within the mapping.
    unsafe { AtomicU64::from_ptr(word) }.load(Ordering::Acquire)
}
