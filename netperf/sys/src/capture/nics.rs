//! How do the interfaces of this machine stand? The kernel's lists of each network namespace.

use std::collections::HashMap;
use std::io;

use netperf_core::clock;
use netperf_core::sample::nic::NicSample;
use netperf_core::sample::socket::Unseen;

use super::Scope;
use super::sockets::forbidden;
use crate::netlink::{DumpError, Nics};
use crate::procfs::Procfs;

/// Which interfaces are looked at, and how closely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NicRequest {
    /// Network namespaces to read.
    pub namespaces: Scope,
    /// Counters of the drivers' own as well.
    pub driver_counters: bool,
}

/// The interfaces of this machine. A look needs no right, but for other network namespaces.
pub struct NicFeed {
    procfs: Procfs,
    request: NicRequest,
    /// Namespaces that were entered, by inode number.
    open: HashMap<u32, Nics>,
}

/// Why no look at the interfaces is possible.
#[derive(Debug, thiserror::Error)]
pub enum NicsError {
    /// The namespace of the process that was named.
    #[error("can't look into the network namespace of process {tgid}")]
    Namespace {
        /// Process whose namespace could not be entered.
        tgid: u32,
        /// Error of the kernel.
        source: io::Error,
    },
    /// The kernel lists no interfaces.
    #[error("can't list the network interfaces")]
    NoList(#[from] DumpError),
}

/// A namespace, and a process that is in it; `None` for the tracer's own.
type Place = (u32, Option<u32>);

impl NicFeed {
    /// Interfaces are looked at when asked for.
    pub fn open(request: NicRequest) -> Self {
        Self {
            procfs: Procfs::new("/"),
            request,
            open: HashMap::new(),
        }
    }

    /// Looks at the interfaces.
    ///
    /// # Errors
    /// When the namespace that was named can't be entered, or the own one tells nothing. What is
    /// missing otherwise is in the sample.
    pub fn read(&mut self) -> Result<NicSample, NicsError> {
        let mut sample = NicSample {
            own_namespace: self.procfs.own_network_namespace(),
            ..NicSample::default()
        };
        let places = self.places(&mut sample)?;
        self.open
            .retain(|netns, _| places.iter().any(|place| place.0 == *netns));
        (sample.at, sample.wall) = clock::now();
        for place in places {
            self.look_into(place, &mut sample)?;
        }
        sample.softnet = self.procfs.softnet();
        Ok(sample)
    }

    fn places(&self, sample: &mut NicSample) -> Result<Vec<Place>, NicsError> {
        let own = (sample.own_namespace.unwrap_or(0), None);
        match self.request.namespaces {
            Scope::Own => Ok(vec![own]),
            Scope::Of(tgid) => {
                let inode = self.procfs.network_namespace(tgid);
                let inode = inode.map_err(|source| NicsError::Namespace { tgid, source })?;
                let is_own = inode == sample.own_namespace;
                Ok(vec![(inode.unwrap_or(0), Some(tgid).filter(|_| !is_own))])
            }
            Scope::All => {
                let all = self.procfs.network_namespaces();
                if all.hidden > 0 {
                    sample.unseen.push(Unseen {
                        what: "interfaces of network namespaces that nothing else is in".to_owned(),
                        why: forbidden(all.hidden),
                    });
                }
                let others = all
                    .others
                    .into_iter()
                    .map(|(inode, tgid)| (inode, Some(tgid)));
                Ok(std::iter::once(own).chain(others).collect())
            }
        }
    }

    fn look_into(&mut self, place: Place, sample: &mut NicSample) -> Result<(), NicsError> {
        let (netns, tgid) = place;
        match self.list(place) {
            Ok(mut nics) => {
                for nic in &mut nics {
                    nic.netns = netns;
                }
                sample.nics.append(&mut nics);
                sample.namespaces += 1;
                Ok(())
            }
            Err(error) => {
                self.open.remove(&netns);
                match (tgid, self.request.namespaces) {
                    (Some(tgid), Scope::Of(_)) => Err(NicsError::Namespace {
                        tgid,
                        source: error.into(),
                    }),
                    (None, _) => Err(error.into()),
                    // It went with its last process.
                    (Some(_), _) if is_gone(&error) => Ok(()),
                    (Some(_), _) => {
                        sample.unseen.push(Unseen {
                            what: format!("interfaces of network namespace {netns}"),
                            why: io::Error::from(error).to_string(),
                        });
                        Ok(())
                    }
                }
            }
        }
    }

    fn list(
        &mut self,
        (netns, tgid): Place,
    ) -> Result<Vec<netperf_core::sample::nic::NicReading>, DumpError> {
        if !self.open.contains_key(&netns) {
            let opened = match tgid {
                None => Nics::here()?,
                Some(tgid) => Nics::inside(&self.procfs.open_network_namespace(tgid)?)?,
            };
            self.open.insert(netns, opened);
        }
        match self.open.get_mut(&netns) {
            Some(nics) => nics.read(self.request.driver_counters),
            None => Ok(Vec::new()),
        }
    }
}

fn is_gone(error: &DumpError) -> bool {
    matches!(error, DumpError::Refused(error) if error.kind() == io::ErrorKind::NotFound)
}
