//! Which version of the API is spoken: the newest that both sides know.
//!
//! bollard would say so in the path of its requests, but the prefix gets lost on the way there.
//! Without one the daemon answers in its newest version, whose answers nobody here may know; with
//! a wrong one it does not answer at all. So it is asked once, and again when it refuses: it may
//! have been replaced by another one.

use crate::ApiError;
use ::bollard::API_DEFAULT_VERSION;
use hyper::header::HeaderMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Where a daemon says what it speaks, in any version.
pub(super) const PING: &str = "/_ping";

const HEADER: &str = "api-version";

/// A version of the API.
pub(super) type ApiVersion = (u32, u32);

/// The newest version whose requests and answers are known here, which is bollard's.
pub(super) fn newest() -> ApiVersion {
    let part = |part: usize| u32::try_from(part).unwrap_or(u32::MAX);
    (part(API_DEFAULT_VERSION.major_version), part(API_DEFAULT_VERSION.minor_version))
}

/// What was agreed on with a daemon.
#[derive(Default)]
pub(super) struct Agreed {
    /// `None`: the daemon has not been asked. Inside, what stands before every path: nothing for
    /// a daemon that does not say its version.
    prefix: Mutex<Option<Arc<str>>>,
}

impl Agreed {
    /// What stands before a path; `ask` asks the daemon, and is called if nobody has before.
    pub(super) async fn prefix<E>(
        &self,
        ask: impl Future<Output = Result<HeaderMap, E>>,
    ) -> Result<Arc<str>, E> {
        let mut prefix = self.prefix.lock().await;
        if let Some(prefix) = &*prefix {
            return Ok(Arc::clone(prefix));
        }
        let agreed = match said(&ask.await?) {
            Some(theirs) => {
                let (major, minor) = theirs.min(newest());
                format!("/v{major}.{minor}")
            }
            None => String::new(),
        };
        Ok(Arc::clone(prefix.insert(agreed.into())))
    }

    /// The daemon must be asked again.
    pub(super) async fn forget(&self) {
        *self.prefix.lock().await = None;
    }
}

/// The daemon does not speak the version that was agreed on. It has done nothing.
pub(super) fn is_refusal(error: &ApiError) -> bool {
    let says = |text| error.message.contains(text);
    error.code() == Some(400)
        && says("client version")
        && (says("is too new") || says("is too old"))
}

fn said(headers: &HeaderMap) -> Option<ApiVersion> {
    let (major, minor) = headers.get(HEADER)?.to_str().ok()?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The path with the prefix, unless it has one: bollard's next version keeps its own.
pub(super) fn prefixed(prefix: &str, path: &str) -> String {
    let versioned = path.strip_prefix("/v").is_some_and(|rest| {
        let version = rest.split('/').next().unwrap_or_default();
        version.contains('.') && version.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    });
    if versioned { path.to_owned() } else { format!("{prefix}{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        assert_eq!(prefixed("/v1.41", "/containers/json?all=1"), "/v1.41/containers/json?all=1");
        assert_eq!(prefixed("/v1.41", "/v1.53/containers/json"), "/v1.53/containers/json");
        assert_eq!(prefixed("", "/version"), "/version");
        assert_eq!(prefixed("/v1.41", "/version"), "/v1.41/version");
    }

    #[test]
    fn what_daemons_say() {
        let headers =
            |value: &str| HeaderMap::from_iter([(HEADER.parse().unwrap(), value.parse().unwrap())]);
        assert_eq!(said(&headers("1.41")), Some((1, 41)));
        for value in ["", "1", "x.y", "1.41.2", "-1.4", "99999999999.1"] {
            assert_eq!(said(&headers(value)), None, "{value}");
        }
        assert_eq!(said(&HeaderMap::new()), None);
    }

    #[test]
    fn refusals_are_the_daemons_two_sentences() {
        let refusal = |code, text| is_refusal(&ApiError::status(code, text));
        assert!(refusal(
            400,
            "client version 1.53 is too new. Maximum supported API version is 1.41"
        ));
        assert!(refusal(
            400,
            "client version 1.24 is too old. Minimum supported API version is 1.44, please upgrade"
        ));
        assert!(!refusal(400, "invalid reference format"));
        assert!(!refusal(500, "client version 1.53 is too new"));
    }
}
