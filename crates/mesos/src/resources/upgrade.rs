//! From the old way of writing reservations to the current one; mirrors `upgradeResource` in
//! `src/common/resources_utils.cpp`.

use crate::{
    Resource,
    resource::{ReservationInfo, reservation_info},
};

/// Moves `role` and `reservation` into `reservations`, where they are not there already.
#[doc(alias = "upgradeResource")]
#[doc(alias = "convertResourceFormat")]
#[expect(deprecated, reason = "it is what this is about")]
pub fn upgrade(resource: &mut Resource) {
    let role = resource.role.take();
    let dynamic = resource.reservation.take();
    if !resource.reservations.is_empty() {
        return;
    }
    let Some(role) = role.filter(|role| role != "*") else {
        // A dynamic reservation for everybody is invalid: kept, so that `validate` finds it.
        resource.reservation = dynamic;
        return;
    };
    let r#type = match dynamic {
        None => reservation_info::Type::Static,
        Some(_) => reservation_info::Type::Dynamic,
    };
    resource.reservations.push(ReservationInfo {
        r#type: Some(r#type.into()),
        role: Some(role),
        ..dynamic.unwrap_or_default()
    });
}
