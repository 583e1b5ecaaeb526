//! The names of things: building and printing them; mirrors `src/common/type_utils.cpp`.

use std::fmt;

use crate::{ContainerId, ExecutorId, FrameworkId, OfferId, SlaveId, TaskId};

macro_rules! id {
    ($($name:ident)*) => {$(
        impl $name {
            /// The id with this text.
            pub fn new(value: impl Into<String>) -> Self {
                Self { value: value.into() }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.value)
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self::new(value)
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self::new(value)
            }
        }
    )*};
}

id!(ExecutorId FrameworkId OfferId SlaveId TaskId);

impl ContainerId {
    /// The top-level container with this name.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), parent: None }
    }

    /// The container with this name inside of this one.
    pub fn child(&self, value: impl Into<String>) -> Self {
        Self { value: value.into(), parent: Some(Box::new(self.clone())) }
    }

    /// The top-level container that this one lives in, or is.
    #[doc(alias = "getRootContainerId")]
    pub fn root(&self) -> &Self {
        let mut id = self;
        while let Some(parent) = &id.parent {
            id = parent;
        }
        id
    }
}

/// The path from the top, joined by dots.
impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = &self.parent {
            write!(f, "{parent}.")?;
        }
        f.write_str(&self.value)
    }
}

impl From<&str> for ContainerId {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<String> for ContainerId {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

#[cfg(test)]
mod tests {
    use crate::{ContainerId, TaskId};

    #[test]
    fn a_nested_container_is_printed_from_the_top() {
        let top = ContainerId::new("top");
        let nested = top.child("middle").child("leaf");
        assert_eq!(nested.to_string(), "top.middle.leaf");
        assert_eq!(nested.root(), &top);
        assert_eq!(top.root(), &top);
        assert_eq!(TaskId::from("t").to_string(), "t");
    }
}
