//! `--platform`: `os/arch[/variant]`, with the usual other names of architectures.

use super::numbers::Problem;

/// In the form that a daemon wants.
// differs: the `docker` program fills in what is missing from the machine that it runs on.
pub(super) fn platform(text: &str) -> Result<String, Problem> {
    let lower = text.to_lowercase();
    let parts: Vec<&str> = lower.split('/').collect();
    let (os, architecture, variant) = match *parts.as_slice() {
        [os, architecture] => (os, architecture, ""),
        [os, architecture, variant] => (os, architecture, variant),
        _ => return Err("not of the form os/architecture or os/architecture/variant".to_owned()),
    };
    let component = |text: &&str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    if !parts.iter().all(component) {
        return Err(
            "a part of it is empty or has other characters than a-z, 0-9, _, . and -".to_owned()
        );
    }
    let (architecture, variant) = match (architecture, variant) {
        ("i386", variant) => ("386", variant),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", variant) => ("amd64", variant),
        ("aarch64" | "arm64", "8") => ("arm64", "v8"),
        ("aarch64", variant) => ("arm64", variant),
        ("armhf", _) => ("arm", ""),
        ("armel", _) => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "7") => ("arm", "v7"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    Ok(if variant.is_empty() {
        format!("{os}/{architecture}")
    } else {
        format!("{os}/{architecture}/{variant}")
    })
}
