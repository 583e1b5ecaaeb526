//! The options of `drydock docker-sim`.

use super::{admin, scenario};
use sim::environment::daemon::rules;
use std::path::PathBuf;

/// A simulated Docker daemon as a server: for testing Docker clients against slow, stalled and
/// broken pulls and hung or half-done operations
#[derive(clap::Args, Debug)]
#[command(after_help = "`--help` lists the faults, the images and how scenarios are written.")]
#[command(after_long_help = after_long_help())]
pub struct Arguments {
    /// Where to listen: unix:///PATH, or tcp://127.0.0.1:PORT (0: a free one)
    #[arg(long, value_name = "ADDRESS")]
    pub listen: String,
    /// A file that says what images there are, and more [default: the images below]
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// A fault, as in 'pull:stall@30%'; may be given several times
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,
    /// Containers that bind what lies below this directory see it; it is never written to. May be
    /// given several times [default: what is bound is an empty directory]
    #[arg(long, value_name = "DIRECTORY")]
    pub host_files: Vec<PathBuf>,
    /// So many virtual seconds pass in a real one
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "virtual_time")]
    pub speed: String,
    /// Time passes at once: it jumps ahead to whatever a client waits for
    #[arg(long = "virtual")]
    pub virtual_time: bool,
    /// Show requests on stderr, also where it is no terminal
    #[arg(long, short)]
    pub verbose: bool,
    /// Print JSON objects on stdout, one a line: that it is ready, and each request
    #[arg(long)]
    pub json: bool,
}

fn after_long_help() -> String {
    let mut images = String::new();
    for image in scenario::Scenario::built_in().images() {
        let size = image.size.to_string();
        images.push_str(&format!("  {:<12} {size:>6}  {}\n", image.reference, image.about));
    }
    let example = "\
Example:
  drydock docker-sim --listen unix:///tmp/sim.sock --fault 'pull:stall@30%' &
  docker -H unix:///tmp/sim.sock pull big        hangs; Ctrl-C
  curl --unix-socket /tmp/sim.sock http://sim/_drydock/state
  curl --unix-socket /tmp/sim.sock http://sim/_drydock/faults -X PUT -d ''
  docker -H unix:///tmp/sim.sock run --rm busybox sh -c 'echo hello; exit 3'";
    format!(
        "{example}\n\nFaults\n{}\nWhile it runs\n{}\nImages\n{images}\nScenarios\n{}\n\n\
         Ctrl-C ends it, with exit code 0. Exit code 2: bad usage or input.",
        rules::HELP,
        admin::HELP,
        scenario::HELP
    )
}
