//! `mesos-fetcher`: brings URIs into a sandbox. The agent starts it, for one container at a time.
//!
//! What to do is in its environment, as upstream's agent has it: `MESOS_FETCHER_INFO` holds a
//! `mesos.fetcher.FetcherInfo` in JSON. It logs to its standard error, which is the sandbox's.
//! Exit status 0: everything was fetched; 1: something was not, and the log says what and why.
//! What was fetched before it stays; of the one that failed nothing does.
//!
//! Mirrors `src/launcher/fetcher.cpp`. Not carried yet: the cache, `https`, `ftp`, `hdfs`, and
//! extracting: an archive that is to be extracted is refused, for a task that finds the archive in
//! place of its content would fail in a way that is harder to understand.

mod http;
mod local;
mod sink;
mod target;

use mesos::fetcher::FetcherInfo;
use mesos::fetcher::fetcher_info::{Item, item::Action};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use sink::Sink;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// When the agent says nothing else.
const DEFAULT_STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// What upstream takes for an archive.
const ARCHIVES: [&str; 9] =
    [".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".zip", ".gz"];

/// The arguments of the program.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// End with the program that started this one, and leave its terminal's signals to it
    #[arg(long = "with_parent")]
    with_parent: bool,
}

/// The program.
pub fn main(arguments: &Arguments) -> ExitCode {
    if arguments.with_parent {
        // Without these a Ctrl-C would look like a failed fetch, and a killed parent would leave
        // this one behind; neither is worth failing for.
        let _ = set_pdeathsig(Signal::SIGKILL);
        let _ = ctrlc::set_handler(|| {});
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let text = std::env::var("MESOS_FETCHER_INFO")
        .map_err(|error| format!("Missing MESOS_FETCHER_INFO environment variable: {error}"))?;
    eprintln!("Fetcher Info: {text}");
    let info: FetcherInfo = mesos::json::parse(&text)
        .map_err(|error| format!("Failed to parse MESOS_FETCHER_INFO: {error}"))?;
    for item in &info.items {
        let uri = &item.uri.value;
        eprintln!("Fetching URI '{uri}'");
        let path =
            fetch(&info, item).map_err(|problem| format!("Failed to fetch '{uri}': {problem}"))?;
        eprintln!("Fetched '{uri}' to '{path}'");
    }
    eprintln!("Successfully fetched all URIs into '{}'", info.sandbox_directory);
    Ok(())
}

/// Mirrors `fetchBypassingCache` in `src/launcher/fetcher.cpp`.
#[doc(alias = "fetchBypassingCache")]
fn fetch(info: &FetcherInfo, item: &Item) -> Result<String, String> {
    if item.action() != Action::BypassCache {
        return Err("the fetcher cache is not supported yet".to_owned());
    }
    let uri = &item.uri;
    let executable = uri.executable();
    if uri.extract() && !executable && ARCHIVES.iter().any(|end| uri.value.ends_with(end)) {
        return Err("extracting archives is not supported yet; to get the archive itself, set \
                    \"extract\": false in the task's URI"
            .to_owned());
    }
    let owner = info.user.as_deref().filter(|_| nix::unistd::geteuid().is_root());
    let owner = owner.map(target::owner).transpose()?;
    let sandbox = Path::new(&info.sandbox_directory);
    let path = target::prepare(sandbox, &uri.value, uri.output_file.as_deref(), owner)?;

    let mut sink = Sink::create(&path, &uri.value)?;
    download(info, &uri.value, &mut sink)?;
    sink.finish(executable, owner)?;
    Ok(path.display().to_string())
}

/// Mirrors `download` in `src/launcher/fetcher.cpp`.
fn download(info: &FetcherInfo, uri: &str, sink: &mut Sink) -> Result<(), String> {
    match uri.split_once("://") {
        None | Some(("file", _)) => {
            local::copy(&local::path(uri, info.frameworks_home.as_deref())?, sink)
        }
        Some(("http", _)) => {
            let stall = info.stall_timeout.as_ref();
            let stall = stall.and_then(|stall| Duration::try_from(stall).ok());
            http::download(uri, stall.unwrap_or(DEFAULT_STALL_TIMEOUT), sink)
        }
        Some((scheme, _)) => Err(format!(
            "'{scheme}' URIs are not supported yet; expected http://, file:// or a path"
        )),
    }
}
