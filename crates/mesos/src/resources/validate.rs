//! What makes a resource invalid; mirrors `Resources::validate` and `src/common/roles.cpp`.

use crate::{
    Resource,
    resource::{ReservationInfo, disk_info::source, reservation_info},
    value::{Range, Type},
    values,
};

/// Why a resource is invalid; the text is upstream's where frameworks see it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

fn invalid<T>(why: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid(why.into()))
}

/// Tells what is wrong with a resource, if anything is.
#[doc(alias = "Resources::validate")]
pub fn validate(resource: &Resource) -> Result<(), Invalid> {
    if resource.name.is_empty() {
        return invalid("Empty resource name");
    }
    amount(resource)?;
    disk(resource)?;
    reservations(resource)?;
    if resource.shared.is_some() {
        if resource.name != "disk" {
            return invalid(format!("Resource {} cannot be shared", resource.name));
        }
        if !super::is_persistent_volume(resource) {
            return invalid("Only persistent volumes can be shared");
        }
    }
    Ok(())
}

fn amount(resource: &Resource) -> Result<(), Invalid> {
    let Ok(r#type) = Type::try_from(resource.r#type) else {
        return invalid("Invalid resource type");
    };
    match (r#type, &resource.scalar, &resource.ranges, &resource.set) {
        (Type::Scalar, Some(scalar), None, None) => {
            // Neither negative nor so small that it rounds to nothing.
            // NaN rounds to nothing, too.
            let positive = values::to_fixed(scalar.value) > 0;
            if scalar.value != 0.0 && !positive {
                return invalid("Invalid scalar resource: value <= 0");
            }
        }
        (Type::Ranges, None, Some(ranges), None) => {
            if ranges.range.iter().any(|range| range.begin > range.end) {
                return invalid("Invalid ranges resource: begin > end");
            }
            // As upstream, which only sees an overlap when the later range begins inside the earlier.
            let overlaps = ranges.range.iter().enumerate().any(|(i, first)| {
                let inside = |later: &Range| first.begin <= later.begin && later.begin <= first.end;
                ranges.range[i + 1..].iter().any(inside)
            });
            if overlaps {
                return invalid("Invalid ranges resource: overlapping ranges");
            }
        }
        (Type::Set, None, None, Some(set)) => {
            let mut items: Vec<_> = set.item.iter().collect();
            items.sort();
            if items.windows(2).any(|pair| pair[0] == pair[1]) {
                return invalid("Invalid set resource: duplicated elements");
            }
        }
        (Type::Scalar, ..) => return invalid("Invalid scalar resource"),
        (Type::Ranges, ..) => return invalid("Invalid ranges resource"),
        (Type::Set, ..) => return invalid("Invalid set resource"),
        (Type::Text, ..) => return invalid("Unsupported resource type"),
    }
    Ok(())
}

fn disk(resource: &Resource) -> Result<(), Invalid> {
    let Some(disk) = &resource.disk else { return Ok(()) };
    if resource.name != "disk" {
        return invalid(format!("DiskInfo should not be set for {} resource", resource.name));
    }
    let Some(source) = &disk.source else { return Ok(()) };
    let r#type = source.r#type();
    match r#type {
        source::Type::Path | source::Type::Mount => Ok(()),
        source::Type::Unknown => invalid("Unsupported 'DiskInfo.Source.Type'"),
        source::Type::Block | source::Type::Raw => {
            let set = [("Mount", source.mount.is_some()), ("Path", source.path.is_some())];
            match set.into_iter().find(|(_, is_set)| *is_set) {
                Some((name, _)) => invalid(format!(
                    "{name} should not be set for {} disk source",
                    r#type.as_str_name()
                )),
                None => Ok(()),
            }
        }
    }
}

fn reservations(resource: &Resource) -> Result<(), Invalid> {
    if resource.reservations.is_empty() {
        role(resource.role())?;
        return match &resource.reservation {
            Some(_) if resource.role() == "*" => {
                invalid("Invalid reservation: role \"*\" cannot be dynamically reserved")
            }
            _ => Ok(()),
        };
    }
    // The formats that `upgrade` has not gone over do not get this far: nothing mixed is checked.
    for reservation in &resource.reservations {
        stated(reservation)?;
    }
    for pair in resource.reservations.windows(2) {
        if pair[1].r#type() == reservation_info::Type::Static {
            return invalid("Invalid refined reservation: A refined reservation cannot be STATIC");
        }
        let (ancestor, descendant) = (pair[0].role(), pair[1].role());
        let below = descendant.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('/'));
        if !below {
            return invalid(format!(
                "Invalid refined reservation: role '{descendant}' is not a refinement of \
                 '{ancestor}'"
            ));
        }
    }
    Ok(())
}

fn stated(reservation: &ReservationInfo) -> Result<(), Invalid> {
    if reservation.r#type() == reservation_info::Type::Unknown {
        return invalid("Invalid reservation: 'Resource.ReservationInfo.type' field must be set.");
    }
    if reservation.role.is_none() {
        return invalid("Invalid reservation: 'Resource.ReservationInfo.role' field must be set.");
    }
    role(reservation.role())?;
    if reservation.role() == "*" {
        return invalid("Invalid reservation: role \"*\" cannot be reserved");
    }
    Ok(())
}

#[doc(alias = "roles::validate")]
fn role(role: &str) -> Result<(), Invalid> {
    if role == "*" {
        return Ok(());
    }
    let problem = |text: &str| invalid(format!("Role '{role}' {text}"));
    if role.is_empty() {
        return invalid("Role names cannot be the empty string");
    }
    for component in role.split('/') {
        match component {
            // At the start, at the end, or two in a row.
            "" => return problem("has a slash where a name should be"),
            "." | ".." | "*" => {
                return problem(&format!("cannot include '{component}' as a component"));
            }
            _ if component.starts_with('-') => {
                return invalid(format!(
                    "Role component '{component}' is invalid because it starts with a dash"
                ));
            }
            _ if component.contains(['\t', '\n', '\x0b', '\x0c', '\r', ' ', '\x7f']) => {
                return invalid(format!(
                    "Role component '{component}' is invalid because it contains backspace or \
                     whitespace"
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
