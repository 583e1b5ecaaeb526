//! HTTP as processes see it: requests to their routes, and what they answer.
//!
//! Mirrors `3rdparty/libprocess/include/process/http.hpp`, the server's half. Methods, status codes
//! and header maps are those of the `http` crate.

mod accept;
mod pipe;
mod response;
mod url;

pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use pipe::{Pipe, PipeReader, PipeWriter};
pub use response::{Body, Response};
pub use url::{Url, percent_decode, percent_encode};

use bytes::Bytes;
use std::net::SocketAddr;

/// A request that a process gets through one of its routes. Its body has arrived as a whole.
#[doc(alias = "http::Request")]
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: Method,
    /// The path, as the client wrote it (not decoded), and the query, decoded.
    pub url: Url,
    /// The header fields. Of a repeated field [`HeaderMap::get`] gives the first.
    pub headers: HeaderMap,
    /// The body; empty when there is none.
    pub body: Bytes,
    /// Whether the client keeps the connection for more requests.
    pub keep_alive: bool,
    /// Where it came from; `None` for requests made within the program.
    pub client: Option<SocketAddr>,
}

impl Request {
    /// A request made within the program.
    ///
    /// # Errors
    ///
    /// A query that cannot be decoded.
    pub fn new(method: Method, target: &str) -> Result<Self, String> {
        Ok(Request {
            method,
            url: Url::parse(target)?,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            keep_alive: true,
            client: None,
        })
    }

    /// The value of a header field as text; `None` when it is absent or no text.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the client takes answers in this encoding, for instance `gzip`.
    ///
    /// Mirrors `Request::acceptsEncoding` in `3rdparty/libprocess/src/http.cpp`.
    #[doc(alias = "Request::acceptsEncoding")]
    pub fn accepts_encoding(&self, encoding: &str) -> bool {
        accept::encoding(self.header(header::ACCEPT_ENCODING), encoding)
    }

    /// Whether the client takes answers of this media type, for instance `application/json`. One
    /// that does not say takes all.
    ///
    /// Mirrors `Request::acceptsMediaType` in `3rdparty/libprocess/src/http.cpp`.
    #[doc(alias = "Request::acceptsMediaType")]
    pub fn accepts_media_type(&self, media_type: &str) -> bool {
        accept::media_type(self.header(header::ACCEPT), media_type)
    }
}
