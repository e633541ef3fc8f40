//! What does a hook cost? Attaches empty programs, and tells how long programs ran.
//!
//! `hooks [--empty OBJECT] [--stats]` says `ready`; each line on stdin is answered with one JSON
//! line of all programs in the kernel. What it attached and switched on ends with it.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use aya::programs::{BtfTracePoint, CgroupAttachMode, CgroupSock, loaded_programs};
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

#[derive(Parser)]
struct Cli {
    /// Attach the empty programs of this object
    #[arg(long)]
    empty: Option<PathBuf>,
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
    let _attached = cli.empty.as_deref().map(attach).transpose()?;
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

fn attach(object: &Path) -> Result<Ebpf> {
    let mut ebpf = Ebpf::load_file(object)?;
    let btf = Btf::from_sys_fs()?;
    for (tracepoint, name) in TRACEPOINTS {
        let program: &mut BtfTracePoint = ebpf
            .program_mut(name)
            .with_context(|| format!("the object has no `{name}`"))?
            .try_into()?;
        program.load(tracepoint, &btf)?;
        program.attach()?;
    }
    let program: &mut CgroupSock = ebpf
        .program_mut("empty_release")
        .context("the object has no `empty_release`")?
        .try_into()?;
    program.load()?;
    program.attach(root_cgroup()?, CgroupAttachMode::Single)?;
    Ok(ebpf)
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
