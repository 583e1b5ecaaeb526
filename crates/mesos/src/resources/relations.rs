//! Which resources are equal, can be added, and contain each other.

use crate::{
    Resource,
    resource::{DiskInfo, ReservationInfo, disk_info::source},
    value::Type,
    values,
};

/// `operator==(Resource, Resource)`: the same thing and the same amount.
#[doc(alias = "compareResourceMetadata")]
pub(super) fn equal(left: &Resource, right: &Resource) -> bool {
    left.shared.is_some() == right.shared.is_some()
        && same_kind(left, right)
        && match left.r#type() {
            Type::Scalar => fixed(left) == fixed(right),
            Type::Ranges => match (&left.ranges, &right.ranges) {
                (Some(left), Some(right)) => values::ranges_equal(left, right),
                (left, right) => left == right,
            },
            // Item by item, as upstream: its loop compares equal positions only.
            Type::Set => left.set == right.set,
            Type::Text => false,
        }
}

/// Everything that `addable`, `subtractable` and equality ask about besides the amount and sharing.
fn same_kind(left: &Resource, right: &Resource) -> bool {
    left.name == right.name
        && left.r#type == right.r#type
        && left.allocation_info == right.allocation_info
        && left.reservations.len() == right.reservations.len()
        && left.reservations.iter().zip(&right.reservations).all(|(l, r)| same_reservation(l, r))
        && match (&left.disk, &right.disk) {
            (Some(left), Some(right)) => same_disk(left, right),
            (None, None) => true,
            _ => false,
        }
        && left.revocable.is_some() == right.revocable.is_some()
        && left.provider_id == right.provider_id
}

fn same_reservation(left: &ReservationInfo, right: &ReservationInfo) -> bool {
    left.r#type() == right.r#type()
        && left.role() == right.role()
        && left.principal == right.principal
        && left.labels == right.labels
}

/// Where it is mounted does not matter, nor who created it.
fn same_disk(left: &DiskInfo, right: &DiskInfo) -> bool {
    let id = |disk: &DiskInfo| disk.persistence.as_ref().map(|persistence| persistence.id.clone());
    left.source == right.source && id(left) == id(right)
}

fn source(resource: &Resource) -> Option<&crate::resource::disk_info::Source> {
    resource.disk.as_ref().and_then(|disk| disk.source.as_ref())
}

fn is_persistent(resource: &Resource) -> bool {
    super::is_persistent_volume(resource)
}

/// Whether the two make one resource.
pub(super) fn addable(left: &Resource, right: &Resource) -> bool {
    if left.shared.is_some() || right.shared.is_some() {
        return equal(left, right);
    }
    let divisible = match source(left).map(|source| (source.r#type(), &source.id)) {
        None | Some((source::Type::Path, _)) => true,
        Some((source::Type::Raw, id)) => id.is_none(),
        // These are used whole; upstream aborts on UNKNOWN, which `validate` lets nobody pass.
        Some((source::Type::Block | source::Type::Mount | source::Type::Unknown, _)) => false,
    };
    same_kind(left, right) && divisible && !is_persistent(left)
}

/// Whether taking the right from the left leaves one resource; sets may differ.
pub(super) fn subtractable(left: &Resource, right: &Resource) -> bool {
    if left.shared.is_some() || right.shared.is_some() {
        return equal(left, right);
    }
    let divisible = match source(left).map(|source| (source.r#type(), &source.id)) {
        None | Some((source::Type::Path, _)) => true,
        Some((source::Type::Raw, id)) => id.is_none(),
        Some((source::Type::Block | source::Type::Mount | source::Type::Unknown, _)) => false,
    };
    same_kind(left, right) && ((divisible && !is_persistent(left)) || equal(left, right))
}

/// Whether the right can be taken from the left.
pub(super) fn contains(left: &Resource, right: &Resource) -> bool {
    subtractable(left, right)
        && match left.r#type() {
            Type::Scalar => fixed(right) <= fixed(left),
            Type::Ranges => match (&left.ranges, &right.ranges) {
                (Some(left), Some(right)) => values::ranges_within(right, left),
                (_, right) => right.is_none(),
            },
            Type::Set => match (&left.set, &right.set) {
                (Some(left), Some(right)) => values::set_within(right, left),
                (_, right) => right.is_none(),
            },
            Type::Text => false,
        }
}

fn fixed(resource: &Resource) -> i64 {
    resource.scalar.map_or(0, |scalar| values::to_fixed(scalar.value))
}

/// Adds the amount of an addable resource.
#[doc(alias = "operator+=(Resource, Resource)")]
pub(super) fn add(left: &mut Resource, right: &Resource) {
    if let (Some(left), Some(right)) = (&mut left.scalar, &right.scalar) {
        values::add_scalar(left, right);
    }
    if let (Some(left), Some(right)) = (&mut left.ranges, &right.ranges) {
        values::add_ranges(left, right);
    }
    if let (Some(left), Some(right)) = (&mut left.set, &right.set) {
        values::add_set(left, right);
    }
}

/// Takes away the amount of a subtractable resource.
#[doc(alias = "operator-=(Resource, Resource)")]
pub(super) fn subtract(left: &mut Resource, right: &Resource) {
    if let (Some(left), Some(right)) = (&mut left.scalar, &right.scalar) {
        values::subtract_scalar(left, right);
    }
    if let (Some(left), Some(right)) = (&mut left.ranges, &right.ranges) {
        values::subtract_ranges(left, right);
    }
    if let (Some(left), Some(right)) = (&mut left.set, &right.set) {
        values::subtract_set(left, right);
    }
}
