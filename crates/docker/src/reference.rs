//! Names of images: `[registry[:port]/]path[:tag][@digest]`.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What an image is called, taken apart. Nothing is added: no default registry, no `latest`.
/// Mirrors `ImageReference` of `include/mesos/docker/spec.proto`.
#[doc(alias = "docker::spec::ImageReference")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageReference {
    /// Everything before tag and digest, with the registry if one is named.
    pub name: String,
    /// The tag, if one is named.
    pub tag: Option<String>,
    /// The digest, `sha256:…`, if one is named.
    pub digest: Option<String>,
}

/// Docker's own words for a text that names no image, and the text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid reference format: '{0}'")]
pub struct InvalidReference(pub String);

impl ImageReference {
    /// Which tag or digest to ask for in a pull: a digest goes before a tag, and without either it
    /// is `latest`, since asking for nothing would fetch every tag there is.
    pub fn pull_tag(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }

    /// The registry, `host[:port]`, if the name begins with one.
    pub fn registry(&self) -> Option<&str> {
        self.name.split_once('/').map(|(first, _)| first).filter(|first| is_domain(first))
    }

    /// The name without the registry.
    pub fn repository(&self) -> &str {
        match self.registry() {
            Some(registry) => &self.name[registry.len() + 1..],
            None => &self.name,
        }
    }

    /// Parses a reference, by the rules of Docker's command line. Mirrors `parseImageReference` of
    /// `src/docker/spec.cpp`.
    // differs: upstream takes any text apart, and leaves it to the `docker` program to refuse it.
    #[doc(alias = "docker::spec::parseImageReference")]
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        let invalid = || InvalidReference(text.to_owned());
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) if is_digest(digest) => (rest, Some(digest)),
            Some(_) => return Err(invalid()),
            None => (text, None),
        };
        // A colon before the last slash belongs to the registry's port.
        let start = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match rest[start..].split_once(':') {
            Some((last, tag)) if is_tag(tag) => (&rest[..start + last.len()], Some(tag)),
            Some(_) => return Err(invalid()),
            None => (rest, None),
        };
        if !is_name(name) {
            return Err(invalid());
        }
        Ok(ImageReference {
            name: name.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

fn is_name(name: &str) -> bool {
    let (domain, path) = match name.split_once('/') {
        Some((first, path)) if is_domain(first) => (Some(first), path),
        _ => (None, name),
    };
    let valid_domain = domain.is_none_or(|domain| {
        let (host, port) = domain.split_once(':').unwrap_or((domain, "0"));
        let label = |label: &str| {
            label.starts_with(|c: char| c.is_ascii_alphanumeric())
                && label.ends_with(|c: char| c.is_ascii_alphanumeric())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        host.split('.').all(label)
            && !port.is_empty()
            && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    valid_domain && name.len() <= 255 && path.split('/').all(is_component)
}

/// What makes a first component a registry and not part of a path.
fn is_domain(first: &str) -> bool {
    first == "localhost"
        || first.contains(['.', ':'])
        || first.contains(|c: char| c.is_ascii_uppercase())
}

/// Lower-case letters and digits, with `.`, `_`, `__` or any number of `-` between them.
fn is_component(component: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let separators_valid = bytes.split(|byte| word(*byte)).all(|separator| {
        matches!(separator, b"" | b"." | b"_" | b"__") || separator.iter().all(|b| *b == b'-')
    });
    separators_valid
        && bytes.first().is_some_and(|byte| word(*byte))
        && bytes.last().is_some_and(|byte| word(*byte))
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hash)) = digest.split_once(':') else { return false };
    algorithm.starts_with(|c: char| c.is_ascii_alphabetic())
        && algorithm
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'_' | b'-'))
        && hash.len() >= 32
        && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl FromStr for ImageReference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ImageReference::parse(text)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn takes_references_apart() {
        let with_digest = format!("registry.example:5000/a/b:1@{DIGEST}");
        let only_digest = format!("busybox@{DIGEST}");
        for (text, name, tag, digest) in [
            ("busybox", "busybox", None, None),
            ("busybox:1.36", "busybox", Some("1.36"), None),
            ("library/busy-box__x.y:v_1", "library/busy-box__x.y", Some("v_1"), None),
            ("registry.example:5000/a", "registry.example:5000/a", None, None),
            ("localhost:5000/a:b", "localhost:5000/a", Some("b"), None),
            ("Registry/a", "Registry/a", None, None),
            (&*only_digest, "busybox", None, Some(DIGEST)),
            (&*with_digest, "registry.example:5000/a/b", Some("1"), Some(DIGEST)),
        ] {
            let reference = ImageReference::parse(text).unwrap();
            assert_eq!(reference.name, name);
            assert_eq!(reference.tag.as_deref(), tag);
            assert_eq!(reference.digest.as_deref(), digest);
            assert_eq!(reference.to_string(), text);
            assert_eq!(reference.pull_tag(), digest.or(tag).unwrap_or("latest"));
        }
    }

    #[test]
    fn finds_the_registry() {
        for (text, registry, repository) in [
            ("busybox", None, "busybox"),
            ("library/busybox:1", None, "library/busybox"),
            ("registry.example/a/b", Some("registry.example"), "a/b"),
            ("host:5000/a:1", Some("host:5000"), "a"),
            ("localhost/a", Some("localhost"), "a"),
            ("localhost", None, "localhost"),
        ] {
            let reference = ImageReference::parse(text).unwrap();
            assert_eq!((reference.registry(), reference.repository()), (registry, repository));
        }
    }

    #[test]
    fn refuses_what_docker_refuses() {
        for text in [
            "",
            ":",
            "a:",
            "/a",
            "a/",
            "a//b",
            "A",
            "a/B",
            "a b",
            "a:b:c",
            "-a",
            "a..b",
            "a___b",
            "a@sha256:12",
            "a@",
            "a:.x",
            "ä",
            "a?x=1",
            "a/../b",
            "host.example:/a",
            "host.example:x/a",
        ] {
            assert!(ImageReference::parse(text).is_err(), "{text}");
        }
        assert!(ImageReference::parse(&"a".repeat(300)).is_err());
    }
}
