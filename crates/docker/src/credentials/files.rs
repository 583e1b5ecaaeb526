//! The live [`Keychain`]: the files that the command line would read, and the programs that they
//! name.
//!
//! Mirrors `Docker::__pull` of `src/docker/docker.cpp`, which makes the sandbox the home of the
//! command line, or, if there is no configuration in it, a directory with the agent's own.

use super::config::Found;
use super::helper::Helper;
use super::registry::Registry;
use super::{Config, Credentials, Keychain};
use crate::Limits;
use process::{Future, Promise, live};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// Where a sandbox's configuration may be, in the command line's order.
const PLACES: [&str; 2] = [".docker/config.json", ".dockercfg"];

/// Credentials from configuration files: the sandbox's, else the agent's.
#[derive(Clone, Debug)]
pub struct ConfigFiles(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    agent: Option<Config>,
    helpers: Option<PathBuf>,
    limits: Limits,
}

impl ConfigFiles {
    /// `agent` is the configuration for sandboxes that have none: the agent's `--docker_config`.
    pub fn new(agent: Option<Config>, limits: Limits) -> Self {
        ConfigFiles(Arc::new(Inner { agent, helpers: None, limits }))
    }

    /// The same, with helpers taken from this directory only, not from those of `PATH`.
    pub fn with_helpers_in(self, directory: impl Into<PathBuf>) -> Self {
        let inner = &self.0;
        ConfigFiles(Arc::new(Inner {
            agent: inner.agent.clone(),
            helpers: Some(directory.into()),
            limits: inner.limits.clone(),
        }))
    }

    async fn find(
        inner: &Inner,
        directory: &Path,
        image: &str,
    ) -> Result<Option<Credentials>, String> {
        let registry = Registry::of(image);
        let in_sandbox = inner.read(directory).await?;
        // differs: with the agent's configuration helpers run at home, where they find what they
        // keep; upstream gives them an empty directory.
        let home = in_sandbox.is_some().then_some(directory);
        let Some(config) = in_sandbox.as_ref().or(inner.agent.as_ref()) else { return Ok(None) };
        match config.find(&registry) {
            Found::Nothing => Ok(None),
            Found::Credentials(credentials) => Ok(Some(credentials)),
            // differs: the command line goes on without credentials when a helper fails, and
            // reports the registry's refusal instead of its reason.
            Found::Helper(name) => {
                let helper = Helper {
                    name: &name,
                    directory: inner.helpers.as_deref(),
                    home,
                    limit: inner.limits.credential_helper,
                    bytes_max: inner.limits.credentials_bytes_max,
                };
                helper.get(&registry).await
            }
        }
    }
}

impl Keychain for ConfigFiles {
    fn credentials(&self, directory: &Path, image: &str) -> Future<Option<Credentials>> {
        let promise = Arc::new(Promise::new());
        let future = promise.future();
        let (inner, directory) = (Arc::clone(&self.0), directory.to_owned());
        let (image, weak) = (image.to_owned(), Arc::downgrade(&promise));
        let task = live::io().spawn(async move {
            match ConfigFiles::find(&inner, &directory, &image).await {
                Ok(credentials) => promise.set(credentials),
                Err(problem) => promise.fail(problem),
            }
        });
        let abort = task.abort_handle();
        future.on_discard(move || {
            // First this: the task takes the promise along, and the future would be abandoned.
            if let Some(promise) = weak.upgrade() {
                promise.discard();
            }
            abort.abort();
        });
        future
    }
}

impl Inner {
    /// The configuration in a sandbox, if there is one.
    async fn read(&self, directory: &Path) -> Result<Option<Config>, String> {
        for place in PLACES {
            let path = directory.join(place);
            if let Some(text) = self.read_file(directory, &path).await? {
                let config = Config::parse(&text);
                return config.map(Some).map_err(|error| format!("{}: {error}", path.display()));
            }
        }
        Ok(None)
    }

    /// A file that a task's fetcher may have put there: anything at all.
    // differs: the command line follows links out of the sandbox, to files that the agent may
    // read and the task may not.
    async fn read_file(&self, directory: &Path, path: &Path) -> Result<Option<String>, String> {
        let at = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
        let real = match tokio::fs::canonicalize(path).await {
            Ok(real) => real,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(at(&error)),
        };
        let sandbox = tokio::fs::canonicalize(directory).await.map_err(|error| at(&error))?;
        if !real.starts_with(&sandbox) {
            return Err(at(&"leads out of the sandbox"));
        }
        let metadata = tokio::fs::metadata(&real).await.map_err(|error| at(&error))?;
        if !metadata.is_file() {
            return Err(at(&"is no file"));
        }
        let max = self.limits.credentials_bytes_max;
        let mut bytes = Vec::new();
        let file = File::open(&real).await.map_err(|error| at(&error))?;
        let read = file.take(max as u64 + 1).read_to_end(&mut bytes).await;
        read.map_err(|error| at(&error))?;
        if bytes.len() > max {
            return Err(at(&format_args!("is longer than {max} bytes")));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| at(&"is not UTF-8"))
    }
}
