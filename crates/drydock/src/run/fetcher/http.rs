//! `http://` URIs.

use super::sink::Sink;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;

/// As many redirections as a browser follows.
const MAX_REDIRECTIONS: usize = 20;

/// Downloads a URI. Fails when nothing arrives for `stall`.
///
/// Mirrors `downloadWithNet` in `src/launcher/fetcher.cpp`.
#[doc(alias = "downloadWithNet")]
pub fn download(uri: &str, stall: Duration, sink: &mut Sink) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("Failed to start: {error}"))?;
    runtime.block_on(follow(uri, stall, sink))
}

async fn follow(uri: &str, stall: Duration, sink: &mut Sink) -> Result<(), String> {
    let mut uri: Uri = uri.parse().map_err(|error| format!("not a URI: {error}"))?;
    for _ in 0..MAX_REDIRECTIONS {
        let response = within(stall, get(&uri)).await?;
        let status = response.status();
        if status.is_redirection()
            && let Some(location) = response.headers().get(LOCATION)
        {
            uri = redirected(&uri, location.to_str().unwrap_or_default())?;
            continue;
        }
        if !status.is_success() {
            return Err(format!("Error downloading resource, received HTTP return code {status}"));
        }
        return receive(response, stall, sink).await;
    }
    Err(format!("more than {MAX_REDIRECTIONS} redirections"))
}

/// Where a redirection leads: to a whole URI, or to a path on the same server.
fn redirected(from: &Uri, location: &str) -> Result<Uri, String> {
    let whole = match (location.starts_with('/'), from.authority()) {
        (true, Some(server)) => format!("http://{server}{location}"),
        _ => location.to_owned(),
    };
    match whole.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("http") => Ok(uri),
        _ => Err(format!("redirected to '{location}': expected an http:// URI or a path")),
    }
}

async fn get(uri: &Uri) -> Result<Response<Incoming>, String> {
    let server = uri.authority().ok_or("the URI names no server")?;
    let stream = TcpStream::connect((uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| format!("{server}: {error}"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| format!("{server}: {error}"))?;
    // Ends with the answer.
    tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, server.as_str())
        .header(USER_AGENT, concat!("drydock/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    sender.send_request(request).await.map_err(|error| format!("{server}: {error}"))
}

async fn receive(
    response: Response<Incoming>,
    stall: Duration,
    sink: &mut Sink,
) -> Result<(), String> {
    let size = response.headers().get(CONTENT_LENGTH).and_then(|size| size.to_str().ok());
    if let Some(size) = size.and_then(|size| size.parse().ok()) {
        sink.expect(size);
    }
    let mut body = response.into_body();
    loop {
        let frame = within(stall, async { Ok(body.frame().await) }).await?;
        match frame {
            None => return Ok(()),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    sink.write(&data)?;
                }
            }
            Some(Err(error)) => return Err(format!("the connection broke: {error}")),
        }
    }
}

async fn within<T>(
    stall: Duration,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    match tokio::time::timeout(stall, work).await {
        Ok(result) => result,
        Err(_) => Err(format!("nothing arrived for {stall:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_lead_to_http_only() {
        let from: Uri = "http://a:81/b".parse().unwrap();
        let to = |location| redirected(&from, location).map(|uri| uri.to_string()).ok();
        assert_eq!(to("/c?d").as_deref(), Some("http://a:81/c?d"));
        assert_eq!(to("http://e/f").as_deref(), Some("http://e/f"));
        for bad in ["https://e/f", "file:///etc/passwd", "c", ""] {
            assert_eq!(to(bad), None, "{bad}");
        }
    }
}
