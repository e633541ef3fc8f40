//! How does one request go out over an open connection, and its answer come in?

use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{HeaderMap, LOCATION, SERVER};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use netperf_core::clock::{self, MonoNs};
use netperf_core::sample::http::Reply;
use netperf_core::text::chain;
use tokio::io::{AsyncRead, AsyncWrite};

use super::meter::{Meter, Metered};

/// Requests have none.
pub(super) type NoBody = Empty<Bytes>;

/// As many headers as curl takes (`MAX_HTTP_RESP_HEADER_COUNT`).
const HEADERS: usize = 5_000;

/// As long a head as curl takes (`MAX_HTTP_RESP_HEADER_SIZE`), for HTTP/2; hyper's own for HTTP/1.1 is
/// longer.
const HEAD_BYTES: u32 = 300 * 1024;

/// An open connection that takes requests.
pub(super) struct Channel {
    sender: Sender,
    meter: Arc<Meter>,
}

enum Sender {
    One(http1::SendRequest<NoBody>),
    Two(http2::SendRequest<NoBody>),
}

/// Why there is no answer, and what happened until then.
pub(super) struct Unanswered {
    pub(super) sent: Option<MonoNs>,
    /// Something came, and was no answer that could be read.
    pub(super) first_byte: Option<MonoNs>,
    pub(super) why: String,
}

/// Moments of one exchange.
pub(super) struct Moments {
    pub(super) sent: Option<MonoNs>,
    pub(super) first_byte: MonoNs,
}

impl Channel {
    /// Agrees on HTTP/1.1 or HTTP/2.
    ///
    /// # Errors
    /// Why it can't.
    pub(super) async fn open<S>(stream: S, over_two: bool) -> Result<Self, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (stream, meter) = Metered::new(stream);
        let io = TokioIo::new(stream);
        let sender = if over_two {
            let handshake = http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(HEAD_BYTES)
                .handshake(io)
                .await;
            let (sender, connection) = handshake.map_err(|error| chain(&error))?;
            tokio::spawn(ended(connection));
            Sender::Two(sender)
        } else {
            // What curl and browsers take, though RFC 9112 forbids or discourages it.
            let handshake = http1::Builder::new()
                .allow_obsolete_multiline_headers_in_responses(true)
                .allow_spaces_after_header_name_in_responses(true)
                .ignore_invalid_headers_in_responses(true)
                .max_headers(HEADERS)
                .handshake(io)
                .await;
            let (sender, connection) = handshake.map_err(|error| chain(&error))?;
            tokio::spawn(ended(connection));
            Sender::One(sender)
        };
        // Lets the connection send what comes before all requests.
        tokio::task::yield_now().await;
        Ok(Self { sender, meter })
    }

    /// Whether it speaks HTTP/2.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    /// Waits until a further request can be sent; false if the server has closed it.
    pub(super) async fn is_open(&mut self) -> bool {
        match &mut self.sender {
            Sender::One(sender) => sender.ready().await.is_ok(),
            Sender::Two(sender) => sender.ready().await.is_ok(),
        }
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// # Errors
    /// Why none came.
    pub(super) async fn send(
        &mut self,
        mut request: Request<NoBody>,
    ) -> Result<(Moments, Response<Incoming>), Unanswered> {
        self.meter.begin();
        let meter = Arc::clone(&self.meter);
        hyper::ext::on_informational(&mut request, move |_| meter.begin_answer());
        let answer = match &mut self.sender {
            Sender::One(sender) => sender.send_request(request).await,
            Sender::Two(sender) => sender.send_request(request).await,
        };
        let now = clock::now().0;
        // What HTTP/2 writes and reads besides belongs to the connection.
        let (sent, first_byte) = match self.sender {
            Sender::One(_) => (self.meter.last_write(), self.meter.first_read()),
            Sender::Two(_) => (self.meter.first_write(), None),
        };
        match answer {
            Ok(response) => {
                let moments = Moments {
                    sent,
                    first_byte: first_byte.unwrap_or(now),
                };
                Ok((moments, response))
            }
            Err(error) => Err(Unanswered {
                sent,
                first_byte: first_byte.filter(|_| error.is_parse()),
                why: chain(&error),
            }),
        }
    }

    /// When the request was sent, while its answer is not here yet.
    pub(super) fn sent(&self) -> Option<MonoNs> {
        self.meter.first_write()
    }
}

