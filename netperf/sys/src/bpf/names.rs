//! Which packets of DNS do the sockets of this machine send and receive? Programs at the root of the
//! cgroups.

use std::fs::File;

use anyhow::Context as _;
use aya::maps::{Array, MapData, RingBuf};
use aya::programs::{CgroupAttachMode, CgroupSkb, CgroupSkbAttachType};
use aya::{Ebpf, EbpfLoader};
use bytes::Buf as _;
use netperf_common::flow::Owner;
use netperf_common::names::{COPIED, NameFacts, NamePacket};

use super::btf::Btf;
use crate::procfs::Procfs;

/// The programs, compiled by build.rs.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("NETPERF_NAMES_OBJECT"));

/// The programs, and where each is attached. What sees answers comes first: a question whose answer nobody saw
/// would count as lost.
const PROGRAMS: [(&str, CgroupSkbAttachType); 2] = [
    ("names_ingress", CgroupSkbAttachType::Ingress),
    ("names_egress", CgroupSkbAttachType::Egress),
];

/// The programs, attached. They go with this.
pub struct NamePackets {
    _ebpf: Ebpf,
    ring: RingBuf<MapData>,
    lost: Array<MapData, u64>,
}

impl NamePackets {
    /// Begins to look at packets of every socket below the topmost cgroup that can be seen.
    ///
    /// # Errors
    /// When the kernel refuses, shows no types, or has no cgroup v2.
    pub fn open(procfs: &Procfs) -> anyhow::Result<Self> {
        let path = procfs.btf_path();
        let shown = path.display();
        let data = std::fs::read(&path)
            .with_context(|| format!("this kernel shows no type information (`{shown}`)"))?;
        let facts = facts(&Btf::parse(&data)?)?;
        let cgroups = procfs.cgroups();
        let root = cgroups.root().context(
            "no cgroup v2 hierarchy is mounted, at which packets of all sockets are seen",
        )?;
        let root = File::open(root).context("can't open the root of the cgroups")?;
        let mut ebpf = EbpfLoader::new()
            .override_global("NAME_FACTS", &facts, true)
            .load(OBJECT)
            .context("cannot make the tables")?;
        for (name, point) in PROGRAMS {
            let program = ebpf.program_mut(name);
            let program: &mut CgroupSkb = program
                .with_context(|| format!("no program `{name}`"))?
                .try_into()?;
            program
                .load()
                .with_context(|| format!("cannot load `{name}`"))?;
            // A link is always one of several; the kernel refuses to be told so.
            program
                .attach(&root, point, CgroupAttachMode::Single)
                .with_context(|| format!("cannot attach `{name}` to the cgroups"))?;
        }
        let mut table = |name| {
            ebpf.take_map(name)
                .with_context(|| format!("no table `{name}`"))
        };
        let (ring, lost) = (table("PACKETS")?, table("LOST")?);
        Ok(Self {
            ring: ring.try_into()?,
            lost: lost.try_into()?,
            _ebpf: ebpf,
        })
    }

    /// Names of the attachments.
    pub fn attachments() -> [&'static str; 2] {
        ["cgroup_skb/egress", "cgroup_skb/ingress"]
    }

    /// The next packet, if one has come.
    pub fn take(&mut self) -> Option<NamePacket> {
        while let Some(record) = self.ring.next() {
            if let Some(packet) = decode(&record) {
                return Some(packet);
            }
        }
        None
    }

    /// Packets that found no room since the start.
    ///
    /// # Errors
    /// When the kernel refuses to tell.
    pub fn lost(&self) -> anyhow::Result<u64> {
        Ok(self.lost.get(&0, 0)?)
    }
}

/// Reads a record; `None` of one that is cut.
fn decode(mut record: &[u8]) -> Option<NamePacket> {
    if record.len() < size_of::<NamePacket>() {
        return None;
    }
    let (at_ns, socket) = (record.get_u64_ne(), record.get_u64_ne());
    let mut owner = Owner {
        start_ns: record.get_u64_ne(),
        cgroup_id: record.get_u64_ne(),
        ..Owner::NONE
    };
    record.copy_to_slice(&mut owner.comm);
    owner.host_tgid = record.get_u32_ne();
    owner.tgid = record.get_u32_ne();
    owner.uid = record.get_u32_ne();
    owner.reserved = record.get_u32_ne();
    let mut resolver = [0; 16];
    record.copy_to_slice(&mut resolver);
    let mut packet = NamePacket {
        at_ns,
        socket,
        owner,
        resolver,
        length: record.get_u32_ne(),
        copied: record.get_u32_ne(),
        sequence: record.get_u32_ne(),
        netns: record.get_u32_ne(),
        local_port: record.get_u16_ne(),
        version: record.get_u8(),
        protocol: record.get_u8(),
        direction: record.get_u8(),
        reserved: [0; 3],
        payload: [0; COPIED],
    };
    record.advance(packet.reserved.len());
    record.copy_to_slice(&mut packet.payload);
    Some(packet)
}

fn facts(btf: &Btf<'_>) -> anyhow::Result<NameFacts> {
    Ok(NameFacts {
        flags: btf.offset("task_struct", "flags")?,
        tgid: btf.offset("task_struct", "tgid")?,
        group_leader: btf.offset("task_struct", "group_leader")?,
        start_boottime: btf.offset("task_struct", "start_boottime")?,
        comm: btf.offset("task_struct", "comm")?,
        cred: btf.offset("task_struct", "cred")?,
        uid: btf.offset("cred", "uid")?,
        nsproxy: btf.offset("task_struct", "nsproxy")?,
        net_ns: btf.offset("nsproxy", "net_ns")?,
        inum: btf.offset("net", "ns.inum")?,
    })
}
