//! An array of the kernel as memory of this process, read and written without a system call.
#![expect(unsafe_code, reason = "maps the kernel's array into this process")]

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::ptr::NonNull;

use anyhow::Context as _;
use aya::maps::{Map, MapData};

const PAGE: usize = 4096;

/// The values of an array, which the kernel side writes too.
#[derive(Debug)]
pub(super) struct Mapped<T> {
    base: NonNull<T>,
    count: u32,
    bytes: usize,
    /// Keeps the map alive.
    _map: MapData,
}

// SAFETY: the mapping belongs to the process, not to a thread; whoever holds it writes through `&mut`.
unsafe impl<T: Send> Send for Mapped<T> {}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping that `open` made; nothing refers to it any more.
        let status = unsafe { libc::munmap(self.base.as_ptr().cast(), self.bytes) };
        debug_assert_eq!(status, 0, "unmapping a mapping can't fail");
    }
}

impl<T> Mapped<T> {
    /// Maps the array.
    ///
    /// # Errors
    /// If it is no array of such values, or the kernel refuses.
    pub(super) fn open(map: Map) -> anyhow::Result<Self> {
        let Map::Array(map) = map else {
            anyhow::bail!("not an array");
        };
        let info = map.info().context("cannot ask for the size of an array")?;
        let count = info.max_entries();
        anyhow::ensure!(
            info.value_size() as usize == size_of::<T>(),
            "the values of an array have another size"
        );
        let bytes = (count as usize * size_of::<T>()).next_multiple_of(PAGE);
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        let fd = map.fd().as_fd().as_raw_fd();
        // SAFETY: a fresh mapping of a map that is as large; the kernel checks the rest.
        let address = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, fd, 0) };
        anyhow::ensure!(
            address != libc::MAP_FAILED,
            "cannot map the counters: {}",
            std::io::Error::last_os_error()
        );
        let base = NonNull::new(address.cast::<T>()).context("mapped at no address")?;
        Ok(Self {
            base,
            count,
            bytes,
            _map: map,
        })
    }

    /// How many values there are.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Where a value is; `index` is below [`Self::count`].
    pub(super) fn at(&self, index: u32) -> *mut T {
        debug_assert!(index < self.count, "no value at {index}");
        // SAFETY: within the mapping.
        unsafe { self.base.as_ptr().add(index as usize) }
    }
}
