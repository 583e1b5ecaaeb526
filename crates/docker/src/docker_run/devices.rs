//! `--device`, `--gpus` and the options about single block devices.

use super::numbers::{Problem, bytes, decimal};
use super::text::{comma_separated, key_value};
use crate::create_body::{DeviceMapping, DeviceRequest, ThrottleDevice, WeightDevice};

/// A device of the host, or of a driver's catalogue (CDI).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Device {
    /// The former.
    Mapping(DeviceMapping),
    /// The latter: `vendor/class=name`.
    Qualified(String),
}

/// Reads `--device`: `host[:container][:permissions]`, or `vendor/class=name`.
pub(super) fn device(text: &str) -> Result<Device, Problem> {
    if is_qualified(text) {
        return Ok(Device::Qualified(text.to_owned()));
    }
    let parts: Vec<&str> = text.split(':').collect();
    let (host, container, permissions) = match *parts.as_slice() {
        [host] => (clean(host), clean(host), "rwm"),
        [host, mode] if is_mode(mode) => (clean(host), clean(host), mode),
        [host, container] => (host.to_owned(), clean(container), "rwm"),
        [_, _, mode] if !is_mode(mode) => {
            return Err("permissions are made of r, w and m, each once".to_owned());
        }
        [host, container, mode] => (host.to_owned(), container.to_owned(), mode),
        _ => return Err("not of the form host:container:permissions".to_owned()),
    };
    if parts[0].is_empty() {
        return Err("there is no device of the host".to_owned());
    }
    if !container.starts_with('/') {
        return Err(format!("'{container}' is not an absolute path"));
    }
    Ok(Device::Mapping(DeviceMapping {
        path_on_host: host,
        path_in_container: container,
        cgroup_permissions: permissions.to_owned(),
    }))
}

/// Go's `path.Clean`: without `.`, `..` and doubled slashes.
fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    match (absolute, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}

fn is_mode(mode: &str) -> bool {
    let once = |letter: char| mode.matches(letter).count() <= 1;
    !mode.is_empty() && mode.chars().all(|c| "rwm".contains(c)) && "rwm".chars().all(once)
}

/// Whether it names a device of a driver's catalogue.
fn is_qualified(text: &str) -> bool {
    let Some((kind, name)) = text.split_once('=') else { return false };
    let Some((vendor, class)) = kind.split_once('/') else { return false };
    let made_of = |text: &str, others: &str, first: fn(&u8) -> bool| {
        let bytes = text.as_bytes();
        bytes.first().is_some_and(first)
            && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
            && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    let kind = |text: &str| made_of(text, "_-.", u8::is_ascii_alphabetic);
    kind(vendor) && kind(class) && made_of(name, "_-.:", u8::is_ascii_alphanumeric)
}

/// Checks a rule of the devices cgroup, `type major:minor permissions`.
pub(super) fn cgroup_rule(text: &str) -> Result<String, Problem> {
    let invalid = || "not of the form 'type major:minor permissions'".to_owned();
    let parts: Vec<&str> = text.split(' ').collect();
    let [kind, numbers, permissions] = *parts.as_slice() else { return Err(invalid()) };
    let (major, minor) = numbers.split_once(':').ok_or_else(invalid)?;
    let number = |text: &str| {
        text == "*" || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let allowed =
        (1..=3).contains(&permissions.len()) && permissions.chars().all(|c| "rwm".contains(c));
    if matches!(kind, "a" | "b" | "c") && number(major) && number(minor) && allowed {
        Ok(text.to_owned())
    } else {
        Err(invalid())
    }
}

fn block_device(text: &str) -> Result<(&str, &str), Problem> {
    let (path, value) = text.split_once(':').ok_or("not of the form /dev/name:value")?;
    if path.starts_with("/dev/") {
        Ok((path, value))
    } else {
        Err(format!("'{path}' does not lie in /dev"))
    }
}

/// Reads `path:bytes`.
pub(super) fn throttle_bytes(text: &str) -> Result<ThrottleDevice, Problem> {
    let (path, value) = block_device(text)?;
    let rate = u64::try_from(bytes(value)?).map_err(|_| "negative".to_owned())?;
    Ok(ThrottleDevice { path: path.to_owned(), rate })
}

/// Reads `path:operations`.
pub(super) fn throttle_operations(text: &str) -> Result<ThrottleDevice, Problem> {
    let (path, value) = block_device(text)?;
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let rate = value.parse().ok().filter(|_| digits).ok_or("not a number of operations")?;
    Ok(ThrottleDevice { path: path.to_owned(), rate })
}

/// Reads `path:weight`.
pub(super) fn weight(text: &str) -> Result<WeightDevice, Problem> {
    let (path, value) = block_device(text)?;
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let weight = value.parse::<u16>().ok().filter(|_| digits);
    let weight = weight.filter(|weight| matches!(*weight, 0 | 10..=1000));
    let weight = weight.ok_or("a weight lies between 10 and 1000, or is 0")?;
    Ok(WeightDevice { path: path.to_owned(), weight })
}

/// Reads `--gpus`: `all`, a number, or fields `driver=`, `count=`, `device=`, `capabilities=`,
/// `options=`.
pub(super) fn gpus(text: &str) -> Result<DeviceRequest, Problem> {
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut request = DeviceRequest::default();
    let mut seen: Vec<String> = Vec::new();
    for field in comma_separated(text)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (&*field, None),
        };
        if seen.iter().any(|other| other == key) {
            return Err(format!("'{key}' is there more than once"));
        }
        seen.push(key.to_owned());
        let Some(value) = value else {
            seen.push("count".to_owned());
            request.count = gpu_count(key)?;
            continue;
        };
        match key {
            "driver" => request.driver = value.to_owned(),
            "count" => request.count = gpu_count(value)?,
            "device" => request.device_ids = list(value),
            "capabilities" => {
                let mut capabilities = list(value);
                capabilities.push("gpu".to_owned());
                request.capabilities = vec![capabilities];
            }
            "options" => {
                let options = comma_separated(value)?;
                request.options = options.iter().map(|option| key_value(option)).collect();
            }
            _ => return Err(format!("unknown field '{field}'")),
        }
    }
    if !seen.iter().any(|key| key == "count") && request.device_ids.is_empty() {
        request.count = 1;
    }
    if request.capabilities.is_empty() {
        request.capabilities = vec![vec!["gpu".to_owned()]];
    }
    Ok(request)
}

fn gpu_count(text: &str) -> Result<i64, Problem> {
    if text == "all" {
        return Ok(-1);
    }
    decimal(text).map_err(|_| format!("'{text}' is neither 'all' nor a number of GPUs"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_cleaned() {
        for (path, expected) in [
            ("/dev/../dev//x/.", "/dev/x"),
            ("/..", "/"),
            ("a/..", "."),
            ("../a", "../a"),
            ("../../a", "../../a"),
            ("", "."),
        ] {
            assert_eq!(clean(path), expected);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(/dev/|device=|count=|[a-cr-w0-9:=,./* -]){0,10}") {
            let _ = (device(&text), cgroup_rule(&text), gpus(&text), weight(&text));
            let _ = (throttle_bytes(&text), throttle_operations(&text));
        }
    }
}
