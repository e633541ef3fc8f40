//! Which address answers first? As RFC 8305 has it: IPv6 and IPv4 in turn, the next one when the one
//! before has failed or has not answered for a while.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use netperf_core::clock::{self, MonoNs};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an address is waited for before the next one is tried beside it: RFC 8305 section 5.
const HEAD_START: Duration = Duration::from_millis(250);

/// Addresses that did not work, and why.
pub(super) type Refused = Vec<(SocketAddr, String)>;

/// What came of dialling.
#[derive(Debug, Default)]
pub(super) struct Dialled {
    /// The first connection that was open.
    pub(super) stream: Option<TcpStream>,
    /// What did not work before.
    pub(super) refused: Refused,
    /// What had not answered by then, and for how long it had been waited for.
    pub(super) overtaken: Vec<(SocketAddr, Duration)>,
}

/// Tries the addresses until one answers.
pub(super) async fn dial(addresses: &[SocketAddr]) -> Dialled {
    let mut dialled = Dialled::default();
    let mut pending: Vec<(SocketAddr, MonoNs)> = Vec::new();
    let mut racing = FuturesUnordered::new();
    let mut waiting = in_turn(addresses).into_iter();
    loop {
        let next = match waiting.next() {
            Some(address) => {
                pending.push((address, clock::now().0));
                racing.push(async move { (address, TcpStream::connect(address).await) });
                match timeout(HEAD_START, racing.next()).await {
                    Ok(next) => next,
                    Err(_) if waiting.len() > 0 => continue,
                    Err(_) => racing.next().await,
                }
            }
            None => racing.next().await,
        };
        let Some((address, result)) = next else {
            return dialled;
        };
        pending.retain(|(known, _)| *known != address);
        match result {
            Ok(stream) => {
                let now = clock::now().0;
                let waited = |(address, since)| (address, now.since(since).unwrap_or_default());
                dialled.overtaken = pending.into_iter().map(waited).collect();
                dialled.stream = Some(stream);
                return dialled;
            }
            Err(error) => dialled.refused.push((address, error.to_string())),
        }
    }
}

/// IPv6 and IPv4 by turns, each in its order.
fn in_turn(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let (six, four): (Vec<_>, Vec<_>) = addresses.iter().partition(|it| it.is_ipv6());
    let longest = six.len().max(four.len());
    let pairs = (0..longest).flat_map(|at| [six.get(at), four.get(at)]);
    pairs.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns_and_ipv6_begins() {
        let given = ["192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1"].map(address);
        let order = ["[2001:db8::1]:1", "192.0.2.1:1", "192.0.2.2:1"].map(address);
        assert_eq!(in_turn(&given), order);
    }

    #[tokio::test]
    async fn what_is_refused_is_followed_by_the_next_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = address("127.0.0.1:1");
        let dialled = dial(&[closed, open]).await;
        assert_eq!(dialled.stream.unwrap().peer_addr().unwrap(), open);
        assert_eq!(dialled.refused.len(), 1);
        assert_eq!(dialled.refused[0].0, closed);
        assert!(dialled.overtaken.is_empty());
        let dialled = dial(&[closed]).await;
        assert!(dialled.stream.is_none() && dialled.refused.len() == 1);
    }
}
