//! Control sockets: other processes send a limit's holder an order, one line each for order and answer.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as BlockingStream;
use std::time::Duration;

use netperf_core::sample::limit::LimitNow;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{Registration, Registry};

/// Longest line to read.
const LINE_MAX_BYTES: u64 = 1024 * 1024;

/// How long the other end may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// An order to a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Report the current figures.
    Read,
    /// Change the rates; `None` keeps a rate.
    Set {
        /// New upload limit.
        up_bytes_per_s: Option<u64>,
        /// New download limit.
        down_bytes_per_s: Option<u64>,
    },
    /// End the limit.
    Clear,
}

/// The answer of a holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Current figures of the limit.
    Now(LimitNow),
    /// The order is carried out, or about to be.
    Done,
    /// The order can't be carried out.
    Refused {
        /// The reason.
        why: String,
    },
}

/// Receives orders.
#[derive(Debug)]
pub struct Orders {
    incoming: mpsc::Receiver<(Order, oneshot::Sender<Answer>)>,
}

impl Orders {
    /// Starts receiving orders for a limit. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// The kernel refuses the socket.
    pub fn open(registration: &Registration) -> io::Result<Self> {
        let path = registration.socket();
        let listener = UnixListener::bind(&path)?;
        // Until here, the permissions of the directory protect it.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let (sender, incoming) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone()));
            }
        });
        Ok(Self { incoming })
    }

    /// Waits for the next order; its answer goes into the channel.
    pub async fn next(&mut self) -> (Order, oneshot::Sender<Answer>) {
        match self.incoming.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        }
    }
}

/// Reads one order and writes its answer. A client that is too slow gets none.
async fn serve(stream: UnixStream, sender: mpsc::Sender<(Order, oneshot::Sender<Answer>)>) {
    let _ = timeout(PATIENCE, async {
        let (from, mut to) = stream.into_split();
        let mut line = String::new();
        let mut from = tokio::io::BufReader::new(from.take(LINE_MAX_BYTES));
        from.read_line(&mut line).await.ok()?;
        let answer = match serde_json::from_str(&line) {
            Ok(order) => {
                let (answer, answered) = oneshot::channel();
                sender.send((order, answer)).await.ok()?;
                answered.await.ok()?
            }
            Err(_) => Answer::Refused {
                why: "the order can't be read: it is of another version".to_owned(),
            },
        };
        let mut line = serde_json::to_vec(&answer).ok()?;
        line.push(b'\n');
        to.write_all(&line).await.ok()
    })
    .await;
}

/// Sends an order to the holder of a limit; waits at most two seconds.
///
/// # Errors
///
/// There is no such limit, or its holder does not answer.
pub fn ask(registry: &Registry, id: u8, order: &Order) -> io::Result<Answer> {
    let mut stream = BlockingStream::connect(registry.socket(id))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut line = String::new();
    BufReader::new(stream.take(LINE_MAX_BYTES)).read_line(&mut line)?;
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_order_gets_its_answer_and_nonsense_a_refusal() {
        let root = tempfile::tempdir().unwrap();
        let registry = Registry::at(root.path().join("limits"));
        let registration = registry.register().unwrap();
        let mut orders = Orders::open(&registration).unwrap();
        let order = Order::Set {
            up_bytes_per_s: Some(5_000_000),
            down_bytes_per_s: None,
        };
        let path = registration.socket();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let asking = tokio::task::spawn_blocking(move || ask(&registry, 1, &order));
        let (taken, answer) = orders.next().await;
        assert_eq!(taken, order);
        answer.send(Answer::Done).unwrap();
        assert_eq!(asking.await.unwrap().unwrap(), Answer::Done);
        let nonsense = tokio::task::spawn_blocking(move || {
            let mut stream = BlockingStream::connect(path).unwrap();
            stream.write_all(b"{\"order\":\"explode\"}\n").unwrap();
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).unwrap();
            line
        });
        let answer = serde_json::from_str(&nonsense.await.unwrap()).unwrap();
        assert!(matches!(answer, Answer::Refused { .. }));
    }

    #[test]
    fn without_a_holder_no_limit_answers() {
        let root = tempfile::tempdir().unwrap();
        let registry = Registry::at(root.path());
        assert!(ask(&registry, 1, &Order::Read).is_err());
    }
}
