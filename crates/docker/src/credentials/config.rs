//! A docker configuration, as far as it is about credentials: `config.json`, or the older
//! `.dockercfg`.

use super::Credentials;
use super::registry::Registry;
use crate::json::{self, ParseError};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// What is wrong with a configuration. Names the place, never what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// It is not the JSON that it should be.
    #[error("not a docker configuration: {0}")]
    Json(String),
    /// The `auth` of a registry is not the base64 form of `user:password`.
    #[error("auths.{0}.auth: expected user:password in base64")]
    Auth(String),
    /// The name of a helper could be the path of some other program.
    #[error(
        "{0}: expected the last part of the name of a program docker-credential-..., of letters, digits, '.', '_' and '-'"
    )]
    Helper(String),
}

impl From<ParseError> for ConfigError {
    fn from(error: ParseError) -> Self {
        ConfigError::Json(error.to_string())
    }
}

/// Where the credentials for one registry are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Here.
    Credentials(Credentials),
    /// With the program `docker-credential-NAME`.
    Helper(String),
    /// Nowhere.
    Nothing,
}

/// A docker configuration. [`Config::parse`] makes one of its text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Config {
    auths: BTreeMap<String, Credentials>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("registries", &self.auths.keys()).finish_non_exhaustive()
    }
}

impl Config {
    /// Parses the text of a `config.json`, or of a `.dockercfg`, which has at its top what the
    /// other has below `auths`.
    // differs: upstream takes everything without `auths` for a `.dockercfg`, and the command line
    // then fails on a configuration that only names helpers.
    #[doc(alias = "docker_config")]
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        // Of what cannot be parsed only the position is told: the rest may be a secret.
        let value: Value = serde_json::from_str(text).map_err(|error| {
            let place = format!("line {} column {}", error.line(), error.column());
            ConfigError::Json(format!("no JSON at {place}"))
        })?;
        let object = object(&value, "the whole")?;
        let modern = ["auths", "credHelpers", "credsStore"];
        if !modern.iter().any(|key| object.contains_key(*key)) {
            // An empty file, or one about other matters, has no registries at all.
            let legacy = object.values().any(|value| value.get("auth").is_some());
            let auths = if legacy { auths(&value)? } else { BTreeMap::new() };
            return Ok(Config { auths, ..Config::default() });
        }
        let mut helpers = BTreeMap::new();
        if let Some(map) = json::find(&value, &["credHelpers"]) {
            for registry in self::object(map, "credHelpers")?.keys() {
                let helper = json::string(&value, &["credHelpers", registry])?;
                helpers.insert(registry.clone(), named(helper, "credHelpers")?);
            }
        }
        let store = json::optional_string(&value, &["credsStore"])?;
        Ok(Config {
            auths: json::find(&value, &["auths"]).map_or_else(|| Ok(BTreeMap::new()), auths)?,
            helpers,
            store: store
                .filter(|store| !store.is_empty())
                .map(|store| named(store, "credsStore"))
                .transpose()?,
        })
    }

    /// In the command line's order: the registry's own helper, else the store for all, and only
    /// without either what stands in the file itself.
    pub(super) fn find(&self, registry: &Registry) -> Found {
        let helpers = self.helpers.iter().map(|(key, helper)| (key.as_str(), helper));
        if let Some(helper) = registry.find(helpers).or(self.store.as_ref()) {
            return Found::Helper(helper.clone());
        }
        let auths = self.auths.iter().map(|(key, credentials)| (key.as_str(), credentials));
        match registry.find(auths) {
            Some(credentials) if !credentials.is_empty() => Found::Credentials(Credentials {
                server_address: registry.key().to_owned(),
                ..credentials.clone()
            }),
            _ => Found::Nothing,
        }
    }
}

fn object<'a>(
    value: &'a Value,
    path: &str,
) -> Result<&'a serde_json::Map<String, Value>, ParseError> {
    value.as_object().ok_or_else(|| json::unexpected(&[path], "object"))
}

/// A helper comes from a task's sandbox, perhaps: its name must not lead to another program.
// differs: the command line runs whatever the name leads to, with the agent's rights.
fn named(helper: String, place: &str) -> Result<String, ConfigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if helper.is_empty() || helper.len() > 100 || !helper.bytes().all(plain) {
        return Err(ConfigError::Helper(place.to_owned()));
    }
    Ok(helper)
}

fn auths(value: &Value) -> Result<BTreeMap<String, Credentials>, ConfigError> {
    let mut result = BTreeMap::new();
    for (registry, entry) in object(value, "auths")? {
        object(entry, &format!("auths.{registry}"))?;
        let text = |key| json::optional_string(entry, &[key]).map(Option::unwrap_or_default);
        let mut credentials = Credentials {
            username: text("username")?,
            password: text("password")?,
            identity_token: text("identitytoken")?,
            registry_token: text("registrytoken")?,
            server_address: String::new(),
        };
        let auth = text("auth")?;
        if !auth.is_empty() {
            let pair = decode(&auth).ok_or_else(|| ConfigError::Auth(registry.clone()))?;
            (credentials.username, credentials.password) = pair;
        }
        result.insert(registry.clone(), credentials);
    }
    Ok(result)
}

