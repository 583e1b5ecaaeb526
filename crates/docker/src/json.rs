//! Reading a daemon's JSON: values at a path, errors that name it, and the command line's layout.

use serde_json::Value;
use thiserror::Error;

/// What is wrong with a daemon's JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// The text is no JSON.
    #[error("Failed to parse JSON: {0}")]
    Syntax(String),
    /// Nothing is there.
    #[error("Unable to find {0}")]
    Missing(String),
    /// Something of another kind is there.
    #[error("Unexpected value at {path}: {expected} expected")]
    Unexpected {
        /// Where in the JSON: keys joined by dots, indices in brackets.
        path: String,
        /// What should be there, for people.
        expected: &'static str,
    },
    /// It is nested so deeply that laying it out would fill the memory.
    #[error("Unexpected nesting: laid out it would be longer than {limit} bytes")]
    Nesting {
        /// What is still laid out.
        limit: usize,
    },
    /// More or less than the one object that was asked for.
    #[error("Failed to find {what}: one expected, {count} found")]
    Count {
        /// `container` or `image`.
        what: &'static str,
        /// How many there were.
        count: usize,
    },
}

pub(crate) fn parse(text: &str) -> Result<Value, ParseError> {
    serde_json::from_str(text).map_err(|error| ParseError::Syntax(error.to_string()))
}

/// The one object of `what`: bare, as the Engine's API has it, or in an array, as the command line
/// prints it.
pub(crate) fn single<'a>(value: &'a Value, what: &'static str) -> Result<&'a Value, ParseError> {
    let value = match value {
        Value::Array(values) => match values.as_slice() {
            [value] => value,
            _ => return Err(ParseError::Count { what, count: values.len() }),
        },
        value => value,
    };
    if value.is_object() { Ok(value) } else { Err(unexpected(&[what], "object")) }
}

/// The value at `path`; none where a key is missing, `null`, or leads through something that has
/// no keys.
pub(crate) fn find<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key)).filter(|value| !value.is_null())
}

pub(crate) fn unexpected(path: &[&str], expected: &'static str) -> ParseError {
    ParseError::Unexpected { path: path.join("."), expected }
}

pub(crate) fn required<'a>(value: &'a Value, path: &[&str]) -> Result<&'a Value, ParseError> {
    find(value, path).ok_or_else(|| ParseError::Missing(path.join(".")))
}

pub(crate) fn string(value: &Value, path: &[&str]) -> Result<String, ParseError> {
    let found = required(value, path)?.as_str();
    found.map(str::to_owned).ok_or_else(|| unexpected(path, "string"))
}

pub(crate) fn optional_string(value: &Value, path: &[&str]) -> Result<Option<String>, ParseError> {
    match find(value, path) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(unexpected(path, "string")),
    }
}

/// The elements at `path`, none if it is missing or `null`.
pub(crate) fn array<'a>(value: &'a Value, path: &[&str]) -> Result<&'a [Value], ParseError> {
    match find(value, path) {
        None => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(_) => Err(unexpected(path, "array")),
    }
}

/// The strings at `path`, none if it is missing or `null`.
pub(crate) fn strings(value: &Value, path: &[&str]) -> Result<Vec<String>, ParseError> {
    let element = |(index, value): (usize, &Value)| {
        value.as_str().map(str::to_owned).ok_or_else(|| ParseError::Unexpected {
            path: format!("{}[{index}]", path.join(".")),
            expected: "string",
        })
    };
    array(value, path)?.iter().enumerate().map(element).collect()
}

/// How much longer than the daemon's text the layout may be. Real ones are not even twice as long.
const GROWTH: usize = 16;

/// Lays valid JSON out as `docker inspect` does: four spaces a level, empty arrays and objects on
/// one line. Works on the text, so that numbers and escapes stay as the daemon wrote them.
pub(crate) fn indent(text: &str) -> Result<String, ParseError> {
    let limit = text.len().saturating_mul(GROWTH).saturating_add(1024);
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut opened = false;
    for character in text.chars() {
        if in_string {
            out.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        if character.is_ascii_whitespace() {
            continue;
        }
        let closing = matches!(character, '}' | ']');
        if closing {
            depth = depth.saturating_sub(1);
        }
        if opened != closing {
            new_line(&mut out, depth);
        }
        opened = false;
        out.push(character);
        match character {
            '"' => in_string = true,
            '{' | '[' => {
                depth += 1;
                opened = true;
            }
            ',' => new_line(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
        if out.len() > limit {
            return Err(ParseError::Nesting { limit });
        }
    }
    Ok(out)
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("    ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indents_as_the_command_line_does() {
        let value = r#"[{"a":[],"b":{},"c":[1,{"d":"x, {y}\"\\"}],"e":1.50,"f":"\u003c"}]"#;
        let expected = concat!(
            "[\n    {\n        \"a\": [],\n        \"b\": {},\n        \"c\": [\n            1,\n",
            "            {\n                \"d\": \"x, {y}\\\"\\\\\"\n            }\n        ],\n",
            "        \"e\": 1.50,\n        \"f\": \"\\u003c\"\n    }\n]"
        );
        assert_eq!(indent(value).as_deref(), Ok(expected));
        assert_eq!(indent(expected).as_deref(), Ok(expected));
    }

    #[test]
    fn deep_nesting_does_not_fill_the_memory() {
        let row = "1,".repeat(10_000);
        let deep = format!("{}{row}1{}", "[".repeat(120), "]".repeat(120));
        assert!(parse(&deep).is_ok());
        assert!(matches!(indent(&deep), Err(ParseError::Nesting { .. })));
        let shallow = format!("[{row}1]");
        assert!(indent(&shallow).is_ok());
    }

    #[test]
    fn errors_name_the_path() {
        let value = parse(r#"{"A":{"B":["x",1],"C":null}}"#).unwrap_or_default();
        let error = strings(&value, &["A", "B"]).unwrap_err();
        assert_eq!(error.to_string(), "Unexpected value at A.B[1]: string expected");
        assert_eq!(strings(&value, &["A", "C"]), Ok(Vec::new()));
        assert_eq!(string(&value, &["A", "C"]).unwrap_err().to_string(), "Unable to find A.C");
        assert_eq!(string(&value, &["A", "B", "C"]), Err(ParseError::Missing("A.B.C".into())));
    }
}
