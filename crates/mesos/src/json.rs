//! Messages to and from JSON as Mesos writes it; mirrors `stout/protobuf.hpp`.
//!
//! Fields have the names of the `.proto` files, enums their value's name, bytes are base64. Reading
//! is generous, as upstream: unknown fields are ignored, `null` is an absent field, one value may
//! stand for a list of one, numbers and booleans may be strings. Beyond upstream, the names of the v1
//! API are understood (`agent_id`, `REASON_AGENT_REMOVED`), which is what `mesos-execute` takes.
//! Writing adds unset fields that have a default, unless deprecated, as upstream does.

mod parse;
mod write;

use std::fmt;

use prost::{Message, Name};
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::Value as Json;

use crate::descriptors;

/// Why JSON is not the message it should be, and where: `container.docker.image: expected a string,
/// found a number`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    path: String,
    problem: String,
}

impl Error {
    fn new(path: impl fmt::Display, problem: impl Into<String>) -> Self {
        Self { path: path.to_string(), problem: problem.into() }
    }

    /// Where, as in `resources[1].scalar.value`; empty for the whole.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was expected there, and what was found.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.problem)
    }
}

/// Reads a message; unknown fields are ignored.
#[doc(alias = "protobuf::parse")]
pub fn parse<T: Message + Name + Default>(text: &str) -> Result<T, Error> {
    from_value(&parse_text(text)?)
}

/// Reads a message; unknown fields are errors.
pub fn parse_strict<T: Message + Name + Default>(text: &str) -> Result<T, Error> {
    from_value_strict(&parse_text(text)?)
}

/// Reads a message from parsed JSON; unknown fields are ignored.
pub fn from_value<T: Message + Name + Default>(value: &Json) -> Result<T, Error> {
    read(value, parse::Unknown::Ignore)
}

/// Reads a message from parsed JSON; unknown fields are errors.
pub fn from_value_strict<T: Message + Name + Default>(value: &Json) -> Result<T, Error> {
    read(value, parse::Unknown::Refuse)
}

/// Reads an array of messages; unknown fields are ignored.
#[doc(alias = "RepeatedPtrField")]
pub fn from_array<T: Message + Name + Default>(array: &[Json]) -> Result<Vec<T>, Error> {
    let root = parse::Path::Root;
    let read_one =
        |(i, value)| read_at(value, parse::Unknown::Ignore, &parse::Path::Index(&root, i));
    array.iter().enumerate().map(read_one).collect()
}

/// A message as JSON.
#[doc(alias = "JSON::protobuf")]
pub fn to_value<T: Message + Name>(message: &T) -> Json {
    let dynamic = descriptor::<T>()
        .ok()
        .and_then(|descriptor| DynamicMessage::decode(descriptor, &*message.encode_to_vec()).ok());
    // Not for the messages of this crate: they are what their descriptors say.
    dynamic.map_or(Json::Null, |dynamic| write::message(&dynamic))
}

/// A message as one line of JSON.
#[doc(alias = "jsonify")]
pub fn to_string<T: Message + Name>(message: &T) -> String {
    to_value(message).to_string()
}

fn parse_text(text: &str) -> Result<Json, Error> {
    serde_json::from_str(text).map_err(|error| Error::new("", format!("not JSON: {error}")))
}

fn read<T: Message + Name + Default>(value: &Json, unknown: parse::Unknown) -> Result<T, Error> {
    read_at(value, unknown, &parse::Path::Root)
}

fn read_at<T: Message + Name + Default>(
    value: &Json,
    unknown: parse::Unknown,
    path: &parse::Path<'_>,
) -> Result<T, Error> {
    let message = parse::Parser { unknown }.message(descriptor::<T>()?, value, path)?;
    message.transcode_to().map_err(|error| Error::new(path, error.to_string()))
}

fn descriptor<T: Name>() -> Result<MessageDescriptor, Error> {
    let name = T::full_name();
    descriptors::message(&name)
        .ok_or_else(|| Error::new("", format!("{name} is no message of Mesos")))
}

#[cfg(test)]
mod tests;
