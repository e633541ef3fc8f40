//! Attaches the programs of a limit where packets pass: by tcx, or by filters.

use std::fs::File;
use std::io;

use netperf_sys::bpf::{LimitPrograms, Point};
use netperf_sys::netlink::{self, Side};

use super::filters::Filters;
use super::{LimitError, Way};

/// How the programs are attached.
#[derive(Debug)]
pub(super) enum Hooks {
    /// By tcx: they go with their descriptors.
    Tcx,
    /// By filters, which have to be removed.
    Filters(Filters),
}

impl Hooks {
    /// Prepares the attachments.
    ///
    /// # Errors
    ///
    /// Something could be left behind.
    pub(super) fn begin(way: Way, target_netns: &File, id: u8) -> Result<Self, LimitError> {
        match way {
            Way::Tcx => Ok(Self::Tcx),
            Way::Clsact => {
                let filters = Filters::begin(target_netns, id).map_err(anyhow::Error::from)?;
                Ok(Self::Filters(filters))
            }
        }
    }

    /// How packets are intercepted.
    pub(super) fn way(&self) -> Way {
        match self {
            Self::Tcx => Way::Tcx,
            Self::Filters(_) => Way::Clsact,
        }
    }

    /// Attaches a program to an interface of the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub(super) fn attach(
        &self,
        programs: &mut LimitPrograms,
        point: Point,
        name: &str,
        index: u32,
    ) -> io::Result<()> {
        if point.is_at_queue() {
            // Our own interfaces take their filters with them, and a filter is there at once: tcx waits until
            // every processor has taken notice (`tcx_entry_sync`), 10 ms each time.
            let put = put_at_queue(programs, point, index);
            if put.is_ok() || self.way() == Way::Clsact {
                return put;
            }
        }
        match self {
            Self::Tcx => programs
                .attach(point, name, index)
                .map_err(io::Error::other),
            Self::Filters(filters) => {
                let program = programs.descriptor(point).map_err(io::Error::other)?;
                filters.add(index, side(point), program)
            }
        }
    }

    /// Stops intercepting packets of the processes; the queue goes on.
    ///
    /// # Errors
    ///
    /// The kernel refuses.
    pub(super) fn let_go(&self, programs: &mut LimitPrograms) -> anyhow::Result<()> {
        match self {
            Self::Tcx => programs.let_go(),
            Self::Filters(filters) => Ok(filters.remove()?),
        }
    }
}

/// Adds a filter to an interface that was made for a queue.
fn put_at_queue(programs: &mut LimitPrograms, point: Point, index: u32) -> io::Result<()> {
    let program = programs.descriptor(point).map_err(io::Error::other)?;
    netlink::add_clsact(index)?;
    netlink::add_filter(index, side(point), "netperf-trace queue", program)
}

fn side(point: Point) -> Side {
    if point.sees_leaving() {
        Side::Leaves
    } else {
        Side::Arrives
    }
}
