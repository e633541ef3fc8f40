//! How do questions reach a server, and how long until its answers are here? UDP as the C library
//! sends it, or TCP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use netperf_core::clock;
use netperf_core::sample::dns::{Answer, Outcome, Reading, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::question::Question;

/// Largest message of DNS.
const MESSAGE_MAX: usize = 65_535;

/// Something that carries questions to servers.
pub(crate) trait Wire {
    /// Sends all `questions` at once to `server`, and waits for their answers: one reading for
    /// each, in their order.
    fn exchange(
        &self,
        server: SocketAddr,
        transport: Transport,
        questions: &[Question],
        patience: Duration,
    ) -> impl Future<Output = Vec<Reading>>;
}

/// The network of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Network;

/// The outcomes so far, and when each came.
struct Answers<'q> {
    questions: &'q [Question],
    begun: clock::MonoNs,
    found: Vec<Option<(Duration, Outcome)>>,
}

impl Wire for Network {
    async fn exchange(
        &self,
        server: SocketAddr,
        transport: Transport,
        questions: &[Question],
        patience: Duration,
    ) -> Vec<Reading> {
        let mut answers = Answers::new(questions);
        let exchange = async {
            match transport {
                Transport::Udp | Transport::UdpThenTcp => datagrams(server, &mut answers).await,
                Transport::Tcp => connection(server, &mut answers).await,
            }
        };
        let failure = timeout(patience, exchange).await.ok().and_then(Result::err);
        answers.readings(transport, failure)
    }
}

impl<'q> Answers<'q> {
    fn new(questions: &'q [Question]) -> Self {
        Self {
            questions,
            begun: clock::now().0,
            found: vec![None; questions.len()],
        }
    }

    fn elapsed(&self) -> Duration {
        clock::now().0.since(self.begun).unwrap_or_default()
    }

    /// Takes what came, if it answers a question that is still open.
    fn take(&mut self, reply: &[u8]) {
        let took = self.elapsed();
        for (question, found) in self.questions.iter().zip(&mut self.found) {
            if found.is_none()
                && let Some(answer) = question.answer(reply)
            {
                *found = Some((took, outcome(answer)));
                return;
            }
        }
        log::info!("a packet that answers no question was ignored");
    }

    fn are_complete(&self) -> bool {
        self.found.iter().all(Option::is_some)
    }

    /// What is still open failed, or timed out.
    fn readings(self, transport: Transport, failure: Option<io::Error>) -> Vec<Reading> {
        let waited = self.elapsed();
        let open = match failure {
            Some(error) => Outcome::Failed(reason(&error)),
            None => Outcome::TimedOut,
        };
        let found = self.questions.iter().zip(self.found);
        let reading = |(question, found): (&Question, Option<(Duration, Outcome)>)| {
            let (took, outcome) = found.unwrap_or_else(|| (waited, open.clone()));
            Reading {
                kind: question.kind().to_string(),
                transport,
                took,
                outcome,
            }
        };
        found.map(reading).collect()
    }
}

fn outcome(answer: Result<Answer, super::question::Malformed>) -> Outcome {
    match answer {
        Ok(answer) => Outcome::Answered(answer),
        Err(malformed) => Outcome::Failed(format!("a malformed answer: {}", malformed.0)),
    }
}

/// What the kernel says, in the words of DNS.
fn reason(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        "nothing listens there (Connection refused)".to_owned()
    } else if error.kind() == io::ErrorKind::UnexpectedEof {
        "the server closed the connection".to_owned()
    } else {
        error.to_string()
    }
}

async fn datagrams(server: SocketAddr, answers: &mut Answers<'_>) -> io::Result<()> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    // Connected, so that nobody else's packets come in, and errors do.
    socket.connect(server).await?;
    for question in answers.questions {
        socket.send(question.bytes()).await?;
    }
    let mut buffer = vec![0; MESSAGE_MAX];
    while !answers.are_complete() {
        let length = socket.recv(&mut buffer).await?;
        answers.take(buffer.get(..length).unwrap_or_default());
    }
    Ok(())
}

async fn connection(server: SocketAddr, answers: &mut Answers<'_>) -> io::Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    for question in answers.questions {
        let length = u16::try_from(question.bytes().len()).unwrap_or(u16::MAX);
        let message = [&length.to_be_bytes(), question.bytes()].concat();
        stream.write_all(&message).await?;
    }
    while !answers.are_complete() {
        let length = stream.read_u16().await?;
        let mut message = vec![0; usize::from(length)];
        stream.read_exact(&mut message).await?;
        answers.take(&message);
    }
    Ok(())
}
