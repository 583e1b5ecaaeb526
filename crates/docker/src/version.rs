//! Versions of Docker, in the relaxed SemVer that upstream accepts.
//!
//! Mirrors `3rdparty/stout/include/stout/version.hpp` and `Docker::__version` of
//! `src/docker/docker.cpp`.

use std::cmp::Ordering;
use std::fmt;
use thiserror::Error;

/// A version: up to three numbers, a pre-release label and a build label.
///
/// Ordered by SemVer's precedence: `17.5.0-ce` comes before `17.5.0`; the build label does not
/// count.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number; 0 if there was none.
    pub minor: u32,
    /// The third number; 0 if there was none.
    pub patch: u32,
    /// What stood between `-` and `+`, split at its dots.
    pub prerelease: Vec<String>,
    /// What stood behind `+`, split at its dots.
    pub build: Vec<String>,
}

/// Why a text is no version.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VersionError {
    /// One of the numbers is none, or does not fit in 32 bits.
    #[error("Invalid version component '{0}'")]
    Component(String),
    /// A label is empty, has an empty part, or other characters than letters, digits and `-`.
    #[error("Invalid {kind} label '{label}'")]
    Label {
        /// `prerelease` or `build`.
        kind: &'static str,
        /// The label as it stood there.
        label: String,
    },
}

impl Version {
    /// The oldest Docker that upstream accepts; `Docker::create` in `src/docker/docker.cpp`.
    pub const MINIMUM: Version = Version::new(1, 8, 0);

    /// A version without labels.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Version { major, minor, patch, prerelease: Vec::new(), build: Vec::new() }
    }

    /// Parses what a daemon says of itself: `1.2.3`, `20.10.24+dfsg1`, `17.05.0-ce`. Of more than
    /// three dotted parts the rest is ignored (`1.7.0.fc22`), as in upstream.
    #[doc(alias = "Docker::__version")]
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        let text = text.trim();
        // Cut behind the third dot, wherever it stands: labels have dots as well.
        let end = text.match_indices('.').nth(2).map_or(text.len(), |(index, _)| index);
        let text = &text[..end];

        let (text, build) = match text.split_once('+') {
            Some((text, label)) => (text, parse_label("build", label)?),
            None => (text, Vec::new()),
        };
        let (numbers, prerelease) = match text.split_once('-') {
            Some((numbers, label)) => (numbers, parse_label("prerelease", label)?),
            None => (text, Vec::new()),
        };

        let mut parts = numbers.split('.').map(parse_number);
        let mut next = || parts.next().unwrap_or(Ok(0));
        let (major, minor, patch) = (next()?, next()?, next()?);
        Ok(Version { major, minor, patch, prerelease, build })
    }
}

fn parse_number(text: &str) -> Result<u32, VersionError> {
    // `parse` alone would accept a sign.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number.ok_or_else(|| VersionError::Component(text.to_owned()))
}

fn parse_label(kind: &'static str, label: &str) -> Result<Vec<String>, VersionError> {
    let valid = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if label.split('.').all(valid) {
        Ok(label.split('.').map(str::to_owned).collect())
    } else {
        Err(VersionError::Label { kind, label: label.to_owned() })
    }
}

fn compare_labels(left: &str, right: &str) -> Ordering {
    match (parse_number(left), parse_number(right)) {
        (Ok(left), Ok(right)) => left.cmp(&right),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => left.cmp(right),
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = |version: &Version| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (false, true) => Ordering::Less,
                (true, false) => Ordering::Greater,
                (false, false) => self
                    .prerelease
                    .iter()
                    .zip(&other.prerelease)
                    .map(|(left, right)| compare_labels(left, right))
                    .find(|order| order.is_ne())
                    .unwrap_or_else(|| self.prerelease.len().cmp(&other.prerelease.len())),
            }
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease.join("."))?;
        }
        if !self.build.is_empty() {
            write!(f, "+{}", self.build.join("."))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_daemons_say() {
        for (text, expected) in [
            ("1.2.3", "1.2.3"),
            ("1.8", "1.8.0"),
            ("19", "19.0.0"),
            ("20.10.24+dfsg1", "20.10.24+dfsg1"),
            ("17.05.0-ce", "17.5.0-ce"),
            ("17.05.0-ce-rc1", "17.5.0-ce-rc1"),
            ("1.7.0.fc22", "1.7.0"),
            ("28.2.2\n", "28.2.2"),
        ] {
            let version = Version::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(version.to_string(), expected);
        }
    }

    #[test]
    fn refuses_other_texts() {
        for text in [
            "",
            ".",
            "x",
            "1.x",
            "1..2",
            "-1",
            "+1",
            "1.2.3-",
            "1.2.3+",
            "1-a_b",
            "4294967296",
            "½",
        ] {
            assert!(Version::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn orders_by_precedence() {
        let ordered = [
            "0.9.9",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-10",
            "1.0.0-alpha",
            "1.0.0-alpha-1",
            "1.0.0",
            "1.0.1",
            "1.8.0",
            "1.10.0",
            "17.05.0-ce",
            "17.05.0",
            "20.10.24+dfsg1",
        ];
        let versions: Vec<_> =
            ordered.iter().filter_map(|text| Version::parse(text).ok()).collect();
        assert_eq!(versions.len(), ordered.len());
        for pair in versions.windows(2) {
            assert!(pair[0] < pair[1], "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(Version::parse("1.0.0+a"), Version::parse("1.0+b"));
        assert!(Version::new(1, 8, 0) >= Version::MINIMUM);
    }
}
