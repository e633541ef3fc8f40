//! Where does the time of a request go? Each phase is timed here; hyper and rustls do the rest.

mod attempt;
mod dial;
mod exchange;
mod meter;
mod request;
mod tcp_info;
mod tls;

use std::net::SocketAddr;

use netperf_core::clock;
use netperf_core::sample::http::{HttpSample, TargetReading};
use netperf_core::sample::name_service::NameService;

use self::attempt::Client;
pub use self::request::{HttpRequest, Pin, Version};
use crate::dns::{Network, lookup};

/// Makes all requests, one after the other.
///
/// # Errors
/// When TLS can't be used at all.
pub async fn measure(request: &HttpRequest, service: &NameService) -> Result<HttpSample, String> {
    let wall = clock::now().1;
    let mut targets = Vec::new();
    for address in addresses(request, service).await {
        let mut client = Client::new(request, service, address)?;
        let mut requests = Vec::new();
        for _ in 0..request.count {
            requests.push(client.request().await);
        }
        targets.push(TargetReading { address, requests });
    }
    Ok(HttpSample { wall, targets })
}

/// The addresses to ask one by one; `None` is whichever answers first.
async fn addresses(request: &HttpRequest, service: &NameService) -> Vec<Option<SocketAddr>> {
    if !request.all {
        return vec![None];
    }
    let found = if let Some(addresses) = request.pinned() {
        addresses
    } else {
        let lookup = lookup(&Network, service, &request.host()).await;
        let addresses = lookup.addresses().into_iter();
        addresses
            .map(|address| (address, request.port()).into())
            .collect()
    };
    if found.is_empty() {
        // The request itself tells why.
        return vec![None];
    }
    found.into_iter().map(Some).collect()
}
