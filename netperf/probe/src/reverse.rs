//! Names of remote hosts (`--resolve`), looked up in the background: no view waits for an answer.
//!
//! The C library's resolver is of no use here: it blocks, and in a static program it would load the shared
//! libraries of whatever system it runs on.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use netperf_core::host_names::HostNames;
use netperf_core::sample::dns::{Answer, Rcode};
use netperf_core::sample::name_service::NameService;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::dns::{Kind, Question, reverse_name};

/// Addresses whose names are kept, found or not.
const CACHED: usize = 4_096;
/// Questions that may wait for their turn; what is more is asked again at a later tick.
const WAITING: usize = 256;
/// Questions under way at the same time.
const ASKED_AT_ONCE: usize = 16;
/// How long a name, or that there is none, is believed.
const BELIEVED: Duration = Duration::from_mins(10);
/// How long one server has for its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Names from `/etc/hosts` and from the servers in `/etc/resolv.conf`.
pub struct Resolver {
    hosts: HashMap<IpAddr, Arc<str>>,
    cache: Cache,
    questions: Sender<IpAddr>,
}

type Cache = Arc<Mutex<HashMap<IpAddr, Entry>>>;

#[derive(Clone, Debug)]
struct Entry {
    /// Missing while it is being asked for, and where there is none.
    name: Option<Arc<str>>,
    until: Instant,
}

impl Resolver {
    /// Starts to wait for questions, with the configuration of the system.
    pub fn open(service: NameService) -> Self {
        let hosts = service.hosts.into_iter();
        let hosts = hosts.filter_map(|(address, names)| {
            let first = names.into_iter().next()?;
            Some((address, first.into()))
        });
        Self {
            hosts: hosts.collect(),
            ..Self::new(service.servers)
        }
    }

    fn new(servers: Vec<SocketAddr>) -> Self {
        let cache = Cache::default();
        let (questions, waiting) = channel(WAITING);
        tokio::spawn(answer(waiting, servers.into(), Arc::clone(&cache)));
        Self {
            hosts: HashMap::new(),
            cache,
            questions,
        }
    }

    fn remember(&self, address: IpAddr, name: Option<Arc<str>>) {
        remember(&self.cache, address, name);
    }
}

impl HostNames for Resolver {
    fn name_of(&self, address: IpAddr) -> Option<Arc<str>> {
        if let Some(name) = self.hosts.get(&address) {
            return Some(Arc::clone(name));
        }
        let known = lock(&self.cache).get(&address).cloned();
        match known {
            Some(entry) if entry.until > Instant::now() => entry.name,
            old => {
                if self.questions.try_send(address).is_ok() {
                    self.remember(address, old.as_ref().and_then(|entry| entry.name.clone()));
                }
                old.and_then(|entry| entry.name)
            }
        }
    }
}

/// Takes questions one by one and has a bounded number of them under way.
async fn answer(mut questions: Receiver<IpAddr>, servers: Arc<[SocketAddr]>, cache: Cache) {
    let mut under_way = JoinSet::new();
    while let Some(address) = questions.recv().await {
        if under_way.len() >= ASKED_AT_ONCE {
            under_way.join_next().await;
        }
        let (servers, cache) = (Arc::clone(&servers), Arc::clone(&cache));
        under_way.spawn(async move {
            let name = ask_all(address, &servers).await;
            remember(&cache, address, name.map(Into::into));
        });
    }
}

async fn ask_all(address: IpAddr, servers: &[SocketAddr]) -> Option<String> {
    for &server in servers {
        match timeout(PATIENCE, ask(address, server)).await {
            Ok(Ok(name)) => return name,
            Ok(Err(error)) => log::debug!("name server {server}: {error}"),
            Err(_) => log::debug!("name server {server} does not answer"),
        }
    }
    None
}

/// The name that one server has for an address. A new socket for each question makes the kernel
/// choose a port that others can't guess.
async fn ask(address: IpAddr, server: SocketAddr) -> std::io::Result<Option<String>> {
    let any: IpAddr = if server.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    let question = Question::new(&reverse_name(address), Kind::PTR, false);
    let question = question.map_err(std::io::Error::other)?;
    socket.send(question.bytes()).await?;
    let mut reply = [0; 1_232];
    loop {
        let length = socket.recv(&mut reply).await?;
        // What can't be read may come from anybody; the server's own answer may still come.
        if let Some(Ok(answer)) = question.answer(&reply[..length]) {
            return Ok(first_name(&answer));
        }
    }
}

/// The first name in an answer, an alias in front of it or not; `None` where there is none.
fn first_name(answer: &Answer) -> Option<String> {
    if answer.rcode != Rcode::NOERROR {
        return None;
    }
    let record = answer.of_kind("PTR").next()?;
    let name = record.text.trim_end_matches('.');
    (!name.is_empty()).then(|| name.to_owned())
}

