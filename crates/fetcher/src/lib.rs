//! `mesos-fetcher`: brings URIs into a sandbox. The agent starts it, for one container at a time.
//!
//! What to do is in its environment, as upstream's agent has it: `MESOS_FETCHER_INFO` holds a
//! `mesos.fetcher.FetcherInfo` in JSON. It logs to its standard error, which is the sandbox's.
//! Exit status 0: everything was fetched; 1: something was not, and the log says what and why.
//! What was fetched before it stays; of the one that failed nothing does.
//!
//! Mirrors `src/launcher/fetcher.cpp`.
//!
//! | module | what |
//! |---|---|
//! | `program` | the program: reads what to do, becomes the user, does it |
//! | `fetch` | one URI: past the cache, through it, or from it |
//! | `download` | one URI to a file: a copy, over the network, or by Hadoop's client |
//! | `extract` | an archive into the sandbox, and the limits of that |
//! | `target`, `sink` | where a file goes, and that it appears there in full or not at all |
//! | `log`, `progress` | lines as glog writes them |
//!
//! Whoever may run tasks chooses URIs and archives, so both are untrusted: no archive writes outside
//! of the sandbox, and nothing is held in memory whose size somebody else decides.

mod download;
mod extract;
mod fetch;
mod log;
mod program;
mod progress;
mod sink;
mod target;

pub use download::LiveNet;
pub use extract::Limits;
pub use program::{Arguments, main};
