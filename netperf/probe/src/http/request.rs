//! What is to be requested, of whom, and how?

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hyper::header::{ACCEPT, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use url::{Host, Url};

use super::exchange::NoBody;

/// Who we say we are.
const AGENT: &str = concat!("netperf-trace/", env!("CARGO_PKG_VERSION"));

/// What to request, and how.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// `http` or `https`, with a host.
    pub url: Url,
    /// GET or another.
    pub method: Method,
    /// Besides those that every request has, or instead of them.
    pub headers: HeaderMap,
    /// Which versions are spoken.
    pub version: Version,
    /// A certificate that is not valid is no reason to stop.
    pub insecure: bool,
    /// One connection for all.
    pub keep_alive: bool,
    /// Request each address of the host separately.
    pub all: bool,
    /// Number of requests.
    pub count: u32,
    /// How long each may take.
    pub patience: Duration,
    /// Addresses that the user knows.
    pub pins: Vec<Pin>,
}

/// Which versions of HTTP are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// With TLS what both ends know, HTTP/2 first; without, HTTP/1.1.
    #[default]
    Agreed,
    /// HTTP/1.1.
    One,
    /// HTTP/2, without TLS by prior knowledge.
    Two,
}

/// Addresses of a host and port that are not looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The host, as in the URL.
    pub host: String,
    /// Port of the server.
    pub port: u16,
    /// Addresses to use for it.
    pub addresses: Vec<IpAddr>,
}

impl HttpRequest {
    /// Whether it goes through TLS.
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(super) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(80)
    }

    /// The name to look up, without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> String {
        match self.url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
            None => String::new(),
        }
    }

    /// Addresses that the user gave for it.
    pub(super) fn pinned(&self) -> Option<Vec<SocketAddr>> {
        let (host, port) = (self.host(), self.port());
        let pin = self
            .pins
            .iter()
            .find(|pin| pin.port == port && pin.host.eq_ignore_ascii_case(&host))?;
        let addresses = pin.addresses.iter();
        Some(addresses.map(|&address| (address, port).into()).collect())
    }

    /// The request for one version: HTTP/1.1 names the path, HTTP/2 all of the URL.
    ///
    /// # Errors
    /// Why it can't be written.
    pub(super) fn message(&self, over_two: bool) -> Result<Request<NoBody>, String> {
        let text = |error: &dyn std::error::Error| error.to_string();
        let mut url = self.url.clone();
        url.set_fragment(None);
        let path = &url[url::Position::BeforePath..];
        let target = if over_two { url.as_str() } else { path };
        let target: Uri = target.parse().map_err(|error| text(&error))?;
        let mut request = Request::new(NoBody::new());
        *request.uri_mut() = target;
        *request.method_mut() = self.method.clone();
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if !over_two {
            let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
            let host = HeaderValue::from_str(authority).map_err(|error| text(&error))?;
            headers.insert(HOST, host);
        }
        for name in self.headers.keys() {
            headers.remove(name);
        }
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        Ok(request)
    }
}
