//! Messages to JSON.

use base64::{Engine, engine::general_purpose::STANDARD};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};
use serde_json::{Map, Number, Value as Json};

pub(super) fn message(message: &DynamicMessage) -> Json {
    let descriptor = message.descriptor();
    // In the order of the `.proto` file; the descriptor's own iterator goes by number.
    let fields = descriptor
        .descriptor_proto()
        .field
        .iter()
        .filter_map(|field| descriptor.get_field(field.number().try_into().ok()?))
        .filter(|field| message.has_field(field) || is_shown_when_unset(field))
        .map(|field| {
            let value = json(&field.kind(), &message.get_field(&field));
            (field.name().to_string(), value)
        });
    Json::Object(fields.collect())
}

/// Upstream prints the defaults that the `.proto` files declare.
fn is_shown_when_unset(field: &FieldDescriptor) -> bool {
    let proto = field.field_descriptor_proto();
    let deprecated = proto.options.as_ref().is_some_and(|options| options.deprecated());
    proto.default_value.is_some() && !deprecated
}

fn json(kind: &Kind, value: &Value) -> Json {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::I32(value) => (*value).into(),
        Value::I64(value) => (*value).into(),
        Value::U32(value) => (*value).into(),
        Value::U64(value) => (*value).into(),
        Value::F32(value) => float((*value).into()),
        Value::F64(value) => float(*value),
        Value::String(value) => value.as_str().into(),
        Value::Bytes(value) => STANDARD.encode(value).into(),
        Value::EnumNumber(number) => enumeration(kind, *number),
        Value::Message(value) => message(value),
        Value::List(items) => items.iter().map(|item| json(kind, item)).collect(),
        Value::Map(entries) => {
            let Kind::Message(entry) = kind else { return Json::Null };
            let kind = entry.map_entry_value_field().kind();
            let mut entries: Vec<_> =
                entries.iter().map(|(key, value)| (key_text(key), json(&kind, value))).collect();
            // The entries come from a hash map; sorted, the same message gives the same text.
            entries.sort_by(|left, right| left.0.cmp(&right.0));
            Json::Object(Map::from_iter(entries))
        }
    }
}

fn float(value: f64) -> Json {
    let as_text = || match value {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        _ => "NaN".into(),
    };
    Number::from_f64(value).map_or_else(as_text, Json::Number)
}

fn enumeration(kind: &Kind, number: i32) -> Json {
    let Kind::Enum(descriptor) = kind else { return number.into() };
    // A number from a newer peer has no name here.
    descriptor.get_value(number).map_or_else(|| number.into(), |value| value.name().into())
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}
