//! The program: reads what to do, becomes the user, and fetches one URI after the other.

use crate::download::Downloader;
use crate::extract::Limits;
use crate::fetch::{Fetch, fetch};
use crate::log::log;
use mesos::fetcher::FetcherInfo;
use mesos::fetcher::fetcher_info::item::Action;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use process::os::{su, user};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// The arguments of the program.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// End with the program that started this one, and leave its terminal's signals to it
    #[arg(long = "with_parent")]
    with_parent: bool,

    /// The limits of what an archive may become.
    #[command(flatten)]
    limits: Limits,
}

/// The program.
///
/// Mirrors `main` in `src/launcher/fetcher.cpp`. Where upstream's aborts, because its environment
/// makes no sense, this one says so and fails.
pub fn main(arguments: &Arguments) -> ExitCode {
    if arguments.with_parent {
        // Without these a Ctrl-C would look like a failed fetch, and a killed parent would leave
        // this one behind; neither is worth failing for.
        let _ = ctrlc::set_handler(|| {});
        die_with_parent();
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            log!(Error, "EXIT with status 1: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn die_with_parent() {
    let _ = set_pdeathsig(Signal::SIGKILL);
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let text = std::env::var("MESOS_FETCHER_INFO")
        .map_err(|error| format!("Missing MESOS_FETCHER_INFO environment variable: {error}"))?;
    log!(Info, "Fetcher Info: {text}");
    let info = parse(&text)?;
    create_cache_directory(&info)
        .map_err(|error| format!("Could not create the fetcher cache directory: {error}"))?;
    if let Some(user) = &info.user {
        su(user).map_err(|error| {
            format!("Fetcher could not execute `os::su()` for user '{user}': {error}")
        })?;
        if arguments.with_parent {
            // The kernel forgets it with a change of the user.
            die_with_parent();
        }
    }

    let stall_timeout = info.stall_timeout.as_ref().map(Duration::try_from).transpose();
    let downloader = Downloader::new(
        info.frameworks_home.clone(),
        stall_timeout.map_err(|error| format!("MESOS_FETCHER_INFO: stall_timeout: {error}"))?,
    );
    let fetching = Fetch {
        cache_directory: info.cache_directory.as_deref().map(Path::new),
        sandbox: Path::new(&info.sandbox_directory),
        downloader: &downloader,
        limits: &arguments.limits,
    };
    for item in &info.items {
        let uri = &item.uri.value;
        let fetched = fetch(&fetching, item)
            .map_err(|problem| format!("Failed to fetch '{uri}': {problem}"))?;
        log!(Info, "Fetched '{uri}' to '{}'", fetched.display());
    }
    log!(Info, "Successfully fetched all URIs into '{}'", info.sandbox_directory);
    Ok(())
}

fn parse(text: &str) -> Result<FetcherInfo, String> {
    let info: FetcherInfo = mesos::json::parse(text)
        .map_err(|error| format!("Failed to parse MESOS_FETCHER_INFO: {error}"))?;
    if info.sandbox_directory.is_empty() {
        return Err("MESOS_FETCHER_INFO: sandbox_directory: Missing sandbox directory".to_owned());
    }
    Ok(info)
}

/// Makes the directory of the cache, if something goes there, and gives it to the user: what
/// follows is done with that user's rights.
///
/// Mirrors `createCacheDirectory` in `src/launcher/fetcher.cpp`.
#[doc(alias = "createCacheDirectory")]
fn create_cache_directory(info: &FetcherInfo) -> Result<(), String> {
    let Some(directory) = &info.cache_directory else { return Ok(()) };
    if info.items.iter().all(|item| item.action() == Action::BypassCache) {
        return Ok(());
    }
    std::fs::create_dir_all(directory).map_err(|error| format!("{directory}: {error}"))?;
    if let Some(name) = &info.user {
        let user = user(name)?;
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        std::os::unix::fs::chown(directory, Some(uid), Some(gid))
            .map_err(|error| format!("chown {directory} to '{name}': {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, named) in [
            ("", "MESOS_FETCHER_INFO"),
            ("{\"items\": []}", "sandbox_directory"),
            ("{\"sandbox_directory\": \"\"}", "sandbox_directory"),
            ("{\"sandbox_directory\": 7}", "sandbox_directory"),
            ("{\"sandbox_directory\": \"/s\", \"items\": [{\"action\": \"BYPASS_CACHE\"}]}", "uri"),
            (
                "{\"sandbox_directory\": \"/s\", \"items\": [{\"uri\": {\"value\": \"u\"}, \
                 \"action\": \"WAIT\"}]}",
                "action",
            ),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(named), "{text}: {problem}");
        }
    }

    #[test]
    fn the_directory_of_the_cache_is_made_when_something_goes_there() {
        let directory = tempfile::tempdir().unwrap();
        let cache = directory.path().join("a/b");
        for (action, made) in [("BYPASS_CACHE", false), ("DOWNLOAD_AND_CACHE", true)] {
            let text = format!(
                "{{\"sandbox_directory\": \"/s\", \"cache_directory\": {cache:?}, \"items\": \
                 [{{\"uri\": {{\"value\": \"u\"}}, \"action\": {action:?}}}]}}"
            );
            create_cache_directory(&parse(&text).unwrap()).unwrap();
            assert_eq!(cache.exists(), made, "{action}");
        }
    }
}
