//! The end of a container's standard input: `docker run --interactive` with nothing to read.

use super::error::broken;
use super::transport::{self, Address};
use crate::ApiError;
use ::bollard::body_full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HeaderValue, UPGRADE};
use hyper::{Method, Request, StatusCode, Uri};
use process::Nothing;
use std::sync::Arc;

/// Attaches to the standard input of a container and hangs up, so that it comes to its end.
pub(super) async fn close(address: Arc<Address>, name: String) -> Result<Nothing, ApiError> {
    let path = format!("/containers/{name}/attach?stream=1&stdin=1");
    let mut request = Request::new(body_full(Bytes::new()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse::<Uri>().map_err(super::error::malformed)?;
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    request.headers_mut().insert(UPGRADE, HeaderValue::from_static("tcp"));
    let response = transport::send(address, request).await?;
    match response.status() {
        StatusCode::SWITCHING_PROTOCOLS => {
            // Closes it when it is dropped.
            hyper::upgrade::on(response).await.map_err(broken)?;
            Ok(Nothing)
        }
        // An older daemon: what would follow is the raw stream, which ends with the connection.
        StatusCode::OK => Ok(Nothing),
        other => {
            let text = transport::text(response).await?;
            Err(super::error::status(other.as_u16(), &text))
        }
    }
}
