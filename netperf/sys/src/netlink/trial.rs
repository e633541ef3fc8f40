//! Which queues, filters and interfaces would this kernel make? Tried in the network namespace of the
//! calling thread, which must be one for this purpose.

use std::io;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL};
use netlink_sys::protocols::{NETLINK_ROUTE, NETLINK_SOCK_DIAG};
use netperf_core::machine::{Feature, Trial};

use super::ask::{Request, ask, attribute, text, words};
use super::own::LOOPBACK;
use super::token_bucket::Discipline;

/// `TC_H_ROOT` and `TC_H_CLSACT` (`linux/pkt_sched.h`), and the egress side of the latter.
const ROOT: u32 = 0xffff_ffff;
const CLSACT: u32 = 0xffff_fff1;
const CLSACT_EGRESS: u32 = 0xffff_fff3;

/// `TCA_KIND` and `TCA_OPTIONS` (`linux/rtnetlink.h`).
const KIND: u16 = 1;
const OPTIONS: u16 = 2;

/// A qdisc, where it goes, and the options without which the kernel makes none.
struct Qdisc {
    feature: Feature,
    parent: u32,
    options: Vec<u8>,
}

/// Makes, and removes, everything that shaping uses.
pub fn shaping_trials() -> Vec<Trial> {
    let ifb = tried(Feature::Ifb, add_link(Feature::Ifb.name()));
    let mut trials = vec![pair_trial(), ifb];
    trials.extend(Discipline::ALL.map(bucket_trial));
    trials.extend(
        qdiscs()
            .iter()
            .map(|qdisc| tried(qdisc.feature, qdisc.try_on_loopback())),
    );
    trials.push(cls_bpf());
    trials.push(tried(Feature::ClsU32, try_filter("u32", &match_all())));
    trials.push(tried(Feature::ActMirred, add_mirred()));
    trials
}

/// Makes a pair of interfaces, which go with the namespace.
pub fn pair_trial() -> Trial {
    tried(Feature::Veth, add_link(Feature::Veth.name()))
}

/// Makes a queue that keeps to a rate, and removes it.
pub fn bucket_trial(discipline: Discipline) -> Trial {
    let feature = match discipline {
        Discipline::Tbf => Feature::Tbf,
        Discipline::Htb => Feature::Htb,
    };
    let queue = Qdisc {
        feature,
        parent: ROOT,
        options: Vec::new(),
    };
    tried(
        feature,
        discipline.make_on_loopback().and_then(|()| queue.remove()),
    )
}

/// The part of it that programs need where the kernel has no tcx.
pub fn filter_trials() -> Vec<Trial> {
    let queue = clsact();
    vec![tried(queue.feature, queue.try_on_loopback()), cls_bpf()]
}

fn cls_bpf() -> Trial {
    tried(Feature::ClsBpf, try_filter("bpf", &classic_program()))
}

fn clsact() -> Qdisc {
    Qdisc {
        feature: Feature::Clsact,
        parent: CLSACT,
        options: Vec::new(),
    }
}

/// Asks for the TCP sockets that listen, as `inet_diag` lists them. Needs no privilege.
pub fn listing_trials() -> Vec<Trial> {
    vec![tried(Feature::InetDiag, list_listeners())]
}

fn tried(feature: Feature, result: io::Result<()>) -> Trial {
    let told = result.map_err(|error| match error.raw_os_error() {
        Some(libc::ENOENT | libc::EOPNOTSUPP) => "not in this kernel".to_owned(),
        _ => error.to_string(),
    });
    Trial::of(feature, told)
}

fn qdiscs() -> Vec<Qdisc> {
    let at = |feature, parent, options| Qdisc {
        feature,
        parent,
        options,
    };
    vec![
        at(Feature::Fq, ROOT, Vec::new()),
        at(Feature::FqCodel, ROOT, Vec::new()),
        at(Feature::Netem, ROOT, delay()),
        at(Feature::Ingress, CLSACT, Vec::new()),
        clsact(),
    ]
}

impl Qdisc {
    fn try_on_loopback(&self) -> io::Result<()> {
        self.add()?;
        self.remove()
    }

    fn add(&self) -> io::Result<()> {
        let attributes = self.attributes();
        let made = on_loopback(
            libc::RTM_NEWQDISC,
            self.handle(),
            self.parent,
            0,
            &attributes,
        );
        ask(NETLINK_ROUTE, &made)
    }

    fn remove(&self) -> io::Result<()> {
        let gone = Request {
            flags: 0,
            ..on_loopback(libc::RTM_DELQDISC, self.handle(), self.parent, 0, &[])
        };
        ask(NETLINK_ROUTE, &gone)
    }

