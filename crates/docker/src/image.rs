//! An image as `docker inspect` shows it. Mirrors `Docker::Image` of `src/docker/docker.hpp`.

use crate::json::{self, ParseError};
use serde_json::Value;
use std::collections::BTreeMap;

/// An image that is present at the daemon.
#[doc(alias = "Docker::Image")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Its id, `sha256:…`; empty where an old daemon does not say.
    pub id: String,
    /// What is executed in a container of it, if it says; never an empty list.
    pub entrypoint: Option<Vec<String>>,
    /// Variables that it sets, if any.
    pub environment: Option<BTreeMap<String, String>>,
}

impl Image {
    /// Parses the answer to an inspect: an object, as the Engine's API gives it, or an array with
    /// one object, as the command line prints it.
    #[doc(alias = "Docker::Image::create")]
    pub fn from_inspect(text: &str) -> Result<Self, ParseError> {
        let value = json::parse(text)?;
        let json = json::single(&value, "image")?;
        // differs: upstream reads `ContainerConfig`, which describes the last build step and is
        // gone since API 1.45; `Config` is what containers of the image get.
        let section = ["Config", "ContainerConfig"]
            .into_iter()
            .find(|section| json.get(*section).is_some_and(Value::is_object))
            .ok_or_else(|| ParseError::Missing("Config".to_owned()))?;

        let entrypoint = json::strings(json, &[section, "Entrypoint"])?;
        Ok(Image {
            id: json::optional_string(json, &["Id"])?.unwrap_or_default(),
            entrypoint: (!entrypoint.is_empty()).then_some(entrypoint),
            environment: environment(json, section)?,
        })
    }
}

fn environment(
    json: &Value,
    section: &str,
) -> Result<Option<BTreeMap<String, String>>, ParseError> {
    let mut result = BTreeMap::new();
    for (index, variable) in json::strings(json, &[section, "Env"])?.into_iter().enumerate() {
        let unexpected =
            |expected| ParseError::Unexpected { path: format!("{section}.Env[{index}]"), expected };
        let Some((name, value)) = variable.split_once('=') else {
            return Err(unexpected("NAME=value"));
        };
        if result.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(unexpected("each variable once"));
        }
    }
    Ok((!result.is_empty()).then_some(result))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_both_layouts() {
        let object =
            r#"{"Id":"sha256:1","Config":{"Entrypoint":["/bin/echo","x"],"Env":["A=1=2","B="]}}"#;
        let image = Image::from_inspect(object).unwrap();
        assert_eq!(image.id, "sha256:1");
        assert_eq!(image.entrypoint, Some(vec!["/bin/echo".to_owned(), "x".to_owned()]));
        let environment = image.environment.clone().unwrap();
        assert_eq!((&*environment["A"], &*environment["B"]), ("1=2", ""));
        assert_eq!(Image::from_inspect(&format!("[{object}]")), Ok(image));
    }

    #[test]
    fn empty_is_none() {
        for config in [
            r#""Config":{"Entrypoint":null,"Env":null}"#,
            r#""Config":{"Entrypoint":[],"Env":[]}"#,
            r#""ContainerConfig":{}"#,
        ] {
            assert_eq!(Image::from_inspect(&format!("{{{config}}}")), Ok(Image::default()));
        }
    }

    #[test]
    fn hostile_answers_are_errors_that_name_the_place() {
        for (text, place) in [
            ("{", "JSON"),
            ("[]", "image"),
            ("null", "image"),
            ("{}", "Config"),
            (r#"{"Config":7}"#, "Config"),
            (r#"{"Config":{"Entrypoint":"/bin/sh"}}"#, "Config.Entrypoint"),
            (r#"{"Config":{"Entrypoint":[null]}}"#, "Config.Entrypoint[0]"),
            (r#"{"Config":{"Env":{}}}"#, "Config.Env"),
            (r#"{"Config":{"Env":["A"]}}"#, "Config.Env[0]"),
            (r#"{"Config":{"Env":["A=1","A=2"]}}"#, "Config.Env[1]"),
            (r#"{"Id":1,"Config":{}}"#, "Id"),
        ] {
            let error = Image::from_inspect(text).unwrap_err().to_string();
            assert!(error.contains(place), "{text}: {error}");
        }
    }
}