/// Runs a connection until it ends; whoever waits for an answer learns why.
async fn ended(connection: impl Future<Output = hyper::Result<()>>) {
    if let Err(error) = connection.await {
        log::debug!("connection: {}", chain(&error));
    }
}

/// The head of an answer.
pub(super) fn reply(response: &Response<Incoming>) -> Reply {
    let text = |headers: &HeaderMap, name| {
        let value: &hyper::header::HeaderValue = headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let version = match response.version() {
        hyper::Version::HTTP_10 => "HTTP/1.0",
        hyper::Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    };
    Reply {
        version,
        status: response.status().as_u16(),
        location: text(response.headers(), LOCATION),
        server: text(response.headers(), SERVER),
        body_bytes: 0,
    }
}

/// Reads a body to its end and counts it in `bytes`.
///
/// # Errors
/// Why the end did not come.
pub(super) async fn count_body(body: &mut Incoming, bytes: &mut u64) -> Result<(), String> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| chain(&error))?;
        let length = frame.data_ref().map_or(0, Bytes::len);
        *bytes += u64::try_from(length).unwrap_or(0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::sleep;

    use super::*;

    /// What comes of a request to a server that sends these, with a pause between them.
    async fn answered(parts: &[&str]) -> Result<(u16, Duration), String> {
        let (near, mut far) = duplex(1 << 20);
        let parts: Vec<String> = parts.iter().map(|&it| it.to_owned()).collect();
        tokio::spawn(async move {
            let mut request = [0; 4096];
            let length = far.read(&mut request).await.unwrap();
            assert!(length > 0);
            for part in parts {
                far.write_all(part.as_bytes()).await.unwrap();
                sleep(PAUSE).await;
            }
        });
        let mut channel = Channel::open(near, false).await?;
        let begun = clock::now().0;
        let sent = channel.send(Request::new(NoBody::new())).await;
        let (moments, response) = sent.map_err(|unanswered| {
            let came = unanswered.first_byte.is_some();
            format!("{} (something came: {came})", unanswered.why)
        })?;
        let waited = moments.first_byte.since(begun).unwrap_or_default();
        Ok((response.status().as_u16(), waited))
    }

    const PAUSE: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn heads_that_curl_takes_are_taken() {
        let many = "X-Many: v\r\n".repeat(1_000);
        for head in [
            "Content-Security-Policy: default-src 'self'\r\n  https:;\r\n",
            "X-Odd : v\r\n",
            "X Odd: v\r\n",
            "no colon at all\r\n",
            &many,
        ] {
            let whole = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: 0\r\n\r\n");
            let (status, _) = answered(&[&whole]).await.unwrap();
            assert_eq!(status, 200, "{head}");
        }
    }

    #[tokio::test]
    async fn early_hints_are_not_the_first_byte_of_the_answer() {
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let (status, waited) = answered(&[hints, hints, answer]).await.unwrap();
        assert_eq!(status, 200);
        assert!(waited >= PAUSE * 2, "{waited:?}");
        let (_, waited) = answered(&[answer]).await.unwrap();
        assert!(waited < PAUSE, "{waited:?}");
    }

    #[tokio::test]
    async fn what_is_no_http_came_all_the_same() {
        let why = answered(&["SSH-2.0-OpenSSH\r\n\r\n"]).await.unwrap_err();
        assert!(why.contains("something came: true"), "{why}");
        let why = answered(&[]).await.unwrap_err();
        assert!(why.contains("something came: false"), "{why}");
    }
}
