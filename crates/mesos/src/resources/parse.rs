//! Resources as the command line has them: `cpus:4;ports(role):[31000-32000]`, or a JSON array.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Invalid, Resources, upgrade, validate};
use crate::{
    Resource, Value, json,
    resource::{ReservationInfo, reservation_info},
    value::Type,
    values,
};

/// Why a text is no list of resources.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// An item is not a name, a colon and a value.
    #[error("Bad value for resources, missing or extra ':' in {0}")]
    Colon(String),
    /// A role without both of its parentheses.
    #[error("Bad value for resources, mismatched parentheses in {0}")]
    Parentheses(String),
    /// The value cannot be read.
    #[error("Failed to parse resource {name} value {value} error {error}")]
    Value {
        /// Of which resource.
        name: String,
        /// As written.
        value: String,
        /// What is wrong with it.
        error: values::ParseError,
    },
    /// A text, which no resource can be.
    #[error("Bad type for resource {name} value {value} type TEXT")]
    Text {
        /// Of which resource.
        name: String,
        /// As written.
        value: String,
    },
    /// An element of the JSON array is no resource.
    #[error("Some JSON resources were not formatted properly: {0}")]
    Json(#[from] json::Error),
    /// A resource that cannot be.
    #[error("Resource '{name}' is invalid: {error}")]
    Invalid {
        /// Which resource.
        name: String,
        /// What is wrong with it.
        error: Invalid,
    },
    /// Not for the command line: only a master makes these.
    #[error("{0} cannot be specified at the command line")]
    NotHere(&'static str),
    /// `cpus:4;cpus:[1-4]`.
    #[error("Resources with the same name ('{0}') but different types are not allowed")]
    MixedTypes(String),
}

impl Resources {
    /// Reads resources that belong to nobody in particular unless they say so.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Self::parse_for(text, "*")
    }

    /// Reads resources; those that do not say so belong to `default_role`.
    #[doc(alias = "Resources::parse")]
    pub fn parse_for(text: &str, default_role: &str) -> Result<Self, ParseError> {
        let mut resources = Self::new();
        for resource in Self::list(text, default_role)? {
            validate(&resource)
                .map_err(|error| ParseError::Invalid { name: resource.name.clone(), error })?;
            resources += resource;
        }
        for_command_line(&resources)?;
        Ok(resources)
    }

    /// Reads resources without adding them up: also those that are empty are in the list.
    #[doc(alias = "Resources::fromString")]
    pub fn list(text: &str, default_role: &str) -> Result<Vec<Resource>, ParseError> {
        match serde_json::from_str::<Json>(text) {
            Ok(Json::Array(array)) => from_json(&array, default_role),
            _ => from_simple_string(text, default_role),
        }
    }

    /// Reads one resource's value.
    #[doc(alias = "Resources::parse")]
    pub fn parse_one(name: &str, value: &str, role: &str) -> Result<Resource, ParseError> {
        let parsed = Value::parse(value).map_err(|error| ParseError::Value {
            name: name.into(),
            value: value.into(),
            error,
        })?;
        if parsed.r#type() == Type::Text {
            return Err(ParseError::Text { name: name.into(), value: value.into() });
        }
        let reservation = (role != "*").then(|| ReservationInfo {
            r#type: Some(reservation_info::Type::Static.into()),
            role: Some(role.into()),
            ..ReservationInfo::default()
        });
        Ok(Resource {
            name: name.into(),
            r#type: parsed.r#type,
            scalar: parsed.scalar,
            ranges: parsed.ranges,
            set: parsed.set,
            reservations: reservation.into_iter().collect(),
            ..Resource::default()
        })
    }
}

#[doc(alias = "Resources::fromJSON")]
#[expect(deprecated, reason = "the short way to write a reservation, upgraded at once")]
fn from_json(array: &[Json], default_role: &str) -> Result<Vec<Resource>, ParseError> {
    let mut resources: Vec<Resource> = json::from_array(array)?;
    for resource in &mut resources {
        if resource.role.is_none() && resource.reservations.is_empty() {
            resource.role = Some(default_role.into());
        }
        upgrade(resource);
    }
    Ok(resources)
}

#[doc(alias = "Resources::fromSimpleString")]
fn from_simple_string(text: &str, default_role: &str) -> Result<Vec<Resource>, ParseError> {
    let mut resources = Vec::new();
    for token in text.split(';').filter(|token| !token.is_empty()) {
        let mut parts = token.split(':').filter(|part| !part.is_empty());
        let (Some(name), Some(value), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ParseError::Colon(token.into()));
        };
        let (name, role) = match name.split_once('(') {
            None => (name, default_role),
            Some((name, _)) if name.contains(')') => {
                return Err(ParseError::Parentheses(token.into()));
            }
            Some((name, rest)) => match rest.split_once(')') {
                None => return Err(ParseError::Parentheses(token.into())),
                Some((role, _)) => (name, role.trim()),
            },
        };
        resources.push(Resources::parse_one(name.trim(), value, role)?);
    }
    Ok(resources)
}

#[doc(alias = "validateCommandLineResources")]
fn for_command_line(resources: &Resources) -> Result<(), ParseError> {
    let mut types = BTreeMap::new();
    for resource in resources.iter() {
        let dynamic =
            |reservation: &ReservationInfo| reservation.r#type() == reservation_info::Type::Dynamic;
        if super::is_persistent_volume(resource) {
            return Err(ParseError::NotHere("Persistent volumes"));
        }
        if resource.revocable.is_some() {
            return Err(ParseError::NotHere("Revocable resources"));
        }
        if resource.reservations.last().is_some_and(dynamic) {
            return Err(ParseError::NotHere("Dynamic reservations"));
        }
        if *types.entry(&resource.name).or_insert(resource.r#type) != resource.r#type {
            return Err(ParseError::MixedTypes(resource.name.clone()));
        }
    }
    Ok(())
}