fn decode(auth: &str) -> Option<(String, String)> {
    let auth = auth.trim();
    let bytes = STANDARD.decode(auth).or_else(|_| STANDARD_NO_PAD.decode(auth)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.trim_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(text: &str, image: &str) -> Found {
        Config::parse(text).unwrap().find(&Registry::of(image))
    }

    fn found(username: &str, password: &str, server_address: &str) -> Found {
        Found::Credentials(Credentials {
            username: username.to_owned(),
            password: password.to_owned(),
            server_address: server_address.to_owned(),
            ..Credentials::default()
        })
    }

    // user:pass:word
    const AUTH: &str = r#"{"auth":"dXNlcjpwYXNzOndvcmQ="}"#;

    #[test]
    fn both_forms_are_understood() {
        let hub = "https://index.docker.io/v1/";
        let modern = format!(r#"{{"auths":{{"{hub}":{AUTH},"r.example:5000":{AUTH}}}}}"#);
        let legacy = format!(r#"{{"{hub}":{AUTH},"r.example:5000":{AUTH}}}"#);
        for text in [modern, legacy] {
            assert_eq!(find(&text, "bb:1"), found("user", "pass:word", hub));
            let expected = found("user", "pass:word", "r.example:5000");
            assert_eq!(find(&text, "r.example:5000/a/b:1"), expected);
            assert_eq!(find(&text, "r.example/a/b:1"), Found::Nothing);
        }
        let plain = r#"{"auths":{"r.example":{"username":"u","password":"p"}}}"#;
        assert_eq!(find(plain, "r.example/b"), found("u", "p", "r.example"));
        let token = r#"{"auths":{"r.example":{"identitytoken":"t"}}}"#;
        let Found::Credentials(credentials) = find(token, "r.example/b") else { panic!("none") };
        assert_eq!(credentials.identity_token, "t");
        let token = r#"{"auths":{"r.example":{"registrytoken":"t"}}}"#;
        let Found::Credentials(credentials) = find(token, "r.example/b") else { panic!("none") };
        assert_eq!(credentials.registry_token, "t");
    }

    #[test]
    fn helpers_go_before_the_file() {
        let text = format!(
            r#"{{"auths":{{"r.example":{AUTH},"s.example":{AUTH}}},
                "credHelpers":{{"https://r.example":"gcloud","docker.io":"hub"}}}}"#
        );
        assert_eq!(find(&text, "r.example/b"), Found::Helper("gcloud".to_owned()));
        assert_eq!(find(&text, "bb"), Found::Helper("hub".to_owned()));
        assert_eq!(find(&text, "s.example/b"), found("user", "pass:word", "s.example"));
        let text = format!(
            r#"{{"auths":{{"s.example":{AUTH}}},"credsStore":"desktop",
                "credHelpers":{{"r.example":"gcloud"}}}}"#
        );
        assert_eq!(find(&text, "r.example/b"), Found::Helper("gcloud".to_owned()));
        assert_eq!(find(&text, "s.example/b"), Found::Helper("desktop".to_owned()));
    }

    #[test]
    fn empty_is_nothing() {
        for text in [
            "{}",
            r#"{"auths":{}}"#,
            r#"{"auths":null,"credsStore":""}"#,
            r#"{"auths":{"docker.io":{}}}"#,
            r#"{"auths":{"docker.io":{"auth":""}}}"#,
            r#"{"HttpHeaders":{"User-Agent":"x"},"detachKeys":"ctrl-e,e"}"#,
        ] {
            assert_eq!(find(text, "bb"), Found::Nothing, "{text}");
        }
    }

    #[test]
    fn errors_name_the_place_and_nothing_else() {
        for (text, place) in [
            ("{\"hunter2", "line 1"),
            ("\"hunter2\"", "the whole"),
            (r#"{"auths":["hunter2"]}"#, "auths"),
            (r#"{"auths":{"r.example":"hunter2"}}"#, "auths.r.example"),
            (r#"{"auths":{"r.example":{"auth":"hunter2"}}}"#, "auths.r.example.auth"),
            (r#"{"auths":{"r.example":{"auth":"aHVudGVyMg=="}}}"#, "auths.r.example.auth"),
            (r#"{"auths":{"r.example":{"password":["hunter2"]}}}"#, "password"),
            (r#"{"credHelpers":{"r.example":["hunter2"]}}"#, "credHelpers.r.example"),
            (r#"{"credHelpers":{"r.example":"../hunter2"}}"#, "credHelpers"),
            (r#"{"credsStore":"x/../../hunter2"}"#, "credsStore"),
            (r#"{"credsStore":{"hunter2":1}}"#, "credsStore"),
            (r#"{"r.example":{"auth":"hunter2"}}"#, "r.example"),
        ] {
            let error = Config::parse(text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(place), "{text}: {shown}");
            assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
        }
        let config = Config::parse(&format!(r#"{{"auths":{{"r.example":{AUTH}}}}}"#)).unwrap();
        assert!(!format!("{config:?}").contains("word"));
    }
}
