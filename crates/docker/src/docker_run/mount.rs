//! `--mount`: a mount in comma-separated fields.

use super::numbers::{Problem, boolean, bytes};
use super::text::comma_separated;
use crate::create_body::{BindOptions, Driver, ImageOptions, Mount, TmpfsOptions, VolumeOptions};
use std::collections::BTreeMap;

/// Reads one mount.
pub(super) fn mount(text: &str) -> Result<Mount, Problem> {
    let mut mount = Mount { r#type: "volume".to_owned(), ..Mount::default() };
    for field in comma_separated(text)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (&*field, None),
        };
        set(&mut mount, &key.to_ascii_lowercase(), value)
            .map_err(|problem| format!("'{field}': {problem}"))?;
    }
    check(&mount)?;
    Ok(mount)
}

fn volume_options(mount: &mut Mount) -> &mut VolumeOptions {
    mount.volume_options.get_or_insert_with(|| VolumeOptions {
        driver_config: Some(Driver::default()),
        ..VolumeOptions::default()
    })
}

fn bind_options(mount: &mut Mount) -> &mut BindOptions {
    mount.bind_options.get_or_insert_default()
}

fn set(mount: &mut Mount, key: &str, value: Option<&str>) -> Result<(), Problem> {
    let Some(value) = value else {
        match key {
            "readonly" | "ro" => mount.read_only = true,
            "volume-nocopy" => volume_options(mount).no_copy = true,
            "bind-nonrecursive" => bind_options(mount).non_recursive = true,
            _ => return Err("not of the form key=value".to_owned()),
        }
        return Ok(());
    };
    match key {
        "type" => mount.r#type = value.to_lowercase(),
        // differs: as with `--volume`, there is no directory that a dot could mean.
        "source" | "src" if value.starts_with('.') => {
            return Err("a path that begins with a dot: give an absolute one".to_owned());
        }
        "source" | "src" => mount.source = value.to_owned(),
        "target" | "dst" | "destination" => mount.target = value.to_owned(),
        "readonly" | "ro" => mount.read_only = boolean(value)?,
        "consistency" => mount.consistency = value.to_lowercase(),
        "bind-propagation" => bind_options(mount).propagation = value.to_lowercase(),
        "bind-nonrecursive" => bind_options(mount).non_recursive = boolean(value)?,
        "bind-recursive" => match value {
            "enabled" => {}
            "disabled" => bind_options(mount).non_recursive = true,
            "writable" => bind_options(mount).read_only_non_recursive = true,
            "readonly" => bind_options(mount).read_only_force_recursive = true,
            _ => return Err("neither enabled, disabled, writable nor readonly".to_owned()),
        },
        _ => return set_other(mount, key, value),
    }
    Ok(())
}

fn set_other(mount: &mut Mount, key: &str, value: &str) -> Result<(), Problem> {
    let insert = |map: &mut BTreeMap<String, String>| {
        let (key, value) = value.split_once('=').unwrap_or((value, ""));
        if !key.is_empty() {
            map.insert(key.to_owned(), value.to_owned());
        }
    };
    let driver = |mount| volume_options(mount).driver_config.get_or_insert_default();
    match key {
        "volume-subpath" => volume_options(mount).subpath = value.to_owned(),
        "volume-nocopy" => volume_options(mount).no_copy = boolean(value)?,
        "volume-label" => insert(&mut volume_options(mount).labels),
        "volume-driver" => driver(mount).name = value.to_owned(),
        "volume-opt" => insert(&mut driver(mount).options),
        "image-subpath" => {
            mount.image_options.get_or_insert_with(ImageOptions::default).subpath =
                value.to_owned();
        }
        "tmpfs-size" => {
            let size = bytes(value)?;
            mount.tmpfs_options.get_or_insert_with(TmpfsOptions::default).size_bytes = size;
        }
        "tmpfs-mode" => {
            let octal = value.bytes().all(|byte| byte.is_ascii_digit());
            let mode = u32::from_str_radix(value, 8).ok().filter(|_| octal);
            let mode = mode.ok_or("not a mode in octal digits")?;
            mount.tmpfs_options.get_or_insert_with(TmpfsOptions::default).mode = mode.into();
        }
        _ => return Err("unknown".to_owned()),
    }
    Ok(())
}

fn check(mount: &Mount) -> Result<(), Problem> {
    if mount.r#type.is_empty() {
        return Err("there is no type".to_owned());
    }
    if mount.target.is_empty() {
        return Err("there is no target".to_owned());
    }
    for (present, kind) in [
        (mount.volume_options.is_some(), "volume"),
        (mount.image_options.is_some(), "image"),
        (mount.bind_options.is_some(), "bind"),
        (mount.tmpfs_options.is_some(), "tmpfs"),
    ] {
        if present && mount.r#type != kind {
            return Err(format!("'{kind}-*' fields in a mount of type '{}'", mount.r#type));
        }
    }
    let Some(options) = &mount.bind_options else { return Ok(()) };
    if options.read_only_non_recursive && !mount.read_only {
        return Err("'bind-recursive=writable' needs 'readonly'".to_owned());
    }
    if options.read_only_force_recursive && !mount.read_only {
        return Err("'bind-recursive=readonly' needs 'readonly'".to_owned());
    }
    if options.read_only_force_recursive && options.propagation != "rprivate" {
        return Err("'bind-recursive=readonly' needs 'bind-propagation=rprivate'".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nothing_panics(text in "(type|src|dst|ro|tmpfs-size|volume-opt|[a-z=,\"0-9.]){0,12}") {
            let _ = mount(&text);
        }
    }
}
