//! One URI into the sandbox: past the cache, through it, or from it.

use crate::download::{Downloader, copy_file};
use crate::extract::{Limits, extract};
use crate::log::log;
use crate::sink::Placement;
use crate::target::{at, prepare};
use mesos::command_info::Uri;
use mesos::fetcher::fetcher_info::{Item, item::Action};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

/// What all URIs of a program have in common.
pub struct Fetch<'a> {
    /// Where what is cached is, if something may be.
    pub cache_directory: Option<&'a Path>,
    /// Where to.
    pub sandbox: &'a Path,
    /// How.
    pub downloader: &'a Downloader,
    /// What an archive may become.
    pub limits: &'a Limits,
}

/// Fetches an item. Returns the file that it became, or the directory that it was extracted into.
///
/// Mirrors `fetch` in `src/launcher/fetcher.cpp`.
pub fn fetch(fetch: &Fetch<'_>, item: &Item) -> Result<PathBuf, String> {
    log!(Info, "Fetching URI '{}'", item.uri.value);
    if item.action() == Action::BypassCache {
        return fetch_bypassing_cache(fetch, &item.uri);
    }
    fetch_through_cache(fetch, item)
}

/// Mirrors `fetchBypassingCache` in `src/launcher/fetcher.cpp`.
#[doc(alias = "fetchBypassingCache")]
fn fetch_bypassing_cache(fetch: &Fetch<'_>, uri: &Uri) -> Result<PathBuf, String> {
    log!(Info, "Fetching '{}' directly into the sandbox directory", uri.value);
    let path = prepare(fetch.sandbox, &uri.value, uri.output_file.as_deref())?;
    fetch.downloader.download(&uri.value, &path, Placement::Atomic)?;
    if uri.executable() {
        chmod_executable(&path)?;
    } else if uri.extract() && !extract(&path, fetch.sandbox, fetch.limits)? {
        no_archive(uri);
    }
    Ok(path)
}

/// Mirrors `fetchFromCache` in `src/launcher/fetcher.cpp`.
#[doc(alias = "fetchFromCache")]
fn fetch_from_cache(fetch: &Fetch<'_>, uri: &Uri, source: &Path) -> Result<PathBuf, String> {
    log!(Info, "Fetching URI '{}' from cache", uri.value);
    let path = prepare(fetch.sandbox, &uri.value, uri.output_file.as_deref())?;
    if uri.executable() {
        copy_file(source, &path, Placement::Atomic, &uri.value)?;
        chmod_executable(&path)?;
        return Ok(path);
    }
    if uri.extract() {
        if extract(source, fetch.sandbox, fetch.limits)? {
            return Ok(fetch.sandbox.to_owned());
        }
        no_archive(uri);
    }
    copy_file(source, &path, Placement::Atomic, &uri.value)?;
    Ok(path)
}

/// Mirrors `fetchThroughCache` in `src/launcher/fetcher.cpp`.
#[doc(alias = "fetchThroughCache")]
fn fetch_through_cache(fetch: &Fetch<'_>, item: &Item) -> Result<PathBuf, String> {
    let uri = &item.uri;
    let directory = fetch.cache_directory.filter(|path| !path.as_os_str().is_empty());
    let directory = directory.ok_or("Cache directory not specified")?;
    let name = item.cache_filename.as_deref().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| format!("No cache file name for: {}", uri.value))?;
    // differs: upstream trusts the name. It comes from the agent, which makes plain ones.
    if !matches!(Path::new(name).components().collect::<Vec<_>>()[..], [Component::Normal(_)]) {
        return Err(format!("Cache file name '{name}' is no name of a file"));
    }
    // differs: upstream aborts.
    if !directory.exists() {
        return Err(format!(
            "Fetcher cache directory '{}' was expected to exist but was not found",
            directory.display()
        ));
    }
    let path = directory.join(name);
    if item.action() == Action::DownloadAndCache && !path.exists() {
        fetch.downloader.download(&uri.value, &path, Placement::InPlace)?;
    }
    fetch_from_cache(fetch, uri, &path)
}

fn no_archive(uri: &Uri) {
    log!(
        Warning,
        "Copying instead of extracting resource from URI with 'extract' flag, because it does not \
         seem to be an archive: {}",
        uri.value
    );
}

/// Mirrors `chmodExecutable` in `src/launcher/fetcher.cpp`.
#[doc(alias = "chmodExecutable")]
fn chmod_executable(path: &Path) -> Result<(), String> {
    std::fs::set_permissions(path, Permissions::from_mode(0o755))
        .map_err(at(path))
        .map_err(|error| format!("Failed to chmod executable {error}"))
}
