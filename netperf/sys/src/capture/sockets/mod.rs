//! Which sockets are there now, and whose are they? The kernel's lists joined with names.

mod error;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use netperf_core::clock::{self, MonoNs};
use netperf_core::sample::Process;
use netperf_core::sample::network::NetworkReading;
use netperf_core::sample::socket::{
    SocketOwner, SocketOwners, SocketReading, SocketSample, Unseen,
};
use netperf_core::sample::state_set::StateSet;

pub use self::error::SocketsError;
pub(super) use self::error::forbidden;
use self::error::{lacks, unlisted, word};
use super::names::Names;
use crate::netlink::{self, Detail, DumpError, Listed, Sockets};
use crate::procfs::{Procfs, SocketFiles};

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketRequest {
    /// Protocols to list.
    pub listed: Vec<Listed>,
    /// States to list.
    pub states: StateSet,
    /// How much of each.
    pub detail: Detail,
    /// TCP sockets in these states are given in full whatever `detail` is.
    pub in_full: StateSet,
    /// Whether the network namespaces tell their settings and counters as well.
    pub networks: bool,
    /// Network namespaces to list.
    pub namespaces: Scope,
    /// Only these processes are of interest as owners; all if empty.
    pub owners: Vec<u32>,
}

/// Which network namespaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Each that has a process.
    #[default]
    All,
    /// That of this process.
    Own,
    /// That of another process.
    Of(u32),
}

/// The sockets of this machine.
pub struct SocketFeed {
    procfs: Procfs,
    names: Names,
    /// Namespaces that sockets were closed in.
    entered: HashMap<u32, Sockets>,
}

/// Inode number of the network namespace that a scope names; `None` for all.
///
/// # Errors
/// When a process is named that is not there, or that may not be looked into.
pub fn network_namespace(scope: Scope) -> Result<Option<u32>, SocketsError> {
    let procfs = Procfs::new("/");
    match scope {
        Scope::All => Ok(None),
        Scope::Own => Ok(procfs.own_network_namespace()),
        Scope::Of(tgid) => {
            let inode = procfs.network_namespace(tgid);
            inode.map_err(|source| SocketsError::Namespace { tgid, source })
        }
    }
}

/// A namespace and how to get into it.
#[derive(Clone, Copy, Debug)]
struct Place {
    netns: u32,
    /// A process that is in it; `None` for the tracer's own.
    tgid: Option<u32>,
}

impl SocketFeed {
    /// Sockets are looked at when asked for; this needs no rights.
    pub fn open() -> Self {
        let procfs = Procfs::new("/");
        let cgroups = procfs.cgroups();
        Self {
            names: Names::new(procfs.clone(), cgroups),
            procfs,
            entered: HashMap::new(),
        }
    }

