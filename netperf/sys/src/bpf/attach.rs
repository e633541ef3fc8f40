//! Which hooks does this kernel accept? Found out by trying, never by version.

use std::io;

use anyhow::Context as _;
use aya::Ebpf;
use aya::programs::trace_point::TracePointLink;
use aya::programs::{
    BtfTracePoint, CgroupAttachMode, CgroupSock, FEntry, FExit, KProbe, Program, ProgramError,
    TracePoint,
};
use netperf_core::collect::{AttachedHook, Provenance};
use netperf_core::sample::socket::Unseen;

use super::btf::Btf;
use super::hooks::{Attach, Attachment, Hook, HookSet, Need};
use super::links::TracepointLinks;
use super::request::Request;
use crate::procfs::with_tracefs;

/// What attaching needs to know about the machine.
#[derive(Debug)]
pub(super) struct Kernel<'a> {
    /// Types, where the kernel shows them.
    pub(super) types: Option<Types<'a>>,
    /// Why the records of tracepoints can't be used, where a set has use for them.
    pub(super) no_records: Option<&'a str>,
    /// What is wanted.
    pub(super) request: &'a Request<'a>,
}

/// The kernel's own types.
#[derive(Clone, Copy, Debug)]
pub(super) struct Types<'a> {
    /// As this crate reads them.
    pub(super) btf: &'a Btf<'a>,
    /// As aya reads them.
    pub(super) aya_btf: &'a aya::Btf,
}

impl<'a> Kernel<'a> {
    fn aya_btf(&self) -> anyhow::Result<&'a aya::Btf> {
        let types = self.types.context("the kernel shows no types")?;
        Ok(types.aya_btf)
    }

    /// Whether `error` comes from the kernel's not having `symbol` at all.
    fn lacks(&self, symbol: &str, error: &anyhow::Error) -> bool {
        match self.types {
            Some(types) => types.btf.parameter_count(symbol).is_none(),
            None => error
                .chain()
                .filter_map(|cause| cause.downcast_ref::<io::Error>())
                .any(|cause| cause.kind() == io::ErrorKind::NotFound),
        }
    }
}

/// Why a whole set can't be used.
#[derive(Debug, thiserror::Error)]
#[error("`{what}`: {why}")]
pub(super) struct Refused {
    /// What could not be counted.
    pub(super) what: &'static str,
    /// Each attachment that was tried, and what the kernel said.
    pub(super) why: String,
}

/// Attaches a set as a whole, or detaches what was attached of it.
///
/// # Errors
/// [`Refused`] names the first required hook that the kernel did not accept.
pub(super) fn attach(
    ebpf: &mut Ebpf,
    set: &HookSet,
    kernel: &Kernel<'_>,
) -> Result<(Provenance, TracepointLinks), Refused> {
    let mut provenance = Provenance::default();
    let mut links = TracepointLinks::default();
    let is_asked_for = |hook: &&Hook| kernel.request.asks(hook.asked);
    for hook in set.all().filter(is_asked_for) {
        match attach_hook(ebpf, &mut links, hook, kernel) {
            Ok(attached) => provenance
                .hooks
                .extend(hook.counts.iter().map(|name| AttachedHook {
                    name,
                    attach: describe(attached),
                })),
            Err(Unmet { why, is_absent }) => match hook.need {
                Need::Required => {
                    detach(ebpf, set);
                    return Err(Refused {
                        what: hook.counts.first().unwrap_or(&"hook"),
                        why,
                    });
                }
                Need::IfPresent if is_absent => log::debug!("not in this kernel: {why}"),
                Need::Wanted | Need::IfPresent => provenance.unavailable.push(Unseen {
                    what: hook.without.to_owned(),
                    why,
                }),
            },
        }
    }
    Ok((provenance, links))
}

/// Detaches every program of a set, but for those at [`TracepointLinks`].
pub(super) fn detach(ebpf: &mut Ebpf, set: &HookSet) {
    for attachment in set
        .all()
        .flat_map(|hook| hook.alternatives.iter().copied().flatten())
    {
        if let Some(program) = ebpf.program_mut(attachment.program)
            && let Err(error) = unload(program)
        {
            log::debug!("`{}` was not attached: {error}", attachment.program);
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a foreign list of thirty kinds, of which the sets use five beside tracepoints"
)]
fn unload(program: &mut Program) -> Result<(), ProgramError> {
    match program {
        Program::BtfTracePoint(program) => program.unload(),
        Program::FEntry(program) => program.unload(),
        Program::FExit(program) => program.unload(),
        Program::KProbe(program) => program.unload(),
        Program::CgroupSock(program) => program.unload(),
        _ => Ok(()),
    }
}

/// Why none of a hook's alternatives is attached.
struct Unmet {
    /// Each of them, and what it met.
    why: String,
    /// The kernel has none of the functions and tracepoints in question.
    is_absent: bool,
}

/// Tries the alternatives in their order.
fn attach_hook(
    ebpf: &mut Ebpf,
    links: &mut TracepointLinks,
    hook: &Hook,
    kernel: &Kernel<'_>,
) -> Result<&'static [Attachment], Unmet> {
    let mut met = Vec::new();
    let mut is_absent = true;
    for attachments in hook.alternatives {
        let outcome = attachments.iter().try_for_each(|attachment| {
            attach_one(ebpf, links, attachment, kernel).map_err(|error| (attachment, error))
        });
        match outcome {
            Ok(()) => return Ok(attachments),
            Err((attachment, error)) => {
                is_absent &= kernel.lacks(attachment.symbol, &error);
                met.push(format!(
                    "{}: {error:#}",
                    describe(std::slice::from_ref(attachment))
                ));
            }
        }
    }
    Err(Unmet {
        why: met.join("; "),
        is_absent,
    })
}