    fn handle(&self) -> u32 {
        if self.parent == ROOT {
            0x0001_0000
        } else {
            0xffff_0000
        }
    }

    fn attributes(&self) -> Vec<u8> {
        let mut attributes = text(KIND, self.feature.name());
        if !self.options.is_empty() {
            attributes.extend(attribute(OPTIONS, &self.options));
        }
        attributes
    }
}

/// `struct tcmsg`, and attributes.
fn on_loopback(kind: u16, handle: u32, parent: u32, info: u32, attributes: &[u8]) -> Request {
    let mut payload = words(&[0, LOOPBACK, handle, parent, info]);
    payload.extend(attributes);
    Request {
        kind,
        flags: NLM_F_CREATE | NLM_F_EXCL,
        payload,
    }
}

/// `struct tc_netem_qopt`: no delay, a queue of 1000 packets.
fn delay() -> Vec<u8> {
    words(&[0, 1000, 0, 0, 0, 0])
}

/// `TCA_BPF_OPS_LEN` and `TCA_BPF_OPS`: the classic program `ret -1`.
fn classic_program() -> Vec<u8> {
    [
        attribute(4, &1_u16.to_ne_bytes()),
        attribute(5, &words(&[6, u32::MAX])),
    ]
    .concat()
}

/// `TCA_U32_CLASSID`, and as `TCA_U32_SEL` a `struct tc_u32_sel` with one key that always matches.
fn match_all() -> Vec<u8> {
    let (terminal, one_key) = (1, 1);
    let mut selector = vec![terminal, 0, one_key, 0];
    selector.resize(16 + 16, 0);
    [
        attribute(1, &words(&[0x0001_0001])),
        attribute(5, &selector),
    ]
    .concat()
}

/// Puts a filter at what leaves loopback.
fn try_filter(name: &str, options: &[u8]) -> io::Result<()> {
    let clsact = clsact();
    clsact.add()?;
    // Priority 1, and `ETH_P_ALL` in network byte order.
    let info = 1 << 16 | u32::from(3_u16.to_be());
    let attributes = [text(KIND, name), attribute(OPTIONS, options)].concat();
    let filter = on_loopback(libc::RTM_NEWTFILTER, 0, CLSACT_EGRESS, info, &attributes);
    ask(NETLINK_ROUTE, &filter)?;
    clsact.remove()
}

/// `TCA_MIRRED_PARMS` of an action that sends every packet out of loopback instead.
fn add_mirred() -> io::Result<()> {
    const STOLEN: u32 = 4;
    const EGRESS_REDIRECT: u32 = 1;
    let parms = words(&[0, 0, STOLEN, 0, 0, EGRESS_REDIRECT, LOOPBACK]);
    let action = [
        text(KIND, "mirred"),
        attribute(OPTIONS, &attribute(2, &parms)),
    ]
    .concat();
    let mut payload = words(&[0]);
    payload.extend(attribute(1, &attribute(1, &action)));
    let request = Request {
        kind: libc::RTM_NEWACTION,
        flags: NLM_F_CREATE | NLM_F_EXCL,
        payload,
    };
    ask(NETLINK_ROUTE, &request)
}

/// `IFLA_LINKINFO` with `IFLA_INFO_KIND` behind an empty `struct ifinfomsg`; the kernel finds a name.
fn add_link(kind: &str) -> io::Result<()> {
    let mut payload = vec![0; 16];
    payload.extend(attribute(18, &text(1, kind)));
    let request = Request {
        kind: libc::RTM_NEWLINK,
        flags: NLM_F_CREATE | NLM_F_EXCL,
        payload,
    };
    ask(NETLINK_ROUTE, &request)
}

/// `SOCK_DIAG_BY_FAMILY` with a `struct inet_diag_req_v2` for IPv4, TCP and the state LISTEN.
fn list_listeners() -> io::Result<()> {
    const BY_FAMILY: u16 = 20;
    const LISTEN: u32 = 1 << 10;
    let mut payload = vec![2, 6, 0, 0];
    payload.extend(words(&[LISTEN]));
    payload.resize(56, 0);
    let request = Request {
        kind: BY_FAMILY,
        flags: NLM_F_DUMP,
        payload,
    };
    ask(NETLINK_SOCK_DIAG, &request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_sizes_of_the_kernel() {
        let header = 4;
        assert_eq!(delay().len(), 24);
        assert_eq!(match_all().len(), header + 4 + header + 32);
    }

    #[test]
    fn sockets_that_listen_can_be_listed_without_privilege() {
        assert!(list_listeners().is_ok());
    }
}
