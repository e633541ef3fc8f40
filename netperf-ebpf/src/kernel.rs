//! Reads the kernel's own structures, through offsets that user space resolved from BTF.

use core::ffi::c_void;

use aya_ebpf::helpers::{bpf_get_current_task, bpf_probe_read_kernel};

use crate::maps::{OFFSETS, PACKET, SETTINGS};

/// Reads a field of [`OFFSETS`]; the map is frozen, so the verifier sees a constant.
macro_rules! offset {
    ($field:ident) => {
        // SAFETY: a plain read of an initialised static; volatile because user space sets it.
        unsafe { core::ptr::read_volatile(&raw const $crate::maps::OFFSETS.$field) }
    };
}
pub(crate) use offset;

/// Reads a field of [`SETTINGS`].
macro_rules! setting {
    ($field:ident) => {
        // SAFETY: as for `offset!`.
        unsafe { core::ptr::read_volatile(&raw const $crate::maps::SETTINGS.$field) }
    };
}
pub(crate) use setting;

/// Reads a field of [`PACKET`].
macro_rules! packet {
    ($field:ident) => {
        // SAFETY: as for `offset!`.
        unsafe { core::ptr::read_volatile(&raw const $crate::maps::PACKET.$field) }
    };
}
pub(crate) use packet;

const _: (
    &netperf_common::kernel::Offsets,
    &netperf_common::kernel::Settings,
    &netperf_common::kernel::PacketOffsets,
) = (&OFFSETS, &SETTINGS, &PACKET);

/// A structure of the kernel's.
pub(crate) trait Struct: Copy {
    /// Where it is.
    fn address(self) -> *const c_void;
    /// Reads a field of it.
    fn field<T: Copy + Default>(self, offset: u32) -> T;
    /// The structure that a field of it points to.
    fn target(self, offset: u32) -> Self;
}

/// A structure that the verifier knows as such.
#[derive(Clone, Copy)]
pub(crate) struct Known(pub *const c_void);

impl Struct for Known {
    #[inline(always)]
    fn address(self) -> *const c_void {
        self.0
    }

    #[inline(always)]
    fn field<T: Copy + Default>(self, offset: u32) -> T {
        load(self.0, offset)
    }

    #[inline(always)]
    fn target(self, offset: u32) -> Self {
        Self(load(self.0, offset))
    }
}

/// A structure by its address alone.
#[derive(Clone, Copy)]
pub(crate) struct Address(pub *const c_void);

impl Struct for Address {
    #[inline(always)]
    fn address(self) -> *const c_void {
        self.0
    }

    #[inline(always)]
    fn field<T: Copy + Default>(self, offset: u32) -> T {
        probe(self.0, offset)
    }

    #[inline(always)]
    fn target(self, offset: u32) -> Self {
        Self(probe_ptr(self.0, offset))
    }
}

/// A structure that can't be read: all of it is zero.
#[derive(Clone, Copy)]
pub(crate) struct Unknown;

impl Struct for Unknown {
    #[inline(always)]
    fn address(self) -> *const c_void {
        core::ptr::null()
    }

    #[inline(always)]
    fn field<T: Copy + Default>(self, _offset: u32) -> T {
        T::default()
    }

    #[inline(always)]
    fn target(self, _offset: u32) -> Self {
        self
    }
}

/// The thread that runs now, by its address.
#[inline(always)]
pub(crate) fn current_task() -> Address {
    // SAFETY: a helper without arguments.
    Address(unsafe { bpf_get_current_task() as *const c_void })
}

/// Copies a value out of kernel memory; zero where that memory can't be read.
#[inline(always)]
pub(crate) fn probe<T: Default>(base: *const c_void, offset: u32) -> T {
    let source = base.wrapping_byte_add(offset as usize).cast::<T>();
    // SAFETY: the helper checks the address and fails instead of faulting.
    unsafe { bpf_probe_read_kernel(source) }.unwrap_or_default()
}

/// Copies a pointer out of kernel memory.
#[inline(always)]
pub(crate) fn probe_ptr(base: *const c_void, offset: u32) -> *const c_void {
    probe::<u64>(base, offset) as *const c_void
}

/// Loads through a pointer whose type the verifier knows: no helper, and no fault, as the kernel
/// reads such pointers under its exception table.
#[inline(always)]
pub(crate) fn load<T: Copy>(base: *const c_void, offset: u32) -> T {
    // SAFETY: the verifier proves type and bounds of every such load, or rejects the program.
    unsafe { core::ptr::read_volatile(base.wrapping_byte_add(offset as usize).cast::<T>()) }
}
