//! JSON to messages.

// prost-reflect keeps maps in a HashMap; it is turned into the message's BTreeMap before anybody
// can see its order.
#[allow(clippy::disallowed_types)]
use std::collections::HashMap;
use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use prost_reflect::{
    Cardinality, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    Value,
};
use serde_json::Value as Json;

use super::Error;

/// What to do with fields that the message does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    Ignore,
    Refuse,
}

/// Where in the JSON we are; only written out when there is an error to report.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

pub(super) struct Parser {
    pub(super) unknown: Unknown,
}

impl Parser {
    pub(super) fn message(
        &self,
        descriptor: MessageDescriptor,
        value: &Json,
        path: &Path<'_>,
    ) -> Result<DynamicMessage, Error> {
        let Json::Object(object) = value else { return Err(expected("an object", value, path)) };

        let mut message = DynamicMessage::new(descriptor.clone());
        for (name, value) in object {
            let path = Path::Field(path, name);
            let Some(field) = find_field(&descriptor, name) else {
                if self.unknown == Unknown::Refuse {
                    let problem = format!("{} has no such field", descriptor.full_name());
                    return Err(Error::new(path, problem));
                }
                continue;
            };
            if let Some(value) = self.field(&field, value, &path)? {
                message.set_field(&field, value);
            }
        }

        // Upstream collects these at the end (IsInitialized); the first one tells enough.
        let missing = descriptor.fields().find(|field| {
            field.cardinality() == Cardinality::Required && !message.has_field(field)
        });
        match missing {
            Some(field) => Err(Error::new(Path::Field(path, field.name()), "is required")),
            None => Ok(message),
        }
    }

    /// None: as if it were not there.
    fn field(
        &self,
        field: &FieldDescriptor,
        value: &Json,
        path: &Path<'_>,
    ) -> Result<Option<Value>, Error> {
        if value.is_null() {
            return Ok(None);
        }
        if field.is_map() {
            return self.map(field, value, path).map(Some);
        }
        if !field.is_list() {
            return self.single(field.kind(), value, path).map(Some);
        }
        let Json::Array(array) = value else {
            return Ok(Some(Value::List(vec![self.single(field.kind(), value, path)?])));
        };
        let items = array.iter().enumerate().filter(|(_, item)| !item.is_null());
        items
            .map(|(i, item)| self.single(field.kind(), item, &Path::Index(path, i)))
            .collect::<Result<_, _>>()
            .map(|items| Some(Value::List(items)))
    }

    fn map(&self, field: &FieldDescriptor, value: &Json, path: &Path<'_>) -> Result<Value, Error> {
        let Json::Object(object) = value else { return Err(expected("an object", value, path)) };
        let Kind::Message(entry) = field.kind() else { return Err(expected("", value, path)) };

        #[allow(clippy::disallowed_types)] // See the import.
        let mut entries = HashMap::new();
        for (name, value) in object {
            let path = Path::Field(path, name);
            let key =
                self.single(entry.map_entry_key_field().kind(), &Json::from(&**name), &path)?;
            let key = map_key(key).ok_or_else(|| Error::new(path, "is no key for this map"))?;
            let value = self.single(entry.map_entry_value_field().kind(), value, &path)?;
            entries.insert(key, value);
        }
        Ok(Value::Map(entries))
    }

    fn single(&self, kind: Kind, value: &Json, path: &Path<'_>) -> Result<Value, Error> {
        match kind {
            Kind::Message(descriptor) => self.message(descriptor, value, path).map(Value::Message),
            Kind::String => match value {
                Json::String(text) => Ok(Value::String(text.clone())),
                _ => Err(expected("a string", value, path)),
            },
            Kind::Bytes => match value {
                Json::String(text) => match STANDARD.decode(text) {
                    Ok(bytes) => Ok(Value::Bytes(bytes.into())),
                    Err(error) => Err(Error::new(path, format!("expected base64: {error}"))),
                },
                _ => Err(expected("a string of base64", value, path)),
            },
            Kind::Bool => match value {
                Json::Bool(value) => Ok(Value::Bool(*value)),
                Json::String(text) if text == "true" => Ok(Value::Bool(true)),
                Json::String(text) if text == "false" => Ok(Value::Bool(false)),
                _ => Err(expected("true or false", value, path)),
            },
            Kind::Enum(descriptor) => enumeration(&descriptor, value, path),
            Kind::Double => float(value, path).map(Value::F64),
            Kind::Float => float(value, path).map(|value| Value::F32(value as f32)),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                integer(value, i32::MIN.into(), i32::MAX.into(), path, |n| Value::I32(n as i32))
            }
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                integer(value, i64::MIN.into(), i64::MAX.into(), path, |n| Value::I64(n as i64))
            }
            Kind::Uint32 | Kind::Fixed32 => {
                integer(value, 0, u32::MAX.into(), path, |n| Value::U32(n as u32))
            }
            Kind::Uint64 | Kind::Fixed64 => {
                integer(value, 0, u64::MAX.into(), path, |n| Value::U64(n as u64))
            }
        }
    }
}

