//! A minimal client of the Docker Engine, for setting up and for checking.
//!
//! The code under test has its own client. This one shares nothing with it, so that a mistake in
//! one is seen by the other. Calls are awaited on any tokio runtime; each call has a connection
//! of its own and a time limit. Answers are given as the Engine's own JSON.

mod http;
mod network;
mod pull;

use std::time::Duration;

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::Value;

pub use http::Endpoint;
pub use network::Network;
pub use pull::Pull;

/// The limit of a call that moves no image.
const CALL_LIMIT: Duration = Duration::from_secs(60);

/// The limit of loading or pushing an image.
const TRANSFER_LIMIT: Duration = Duration::from_secs(300);

/// Why a call of the Engine failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nothing answers; the text is the one which skipped tests print.
    #[error("no Docker Engine at {endpoint}: {problem}")]
    NoEngine {
        /// Where it was expected.
        endpoint: String,
        /// What happened there.
        problem: String,
    },
    /// The connection broke.
    #[error("{request}: {source}")]
    Broken {
        /// Method and path.
        request: String,
        /// What the HTTP client says.
        source: hyper::Error,
    },
    /// The Engine refused.
    #[error("{request}: {status}: {message}")]
    Refused {
        /// Method and path.
        request: String,
        /// The status code.
        status: u16,
        /// The Engine's message.
        message: String,
    },
    /// The Engine began, and then reported an error in its stream of progress lines.
    #[error("{request}: {message}")]
    Failed {
        /// Method and path.
        request: String,
        /// The Engine's message.
        message: String,
    },
    /// The call took too long.
    #[error("{request}: no end after {limit:?}")]
    Late {
        /// Method and path.
        request: String,
        /// The limit.
        limit: Duration,
    },
    /// The answer was not JSON.
    #[error("{request}: unexpected answer: {source}")]
    Garbled {
        /// Method and path.
        request: String,
        /// What the parser says.
        source: serde_json::Error,
    },
}

/// A container as `GET /containers/json` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSummary {
    /// The full ID.
    pub id: String,
    /// The name, without the leading slash.
    pub name: String,
    /// The image as it was named when the container was created.
    pub image: String,
    /// `created`, `running`, `exited`, ...
    pub state: String,
}

/// An image as `GET /images/json` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSummary {
    /// `sha256:` and the digest of its configuration.
    pub id: String,
    /// All its names with tags.
    pub tags: Vec<String>,
}

/// A Docker Engine that answered.
#[derive(Clone, Debug)]
pub struct Engine {
    endpoint: Endpoint,
}

impl Engine {
    /// The Engine at `DOCKER_HOST`, or at the default socket; an error when it does not answer.
    ///
    /// Blocks for a moment, or for some seconds when the Engine hangs.
    pub fn detect() -> Result<Engine, EngineError> {
        let host = std::env::var("DOCKER_HOST").unwrap_or_default();
        let no_engine = |endpoint: &dyn ToString, problem: &dyn ToString| EngineError::NoEngine {
            endpoint: endpoint.to_string(),
            problem: problem.to_string(),
        };
        let endpoint = Endpoint::parse(&host)
            .ok_or_else(|| no_engine(&host, &"DOCKER_HOST is neither unix:// nor tcp://"))?;
        match endpoint.ping() {
            Ok(200) => Ok(Engine { endpoint }),
            Ok(status) => Err(no_engine(&endpoint, &format!("/_ping answers {status}"))),
            Err(error) => Err(no_engine(&endpoint, &error)),
        }
    }

    /// Where it listens, as a value for `DOCKER_HOST` or `docker -H`.
    pub fn host(&self) -> String {
        self.endpoint.to_string()
    }

    /// `GET /version`.
    pub async fn version(&self) -> Result<Value, EngineError> {
        self.json(Method::GET, "/version", None).await
    }

    /// All containers, whatever their state, whose name begins with `name_prefix`.
    pub async fn containers(
        &self,
        name_prefix: &str,
    ) -> Result<Vec<ContainerSummary>, EngineError> {
        let list = self.json(Method::GET, "/containers/json?all=1", None).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let summary = |container: &Value| ContainerSummary {
            id: text(&container["Id"]),
            name: text(&container["Names"][0]).trim_start_matches('/').to_owned(),
            image: text(&container["Image"]),
            state: text(&container["State"]),
        };
        Ok(list
            .as_array()
            .into_iter()
            .flatten()
            .map(summary)
            .filter(|container| container.name.starts_with(name_prefix))
            .collect())
    }

    /// `docker inspect` of a container, by name or ID; `None` when there is no such container.
    pub async fn inspect_container(&self, name: &str) -> Result<Option<Value>, EngineError> {
        self.find(&format!("/containers/{name}/json")).await
    }

    /// Creates a container from a body of the Engine's own form, and returns its ID.
    pub async fn create_container(&self, name: &str, body: &Value) -> Result<String, EngineError> {
        let path = format!("/containers/create?name={}", encode(name));
        let answer = self.json(Method::POST, &path, Some(body)).await?;
        Ok(answer["Id"].as_str().unwrap_or_default().to_owned())
    }

    /// Starts a container; one that runs already is left alone.
    pub async fn start_container(&self, name: &str) -> Result<(), EngineError> {
        self.call(Method::POST, &format!("/containers/{name}/start"), None).await.map(drop)
    }

