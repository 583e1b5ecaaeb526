//! Which registry an image is of, and under which names configurations know that registry.

/// What configurations and helpers call Docker Hub.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// The host names that all mean Docker Hub.
const HUB_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/// A registry, by its host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registry(String);

impl Registry {
    /// The registry of an image: what stands before the first slash, if it can be a host; else
    /// Docker Hub.
    pub(super) fn of(image: &str) -> Self {
        let first = image.split_once('/').map(|(first, _)| first);
        let is_host = |first: &&str| {
            *first == "localhost"
                || first.contains(['.', ':'])
                || first.contains(|c: char| c.is_ascii_uppercase())
        };
        Registry::named(first.filter(is_host).unwrap_or(HUB_HOSTS[0]))
    }

    /// By a key of a configuration: with or without a scheme, with or without a path.
    fn named(key: &str) -> Self {
        let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
        let host = rest.unwrap_or(key).split('/').next().unwrap_or_default();
        let host = if HUB_HOSTS.contains(&host) { HUB_HOSTS[0] } else { host };
        Registry(host.to_owned())
    }

    /// What a configuration of today calls it, and what a helper is asked for.
    pub(super) fn key(&self) -> &str {
        if self.0 == HUB_HOSTS[0] { HUB_KEY } else { &self.0 }
    }

    /// Whether a key of a configuration means this registry.
    pub(super) fn is(&self, key: &str) -> bool {
        *self == Registry::named(key)
    }

    /// Of several entries the one for this registry: the one under its own key, else the first.
    pub(super) fn find<'a, T>(
        &self,
        entries: impl Iterator<Item = (&'a str, T)> + Clone,
    ) -> Option<T> {
        let exact = entries.clone().find(|(key, _)| *key == self.key());
        exact.or_else(|| entries.clone().find(|(key, _)| self.is(key))).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_a_registry() {
        for (image, key) in [
            ("bb", HUB_KEY),
            ("library/bb:1", HUB_KEY),
            ("docker.io/library/bb", HUB_KEY),
            ("index.docker.io/bb", HUB_KEY),
            ("registry.example/a/b:1", "registry.example"),
            ("registry.example:5000/b", "registry.example:5000"),
            ("localhost/b", "localhost"),
            ("localhost:5000/b@sha256:x", "localhost:5000"),
            ("Host/b", "Host"),
        ] {
            assert_eq!(Registry::of(image).key(), key, "{image}");
        }
    }

    #[test]
    fn keys_have_many_forms() {
        let of = |image| Registry::of(image);
        for key in [
            "https://index.docker.io/v1/",
            "http://index.docker.io/v1/",
            "index.docker.io",
            "docker.io",
            "https://docker.io",
            "registry-1.docker.io/v2/",
        ] {
            assert!(of("bb").is(key), "{key}");
            assert!(!of("registry.example/bb").is(key), "{key}");
        }
        for key in [
            "registry.example:5000",
            "https://registry.example:5000",
            "http://registry.example:5000/v2/",
            "registry.example:5000/",
        ] {
            assert!(of("registry.example:5000/bb").is(key), "{key}");
            assert!(!of("registry.example/bb").is(key) && !of("bb").is(key), "{key}");
        }
        assert!(!of("bb").is("evil-docker.io") && !of("bb").is("docker.io.example"));
        assert!(!of("bb").is(""));
    }

    #[test]
    fn its_own_key_goes_first() {
        let entries = [("docker.io", 1), (HUB_KEY, 2), ("index.docker.io", 3)];
        assert_eq!(Registry::of("bb").find(entries.into_iter()), Some(2));
        let entries = [("https://r.example/v1/", 1), ("http://r.example", 2)];
        assert_eq!(Registry::of("r.example/bb").find(entries.into_iter()), Some(1));
        assert_eq!(Registry::of("bb").find(entries.into_iter()), None);
    }
}
