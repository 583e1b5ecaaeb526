//! Resources as people read them: `cpus:4; mem(reservations: [(STATIC,web)]):512`.

use std::fmt;

use super::{Entry, Resources};
use crate::{
    Labels, Resource, Volume,
    resource::{DiskInfo, ReservationInfo, disk_info::Source, disk_info::source},
    value::Type,
    volume,
};

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("{}");
        }
        for (i, Entry { resource, shared_count }) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{resource}")?;
            if let Some(count) = shared_count {
                write!(f, "<{count}>")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(info) = &self.allocation_info {
            write!(f, "(allocated: {})", info.role())?;
        }
        if !self.reservations.is_empty() {
            f.write_str("(reservations: [")?;
            for (i, reservation) in self.reservations.iter().enumerate() {
                let comma = if i == 0 { "" } else { "," };
                write!(f, "{comma}({reservation})")?;
            }
            f.write_str("])")?;
        }
        if let Some(disk) = &self.disk {
            write!(f, "[{disk}]")?;
        }
        if self.revocable.is_some() {
            f.write_str("{REV}")?;
        }
        if self.shared.is_some() {
            f.write_str("<SHARED>")?;
        }
        f.write_str(":")?;
        match self.r#type() {
            Type::Scalar => write!(f, "{}", self.scalar.unwrap_or_default()),
            Type::Ranges => write!(f, "{}", self.ranges.clone().unwrap_or_default()),
            Type::Set => write!(f, "{}", self.set.clone().unwrap_or_default()),
            // Not a valid resource; upstream aborts.
            Type::Text => f.write_str("?"),
        }
    }
}

impl fmt::Display for ReservationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.r#type().as_str_name(), self.role())?;
        if let Some(principal) = &self.principal {
            write!(f, ",{principal}")?;
        }
        if let Some(labels) = &self.labels {
            write!(f, ",{labels}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, label) in self.labels.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{}", label.key)?;
            if let Some(value) = &label.value {
                write!(f, ": {value}")?;
            }
        }
        f.write_str("}")
    }
}

impl fmt::Display for DiskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{source}")?;
        }
        if let Some(persistence) = &self.persistence {
            let comma = if self.source.is_some() { "," } else { "" };
            write!(f, "{comma}{}", persistence.id)?;
        }
        if let Some(volume) = &self.volume {
            write!(f, ":{volume}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.r#type().as_str_name())?;
        if self.r#type() == source::Type::Unknown {
            return Ok(());
        }
        if self.id.is_some() || self.profile.is_some() {
            return write!(f, "({},{},{})", self.vendor(), self.id(), self.profile());
        }
        let root = match self.r#type() {
            source::Type::Path => self.path.as_ref().and_then(|path| path.root.as_ref()),
            source::Type::Mount => self.mount.as_ref().and_then(|mount| mount.root.as_ref()),
            _ => None,
        };
        root.map_or(Ok(()), |root| write!(f, ":{root}"))
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host_path {
            None => f.write_str(&self.container_path),
            Some(host_path) => {
                let mode = match self.mode() {
                    volume::Mode::Rw => "rw",
                    volume::Mode::Ro => "ro",
                };
                write!(f, "{host_path}:{}:{mode}", self.container_path)
            }
        }
    }
}