    /// Waits until a container does not run, for a minute at most, and returns its exit code.
    pub async fn wait_container(&self, name: &str) -> Result<i64, EngineError> {
        let path = format!("/containers/{name}/wait");
        let answer = self.json(Method::POST, &path, None).await?;
        Ok(answer["StatusCode"].as_i64().unwrap_or(-1))
    }

    /// Removes a container, running or not, with its volumes. No error when it is gone already,
    /// or is being removed.
    pub async fn remove_container(&self, name: &str) -> Result<(), EngineError> {
        let path = format!("/containers/{name}?force=1&v=1");
        match self.call(Method::DELETE, &path, None).await {
            Err(EngineError::Refused { status: 404 | 409, .. }) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// All images that have a name.
    pub async fn images(&self) -> Result<Vec<ImageSummary>, EngineError> {
        let list = self.json(Method::GET, "/images/json", None).await?;
        let texts = |value: &Value| {
            let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            texts.map(str::to_owned).collect()
        };
        let summary = |image: &Value| ImageSummary {
            id: image["Id"].as_str().unwrap_or_default().to_owned(),
            tags: texts(&image["RepoTags"]),
        };
        Ok(list.as_array().into_iter().flatten().map(summary).collect())
    }

    /// `docker inspect` of an image, by name or ID; `None` when there is no such image.
    pub async fn inspect_image(&self, image: &str) -> Result<Option<Value>, EngineError> {
        self.find(&format!("/images/{image}/json")).await
    }

    /// Removes an image with all its names when given its ID, or one name. No error when it is
    /// gone already.
    pub async fn remove_image(&self, image: &str) -> Result<(), EngineError> {
        match self.call(Method::DELETE, &format!("/images/{image}?force=1"), None).await {
            Err(EngineError::Refused { status: 404, .. }) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Loads a tar file as `docker save` writes it.
    pub async fn load_image(&self, tar: Bytes) -> Result<(), EngineError> {
        self.transfer("/images/load?quiet=1", "application/x-tar", tar).await
    }

    /// Pushes the image of this name to the registry that the name says.
    pub async fn push_image(&self, name: &str) -> Result<(), EngineError> {
        let (repository, tag) = split_name(name);
        let path = format!("/images/{repository}/push?tag={}", encode(tag));
        self.transfer(&path, "application/json", Bytes::new()).await
    }

    /// Starts to pull `name` in the background. The client's side of the pull ends with the
    /// [`Pull`] that is returned.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start_pull(&self, name: &str) -> Pull {
        let (repository, tag) = split_name(name);
        let path = format!("/images/create?fromImage={}&tag={}", encode(repository), encode(tag));
        let endpoint = self.endpoint.clone();
        Pull::spawn(async move {
            let body = (Bytes::new(), "application/json");
            let mut response = http::send(&endpoint, Method::POST, &path, body).await?;
            http::progress_lines(&mut response).await
        })
    }

    /// Pulls `name` and waits for the end; the progress lines are returned.
    pub async fn pull_image(&self, name: &str) -> Result<Vec<Value>, EngineError> {
        self.start_pull(name).finish(TRANSFER_LIMIT).await
    }

    async fn find(&self, path: &str) -> Result<Option<Value>, EngineError> {
        match self.json(Method::GET, path, None).await {
            Ok(value) => Ok(Some(value)),
            Err(EngineError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, EngineError> {
        let request = format!("{method} {path}");
        let answer = self.call(method, path, body).await?;
        serde_json::from_slice(&answer).map_err(|source| EngineError::Garbled { request, source })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Bytes, EngineError> {
        let request = format!("{method} {path}");
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let exchange = async {
            let body = (body, "application/json");
            let mut response = http::send(&self.endpoint, method, path, body).await?;
            response.read_all().await
        };
        within(CALL_LIMIT, request, exchange).await
    }

    /// Sends `body` and follows the progress lines of the answer to their end.
    async fn transfer(
        &self,
        path: &str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<(), EngineError> {
        let exchange = async {
            let body = (body, content_type);
            let mut response = http::send(&self.endpoint, Method::POST, path, body).await?;
            http::progress_lines(&mut response).await.map(drop)
        };
        within(TRANSFER_LIMIT, format!("POST {path}"), exchange).await
    }
}

/// `work`, or an error after `limit`.
async fn within<T>(
    limit: Duration,
    request: String,
    work: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(EngineError::Late { request, limit }),
    }
}

/// Repository and tag; the tag is `latest` when the name has none.
fn split_name(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    }
}

/// A value in a query.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte);
    text.bytes()
        .map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// Whether the Engine accepted: 2xx, or 304, which says that there was nothing to do.
fn is_success(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::NOT_MODIFIED
}

#[cfg(test)]
mod tests {
    use super::{encode, split_name};

    #[test]
    fn a_port_is_not_a_tag() {
        assert_eq!(split_name("127.0.0.1:5000/a/bb:1"), ("127.0.0.1:5000/a/bb", "1"));
        assert_eq!(split_name("127.0.0.1:5000/a/bb"), ("127.0.0.1:5000/a/bb", "latest"));
        assert_eq!(split_name("bb"), ("bb", "latest"));
    }

    #[test]
    fn a_query_value_is_encoded() {
        assert_eq!(encode("a/b:1&c=ü"), "a/b:1%26c%3D%C3%BC");
    }
}
