//! What becomes of a request: a message for a mailbox, a call of a route, or an error.
//!
//! Mirrors `ProcessManager::handle` in `3rdparty/libprocess/src/process.cpp`.

use super::Network;
use super::answers::Owed;
use crate::future::Promise;
use crate::http::percent_decode;
use crate::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Url};
use crate::live;
use crate::remote::decoder::Decoded;
use crate::remote::encoder::Asked;
use crate::remote::{counters, message};
use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

/// How many permits to take for so many bytes: at most all there are.
pub(super) fn permits(network: &Network, bytes: usize) -> u32 {
    u32::try_from(bytes.min(network.limits.in_flight)).unwrap_or(u32::MAX)
}

/// Delivers a request, and says what its sender is owed.
#[doc(alias = "ProcessManager::handle")]
pub(super) async fn handle(network: &Arc<Network>, peer: SocketAddr, request: Decoded) -> Owed {
    let keep_alive = request.keep_alive;
    if !request.target.starts_with(b"/") {
        let response = Response::bad_request("Request URL path must start with '/'");
        return Owed::Ready(response, plain(keep_alive));
    }
    if message::is_message(&request) {
        let response = deliver(network, peer, request).await;
        return Owed::Ready(response, plain(keep_alive));
    }
    match convert(request, peer) {
        Ok(request) => route(network, request),
        Err(reason) => Owed::Ready(Response::bad_request(reason), plain(keep_alive)),
    }
}

fn plain(keep_alive: bool) -> Asked {
    Asked { gzip: false, keep_alive, head: false }
}

async fn deliver(network: &Arc<Network>, peer: SocketAddr, request: Decoded) -> Response {
    let size = request.body.len();
    let mut message = match message::classify(request, &network.address) {
        Ok(message) => message,
        Err(reason) => {
            counters::malformed(peer, &reason);
            return Response::internal_server_error(reason);
        }
    };
    if network.require_peer_address_ip_match {
        let claimed: Option<SocketAddrV4> = message.from.address().parse().ok();
        if claimed.map(|address| IpAddr::V4(*address.ip())) != Some(peer.ip()) {
            let reason = format!(
                "UPID IP address validation failed: Message from {} was sent from IP {}",
                message.from,
                peer.ip()
            );
            counters::malformed(peer, &reason);
            return Response::bad_request(reason);
        }
    }
    // Waits while too much is in flight: then the peer is not read from.
    let room = Arc::clone(&network.room).acquire_many_owned(permits(network, size)).await;
    message.room = room.ok().map(Arc::new);
    match live::deliver(message) {
        Ok(()) => {
            counters::delivered();
            Response::accepted()
        }
        Err(message) => {
            counters::undeliverable(&message);
            Response::not_found()
        }
    }
}

/// A request as processes see it.
fn convert(request: Decoded, peer: SocketAddr) -> Result<Request, String> {
    let target = std::str::from_utf8(&request.target)
        .map_err(|_| "the request target is not UTF-8".to_owned())?;
    let method = Method::from_bytes(&request.method).map_err(|error| error.to_string())?;
    let mut headers = HeaderMap::with_capacity(request.headers.len());
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name).map_err(|error| error.to_string())?;
        let value = HeaderValue::from_bytes(value)
            .map_err(|error| format!("header field {name}: {error}"))?;
        headers.append(name, value);
    }
    Ok(Request {
        method,
        url: Url::parse(target)?,
        headers,
        body: request.body,
        keep_alive: request.keep_alive,
        client: Some(peer),
    })
}

/// Gives the request to the process that the path begins with, or else to the delegate.
fn route(network: &Network, mut request: Request) -> Owed {
    let asked = Asked::by(&request);
    let path = &request.url.path;
    if path.contains("/..") {
        return Owed::Ready(Response::not_found(), asked);
    }
    let first = path.split('/').find(|part| !part.is_empty());
    let id = first.and_then(|part| percent_decode(part).ok()).unwrap_or_default();
    let receiver = match &network.delegate {
        _ if live::is_running(&id) => id,
        Some(delegate) => {
            let rest = if first.is_some() { &**path } else { "" };
            request.url.path = format!("/{delegate}{rest}");
            delegate.clone()
        }
        None => id,
    };
    let promise = Promise::new();
    let response = promise.future();
    if live::request(&receiver, request, promise) {
        Owed::Pending(response, asked)
    } else {
        Owed::Ready(Response::not_found(), asked)
    }
}