fn remember(cache: &Cache, address: IpAddr, name: Option<Arc<str>>) {
    let mut cache = lock(cache);
    let now = Instant::now();
    if cache.len() >= CACHED {
        cache.retain(|_, entry| entry.until > now);
    }
    if cache.len() >= CACHED {
        cache.clear();
    }
    cache.insert(
        address,
        Entry {
            name,
            until: now + BELIEVED,
        },
    );
}

fn lock(cache: &Cache) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Entry>> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    /// A reply to `question` with one PTR record that holds `name`.
    fn ptr_reply(question: &[u8], name: &[u8]) -> Vec<u8> {
        let mut reply = question.to_vec();
        reply[2] |= 0x80;
        reply[7] = 1;
        reply.extend([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60]);
        reply.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
        reply.extend(name);
        reply
    }

    fn question() -> Question {
        Question::new(&reverse_name(HOST), Kind::PTR, false).unwrap()
    }

    /// The name in a reply that holds these bytes as one; the error where they can't be.
    fn named(name: &[u8]) -> Result<Option<String>, String> {
        let question = question();
        let answer = question.answer(&ptr_reply(question.bytes(), name));
        let read = answer.unwrap().map(|answer| first_name(&answer));
        read.map_err(|malformed| malformed.0)
    }

    /// A server that answers each question with `reply` of it.
    async fn server(reply: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                socket
                    .send_to(&reply(&question[..length]), from)
                    .await
                    .unwrap();
            }
        });
        address
    }

    async fn await_name(resolver: &Resolver) -> Arc<str> {
        loop {
            if let Some(name) = resolver.name_of(HOST) {
                return name;
            }
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_name_is_read_also_through_a_pointer() {
        assert_eq!(
            named(b"\x07example\x03org\0"),
            Ok(Some("example.org".to_owned()))
        );
        // `in-addr.arpa` of the question stands at offset 12 + 2 + 2 + 2 + 4 = 22.
        assert_eq!(
            named(b"\x01x\xc0\x16"),
            Ok(Some("x.in-addr.arpa".to_owned()))
        );
    }

    #[test]
    fn a_name_after_an_alias_is_found() {
        let question = question();
        let mut packet = question.bytes().to_vec();
        packet[2] |= 0x80;
        packet[7] = 2;
        packet.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 3, 1, b'a', 0]);
        packet.extend([1, b'a', 0, 0, 12, 0, 1, 0, 0, 0, 60, 0, 3, 1, b'h', 0]);
        let answer = question.answer(&packet).unwrap().unwrap();
        assert_eq!(first_name(&answer).as_deref(), Some("h"));
    }

    #[test]
    fn no_name_is_an_answer_too() {
        let question = question();
        let mut packet = question.bytes().to_vec();
        packet[2] |= 0x80;
        packet[3] |= 3;
        let answer = question.answer(&packet).unwrap().unwrap();
        assert_eq!(first_name(&answer), None);
        assert_eq!(named(b"\0"), Ok(None), "the root is no host");
    }

    #[test]
    fn pointers_in_circles_and_names_cut_short_are_no_names() {
        let long = [b"\x3f".as_slice(), &[b'a'; 63]].concat().repeat(5);
        for name in [
            b"\x01x\xc0\x35".as_slice(),
            b"\xc0\xff",
            b"\x3fshort",
            &long,
        ] {
            assert!(named(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn control_characters_in_a_name_are_escaped() {
        let name = named(b"\x04\x1b[2J\x01\xff\0").unwrap().unwrap();
        assert!(name.is_ascii() && !name.contains('\x1b'), "{name:?}");
    }

    #[tokio::test]
    async fn the_first_question_is_not_waited_for_and_the_answer_comes_later() {
        let reply = |question: &[u8]| ptr_reply(question, b"\x07example\x03org\0");
        let resolver = Resolver::new(vec![server(reply).await]);
        assert_eq!(resolver.name_of(HOST), None);
        let name = timeout(Duration::from_secs(5), await_name(&resolver))
            .await
            .unwrap();
        assert_eq!(&*name, "example.org");
    }

    #[tokio::test]
    async fn a_server_that_talks_nonsense_is_passed_over() {
        let nonsense = server(|_| vec![0xff; 100]).await;
        let reply = |question: &[u8]| ptr_reply(question, b"\x04good\0");
        let resolver = Resolver::new(vec![nonsense, server(reply).await]);
        resolver.name_of(HOST);
        let name = timeout(Duration::from_secs(10), await_name(&resolver))
            .await
            .unwrap();
        assert_eq!(&*name, "good");
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let resolver = Resolver::new(Vec::new());
        for n in 0..3 * u32::try_from(CACHED).unwrap() {
            resolver.remember(Ipv4Addr::from_bits(n).into(), None);
        }
        assert!(lock(&resolver.cache).len() <= CACHED);
    }
}
