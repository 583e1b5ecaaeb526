//! Collections of resources; mirrors `src/common/resources.cpp`.
//!
//! What is here: values, roles and reservations, allocation, disks and persistent volumes, revocable
//! and shared resources. What is not: resource conversions, operations, quantities and quota.

mod display;
mod parse;
mod relations;
mod upgrade;
mod validate;

use std::ops::{Add, AddAssign, Sub, SubAssign};

use crate::{
    Bytes, Resource, resource,
    value::{Ranges, Scalar, Set, Type},
    values,
};

pub use parse::ParseError;
pub use upgrade::upgrade;
pub use validate::{Invalid, validate};

/// Resources, each valid and not empty, those that can be added already added.
///
/// Invalid and empty ones are left out when they are put in, as upstream does; [`validate`] tells
/// why. Resources in the format of before reservation refinement (`role`, `reservation`) are
/// converted.
// differs: upstream aborts on the old format here, its callers convert first.
#[derive(Clone, Debug, Default)]
pub struct Resources(Vec<Entry>);

/// A resource, and for a shared one how many times it is in the collection.
#[doc(alias = "Resource_")]
#[derive(Clone, Debug)]
struct Entry {
    resource: Resource,
    shared_count: Option<i64>,
}

impl Entry {
    fn new(resource: Resource) -> Self {
        let shared_count = resource.shared.is_some().then_some(1);
        Self { resource, shared_count }
    }

    fn is_empty(&self) -> bool {
        self.shared_count == Some(0) || is_empty(&self.resource)
    }

    fn is_negative(&self) -> bool {
        self.shared_count.is_some_and(|count| count < 0)
            || self.resource.scalar.is_some_and(|scalar| scalar.value < 0.0)
    }

    fn contains(&self, that: &Self) -> bool {
        match (self.shared_count, that.shared_count) {
            (Some(mine), Some(theirs)) => {
                mine >= theirs && relations::equal(&self.resource, &that.resource)
            }
            (None, None) => relations::contains(&self.resource, &that.resource),
            _ => false,
        }
    }
}

