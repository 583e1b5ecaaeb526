//! Mounts in the long form, which says more than `host:container:mode`.

use super::null;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One mount. Fields that are empty or false are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Mount {
    /// `bind`, `volume`, `tmpfs`, `image`, ...
    #[serde(skip_serializing_if = "String::is_empty")]
    pub r#type: String,
    /// A path of the host, or the name of a volume or image.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Where the container sees it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// Whether it cannot be written to.
    #[serde(skip_serializing_if = "null::is_false")]
    pub read_only: bool,
    /// Of interest to desktops only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub consistency: String,
    /// For a bind mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_options: Option<BindOptions>,
    /// For a volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_options: Option<VolumeOptions>,
    /// For an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_options: Option<ImageOptions>,
    /// For a file system in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tmpfs_options: Option<TmpfsOptions>,
}

/// Options of a bind mount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BindOptions {
    /// `rprivate`, `rshared`, ...
    #[serde(skip_serializing_if = "String::is_empty")]
    pub propagation: String,
    /// Without the mounts below it.
    #[serde(skip_serializing_if = "null::is_false")]
    pub non_recursive: bool,
    /// Read-only, but not the mounts below it.
    #[serde(skip_serializing_if = "null::is_false")]
    pub read_only_non_recursive: bool,
    /// An error if the mounts below it cannot be read-only.
    #[serde(skip_serializing_if = "null::is_false")]
    pub read_only_force_recursive: bool,
}

/// Options of a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct VolumeOptions {
    /// Do not fill it with what the image has there.
    #[serde(skip_serializing_if = "null::is_false")]
    pub no_copy: bool,
    /// Its labels, should it be created.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null::is_default")]
    pub labels: BTreeMap<String, String>,
    /// A path inside it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subpath: String,
    /// Its driver, should it be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_config: Option<Driver>,
}

/// A volume driver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Driver {
    /// Its name; the daemon's own if empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its options.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null::is_default")]
    pub options: BTreeMap<String, String>,
}

/// Options of an image that is mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ImageOptions {
    /// A path inside it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subpath: String,
}

/// Options of a file system in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TmpfsOptions {
    /// Its size in bytes.
    #[serde(skip_serializing_if = "null::is_zero")]
    pub size_bytes: i64,
    /// The permissions of its root.
    #[serde(skip_serializing_if = "null::is_zero")]
    pub mode: i64,
}
