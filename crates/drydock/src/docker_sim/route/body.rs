//! Bodies of requests: JSON, as Go's decoder takes it.

use serde_json::{Map, Value};
use sim::environment::daemon::{Refusal, go_json};

/// A body and what its sender says that it is.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    /// All of it.
    pub bytes: &'a [u8],
    /// The header `Content-Type`.
    pub content_type: Option<&'a str>,
}

impl Body<'_> {
    /// The JSON of a request that needs some.
    ///
    /// # Errors
    ///
    /// The Engine's refusals of another type, and of what is no JSON.
    pub fn json(&self) -> Result<Value, Refusal> {
        match self.content_type {
            None if self.bytes.is_empty() => {}
            found => {
                let found = found.unwrap_or_default();
                let kind = found.split(';').next().unwrap_or_default().trim();
                if !kind.eq_ignore_ascii_case("application/json") {
                    let message =
                        format!("Content-Type specified ({found}) must be 'application/json'");
                    return Err(Refusal::new(400, message));
                }
            }
        }
        first_value(self.bytes)
    }
}

/// The first value; what comes after it is not looked at.
pub fn first_value(bytes: &[u8]) -> Result<Value, Refusal> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Value>();
    match values.next() {
        None => Err(Refusal::new(500, "EOF")),
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) if error.is_eof() => Err(Refusal::new(500, "unexpected EOF")),
        Some(Err(error)) => {
            let complaint = go_json::complaint(bytes);
            let complaint = complaint.unwrap_or_else(|| format!("invalid JSON: {error}"));
            Err(Refusal::new(500, complaint))
        }
    }
}

/// An object's fields, whose names are matched without regard to case; `null` is nothing.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    object: Option<&'a Map<String, Value>>,
    of: &'static str,
}

impl<'a> Fields<'a> {
    /// The fields of a body; `of` is what Go calls it.
    ///
    /// # Errors
    ///
    /// The Engine's refusal of another kind of value.
    pub fn new(value: &'a Value, of: &'static str) -> Result<Self, Refusal> {
        match value {
            Value::Object(object) => Ok(Fields { object: Some(object), of }),
            Value::Null => Ok(Fields { object: None, of }),
            other => Err(Refusal::new(
                500,
                format!("json: cannot unmarshal {} into Go value of type {of}", kind(other)),
            )),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        let object = self.object?;
        let found = object.get(name).or_else(|| {
            object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        });
        found.filter(|value| !value.is_null())
    }

    fn wrong(&self, name: &str, found: &Value, wanted: &str) -> Refusal {
        let (kind, of) = (kind(found), self.of);
        Refusal::new(
            500,
            format!(
                "json: cannot unmarshal {kind} into Go struct field {of}.{name} of type {wanted}"
            ),
        )
    }

    /// A text, empty if there is none.
    ///
    /// # Errors
    ///
    /// The Engine's refusal of another kind of value.
    pub fn text(&self, name: &str) -> Result<&'a str, Refusal> {
        match self.get(name) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(self.wrong(name, other, "string")),
        }
    }

    /// A flag.
    ///
    /// # Errors
    ///
    /// The Engine's refusal of another kind of value.
    pub fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong(name, other, "bool")),
        }
    }

    /// The fields of an object within.
    ///
    /// # Errors
    ///
    /// The Engine's refusal of another kind of value.
    pub fn object(&self, name: &str, of: &'static str) -> Result<Fields<'a>, Refusal> {
        match self.get(name) {
            None => Ok(Fields { object: None, of }),
            Some(Value::Object(object)) => Ok(Fields { object: Some(object), of }),
            Some(other) => Err(self.wrong(name, other, of)),
        }
    }

    /// A list of texts.
    ///
    /// # Errors
    ///
    /// The Engine's refusal of another kind of value.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let Value::Array(all) = value else { return Err(self.wrong(name, value, "[]string")) };
        let text = |one: &Value| match one {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.wrong(name, other, "string")),
        };
        all.iter().map(text).collect()
    }

    /// A map of texts, in the order of the body.
    ///
    /// # Errors
    ///
    /// The Engine's refusal of another kind of value.
    pub fn map(&self, name: &str) -> Result<Vec<(String, String)>, Refusal> {
        let inner = self.object(name, "map[string]string")?;
        let entry = |(key, value): (&String, &Value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            Value::Null => Ok((key.clone(), String::new())),
            other => Err(self.wrong(name, other, "string")),
        };
        inner.object.into_iter().flatten().map(entry).collect()
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(content_type: Option<&str>, bytes: &[u8]) -> (u16, String) {
        let refusal = Body { bytes, content_type }.json().unwrap_err();
        (refusal.status, refusal.message.into_owned())
    }

    #[test]
    fn a_body_must_be_json_and_say_so() {
        let json = Some("application/json");
        assert!(Body { bytes: b"{}x", content_type: json }.json().is_ok());
        let charset = Some("application/json; charset=utf-8");
        assert!(Body { bytes: b"{}", content_type: charset }.json().is_ok());
        let text = "Content-Type specified (text/plain) must be 'application/json'";
        assert_eq!(refused(Some("text/plain"), b"{}"), (400, text.to_owned()));
        assert_eq!(refused(None, b"{}").0, 400);
        assert_eq!(refused(None, b""), (500, "EOF".to_owned()));
        assert_eq!(refused(json, b"{\"a\":"), (500, "unexpected EOF".to_owned()));
        assert!(refused(json, b"{x}").1.starts_with("invalid character 'x'"));
        assert!(refused(json, &[b'['; 100_000]).1.contains("invalid"), "not a stack overflow");
        assert_eq!(refused(json, &[0xff]).0, 500);
    }

    #[test]
    fn fields_are_found_as_go_finds_them() {
        let value = serde_json::json!({"container": "web", "Force": null, "Labels": {"a": "b"}});
        let fields = Fields::new(&value, "T").unwrap();
        assert_eq!((fields.text("Container"), fields.flag("Force")), (Ok("web"), Ok(false)));
        assert_eq!(fields.map("Labels"), Ok(vec![("a".to_owned(), "b".to_owned())]));
        let wrong = fields.flag("Container").unwrap_err();
        let text = "json: cannot unmarshal string into Go struct field T.Container of type bool";
        assert_eq!((wrong.status, &*wrong.message), (500, text));
        assert!(Fields::new(&serde_json::json!([]), "T").is_err());
        assert!(fields.texts("Labels").is_err() && fields.map("container").is_err());
    }
}