fn describe(attachments: &[Attachment]) -> String {
    let mut words: Vec<_> = attachments
        .iter()
        .map(|attachment| format!("{}/{}", attachment.attach.word(), attachment.symbol))
        .collect();
    words.dedup();
    words.join(" + ")
}

fn attach_one(
    ebpf: &mut Ebpf,
    links: &mut TracepointLinks,
    attachment: &Attachment,
    kernel: &Kernel<'_>,
) -> anyhow::Result<()> {
    check_parameters(attachment, kernel)?;
    let program = ebpf
        .program_mut(attachment.program)
        .context("not in the object")?;
    match attachment.attach {
        Attach::TpBtf => {
            let program: &mut BtfTracePoint = program.try_into()?;
            let aya_btf = kernel.aya_btf()?;
            load_once(program.fd().is_ok(), || {
                program.load(attachment.symbol, aya_btf)
            })?;
            program.attach()?;
        }
        Attach::Fentry => {
            let program: &mut FEntry = program.try_into()?;
            let aya_btf = kernel.aya_btf()?;
            load_once(program.fd().is_ok(), || {
                program.load(attachment.symbol, aya_btf)
            })?;
            program.attach()?;
        }
        Attach::Fexit => {
            let program: &mut FExit = program.try_into()?;
            let aya_btf = kernel.aya_btf()?;
            load_once(program.fd().is_ok(), || {
                program.load(attachment.symbol, aya_btf)
            })?;
            program.attach()?;
        }
        Attach::Kprobe | Attach::Kretprobe => {
            let program: &mut KProbe = program.try_into()?;
            load_once(program.fd().is_ok(), || program.load())?;
            program.attach(attachment.symbol, 0)?;
        }
        Attach::Tracepoint => {
            links.push(attach_with_record(
                program.try_into()?,
                attachment.symbol,
                kernel,
            )?);
        }
        Attach::Cgroup => {
            let root = kernel
                .request
                .cgroup_root
                .context("no cgroup v2 hierarchy is mounted")?;
            let program: &mut CgroupSock = program.try_into()?;
            load_once(program.fd().is_ok(), || program.load())?;
            // A link is always one of several; the kernel refuses to be told so.
            program.attach(root, CgroupAttachMode::Single)?;
        }
    }
    Ok(())
}

/// Fails where a function has other parameters than its program reads.
fn check_parameters(attachment: &Attachment, kernel: &Kernel<'_>) -> anyhow::Result<()> {
    let Some(wanted) = attachment.parameters else {
        return Ok(());
    };
    let types = kernel.types.context("the kernel shows no types")?;
    let found = types.btf.parameter_count(attachment.symbol);
    anyhow::ensure!(
        found == Some(wanted),
        "has not {wanted} parameters but {found:?}"
    );
    Ok(())
}

fn attach_with_record(
    program: &mut TracePoint,
    symbol: &str,
    kernel: &Kernel<'_>,
) -> anyhow::Result<TracePointLink> {
    if let Some(why) = kernel.no_records {
        anyhow::bail!("{why}");
    }
    let named = symbol.split_once('/');
    let (category, name) = named.context("a tracepoint without a category")?;
    load_once(program.fd().is_ok(), || program.load())?;
    let link = with_tracefs(|| program.attach(category, name)).context("no tracefs")??;
    Ok(program.take_link(link)?)
}

/// A program that serves several symbols is loaded once.
fn load_once(loaded: bool, load: impl FnOnce() -> Result<(), ProgramError>) -> anyhow::Result<()> {
    if loaded {
        return Ok(());
    }
    let error = match load() {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let ProgramError::LoadError {
        io_error,
        verifier_log,
    } = error
    else {
        return Err(error.into());
    };
    // The verifier's log is for developers; what the kernel said fits in a line.
    log::debug!("verifier: {verifier_log}");
    Err(anyhow::anyhow!("the kernel refused to load it: {io_error}"))
}
