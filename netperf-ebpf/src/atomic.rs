//! Numbers that CPUs and user space share: core offers no atomics for this target.

use core::{arch::asm, cell::UnsafeCell};

/// A static that other CPUs and user space change.
#[repr(transparent)]
pub struct Shared<T>(UnsafeCell<T>);

// SAFETY: every access is a volatile load of a word or an atomic addition.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// Starts with `value`, which is what the object contains.
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// For accesses that others may run into.
    #[inline(always)]
    pub fn as_ptr(&self) -> *mut T {
        self.0.get()
    }
}

impl Shared<u64> {
    /// The value at this moment.
    #[inline(always)]
    pub fn read(&self) -> u64 {
        // SAFETY: an aligned word of a static.
        unsafe { core::ptr::read_volatile(self.as_ptr()) }
    }
}

/// Adds to a counter in a map or static; the counter must be aligned.
#[inline(always)]
pub fn add(counter: *mut u64, value: u64) {
    // SAFETY: one atomic addition to memory that the verifier proves writable and aligned.
    unsafe {
        asm!("lock *(u64 *)({counter} + 0) += {value}", counter = in(reg) counter, value = in(reg) value);
    }
}

/// The same for a counter of 32 bits.
#[inline(always)]
pub fn add_half(counter: *mut u32, value: u32) {
    // SAFETY: one atomic addition to memory that the verifier proves writable and aligned.
    unsafe {
        asm!("lock *(u32 *)({counter} + 0) += {value}", counter = in(reg) counter, value = in(reg) u64::from(value));
    }
}
