//! Which request a method, a path and parameters are.

mod body;
mod containers;
mod images;
mod others;
mod parameters;
mod version;

pub use body::{Body, Fields, first_value};
pub use others::from_json as login;
pub use parameters::Parameters;
pub use version::Version;

use sim::environment::daemon::{Name, Refusal, Request};

/// What is asked of the daemon, and how.
pub struct Asked<'a> {
    /// The query.
    pub query: &'a Parameters,
    /// The body.
    pub body: Body<'a>,
    /// The header `X-Registry-Auth`.
    pub registry_auth: Option<&'a str>,
    /// The version in the path.
    pub version: Version<'a>,
}

/// What an answer may be about, decoded from a path.
pub type Decode = fn(&str, &Asked<'_>) -> Result<Request, Refusal>;

/// What stands behind a path.
pub enum Endpoint {
    /// A request of the daemon; the text is the name in the path.
    Daemon(Decode, String),
    /// `POST /auth`: are these credentials good?
    Login,
    /// Something that an Engine does and the simulated daemon does not.
    Missing(&'static str),
    /// Something of a swarm, in which this daemon is not.
    Swarm,
}

/// The endpoint of a method and a decoded path without its version.
pub fn find(method: &str, path: &str) -> Option<Endpoint> {
    // The Engine's answers to HEAD are those to GET only where it says so.
    let path = path.strip_prefix('/')?;
    if method == "HEAD" {
        return (path == "_ping").then(|| Endpoint::Daemon(others::ping, String::new()));
    }
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    match first {
        "containers" => containers::find(method, rest),
        "exec" => containers::find_exec(method, rest),
        "images" => images::find(method, rest),
        _ => others::find(method, first, rest),
    }
}

fn daemon(decode: Decode, name: &str) -> Option<Endpoint> {
    Some(Endpoint::Daemon(decode, name.to_owned()))
}

/// The name in front of the last part of a path: names may contain slashes.
fn split_action(rest: &str) -> Option<(&str, &str)> {
    rest.rsplit_once('/').filter(|(name, action)| !name.is_empty() && !action.is_empty())
}

fn name(text: &str) -> Name {
    text.into()
}
