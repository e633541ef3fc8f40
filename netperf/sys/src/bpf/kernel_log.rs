//! Lines that the kernel side logs about hooks that could not decide, into the logger of this program.
//!
//! With `-vv` alone. Otherwise the programs are loaded without the code that writes them.

use anyhow::Context as _;
use aya::Ebpf;
use aya_log::EbpfLogger;
use log::Log;
use netperf_common::kernel::LOG_TARGET;

use super::control_page::Control;

/// Lines that the kernel side may log in a tick: what goes wrong may go wrong for each packet.
const LINES_A_TICK: u16 = 32;

/// Room for lines on their way: more than a tick may write.
const RING_BYTES: u32 = 128 << 10;

/// Whether anybody reads such lines.
pub(super) fn is_wanted() -> bool {
    log::log_enabled!(target: LOG_TARGET, log::Level::Debug)
}

/// Size of the ring buffer `AYA_LOGS`; where nobody reads it, the smallest that the kernel makes.
pub(super) fn ring_bytes() -> u32 {
    if is_wanted() { RING_BYTES } else { 1 }
}

/// Lines on their way to the logger.
pub(super) struct KernelLog {
    reader: Option<EbpfLogger<&'static dyn Log>>,
}

impl KernelLog {
    /// Reads what the programs of this object log, if anybody wants it.
    ///
    /// # Errors
    /// If the object has no ring buffer for it.
    pub(super) fn open(ebpf: &mut Ebpf) -> anyhow::Result<Self> {
        let open = || EbpfLogger::init(ebpf).context("the object has no log");
        let reader = is_wanted().then(open).transpose()?;
        Ok(Self { reader })
    }

    /// Hands over what has come.
    pub(super) fn flush(&mut self) {
        if let Some(reader) = &mut self.reader {
            reader.flush();
        }
    }

    /// A tick begins, in which there may be as many lines again.
    pub(super) fn begin_tick(&mut self, control: &mut Control) {
        if self.reader.is_some() {
            self.flush();
            let left_out = control.make_log_room(LINES_A_TICK);
            if left_out > 0 {
                log::debug!(target: LOG_TARGET, "{left_out} more lines in this tick");
            }
        }
    }
}
