//! The cost of hooks: attaches empty programs, and prints how long programs ran.
//!
//! `hooks [--empty OBJECT [--path SET]] [--stats]` prints `ready`, and for each line on stdin one JSON line
//! of all programs in the kernel. When it ends, everything is detached and switched off.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use aya::programs::{
    BtfTracePoint, CgroupAttachMode, CgroupSock, FEntry, KProbe, Program, TracePoint,
    loaded_programs,
};
use aya::sys::{Stats, enable_stats};
use aya::{Btf, Ebpf};
use clap::Parser;
use serde_json::{Value, json};

/// Tracepoints and the programs of `netperf-ebpf/src/empty.rs` for them.
const TRACEPOINTS: [(&str, &str); 6] = [
    ("sock_send_length", "empty_send"),
    ("sock_recv_length", "empty_recv"),
    ("tcp_rcv_space_adjust", "empty_adjust"),
    ("inet_sock_set_state", "empty_state"),
    ("tcp_retransmit_skb", "empty_retrans"),
    ("tcp_destroy_sock", "empty_close"),
];

/// How a program is attached, where, and which.
type Attachment = (Attach, &'static str, &'static str);

/// The hooks that a request and its answer pass in each set.
const ON_THE_PATH: [(&str, &[Attachment]); 4] = [
    (
        "tracepoint",
        &[
            (Attach::TpBtf, "sock_send_length", "empty_send"),
            (Attach::TpBtf, "sock_recv_length", "empty_recv"),
            (Attach::TpBtf, "tcp_rcv_space_adjust", "empty_adjust"),
        ],
    ),
    (
        "record",
        &[
            (Attach::Record, "sock/sock_send_length", "empty_record"),
            (Attach::Record, "sock/sock_recv_length", "empty_record"),
            (Attach::Record, "tcp/tcp_rcv_space_adjust", "empty_record"),
        ],
    ),
    (
        "fentry",
        &[
            (Attach::Fentry, "tcp_sendmsg_locked", "empty_fentry_sends"),
            (Attach::Fentry, "release_sock", "empty_fentry_released"),
            (Attach::Fentry, "tcp_cleanup_rbuf", "empty_fentry_taken"),
        ],
    ),
    (
        "kprobe",
        &[
            (Attach::Kprobe, "tcp_sendmsg_locked", "empty_kprobe"),
            (Attach::Kprobe, "release_sock", "empty_kprobe"),
            (Attach::Kprobe, "tcp_cleanup_rbuf", "empty_kprobe"),
        ],
    ),
];

/// How an empty program is attached.
#[derive(Clone, Copy)]
enum Attach {
    TpBtf,
    Record,
    Fentry,
    Kprobe,
}

#[derive(Parser)]
struct Cli {
    /// Attach the empty programs of this object
    #[arg(long)]
    empty: Option<PathBuf>,
    /// Only at the hooks that a request and its answer pass in this set
    #[arg(long, value_name = "SET", requires = "empty")]
    path: Option<String>,
    /// Let the kernel measure how long programs run, which costs time itself
    #[arg(long)]
    stats: bool,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "hooks: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let _attached = match (&cli.empty, &cli.path) {
        (Some(object), Some(set)) => Some(attach_on_path(object, set)?),
        (Some(object), None) => Some(attach_all(object)?),
        (None, _) => None,
    };
    let _measuring = cli
        .stats
        .then(|| enable_stats(Stats::RunTime))
        .transpose()?;
    writeln!(io::stdout(), "ready")?;
    for line in io::stdin().lines() {
        line?;
        writeln!(io::stdout(), "{}", programs()?)?;
    }
    Ok(())
}

/// Every hook of the tracepoint set.
fn attach_all(object: &Path) -> Result<Ebpf> {
    let mut ebpf = Ebpf::load_file(object)?;
    let btf = Btf::from_sys_fs()?;
    for (tracepoint, name) in TRACEPOINTS {
        attach(&mut ebpf, &btf, Attach::TpBtf, tracepoint, name)?;
    }
    let program: &mut CgroupSock = program(&mut ebpf, "empty_release")?.try_into()?;
    program.load()?;
    program.attach(root_cgroup()?, CgroupAttachMode::Single)?;
    Ok(ebpf)
}

fn attach_on_path(object: &Path, set: &str) -> Result<Ebpf> {
    let found = ON_THE_PATH.iter().find(|(name, _)| *name == set);
    let (_, hooks) = found.with_context(|| format!("no set is called `{set}`"))?;
    let mut ebpf = Ebpf::load_file(object)?;
    let btf = Btf::from_sys_fs()?;
    for &(how, symbol, name) in *hooks {
        attach(&mut ebpf, &btf, how, symbol, name)
            .with_context(|| format!("`{name}` at `{symbol}`"))?;
    }
    Ok(ebpf)
}

fn attach(ebpf: &mut Ebpf, btf: &Btf, how: Attach, symbol: &str, name: &str) -> Result<()> {
    let program = program(ebpf, name)?;
    let is_loaded = program.fd().is_ok();
    match how {
        Attach::TpBtf => {
            let program: &mut BtfTracePoint = program.try_into()?;
            program.load(symbol, btf)?;
            program.attach()?;
        }
        Attach::Fentry => {
            let program: &mut FEntry = program.try_into()?;
            program.load(symbol, btf)?;
            program.attach()?;
        }
        Attach::Kprobe => {
            let program: &mut KProbe = program.try_into()?;
            if !is_loaded {
                program.load()?;
            }
            program.attach(symbol, 0)?;
        }
        Attach::Record => {
            let program: &mut TracePoint = program.try_into()?;
            if !is_loaded {
                program.load()?;
            }
            let (category, name) = symbol.split_once('/').context("no category")?;
            program.attach(category, name)?;
        }
    }
    Ok(())
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Program> {
    ebpf.program_mut(name)
        .with_context(|| format!("the object has no `{name}`"))
}

/// The root of cgroup v2, where systemd mounts it beside v1 or alone.
fn root_cgroup() -> io::Result<File> {
    File::open("/sys/fs/cgroup/unified").or_else(|_| File::open("/sys/fs/cgroup"))
}

/// All programs but those that end while they are listed.
fn programs() -> Result<Value> {
    let programs = loaded_programs().filter_map(Result::ok).map(|program| {
        Ok(json!({
            "id": program.id(),
            "name": program.name_as_str(),
            "run_time_ns": u64::try_from(program.run_time().as_nanos())?,
            "run_count": program.run_count(),
        }))
    });
    programs.collect()
}
