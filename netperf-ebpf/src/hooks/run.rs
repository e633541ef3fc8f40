//! Programs that no event calls: user space runs them.

use core::ffi::c_void;

use netperf_common::kernel::SLOTS_A_RUN;

use crate::{
    kernel::setting,
    maps::{BOARD, FILLED_SLOTS, FREE_SLOTS, LOSS, SHARED, TICK},
};

/// Puts every slot on the stack of free ones, before any hook is attached. The lowest index comes last,
/// on top: slots in use stay close together. 1 once all are there.
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

/// Does what is on the board: begins a tick, takes back slots and pairs, tells what was lost. 1 if all
/// of it is done.
#[unsafe(no_mangle)]
#[unsafe(link_section = "socket")]
pub extern "C" fn turn(_ctx: *const c_void) -> u32 {
    let Some(board) = BOARD.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: a map value; user space waits for the end of this run.
    let board = unsafe { &mut *board };
    // SAFETY: a word of a static, which nothing else writes.
    unsafe { core::ptr::write_volatile(TICK.as_ptr(), board.tick) };
    for (_, slot) in (0..board.slot_count).zip(&board.slots) {
        if FREE_SLOTS.push(slot, 0).is_err() {
            return 0;
        }
    }
    for (_, pair) in (0..board.pair_count).zip(&board.pairs) {
        // Where the table was full, the pair has no entry.
        let _ = SHARED.remove(pair);
    }
    // SAFETY: words of a static.
    board.loss = unsafe { core::ptr::read_volatile(LOSS.as_ptr()) };
    1
}
