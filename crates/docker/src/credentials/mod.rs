//! Credentials for registries: what they are, and where they are found.
//!
//! A pull takes them from the sandbox of its task, else from the agent's own configuration, as the
//! command line does that upstream runs with the sandbox as its home. [`Config`] is such a file,
//! [`Keychain`] the port through which [`Engine`](crate::Engine) asks, [`ConfigFiles`] the live
//! one behind it.
//!
//! Nothing in here ever prints a secret: not [`Credentials`]' `Debug`, no error.

mod config;
mod files;
mod helper;
mod registry;

pub use config::{Config, ConfigError};
pub use files::ConfigFiles;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use process::Future;
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// Where credentials come from. Live [`ConfigFiles`]; a world without secrets has none.
pub trait Keychain: Send + Sync + 'static {
    /// The credentials for the registry of this image, if there are any. `directory` is the
    /// sandbox of the task that the image is for. Fails when they cannot be had, with a message
    /// for people.
    fn credentials(&self, directory: &Path, image: &str) -> Future<Option<Credentials>>;
}

/// What a registry knows somebody by. Whatever is empty is not sent.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// The user's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// The user's password.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub password: String,
    /// Stands for name and password: the registry exchanges it for a token of short life.
    #[serde(rename = "identitytoken", skip_serializing_if = "String::is_empty")]
    pub identity_token: String,
    /// A token that the registry takes as it is.
    #[serde(rename = "registrytoken", skip_serializing_if = "String::is_empty")]
    pub registry_token: String,
    /// Which registry they are for, as the configuration calls it.
    #[serde(rename = "serveraddress", skip_serializing_if = "String::is_empty")]
    pub server_address: String,
}

impl Credentials {
    /// There is nothing that a registry could check.
    pub fn is_empty(&self) -> bool {
        self.username.is_empty()
            && self.password.is_empty()
            && self.identity_token.is_empty()
            && self.registry_token.is_empty()
    }

    /// The value of the header `X-Registry-Auth`: JSON in the alphabet of base64 for URLs, which
    /// is the one that daemons decode.
    pub fn header(&self) -> String {
        let json = serde_json::to_vec(self).expect("five strings have a JSON form");
        URL_SAFE.encode(json)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("server_address", &self.server_address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn decode(header: &str) -> Value {
        serde_json::from_slice(&URL_SAFE.decode(header).unwrap()).unwrap()
    }

    #[test]
    fn headers_are_what_daemons_decode() {
        let credentials = Credentials {
            username: "user".to_owned(),
            password: "pässword?>~".to_owned(),
            server_address: "registry.example:5000".to_owned(),
            ..Credentials::default()
        };
        let header = credentials.header();
        assert!(!header.contains(['+', '/']), "{header}");
        let expected = json!({
            "username": "user",
            "password": "pässword?>~",
            "serveraddress": "registry.example:5000",
        });
        assert_eq!(decode(&header), expected);
        let token = Credentials { identity_token: "t".to_owned(), ..Credentials::default() };
        assert_eq!(decode(&token.header()), json!({ "identitytoken": "t" }));
        let token = Credentials { registry_token: "t".to_owned(), ..Credentials::default() };
        assert_eq!(decode(&token.header()), json!({ "registrytoken": "t" }));
        assert!(Credentials::default().is_empty() && !token.is_empty());
        assert_eq!(Credentials::default().header(), "e30=");
    }

    #[test]
    fn nothing_prints_a_secret() {
        let secret = "hunter2";
        let credentials = Credentials {
            username: secret.to_owned(),
            password: secret.to_owned(),
            identity_token: secret.to_owned(),
            registry_token: secret.to_owned(),
            server_address: "r".to_owned(),
        };
        assert!(!format!("{credentials:?}{credentials:#?}").contains(secret));
    }
}
