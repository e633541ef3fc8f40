//! Opens the kernel side: loads the object, and attaches the first set of hooks that the kernel accepts.

use std::io::Read as _;

use anyhow::Context as _;
use aya::maps::MapType;
use aya::programs::Iter;
use aya::sys::{SyscallError, is_map_supported};
use aya::{Ebpf, Endianness};
use netperf_core::collect::{HookKind, Provenance};
use netperf_core::sample::losses::DropReason;
use netperf_core::sample::socket::Unseen;
use netperf_core::text::chain;

use super::attach::{self, Kernel, Refused, Types};
use super::btf::Btf;
use super::control_page::{Control, fill_free_slots};
use super::error::OpenError;
use super::hooks::{HookSet, Memory, NO_BTF, REFUSED, SETS};
use super::kernel_log::KernelLog;
use super::links::TracepointLinks;
use super::load::{Loaded, Records, load};
use super::request::Request;
use super::slots::Slots;

/// Bytes from which on the allocator takes pages for a table alone, and gives them back with it.
const LARGE: i32 = 128 << 10;

/// A kernel side that counts.
pub(super) struct Opened {
    pub(super) ebpf: Ebpf,
    pub(super) slots: Slots,
    pub(super) control: Control,
    pub(super) log: KernelLog,
    pub(super) links: TracepointLinks,
    pub(super) set: HookSet,
    pub(super) provenance: Provenance,
    /// Numbers of the reasons for which packets are thrown away.
    pub(super) drop_numbers: Vec<(u16, DropReason)>,
}

impl Opened {
    /// Detaches every program; those at tracepoints may still run for a while.
    pub(super) fn detach(&mut self) {
        self.links.close();
        attach::detach(&mut self.ebpf, &self.set);
    }

    /// A tick begins for what the kernel side logs.
    pub(super) fn begin_log_tick(&mut self) {
        self.log.begin_tick(&mut self.control);
    }
}

/// What the running kernel tells about itself.
struct Machine<'a> {
    /// Its types, or why it does not show them.
    types: Result<Types<'a>, String>,
    request: &'a Request<'a>,
    /// Version of the kernel.
    release: (u32, u32),
}

/// Loads the object and attaches the first set of hooks that the kernel accepts.
pub(super) fn open(request: &Request<'_>) -> Result<Opened, OpenError> {
    on_this_machine(request, open_first)
}

/// The same for the first set that counts what is refused.
pub(super) fn open_refused(request: &Request<'_>) -> Result<Opened, OpenError> {
    on_this_machine(request, |machine| {
        if let Err(without) = &machine.types {
            let without = without.clone();
            return Err(OpenError::NoEvents { without });
        }
        let first = machine.first_of(REFUSED)?;
        first.map_err(|tried| OpenError::NoHooks { tried })
    })
}

/// Loads and attaches each wanted set in turn, and detaches it before the next.
pub(super) fn try_sets(request: &Request<'_>) -> Result<Vec<(HookKind, Tried)>, OpenError> {
    on_this_machine(request, |machine| {
        let wanted = SETS.iter().filter(|set| machine.would_use(set));
        let Err(without) = &machine.types else {
            return Ok(wanted.map(|set| (set.kind, machine.try_set(set))).collect());
        };
        Ok(wanted
            .map(|set| match set.kind {
                HookKind::Kprobe => (set.kind, machine.try_set(&NO_BTF)),
                HookKind::Tracepoint | HookKind::Fentry => (set.kind, Err(without.clone())),
            })
            .collect())
    })
}

/// What a set counts, or why it can't.
type Tried = Result<Provenance, String>;

