//! The version in front of a path: `/v1.41/info`.

use sim::environment::daemon::json::{API_VERSION, MIN_API_VERSION};

/// The version that a client wants, as it wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'a>(Option<&'a str>);

fn parts(version: &str) -> Vec<u64> {
    // What is no number counts as 0, as in the Engine.
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn less(left: &str, right: &str) -> bool {
    let (mut left, mut right) = (parts(left), parts(right));
    let length = left.len().max(right.len());
    left.resize(length, 0);
    right.resize(length, 0);
    left < right
}

impl<'a> Version<'a> {
    /// Takes the version off the front of a path.
    pub fn split(path: &'a str) -> (Self, &'a str) {
        let versioned = path.strip_prefix("/v").and_then(|rest| {
            let slash = rest.find('/')?;
            let (version, rest) = rest.split_at(slash);
            let plain = |byte: u8| byte.is_ascii_digit() || byte == b'.';
            (!version.is_empty() && version.bytes().all(plain)).then_some((version, rest))
        });
        match versioned {
            Some((version, rest)) => (Version(Some(version)), rest),
            None => (Version(None), path),
        }
    }

    /// Why this version is not spoken, if it is not.
    pub fn refused(self) -> Option<String> {
        let version = self.0?;
        if less(version, MIN_API_VERSION) {
            return Some(format!(
                "client version {version} is too old. Minimum supported API version is \
                 {MIN_API_VERSION}, please upgrade your client to a newer version"
            ));
        }
        less(API_VERSION, version).then(|| {
            format!(
                "client version {version} is too new. Maximum supported API version is {API_VERSION}"
            )
        })
    }

    /// Whether it is said to be older than this one.
    pub fn is_before(self, other: &str) -> bool {
        self.0.is_some_and(|version| less(version, other))
    }

    /// Whether errors are plain text: clients that old know no others.
    pub fn has_plain_errors(self) -> bool {
        self.0.is_some_and(|version| less(version, "1.24"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_have_a_version() {
        for (path, version, rest) in [
            ("/v1.41/info", Some("1.41"), "/info"),
            ("/info", None, "/info"),
            ("/version", None, "/version"),
            ("/vx/info", None, "/vx/info"),
            ("/v1.41", None, "/v1.41"),
            ("/v/info", None, "/v/info"),
        ] {
            assert_eq!(Version::split(path), (Version(version), rest));
        }
    }

    #[test]
    fn versions_that_are_not_spoken_are_refused_in_the_engines_words() {
        let refused = |version| Version(Some(version)).refused();
        for fine in ["1.12", "1.41", "1.24", "1.41.0"] {
            assert_eq!(refused(fine), None, "{fine}");
        }
        assert_eq!(
            refused("1.99").as_deref(),
            Some("client version 1.99 is too new. Maximum supported API version is 1.41")
        );
        assert_eq!(
            refused("1.5").as_deref(),
            Some(
                "client version 1.5 is too old. Minimum supported API version is 1.12, please \
                 upgrade your client to a newer version"
            )
        );
        assert!(refused("99999999999999999999999.1").is_some() && refused("2").is_some());
        assert!(Version(Some("1.12")).has_plain_errors() && !Version(None).has_plain_errors());
    }
}
