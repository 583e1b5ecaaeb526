//! A stage for conversations with the simulated daemon.

#![allow(dead_code, reason = "each suite uses a part")]

#[path = "../simulated_server/mod.rs"]
mod simulated_server;

use drydock_tests::conformance::{Stage, Transfers, Trouble};
use drydock_tests::engine::Endpoint;
use serde_json::Value;
use simulated_server::Server;
use std::io::Write;

/// Where the registry seems to be, with and without credentials.
const REGISTRY: &str = "127.0.0.1:5001/drydock-images";
const PRIVATE: &str = "127.0.0.1:5002/drydock-images";

/// How many lanes of random operations there may be.
pub const LANES: usize = 12;

/// The simulated daemon with the registry that conversations expect.
pub struct SimulatedStage {
    server: Server,
    endpoint: Endpoint,
}

fn scenario() -> String {
    // What takes all memory there is has no words in the simulated daemon's shell.
    let mut text = String::from(
        "[registry]\nlatency = \"5ms\"\n[[program]]\ncommand = \"oom\"\nscript = \"eat 1G\"\n",
    );
    for (registry, credentials) in
        [(REGISTRY, ""), (PRIVATE, "credentials = { user = \"u\", password = \"p\" }\n")]
    {
        for (name, layers, others) in [
            ("bb:1", "{ name = \"base\", size = \"2MB\" }", "command = [\"/bin/sh\"]\n"),
            (
                "ep:1",
                "{ name = \"base\", size = \"2MB\" }",
                "entrypoint = [\"/bin/echo\", \"entry\"]\ncommand = [\"dflt1\", \"dflt2\"]\nworkdir = \"/etc\"\n",
            ),
            ("big:1", "{ name = \"base\", size = \"2MB\" }, \"8MB\"", "command = [\"/bin/sh\"]\n"),
        ] {
            let env = if name == "ep:1" { "\"PATH=/bin\", \"FOO=image\"" } else { "\"PATH=/bin\"" };
            text.push_str(&format!(
                "[[image]]\nreference = \"{registry}/{name}\"\nlayers = [{layers}]\n\
                 env = [{env}]\nprograms = \"known\"\n{others}{credentials}"
            ));
        }
    }
    for lane in 0..LANES {
        text.push_str(&format!(
            "[[image]]\nreference = \"{REGISTRY}/lane{lane}:1\"\nlayers = [{{ name = \"base\", size = \
             \"2MB\" }}]\nenv = [\"PATH=/bin\", \"LANE={lane}\"]\nprograms = \"known\"\ncommand = \
             [\"/bin/sh\"]\n"
        ));
    }
    text
}

impl SimulatedStage {
    /// Starts one that is four times as fast as a real one.
    pub fn start() -> SimulatedStage {
        SimulatedStage::with_speed("4")
    }

    /// Starts one that is so many times as fast.
    pub fn with_speed(speed: &str) -> SimulatedStage {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(scenario().as_bytes()).expect("it is written");
        let path = file.path().to_str().expect("an ASCII path").to_owned();
        // Time that jumps would reach the end of what is to last until it is stopped.
        let server = Server::start(&["--speed", speed, "--scenario", &path]);
        let endpoint = Endpoint::Unix(server.socket());
        let pull = format!("/images/create?fromImage={REGISTRY}/bb&tag=1");
        let (status, _, body) = server.ask("POST", &pull, "");
        assert_eq!(status, 200, "{body}");
        SimulatedStage { server, endpoint }
    }
}

impl Stage for SimulatedStage {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn registry(&self) -> &str {
        REGISTRY
    }

    fn private_registry(&self) -> &str {
        PRIVATE
    }

    fn set_trouble(&self, trouble: Trouble) {
        let rule = match trouble {
            Trouble::None => String::new(),
            Trouble::Slow => "pull:slow=20".to_owned(),
            Trouble::HoldsManifests => "pull:stall@manifest".to_owned(),
            Trouble::StallsLayers => "pull:stall@40%".to_owned(),
            Trouble::RefusesManifests(status) => format!("pull:status={status}@manifest"),
            Trouble::CutsLayers => "pull:cut@40%".to_owned(),
        };
        self.server.faults(&rule);
    }

    fn transfers(&self) -> Transfers {
        let state = self.server.state();
        let pulls = state["pulls"].as_array();
        let count = |phase: &str| {
            let all = pulls.into_iter().flatten();
            all.filter(|pull: &&Value| pull["phase"] == phase).count()
        };
        Transfers { layers: count("layers"), held: count("manifest") }
    }
}