fn on_this_machine<T>(
    request: &Request<'_>,
    act: impl FnOnce(&Machine<'_>) -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    keep_large_tables_apart();
    require_ring_buffer(is_map_supported(MapType::RingBuf))?;
    let release = request.procfs.kernel_version();
    let path = request.procfs.btf_path();
    let data = match std::fs::read(&path) {
        Ok(data) => data,
        Err(error) => {
            let path = path.display();
            let without = format!("this kernel has no type information (`{path}`: {error})");
            return act(&Machine {
                types: Err(without),
                request,
                release,
            });
        }
    };
    let btf = Btf::parse(&data)?;
    let aya_btf = aya::Btf::parse(&data, Endianness::default())
        .context("aya can't read the kernel's type information")
        .map_err(OpenError::Load)?;
    let machine = Machine {
        types: Ok(Types {
            btf: &btf,
            aya_btf: &aya_btf,
        }),
        request,
        release,
    };
    let done = act(&machine);
    drop((btf, aya_btf));
    drop(data);
    return_freed_memory();
    done
}

/// What the trial said: a kernel that does not know the kind says no; other failures (no rights, no
/// memory) are told as such when the tables are made.
fn require_ring_buffer(trial: Result<bool, SyscallError>) -> Result<(), OpenError> {
    match trial {
        Ok(false) => Err(OpenError::NoRingBuffer),
        Ok(true) => Ok(()),
        Err(error) => {
            log::debug!("cannot try to make a ring buffer: {error}");
            Ok(())
        }
    }
}

/// From now on the allocator gives the memory of large tables back when they are outgrown.
fn keep_large_tables_apart() {
    #![expect(unsafe_code, reason = "a call of the C library without a safe wrapper")]
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers and may be called at any time.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// What parsing the kernel's types took is megabytes, which the allocator would keep.
fn return_freed_memory() {
    #![expect(unsafe_code, reason = "a call of the C library without a safe wrapper")]
    #[cfg(target_env = "gnu")]
    // SAFETY: takes no pointers and may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

fn open_first(machine: &Machine<'_>) -> Result<Opened, OpenError> {
    let no_btf = [NO_BTF];
    if let Err(without) = &machine.types
        && machine.request.wants_more_than_bytes()
    {
        let without = without.clone();
        return Err(OpenError::NoEvents { without });
    }
    let sets = match machine.types {
        Ok(_) => SETS,
        Err(_) => &no_btf,
    };
    let mut tried = match machine.first_of(sets)? {
        Ok(opened) => return Ok(opened),
        Err(tried) => tried,
    };
    Err(match &machine.types {
        Ok(_) => OpenError::NoHooks { tried },
        Err(without) => {
            if tried.is_empty() {
                tried.push_str(" only those of `--hooks kprobe` do");
            }
            let without = without.clone();
            OpenError::NoBtf { without, tried }
        }
    })
}

impl Machine<'_> {
    /// Whether a set is of a wanted kind, and worth trying on this kernel.
    fn would_use(&self, set: &HookSet) -> bool {
        let is_worth = set.from.is_none_or(|from| self.release >= from);
        is_worth && self.request.hooks.accepts(set.kind)
    }

    /// The first of these sets that the kernel accepts, or what was tried and what it said.
    fn first_of(&self, sets: &[HookSet]) -> Result<Result<Opened, String>, OpenError> {
        let mut tried = String::new();
        for set in sets.iter().filter(|set| self.would_use(set)) {
            match self.open_set(set)? {
                Ok(opened) => return Ok(Ok(opened)),
                Err(refused) => {
                    tried.extend(["\n  ", set.kind.word(), ": ", &refused.to_string()]);
                }
            }
        }
        Ok(Err(tried))
    }

    fn try_set(&self, set: &HookSet) -> Tried {
        match self.open_set(set) {
            Ok(Ok(opened)) => Ok(opened.provenance),
            Ok(Err(refused)) => Err(refused.to_string()),
            Err(error) => Err(chain(&error)),
        }
    }

    /// Attaches one set, and notes what was open before.
    fn open_set(&self, set: &HookSet) -> Result<Result<Opened, Refused>, OpenError> {
        if self.types.is_err() && !self.request.procfs.is_in_initial_pid_namespace() {
            return Ok(Err(Refused {
                what: "processes",
                why: "they are numbered as in the initial pid namespace, and this is another"
                    .to_owned(),
            }));
        }
        let types = self.types.as_ref().ok().copied();
        let records = Records::read(set.reads, self.request.procfs);
        let Loaded {
            mut ebpf,
            drop_numbers,
        } = load(self.request, types, set, records.as_ref().ok())?;
        let (slots, control) = take_tables(&mut ebpf).map_err(OpenError::Load)?;
        if let Some(types) = types
            && let Err(error) = iterate(&mut ebpf, types, "task", "iter_own_namespace")
        {
            log::warn!("processes are numbered as in the initial pid namespace: {error:#}");
        }
        let kernel = Kernel {
            types,
            no_records: records.as_ref().err().map(String::as_str),
            request: self.request,
        };
        let (mut provenance, links) = match attach::attach(&mut ebpf, set, &kernel) {
            Ok(attached) => attached,
            Err(refused) => return Ok(Err(refused)),
        };
        match &self.types {
            Ok(types) => note_positions(&mut ebpf, *types, set.memory),
            Err(without) => provenance.unavailable.extend(unseen(set, without)),
        }
        Ok(Ok(Opened {
            log: KernelLog::open(&mut ebpf).map_err(OpenError::Load)?,
            ebpf,
            slots,
            control,
            links,
            set: *set,
            provenance,
            drop_numbers,
        }))
    }
}

/// What a set can't see on any kernel.
fn unseen(set: &HookSet, why: &str) -> impl Iterator<Item = Unseen> {
    set.unseen.iter().map(move |what| Unseen {
        what: (*what).to_owned(),
        why: why.to_owned(),
    })
}

/// Notes the positions of sockets that are open. Without, what such a socket receives first is counted
/// as `unread`.
fn note_positions(ebpf: &mut Ebpf, types: Types<'_>, memory: Memory) {
    let Some(program) = memory.positions() else {
        return;
    };
    if let Err(error) = iterate(ebpf, types, "task_file", program) {
        log::warn!("cannot look at the sockets that were open before: {error:#}");
    }
}

/// Lets an iterator run over everything of its kind.
fn iterate(ebpf: &mut Ebpf, types: Types<'_>, kind: &str, program: &str) -> anyhow::Result<()> {
    let program = ebpf.program_mut(program).context("not in the object")?;
    let program: &mut Iter = program.try_into()?;
    program.load(kind, types.aya_btf)?;
    let link = program.attach()?;
    let mut nothing = Vec::new();
    program
        .take_link(link)?
        .into_file()?
        .read_to_end(&mut nothing)?;
    Ok(())
}

/// The tables that user space has to do with, ready for use.
fn take_tables(ebpf: &mut Ebpf) -> anyhow::Result<(Slots, Control)> {
    let mut take = |name: &str| {
        ebpf.take_map(name)
            .with_context(|| format!("the object has no `{name}`"))
    };
    let (slots, page) = (take("SLOTS")?, take("CONTROL")?);
    let slots = Slots::open(slots)?;
    fill_free_slots(ebpf, slots.count())?;
    Ok((slots, Control::open(ebpf, page)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kernel_that_says_no_lacks_the_ring_buffer() {
        let error = require_ring_buffer(Ok(false)).unwrap_err();
        assert!(error.to_string().contains("5.8"), "{error}");
        assert!(require_ring_buffer(Ok(true)).is_ok());
        let refused = SyscallError {
            call: "bpf_map_create",
            io_error: std::io::Error::from_raw_os_error(libc::EPERM),
        };
        assert!(require_ring_buffer(Err(refused)).is_ok());
    }
}
