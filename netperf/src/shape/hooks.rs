//! How do the programs of a limit get at packets? As the kernel allows: by tcx, or by filters.

use std::fs::File;
use std::io;

use super::filters::Filters;
use super::{LimitError, Way};
use crate::bpf::{LimitPrograms, Point};
use crate::netlink::{self, Side};

/// A way that was taken.
#[derive(Debug)]
pub(super) enum Hooks {
    /// They go with their descriptors.
    Tcx,
    /// They have to be removed.
    Filters(Filters),
}

impl Hooks {
    /// Prepares a limit.
    ///
    /// # Errors
    /// When something could be left behind.
    pub(super) fn begin(way: Way, there: &File, id: u8) -> Result<Self, LimitError> {
        match way {
            Way::Tcx => Ok(Self::Tcx),
            Way::Clsact => {
                let filters = Filters::begin(there, id).map_err(anyhow::Error::from)?;
                Ok(Self::Filters(filters))
            }
        }
    }

    /// How packets are held up.
    pub(super) fn way(&self) -> Way {
        match self {
            Self::Tcx => Way::Tcx,
            Self::Filters(_) => Way::Clsact,
        }
    }

    /// Lets a program look at the packets of an interface of the calling thread's network namespace.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn attach(
        &self,
        programs: &mut LimitPrograms,
        point: Point,
        name: &str,
        index: u32,
    ) -> io::Result<()> {
        let Self::Filters(filters) = self else {
            return programs
                .attach(point, name, index)
                .map_err(io::Error::other);
        };
        let program = programs.descriptor(point).map_err(io::Error::other)?;
        let side = match point {
            Point::Leaves | Point::LeavesBare => Side::Leaves,
            Point::Arrives | Point::ArrivesBare | Point::Left | Point::Arrived | Point::Turns => {
                Side::Arrives
            }
        };
        if point.is_at_queue() {
            netlink::add_clsact(index)?;
            return netlink::add_filter(index, side, "netperf-trace queue", program);
        }
        filters.add(index, side, program)
    }

    /// No longer looks at the packets of the processes; the queue goes on.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(super) fn let_go(&self, programs: &mut LimitPrograms) -> anyhow::Result<()> {
        match self {
            Self::Tcx => programs.let_go(),
            Self::Filters(filters) => Ok(filters.remove()?),
        }
    }
}
