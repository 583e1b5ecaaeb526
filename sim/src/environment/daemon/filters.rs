//! Filters of lists and events, as the Engine's API encodes them.

use super::answer::Refusal;
use super::{go_json, messages};
use serde_json::Value;
use std::collections::BTreeMap;

/// For each name of a filter its values; a thing matches if it matches one value of each name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters(BTreeMap<String, Vec<String>>);

impl Filters {
    /// From the parameter `filters`: an object of lists, or of objects whose keys count.
    ///
    /// # Errors
    ///
    /// The daemon's refusal of what is no such object.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Ok(Filters::default());
        }
        // Two encodings are tried; the complaint about the older one is what is heard.
        let wrong = || Refusal::new(500, "json: cannot unmarshal into a map of filters");
        let value: Value = serde_json::from_str(text).map_err(|_| {
            let end = "unexpected end of JSON input";
            let complaint = go_json::complaint(text.as_bytes()).unwrap_or_else(|| end.to_owned());
            Refusal::new(500, complaint)
        })?;
        let object = match value {
            Value::Object(object) => object,
            other => {
                let kind = match other {
                    Value::Array(_) => "array",
                    Value::String(_) => "string",
                    Value::Bool(_) => "bool",
                    Value::Number(_) => "number",
                    Value::Null | Value::Object(_) => return Ok(Filters::default()),
                };
                let of = "map[string][]string";
                let message = format!("json: cannot unmarshal {kind} into Go value of type {of}");
                return Err(Refusal::new(500, message));
            }
        };
        let mut filters = BTreeMap::new();
        for (name, values) in object {
            let values: Vec<String> = match values {
                Value::Array(values) => {
                    let texts = values.into_iter().map(|value| match value {
                        Value::String(text) => Some(text),
                        _ => None,
                    });
                    texts.collect::<Option<_>>().ok_or_else(wrong)?
                }
                Value::Object(values) => {
                    let set = values.into_iter().filter(|(_, set)| *set != Value::Bool(false));
                    set.map(|(value, _)| value).collect()
                }
                _ => return Err(wrong()),
            };
            filters.insert(name, values);
        }
        Ok(Filters(filters))
    }

    /// Adds a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.entry(name.to_owned()).or_default().push(value.to_owned());
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }

    /// The values of one name.
    pub fn get(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Refuses names that are not among these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(messages::invalid_filter(name, None)),
            None => Ok(()),
        }
    }

    /// Whether there is no filter of this name, or one with a value for which this holds.
    pub(super) fn any(&self, name: &str, mut holds: impl FnMut(&str) -> bool) -> bool {
        let values = self.get(name);
        values.is_empty() || values.iter().any(|value| holds(value))
    }

    /// The same for values that are found within a text: as a part of it, or with `^` and `$` at
    /// its ends. (The Engine takes regular expressions.)
    pub(super) fn within(&self, name: &str, text: &str) -> bool {
        self.any(name, |value| found_in(value, text))
    }

    /// Whether all filters of this name, `key` or `key=value`, match one of the labels.
    pub(super) fn labels<'a>(&self, name: &str, labels: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.get(name).iter().all(|wanted| match wanted.split_once('=') {
            None => labels(wanted).is_some(),
            Some((key, value)) => labels(key) == Some(value),
        })
    }

    /// Whether a filter of this name says yes, or what it is without one.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name).first().map(String::as_str) {
            None => Ok(None),
            Some("true" | "1" | "True") => Ok(Some(true)),
            Some("false" | "0" | "False") => Ok(Some(false)),
            Some(_) => {
                let values = format!("[{}]", self.get(name).join(" "));
                Err(messages::invalid_filter(name, Some(&values)))
            }
        }
    }
}

fn found_in(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('^'), pattern.strip_suffix('$')) {
        (None, None) => text.contains(pattern),
        (Some(start), None) => text.starts_with(start),
        (None, Some(end)) => text.ends_with(end),
        (Some(start), Some(_)) => start.strip_suffix('$') == Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_are_read() {
        let wanted = Filters::default().with("label", "a=b").with("status", "exited");
        for text in [
            r#"{"label":["a=b"],"status":["exited"]}"#,
            r#"{"label":{"a=b":true},"status":{"exited":true}}"#,
        ] {
            assert_eq!(Filters::parse(text).ok().as_ref(), Some(&wanted), "{text}");
        }
        assert!(Filters::parse("").is_ok_and(|filters| filters.is_empty()));
        for text in ["{\"a\"", "[]", "{\"a\":1}", "{\"a\":[1]}"] {
            assert_eq!(Filters::parse(text).map_err(|refusal| refusal.status), Err(500), "{text}");
        }
    }

    #[test]
    fn filters_match_as_the_daemon_matches() {
        let filters = Filters::default().with("name", "^web$").with("name", "cache");
        for (name, matches) in [("web", true), ("webs", false), ("a-cache-1", true)] {
            assert_eq!(filters.within("name", name), matches, "{name}");
        }
        assert!(filters.within("id", "anything"));
        let labels = Filters::default().with("label", "a").with("label", "b=1");
        let of = |b: &'static str| {
            move |key: &str| match key {
                "a" => Some("x"),
                "b" => Some(b),
                _ => None,
            }
        };
        assert!(labels.labels("label", of("1")));
        assert!(!labels.labels("label", of("2")));
        let unknown = filters.only(&["id"]).unwrap_err();
        assert_eq!((unknown.status, &*unknown.message), (400, "Invalid filter 'name'"));
        assert_eq!(
            Filters::default().with("dangling", "1").flag("dangling").ok(),
            Some(Some(true))
        );
        assert!(Filters::default().with("dangling", "maybe").flag("dangling").is_err());
    }
}
