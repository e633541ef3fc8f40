//! Puts every slot on the stack of free ones. User space runs it before any hook is attached.

use core::ffi::c_void;

use netperf_common::kernel::SLOTS_A_RUN;

use crate::{
    kernel::setting,
    maps::{FILLED_SLOTS, FREE_SLOTS},
};

/// The lowest index comes last, on top: slots in use stay close together. 1 once all are there.
#[unsafe(no_mangle)]
#[unsafe(link_section = "socket")]
pub extern "C" fn fill_free_slots(_ctx: *const c_void) -> u32 {
    for _ in 0..SLOTS_A_RUN {
        let filled = FILLED_SLOTS.read() as u32;
        let index = setting!(slots).saturating_sub(1).saturating_sub(filled);
        // Slot 0 stands for none.
        if index == 0 {
            return 1;
        }
        if FREE_SLOTS.push(index, 0).is_err() {
            return 0;
        }
        // SAFETY: a word of a static; nothing else runs yet.
        unsafe { core::ptr::write_volatile(FILLED_SLOTS.as_ptr(), u64::from(filled) + 1) };
    }
    0
}
