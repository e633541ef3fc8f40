//! The page through which user space changes what the kernel side keeps: it writes there, and runs a program that
//! reads it.
//!
//! A system call that changes a map keeps every kprobe on that CPU from running until it returns, and
//! kernels since 7.0 let other processes run in the middle of it.
#![expect(unsafe_code, reason = "writes what the kernel side reads")]

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::Context as _;
use aya::Ebpf;
use aya::maps::Map;
use aya::programs::{ProgramError, SocketFilter, TestRun as _, TestRunOptions};
use netperf_common::kernel::{ControlPage as Page, LossCounters, PairKey, SLOTS_A_RUN};

use super::mapped::Mapped;

/// As the kernel side's `sync` is called.
const SYNC: &str = "sync";

/// What is to be told, and the page for it.
pub(super) struct Control {
    page: Mapped<Page>,
    slots: Vec<u32>,
    pairs: Vec<PairKey>,
}

impl Control {
    /// Maps the page, and loads the program that reads it.
    ///
    /// # Errors
    /// If the kernel refuses either.
    pub(super) fn open(ebpf: &mut Ebpf, page: Map) -> anyhow::Result<Self> {
        filter(ebpf, SYNC)?
            .load()
            .context("cannot load what begins a tick")?;
        Ok(Self {
            page: Mapped::open(page).context("cannot map the control page")?,
            slots: Vec::new(),
            pairs: Vec::new(),
        })
    }

    /// A slot that may be taken again.
    pub(super) fn free(&mut self, slot: u32) {
        self.slots.push(slot);
    }

    /// A pair that has no slot any more.
    pub(super) fn unshare(&mut self, pair: PairKey) {
        self.pairs.push(pair);
    }

    /// Whether slots wait for the next run.
    pub(super) fn has_slots(&self) -> bool {
        !self.slots.is_empty()
    }

    /// Tells everything, and that this tick is the current one. Returns what was lost until now.
    ///
    /// # Errors
    /// If the kernel does not run the program.
    pub(super) fn sync(&mut self, ebpf: &mut Ebpf, tick: u64) -> anyhow::Result<LossCounters> {
        let program = filter(ebpf, SYNC)?;
        loop {
            self.write(tick);
            anyhow::ensure!(
                run(program, 1).context("cannot begin a tick")? == 1,
                "cannot return a slot"
            );
            if self.slots.is_empty() && self.pairs.is_empty() {
                // SAFETY: the one page; the program that writes it has ended.
                return Ok(unsafe { (*self.page.at(0)).loss });
            }
        }
    }

    /// Lets the kernel side log so many lines from now on. Returns how many it has left out until now.
    pub(super) fn make_log_room(&mut self, lines: u16) -> u32 {
        // SAFETY: a word of the one page.
        let room = unsafe { &raw mut (*self.page.at(0)).log_room };
        // SAFETY: an aligned word within the mapping, which the kernel side changes atomically.
        let room = unsafe { AtomicI32::from_ptr(room) };
        room.swap(lines.into(), Ordering::Relaxed)
            .min(0)
            .unsigned_abs()
    }

    /// Writes as much as the page has room for.
    fn write(&mut self, tick: u64) {
        // SAFETY: the one page; the program that reads it is not running.
        let page = unsafe { &mut *self.page.at(0) };
        page.tick = tick;
        page.slot_count = move_to(&mut page.slots, &mut self.slots);
        page.pair_count = move_to(&mut page.pairs, &mut self.pairs);
    }
}

/// Moves as many as there is room for, and says how many.
fn move_to<T: Copy>(room: &mut [T], waiting: &mut Vec<T>) -> u32 {
    let count = room.len().min(waiting.len());
    let moved = waiting.drain(waiting.len() - count..);
    room.iter_mut()
        .zip(moved)
        .fold(0, |written, (place, value)| {
            *place = value;
            written + 1
        })
}

/// Lets the kernel put every slot on the stack: a hundred thousand system calls would take longer
/// than all the rest.
///
/// # Errors
/// If the kernel does not run the program.
pub(super) fn fill_free_slots(ebpf: &mut Ebpf, slots: u32) -> anyhow::Result<()> {
    let program = filter(ebpf, "fill_free_slots")?;
    program
        .load()
        .context("cannot load what fills the free slots")?;
    let runs = slots.div_ceil(SLOTS_A_RUN) + 1;
    let filled = run(program, runs).context("cannot fill the free slots")?;
    anyhow::ensure!(filled == 1, "the free slots could not all be filled");
    Ok(program.unload()?)
}

fn filter<'a>(ebpf: &'a mut Ebpf, name: &str) -> anyhow::Result<&'a mut SocketFilter> {
    let program = ebpf.program_mut(name);
    Ok(program.context("not in the object")?.try_into()?)
}

/// Runs a program so many times, and returns what the last run returned. A signal may interrupt
/// several runs; both programs go on where they were.
fn run(program: &SocketFilter, times: u32) -> anyhow::Result<u32> {
    loop {
        let ran = program.test_run(TestRunOptions {
            // The kernel wants a packet as long as an Ethernet header, which nobody looks at.
            data_in: Some(&[0; 64]),
            repeat: times,
            ..TestRunOptions::default()
        });
        match ran {
            Ok(ran) => return Ok(ran.return_value),
            Err(ProgramError::SyscallError(error))
                if error.io_error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_waits_for_the_next_run() {
        let mut waiting = vec![1, 2, 3, 4, 5];
        let mut room = [0; 3];
        assert_eq!(move_to(&mut room, &mut waiting), 3);
        assert_eq!((room, waiting.as_slice()), ([3, 4, 5], &[1, 2][..]));
        assert_eq!(move_to(&mut room, &mut waiting), 2);
        assert_eq!(room[..2], [1, 2]);
        assert_eq!(move_to(&mut room, &mut waiting), 0);
    }
}
