//! Answers.

use super::{HeaderMap, HeaderName, HeaderValue, PipeReader, StatusCode, header};
use bytes::Bytes;

/// What an answer carries.
#[derive(Clone, Debug)]
pub enum Body {
    /// Nothing: `Content-Length: 0`.
    None,
    /// These bytes.
    Bytes(Bytes),
    /// What is written to the pipe, chunk by chunk, until its writer closes it.
    Pipe(PipeReader),
}

/// An answer to a request.
#[doc(alias = "http::Response")]
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// Header fields. `Date` and the length are added when it is sent.
    pub headers: HeaderMap,
    /// The content.
    pub body: Body,
}

impl Response {
    /// An answer with a status and nothing else.
    pub fn status(status: StatusCode) -> Self {
        Response { status, headers: HeaderMap::new(), body: Body::None }
    }

    /// An answer with a body of `text/plain`.
    pub fn text(status: StatusCode, text: impl Into<String>) -> Self {
        Response::status(status)
            .with_header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/plain; charset=utf-8"),
            )
            .with_body(text.into())
    }

    /// `200 OK` with text.
    #[doc(alias = "http::OK")]
    pub fn ok(text: impl Into<String>) -> Self {
        Response::text(StatusCode::OK, text)
    }

    /// `200 OK` with JSON, which is to be given as text. With a `jsonp` parameter upstream wraps it
    /// into a call; that is left out here, since it makes scripts of answers.
    pub fn json(json: impl Into<String>) -> Self {
        Response::status(StatusCode::OK)
            .with_header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .with_body(json.into())
    }

    /// `202 Accepted`
    #[doc(alias = "http::Accepted")]
    pub fn accepted() -> Self {
        Response::status(StatusCode::ACCEPTED)
    }

    /// `400 Bad Request`
    #[doc(alias = "http::BadRequest")]
    pub fn bad_request(text: impl Into<String>) -> Self {
        Response::text(StatusCode::BAD_REQUEST, text)
    }

    /// `404 Not Found`
    #[doc(alias = "http::NotFound")]
    pub fn not_found() -> Self {
        Response::status(StatusCode::NOT_FOUND)
    }

    /// `500 Internal Server Error`
    #[doc(alias = "http::InternalServerError")]
    pub fn internal_server_error(text: impl Into<String>) -> Self {
        Response::text(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    /// `503 Service Unavailable`
    #[doc(alias = "http::ServiceUnavailable")]
    pub fn service_unavailable(text: impl Into<String>) -> Self {
        Response::text(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    /// The same with another header field.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::Bytes(body.into());
        self
    }

    /// The same with a body that is yet to be written.
    #[must_use]
    pub fn with_pipe(mut self, reader: PipeReader) -> Self {
        self.body = Body::Pipe(reader);
        self
    }
}