fn map_key(value: Value) -> Option<MapKey> {
    match value {
        Value::Bool(key) => Some(MapKey::Bool(key)),
        Value::I32(key) => Some(MapKey::I32(key)),
        Value::I64(key) => Some(MapKey::I64(key)),
        Value::U32(key) => Some(MapKey::U32(key)),
        Value::U64(key) => Some(MapKey::U64(key)),
        Value::String(key) => Some(MapKey::String(key)),
        _ => None,
    }
}

/// By its name, or by its name in the v1 API, where slaves are agents.
fn find_field(descriptor: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    descriptor
        .get_field_by_name(name)
        .or_else(|| descriptor.get_field_by_name(&name.replace("agent", "slave")))
}

fn enumeration(descriptor: &EnumDescriptor, value: &Json, path: &Path<'_>) -> Result<Value, Error> {
    let Json::String(name) = value else {
        return Err(expected("the name of a value", value, path));
    };
    let found = descriptor
        .get_value_by_name(name)
        .or_else(|| descriptor.get_value_by_name(&name.replace("AGENT", "SLAVE")));
    // differs: upstream drops an unknown value of an optional field, and so runs a mistyped task.
    found.map(|value| Value::EnumNumber(value.number())).ok_or_else(|| {
        const FEW: usize = 8;
        let names: Vec<_> = descriptor.values().map(|value| value.name().to_string()).collect();
        let names = match names.len() {
            0..=FEW => names.join(", "),
            _ => format!("a value of {}", descriptor.full_name()),
        };
        Error::new(path, format!("expected {names}, found {name:?}"))
    })
}

fn float(value: &Json, path: &Path<'_>) -> Result<f64, Error> {
    let number = match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => number_in(text).and_then(|number| number.as_f64()),
        },
        _ => None,
    };
    number.ok_or_else(|| expected("a number", value, path))
}

fn integer(
    value: &Json,
    min: i128,
    max: i128,
    path: &Path<'_>,
    make: impl Fn(i128) -> Value,
) -> Result<Value, Error> {
    let number = match value {
        Json::Number(number) => Some(number.clone()),
        Json::String(text) => number_in(text),
        _ => None,
    };
    let Some(number) = number else { return Err(expected("a number", value, path)) };
    whole(&number).filter(|number| (min..=max).contains(number)).map(make).ok_or_else(|| {
        Error::new(path, format!("expected a whole number from {min} to {max}, found {number}"))
    })
}

/// `3` and `3.0`, but not `3.5`.
fn whole(number: &serde_json::Number) -> Option<i128> {
    number.as_i128().or_else(|| {
        // Beyond 2^64 no field is large enough anyway.
        let float = number.as_f64()?;
        (float.fract() == 0.0 && float.abs() <= 2f64.powi(64)).then_some(float as i128)
    })
}

fn number_in(text: &str) -> Option<serde_json::Number> {
    serde_json::from_str(text).ok()
}

fn expected(what: &str, found: &Json, path: &Path<'_>) -> Error {
    let found = match found {
        Json::Null => "null".to_string(),
        Json::Bool(_) => "a boolean".to_string(),
        Json::Number(_) => "a number".to_string(),
        Json::String(text) => format!("the string {:?}", shortened(text)),
        Json::Array(_) => "an array".to_string(),
        Json::Object(_) => "an object".to_string(),
    };
    Error::new(path, format!("expected {what}, found {found}"))
}

/// Enough of a text to recognise it.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST {
        return text.to_string();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