impl Resources {
    /// No resources.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing in it.
    #[doc(alias = "Resources::empty")]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many different resources there are.
    #[doc(alias = "Resources::size")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The different resources; a shared one once.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.0.iter().map(|entry| &entry.resource)
    }

    /// Whether all of `that` can be taken from these.
    pub fn contains(&self, that: &Self) -> bool {
        let mut remaining = self.clone();
        that.0.iter().all(|entry| {
            let contained = remaining.contains_entry(entry);
            // As upstream: everything else was merged when it was put in.
            if contained && is_persistent_volume(&entry.resource) {
                remaining.remove(entry);
            }
            contained
        })
    }

    /// Whether this one can be taken from these; an invalid one cannot.
    #[doc(alias = "Resources::contains")]
    pub fn contains_resource(&self, that: &Resource) -> bool {
        let mut that = that.clone();
        upgrade(&mut that);
        validate(&that).is_ok() && self.contains_entry(&Entry::new(that))
    }

    fn contains_entry(&self, that: &Entry) -> bool {
        self.0.iter().any(|entry| entry.contains(that))
    }

    /// How many times this very resource is in it: for a shared one its users, else one or none.
    pub fn count(&self, that: &Resource) -> i64 {
        let found = self.0.iter().find(|entry| relations::equal(&entry.resource, that));
        found.map_or(0, |entry| entry.shared_count.unwrap_or(1))
    }

    /// The resources for which `predicate` holds.
    pub fn filter(&self, predicate: impl Fn(&Resource) -> bool) -> Self {
        Self(self.0.iter().filter(|entry| predicate(&entry.resource)).cloned().collect())
    }

    /// The resources with this name.
    #[doc(alias = "Resources::get")]
    pub fn named(&self, name: &str) -> Self {
        self.filter(|resource| resource.name == name)
    }

    /// The sum of the scalars with this name; none if there is none, which is not the same as zero.
    #[doc(alias = "Resources::get")]
    pub fn scalar(&self, name: &str) -> Option<f64> {
        let scalars = self.of_type(name, Type::Scalar).filter_map(|resource| resource.scalar);
        let total = scalars.reduce(|mut total, scalar| {
            values::add_scalar(&mut total, &scalar);
            total
        });
        total.map(|total| values::rounded(total.value))
    }

    /// All ranges with this name.
    #[doc(alias = "Resources::get")]
    pub fn ranges(&self, name: &str) -> Option<Ranges> {
        let ranges =
            self.of_type(name, Type::Ranges).filter_map(|resource| resource.ranges.as_ref());
        ranges.fold(None, |total: Option<Ranges>, ranges| {
            let mut total = total.unwrap_or_default();
            values::add_ranges(&mut total, ranges);
            Some(total)
        })
    }

    /// All items of the sets with this name.
    #[doc(alias = "Resources::get")]
    pub fn set(&self, name: &str) -> Option<Set> {
        let sets = self.of_type(name, Type::Set).filter_map(|resource| resource.set.as_ref());
        sets.fold(None, |total: Option<Set>, set| {
            let mut total = total.unwrap_or_default();
            values::add_set(&mut total, set);
            Some(total)
        })
    }

    fn of_type(&self, name: &str, r#type: Type) -> impl Iterator<Item = &Resource> {
        self.iter().filter(move |resource| resource.name == name && resource.r#type() == r#type)
    }

    /// CPUs, in shares of one.
    pub fn cpus(&self) -> Option<f64> {
        self.scalar("cpus")
    }

    /// GPUs.
    pub fn gpus(&self) -> Option<f64> {
        self.scalar("gpus")
    }

    /// Memory; fractions of a megabyte are dropped.
    pub fn mem(&self) -> Option<Bytes> {
        self.scalar("mem").map(|megabytes| Bytes::megabytes(megabytes as u64))
    }

    /// Disk space of all kinds; fractions of a megabyte are dropped.
    pub fn disk(&self) -> Option<Bytes> {
        self.scalar("disk").map(|megabytes| Bytes::megabytes(megabytes as u64))
    }

    /// TCP and UDP ports.
    pub fn ports(&self) -> Option<Ranges> {
        self.ranges("ports")
    }

    /// Ports that a network isolator hands out.
    pub fn ephemeral_ports(&self) -> Option<Ranges> {
        self.ranges("ephemeral_ports")
    }

    /// Disks that outlive their task.
    #[doc(alias = "persistentVolumes")]
    pub fn persistent_volumes(&self) -> Self {
        self.filter(is_persistent_volume)
    }

    /// What may be taken back at any time.
    pub fn revocable(&self) -> Self {
        self.filter(|resource| resource.revocable.is_some())
    }

    /// What stays.
    #[doc(alias = "nonRevocable")]
    pub fn non_revocable(&self) -> Self {
        self.filter(|resource| resource.revocable.is_none())
    }

    /// What several tasks may use at once.
    pub fn shared(&self) -> Self {
        self.filter(|resource| resource.shared.is_some())
    }

    /// What is not kept for any role.
    pub fn unreserved(&self) -> Self {
        self.filter(|resource| resource.reservations.is_empty())
    }

    /// What is kept for this role, or for any role at all.
    pub fn reserved(&self, role: Option<&str>) -> Self {
        self.filter(|resource| {
            let holder = resource.reservations.last();
            holder.is_some_and(|holder| role.is_none_or(|role| holder.role() == role))
        })
    }

    /// The same without reservations.
    #[doc(alias = "toUnreserved")]
    pub fn to_unreserved(&self) -> Self {
        self.mapped(|resource| resource.reservations.clear())
    }

    /// The same, allocated to this role.
    #[doc(alias = "allocate")]
    pub fn allocated_to(&self, role: &str) -> Self {
        let info = resource::AllocationInfo { role: Some(role.into()) };
        self.mapped(|resource| resource.allocation_info = Some(info.clone()))
    }

    /// The same, allocated to nobody.
    #[doc(alias = "unallocate")]
    pub fn unallocated(&self) -> Self {
        self.mapped(|resource| resource.allocation_info = None)
    }

    /// Each changed, then put together again: some may have become addable.
    fn mapped(&self, change: impl Fn(&mut Resource)) -> Self {
        let mut result = Self::new();
        for entry in &self.0 {
            let mut entry = entry.clone();
            change(&mut entry.resource);
            result.insert(entry);
        }
        result
    }

    #[doc(alias = "add")]
    fn insert(&mut self, that: Entry) {
        if that.is_empty() {
            return;
        }
        let addable = |entry: &&mut Entry| relations::addable(&entry.resource, &that.resource);
        match self.0.iter_mut().find(addable) {
            Some(entry) => match (&mut entry.shared_count, that.shared_count) {
                (Some(count), Some(more)) => *count = count.saturating_add(more),
                _ => relations::add(&mut entry.resource, &that.resource),
            },
            None => self.0.push(that),
        }
    }

    #[doc(alias = "subtract")]
    fn remove(&mut self, that: &Entry) {
        if that.is_empty() {
            return;
        }
        let subtractable = |entry: &Entry| relations::subtractable(&entry.resource, &that.resource);
        let Some(index) = self.0.iter().position(subtractable) else { return };
        let entry = &mut self.0[index];
        match (&mut entry.shared_count, that.shared_count) {
            (Some(count), Some(less)) => *count = count.saturating_sub(less),
            _ => relations::subtract(&mut entry.resource, &that.resource),
        }
        // Taking more than there is leaves nothing, as upstream.
        if entry.is_negative() || entry.is_empty() {
            self.0.swap_remove(index);
        }
    }
}

