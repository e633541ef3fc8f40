//! Programs that no event calls: user space runs them.

use core::ffi::c_void;

use netperf_common::kernel::{PAIRS_A_RUN, SLOTS_A_RUN};

use crate::{
    kernel::setting,
    maps::{CONTROL, FILLED_SLOTS, FREE_SLOTS, LOSS, SHARED, TICK},
};

/// Puts every slot on the stack of free ones, before any hook is attached. The lowest index comes last,
/// on top: slots in use stay close together. 1 once all are there.
#[unsafe(no_mangle)]
#[unsafe(link_section = "socket")]
pub(super) extern "C" fn fill_free_slots(_ctx: *const c_void) -> u32 {
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

/// Does what is on the page: begins a tick, takes back slots and pairs, tells what was lost. 1 if all
/// of it is done.
#[unsafe(no_mangle)]
#[unsafe(link_section = "socket")]
pub(super) extern "C" fn sync(_ctx: *const c_void) -> u32 {
    let Some(page) = CONTROL.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: words of a map value; user space waits for the end of this run.
    let (tick, slot_count, pair_count) = unsafe {
        (
            &raw const (*page).tick,
            &raw const (*page).slot_count,
            &raw const (*page).pair_count,
        )
    };
    // SAFETY: as above, and a word of a static that nothing else writes.
    unsafe { core::ptr::write_volatile(TICK.as_ptr(), tick.read_volatile()) };
    for index in 0..SLOTS_A_RUN {
        // SAFETY: as above. Read anew each time: the verifier has to see that the loop is no longer.
        if index >= unsafe { slot_count.read_volatile() } {
            break;
        }
        // SAFETY: within the array.
        let slot = unsafe { &(*page).slots[index as usize] };
        if FREE_SLOTS.push(slot, 0).is_err() {
            return 0;
        }
    }
    for index in 0..PAIRS_A_RUN {
        // SAFETY: as above.
        if index >= unsafe { pair_count.read_volatile() } {
            break;
        }
        // SAFETY: within the array. Where the table was full, the pair has no entry.
        let _ = SHARED.remove(unsafe { (*page).pairs[index as usize] });
    }
    // SAFETY: words of a map value and of a static.
    unsafe { (*page).loss = LOSS.as_ptr().read_volatile() };
    1
}
