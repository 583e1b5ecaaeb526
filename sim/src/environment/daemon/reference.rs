//! References to images: `busybox`, `registry:5000/app:1`, `app@sha256:…`.

use super::answer::Refusal;
use super::messages;
use std::borrow::Cow;

/// A reference as people write it, with its tag: `docker.io/library/busybox` is
/// `busybox:latest`.
pub(super) fn normalise(reference: &str) -> Cow<'_, str> {
    let familiar = reference
        .strip_prefix("docker.io/")
        .or_else(|| reference.strip_prefix("index.docker.io/"))
        .unwrap_or(reference);
    let familiar = match familiar.strip_prefix("library/") {
        Some(name) if !name.contains('/') => name,
        _ => familiar,
    };
    let name = familiar.rsplit('/').next().unwrap_or(familiar);
    if name.contains(':') || name.contains('@') {
        Cow::Borrowed(familiar)
    } else {
        Cow::Owned(format!("{familiar}:latest"))
    }
}

/// The part of a reference before the tag and the digest.
pub(super) fn repository(reference: &str) -> &str {
    let before_digest = reference.split_once('@').map_or(reference, |(name, _)| name);
    let last = before_digest.rfind('/').map_or(0, |slash| slash + 1);
    match before_digest[last..].find(':') {
        Some(colon) => &before_digest[..last + colon],
        None => before_digest,
    }
}

/// The tag, or the digest.
pub(super) fn tag(reference: &str) -> &str {
    let rest = &reference[repository(reference).len()..];
    let digest = rest.split_once('@').map(|(_, digest)| digest);
    digest.unwrap_or_else(|| rest.strip_prefix(':').unwrap_or("latest"))
}

/// What a pull calls what it pulls: its tag, or the whole of a reference with a digest.
pub(super) fn shown_in_pull(reference: &str) -> Cow<'_, str> {
    if !reference.contains('@') {
        return Cow::Borrowed(tag(reference));
    }
    match reference.split_once('/') {
        Some((host, _)) if is_host(host) => Cow::Borrowed(reference),
        Some(_) => Cow::Owned(format!("docker.io/{reference}")),
        None => Cow::Owned(format!("docker.io/library/{reference}")),
    }
}

/// The path of a repository within its registry: what a pull says that it pulls from.
pub(super) fn path(reference: &str) -> Cow<'_, str> {
    let repository = repository(reference);
    match repository.split_once('/') {
        Some((host, path)) if is_host(host) => Cow::Borrowed(path),
        Some(_) => Cow::Borrowed(repository),
        None => Cow::Owned(format!("library/{repository}")),
    }
}

fn is_host(first: &str) -> bool {
    first.contains('.') || first.contains(':') || first == "localhost"
}

fn is_component(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends =
        text.bytes().next().is_some_and(plain) && text.bytes().next_back().is_some_and(plain);
    ends && text.bytes().all(|byte| plain(byte) || matches!(byte, b'.' | b'_' | b'-'))
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|value| {
        value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Checks a reference.
///
/// # Errors
///
/// The daemon's refusal.
pub(super) fn check(reference: &str) -> Result<(), Refusal> {
    let wrong = || messages::invalid_reference(repository(reference));
    let repository = repository(reference);
    let (first, rest) = repository.split_once('/').unwrap_or(("", repository));
    let first_fits = match first {
        "" => repository.split_once('/').is_none(),
        host if is_host(host) => {
            host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte))
        }
        component => is_component(component),
    };
    if !first_fits || !rest.split('/').all(is_component) {
        return Err(wrong());
    }
    let rest = &reference[repository.len()..];
    let (tag, digest) =
        rest.split_once('@').map_or((rest, None), |(tag, digest)| (tag, Some(digest)));
    let fits = (tag.is_empty() || tag.strip_prefix(':').is_some_and(is_tag))
        && digest.is_none_or(is_digest);
    if fits { Ok(()) } else { Err(Refusal::new(400, "invalid reference format")) }
}

/// The reference of a pull, from the parameters `fromImage` and `tag`; the tag may be a digest.
///
/// # Errors
///
/// The daemon's refusal of what is no reference.
pub fn join(image: &str, tag: &str) -> Result<String, Refusal> {
    let image = image.strip_suffix(':').unwrap_or(image);
    check(image)?;
    let reference = if tag.is_empty() {
        image.to_owned()
    } else if is_digest(tag) {
        format!("{}@{tag}", repository(image))
    } else if is_tag(tag) {
        format!("{}:{tag}", repository(image))
    } else {
        return Err(messages::invalid_tag());
    };
    Ok(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_a_familiar_form() {
        for (reference, normal) in [
            ("busybox", "busybox:latest"),
            ("docker.io/library/busybox:1", "busybox:1"),
            ("library/busybox", "busybox:latest"),
            ("docker.io/a/b", "a/b:latest"),
            ("registry:5000/a/b", "registry:5000/a/b:latest"),
            ("a/b:1", "a/b:1"),
            ("a@sha256:00", "a@sha256:00"),
        ] {
            assert_eq!(normalise(reference), normal, "{reference}");
        }
    }

    #[test]
    fn a_reference_has_parts() {
        for (reference, name, version, within) in [
            ("busybox:1", "busybox", "1", "library/busybox"),
            ("registry:5000/a/b", "registry:5000/a/b", "latest", "a/b"),
            ("registry:5000/a/b:2", "registry:5000/a/b", "2", "a/b"),
            ("a/b:1@sha256:00", "a/b", "sha256:00", "a/b"),
            ("a@sha256:00", "a", "sha256:00", "library/a"),
        ] {
            assert_eq!(repository(reference), name, "{reference}");
            assert_eq!(tag(reference), version, "{reference}");
            assert_eq!(path(reference), within, "{reference}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused_in_the_engines_words() {
        let digest = format!("sha256:{}", "0".repeat(64));
        assert_eq!(join("r:5/a", "1").as_deref(), Ok("r:5/a:1"));
        assert_eq!(join("r:5/a:2", "1").as_deref(), Ok("r:5/a:1"));
        assert_eq!(join("a:", "").as_deref(), Ok("a"));
        assert_eq!(join("a", &digest), Ok(format!("a@{digest}")));
        for (image, tag, status, message) in [
            ("BAD", "1", 400, "invalid reference format: repository name must be lowercase"),
            ("a//b", "", 400, "invalid reference format"),
            ("", "", 400, "invalid reference format"),
            ("-a", "", 400, "invalid reference format"),
            ("a", "b@d", 400, "invalid tag format"),
        ] {
            let refusal = join(image, tag).unwrap_err();
            assert_eq!((refusal.status, &*refusal.message), (status, message), "{image} {tag}");
        }
        assert!(check("a:b:c").is_err() && check("a@sha256:12").is_err());
    }
}