/// Whether it has no amount at all.
#[doc(alias = "isEmpty")]
pub fn is_empty(resource: &Resource) -> bool {
    match resource.r#type() {
        Type::Scalar => resource.scalar.is_none_or(|scalar| values::to_fixed(scalar.value) == 0),
        Type::Ranges => resource.ranges.as_ref().is_none_or(|ranges| ranges.range.is_empty()),
        Type::Set => resource.set.as_ref().is_none_or(|set| set.item.is_empty()),
        Type::Text => false,
    }
}

/// Whether it is a disk that outlives its task.
#[doc(alias = "isPersistentVolume")]
pub fn is_persistent_volume(resource: &Resource) -> bool {
    resource.disk.as_ref().is_some_and(|disk| disk.persistence.is_some())
}

/// A scalar resource that belongs to nobody in particular.
pub fn scalar(name: &str, value: f64) -> Resource {
    Resource {
        name: name.into(),
        r#type: Type::Scalar.into(),
        scalar: Some(Scalar { value }),
        ..Resource::default()
    }
}

impl PartialEq for Resources {
    /// The same amounts, in whatever order.
    fn eq(&self, that: &Self) -> bool {
        self.contains(that) && that.contains(self)
    }
}

impl AddAssign<Resource> for Resources {
    fn add_assign(&mut self, mut resource: Resource) {
        upgrade(&mut resource);
        if validate(&resource).is_ok() {
            self.insert(Entry::new(resource));
        }
    }
}

impl AddAssign<&Resources> for Resources {
    fn add_assign(&mut self, that: &Resources) {
        for entry in &that.0 {
            self.insert(entry.clone());
        }
    }
}

impl SubAssign<&Resource> for Resources {
    fn sub_assign(&mut self, resource: &Resource) {
        let mut resource = resource.clone();
        upgrade(&mut resource);
        if validate(&resource).is_ok() {
            self.remove(&Entry::new(resource));
        }
    }
}

impl SubAssign<&Resources> for Resources {
    fn sub_assign(&mut self, that: &Resources) {
        for entry in &that.0 {
            self.remove(entry);
        }
    }
}

impl Add<&Resources> for Resources {
    type Output = Resources;

    fn add(mut self, that: &Resources) -> Resources {
        self += that;
        self
    }
}

impl Add for Resources {
    type Output = Resources;

    fn add(self, that: Resources) -> Resources {
        self + &that
    }
}

impl Sub<&Resources> for Resources {
    type Output = Resources;

    fn sub(mut self, that: &Resources) -> Resources {
        self -= that;
        self
    }
}

impl Sub for Resources {
    type Output = Resources;

    fn sub(self, that: Resources) -> Resources {
        self - &that
    }
}

impl FromIterator<Resource> for Resources {
    fn from_iter<I: IntoIterator<Item = Resource>>(iter: I) -> Self {
        let mut resources = Self::new();
        for resource in iter {
            resources += resource;
        }
        resources
    }
}

impl From<Resource> for Resources {
    fn from(resource: Resource) -> Self {
        Self::from_iter([resource])
    }
}

impl From<Vec<Resource>> for Resources {
    fn from(resources: Vec<Resource>) -> Self {
        Self::from_iter(resources)
    }
}

impl From<&[Resource]> for Resources {
    fn from(resources: &[Resource]) -> Self {
        resources.iter().cloned().collect()
    }
}

impl From<&Vec<Resource>> for Resources {
    fn from(resources: &Vec<Resource>) -> Self {
        resources.as_slice().into()
    }
}

/// For messages: a shared resource once, as upstream.
impl From<Resources> for Vec<Resource> {
    fn from(resources: Resources) -> Self {
        resources.0.into_iter().map(|entry| entry.resource).collect()
    }
}

#[cfg(test)]
mod tests;