    /// Looks at the sockets.
    ///
    /// # Errors
    /// When nothing at all can be listed. What is missing otherwise is in the sample.
    pub fn read(&mut self, request: &SocketRequest) -> Result<SocketSample, SocketsError> {
        let (at, wall) = clock::now();
        let mut sample = SocketSample {
            at,
            wall,
            own_namespace: self.procfs.own_network_namespace(),
            ..SocketSample::default()
        };
        for place in self.places(request.namespaces, &mut sample)? {
            match self.sockets_of(place) {
                Ok(mut sockets) => {
                    self.list(&mut sockets, place, request, &mut sample)?;
                    sample.namespaces.push(place.netns);
                    if request.networks {
                        self.read_network(place, &mut sample);
                    }
                }
                // It went with its last process.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => sample.unseen.push(Unseen {
                    what: format!("sockets of network namespace {}", place.netns),
                    why: error.to_string(),
                }),
            }
        }
        if request.networks {
            sample.recycle_set_in = self.procfs.files_that_set("net.ipv4.tcp_tw_recycle");
        }
        self.join_owners(request, &mut sample);
        self.join_names(at, &mut sample);
        Ok(sample)
    }

    /// Closes this very socket, as if its connection had been aborted.
    ///
    /// # Errors
    /// See [`Sockets::destroy`].
    pub fn destroy(&mut self, socket: &SocketReading) -> io::Result<()> {
        if !self.entered.contains_key(&socket.netns) {
            let namespaces = self.procfs.network_namespaces();
            let mut others = namespaces.others.iter();
            let member = others.find(|(inode, _)| *inode == socket.netns);
            let tgid = member.map(|&(_, tgid)| tgid);
            if tgid.is_none() && namespaces.own != Some(socket.netns) {
                return Err(io::ErrorKind::NotFound.into());
            }
            let netns = socket.netns;
            let sockets = self.sockets_of(Place { netns, tgid })?;
            self.entered.insert(netns, sockets);
        }
        match self.entered.get_mut(&socket.netns) {
            Some(sockets) => sockets.destroy(socket),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn places(&self, scope: Scope, sample: &mut SocketSample) -> Result<Vec<Place>, SocketsError> {
        if let Scope::Of(tgid) = scope {
            let inode = self.procfs.network_namespace(tgid);
            let inode = inode.map_err(|source| SocketsError::Namespace { tgid, source })?;
            let own = self.procfs.own_network_namespace();
            return Ok(vec![Place {
                netns: inode.unwrap_or(0),
                // Nobody needs a right to look at the namespace that they are in.
                tgid: Some(tgid).filter(|_| own != inode),
            }]);
        }
        let namespaces = self.procfs.network_namespaces();
        let own = Place {
            netns: namespaces.own.unwrap_or(0),
            tgid: None,
        };
        let mut places = vec![own];
        if scope == Scope::All {
            let others = namespaces.others.iter();
            places.extend(others.map(|&(netns, tgid)| Place {
                netns,
                tgid: Some(tgid),
            }));
            if namespaces.hidden > 0 {
                sample.unseen.push(Unseen {
                    what: "sockets of network namespaces that nothing else is in".to_owned(),
                    why: forbidden(namespaces.hidden),
                });
            }
        }
        Ok(places)
    }

    fn sockets_of(&self, place: Place) -> io::Result<Sockets> {
        match place.tgid {
            None => Sockets::here(),
            Some(tgid) => Sockets::inside(&self.procfs.open_network_namespace(tgid)?),
        }
    }

    fn read_network(&self, place: Place, sample: &mut SocketSample) {
        let missing = match self.network_of(place) {
            Ok(network) => {
                let is_complete = network.ports.is_some();
                sample.networks.push(network);
                (!is_complete).then(|| "`/proc/sys/net` can't be read".to_owned())
            }
            Err(error) => Some(error.to_string()),
        };
        sample.unseen.extend(missing.map(|why| Unseen {
            what: format!("ports and limits of network namespace {}", place.netns),
            why,
        }));
    }

    fn network_of(&self, place: Place) -> io::Result<NetworkReading> {
        let network = match place.tgid {
            None => self.procfs.network(),
            Some(tgid) => {
                let namespace = self.procfs.open_network_namespace(tgid)?;
                netlink::inside(&namespace, || Ok(self.procfs.network()))?
            }
        };
        Ok(NetworkReading {
            netns: place.netns,
            ..network
        })
    }

    /// Lists what was asked for. One list that fails is told, and an error if it is every one.
    fn list(
        &self,
        sockets: &mut Sockets,
        place: Place,
        request: &SocketRequest,
        sample: &mut SocketSample,
    ) -> Result<(), SocketsError> {
        let before = sample.sockets.len();
        let mut refused = Vec::new();
        for &listed in &request.listed {
            let found = &mut sample.sockets;
            let Err(error) = list_one(sockets, listed, request, found) else {
                continue;
            };
            if listed == Listed::Raw && lacks(&error) {
                let raw = self.procfs.raw_sockets(place.tgid).into_iter();
                found.extend(raw.filter(|socket| request.states.contains(socket.state)));
            } else {
                refused.push((listed, error));
            }
        }
        for socket in &mut sample.sockets[before..] {
            socket.netns = place.netns;
        }
        if refused.len() == request.listed.len()
            && let Some((_, source)) = refused.pop()
        {
            let tried: Vec<_> = request.listed.iter().map(|&listed| word(listed)).collect();
            let tried = tried.join(", ");
            return Err(SocketsError::NoList { tried, source });
        }
        for (listed, error) in refused {
            let what = format!("{} sockets", word(listed));
            if !sample.unseen.iter().any(|unseen| unseen.what == what) {
                let why = unlisted(&error);
                sample.unseen.push(Unseen { what, why });
            }
        }
        Ok(())
    }

    fn join_owners(&mut self, request: &SocketRequest, sample: &mut SocketSample) {
        let listed: HashSet<u32> = sample.sockets.iter().filter_map(|it| it.inode).collect();
        if listed.is_empty() {
            return;
        }
        let SocketFiles { mut files, hidden } = self.procfs.socket_files(&request.owners);
        files.retain(|file| listed.contains(&file.inode));
        let mut known: HashMap<u32, Option<Arc<Process>>> = HashMap::new();
        let mut owners = Vec::with_capacity(files.len());
        for file in files {
            let process = known
                .entry(file.tgid)
                .or_insert_with(|| self.names.describe_listed(file.tgid).map(Arc::new));
            owners.extend(process.clone().map(|process| SocketOwner {
                inode: file.inode,
                fd: file.fd,
                process,
            }));
        }
        sample.owners = SocketOwners::new(owners);
        let is_orphan = |inode: &&u32| sample.owners.of(**inode).is_empty();
        let unowned = listed.iter().filter(is_orphan).count();
        if unowned > 0 && request.owners.is_empty() {
            sample.unseen.push(Unseen {
                what: format!("the owners of {unowned} socket(s), marked `?`"),
                why: match hidden {
                    0 => {
                        "no process that can be seen holds them: the kernel, or one that is hidden"
                            .to_owned()
                    }
                    _ => forbidden(hidden),
                },
            });
        }
    }

    fn join_names(&mut self, now: MonoNs, sample: &mut SocketSample) {
        for socket in &sample.sockets {
            if let Some(uid) = socket.uid
                && !sample.users.contains_key(&uid)
                && let Some(name) = self.names.user(uid)
            {
                sample.users.insert(uid, name);
            }
            if let Some(id) = socket.cgroup_id
                && !sample.cgroups.contains_key(&id)
                && let Some(path) = self.names.cgroup(id, now)
            {
                sample.cgroups.insert(id, path);
            }
        }
    }
}

/// Lists one protocol. What is wanted in full comes last: a socket that came into such a state
/// meanwhile was listed before, and is taken out there.
fn list_one(
    sockets: &mut Sockets,
    listed: Listed,
    request: &SocketRequest,
    found: &mut Vec<SocketReading>,
) -> Result<(), DumpError> {
    let in_full = match (listed, request.detail) {
        (Listed::Tcp, Detail::Basic) => request.states.and(request.in_full),
        _ => StateSet::NONE,
    };
    let others = request.states.without(in_full);
    let start = found.len();
    sockets.list(listed, others, request.detail, found)?;
    if in_full != StateSet::NONE {
        let mut full = Vec::new();
        sockets.list(listed, in_full, Detail::Full, &mut full)?;
        let cookies: HashSet<u64> = full.iter().map(|socket| socket.cookie).collect();
        let mut at = 0;
        found.retain(|socket| {
            at += 1;
            at <= start || !cookies.contains(&socket.cookie)
        });
        found.append(&mut full);
    }
    Ok(())
}
