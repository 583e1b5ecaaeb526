//! Run options against a real Docker Engine: what the container finds, what an inspection shows.

#![allow(clippy::disallowed_methods, reason = "a test of a real Engine in real time")]

use docker::{Bollard, Container, CreateArguments, Docker, Engine, Output, RunOptions, Version};
use drydock_tests::{DockerLab, ImageSpec, Network, names, require_engine};
use mesos::container_info::DockerInfo;
use mesos::container_info::docker_info;
use mesos::internal::ContainerDnsInfo;
use mesos::{CommandInfo, ContainerInfo, NetworkInfo, Parameter};
use process::{Future, Outcome};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

struct Stage {
    engine: Engine,
    image: String,
    directory: TempDir,
    lab: DockerLab,
}

impl Stage {
    async fn new(lab: DockerLab) -> Stage {
        let image = lab.images.load(&ImageSpec::busybox()).await.expect("loaded");
        let socket = lab.engine.host();
        let api = Bollard::connect(Some(&socket)).expect("the Engine that the lab has found");
        let engine = Engine::create(Arc::new(api), socket.as_str(), Version::MINIMUM);
        let Outcome::Ready(engine) = engine.outcome().await else { panic!("no engine") };
        let directory = tempfile::tempdir().expect("a directory");
        Stage { engine, image: image.at(&lab.registry.host()), directory, lab }
    }

    fn info(&self, parameters: &[(&str, &str)]) -> ContainerInfo {
        let parameter = |(key, value): &(&str, &str)| Parameter {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
        };
        ContainerInfo {
            docker: Some(DockerInfo {
                image: self.image.clone(),
                parameters: parameters.iter().map(parameter).collect(),
                ..DockerInfo::default()
            }),
            ..ContainerInfo::default()
        }
    }

    fn options(
        &self,
        container: &ContainerInfo,
        command: &str,
        arguments: CreateArguments<'_>,
    ) -> RunOptions {
        let command = CommandInfo { value: Some(command.to_owned()), ..CommandInfo::default() };
        let sandbox = self.directory.path().to_str().expect("an ASCII path");
        let name = names::unique("mesos-options");
        let options = RunOptions::create(
            container,
            &command,
            &name,
            sandbox,
            "/mnt/mesos/sandbox",
            arguments,
        );
        options.expect("options")
    }

    fn output(&self, name: &str) -> Output {
        Output::Path(self.directory.path().join(name))
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(name)).expect("an output")
    }

    /// Runs it to its end; its exit code.
    async fn run(&self, options: &RunOptions) -> i32 {
        let run = self.engine.run(options, self.output("stdout"), self.output("stderr"));
        match ended(&run).await {
            Outcome::Ready(Some(status)) => status >> 8,
            other => panic!("{other:?}, stderr {}", self.read("stderr")),
        }
    }

    async fn inspect(&self, options: &RunOptions) -> Container {
        let name = options.name.as_deref().expect("a name");
        match ended(&self.engine.inspect(name, None)).await {
            Outcome::Ready(container) => container,
            other => panic!("{other:?}"),
        }
    }
}

async fn ended<T: process::future::Value>(future: &Future<T>) -> Outcome<T> {
    tokio::time::timeout(LIMIT, future.outcome()).await.expect("an end")
}

#[tokio::test]
async fn parameters_take_effect_in_the_container() {
    let Some(lab) = DockerLab::require() else { return };
    let stage = Stage::new(lab).await;
    let container = stage.info(&[
        ("user", "1234:56"),
        ("workdir", "/tmp/here"),
        ("ulimit", "nofile=1234:2345"),
        ("env", "GREETING=hello = world"),
        ("add-host", "other.example=192.0.2.7"),
        ("read-only", "true"),
        ("tmpfs", "/scratch:size=1m"),
        ("hostname", "inside"),
        ("network", "none"),
        ("label", "team=a"),
        ("cap-drop", "ALL"),
        ("stop-timeout", "3"),
    ]);
    let command = "id -u; id -g; pwd; ulimit -n; echo $GREETING; grep -c 192.0.2.7 /etc/hosts; \
                   touch /x 2>/dev/null || echo read-only; hostname; \
                   grep -c /scratch /proc/mounts; grep CapPrm /proc/self/status";
    let options = stage.options(&container, command, CreateArguments::default());
    assert_eq!(stage.run(&options).await, 0);
    let expected = "1234\n56\n/tmp/here\n1234\nhello = world\n1\nread-only\ninside\n1\n\
                    CapPrm:\t0000000000000000\n";
    assert_eq!(stage.read("stdout"), expected);
    let name = options.name.as_deref().expect("a name");
    let shown = stage.lab.engine.inspect_container(name).await.expect("an answer").expect("it");
    assert_eq!(shown["Config"]["Labels"]["team"], "a");
    assert_eq!(shown["Config"]["StopTimeout"], 3);
    assert_eq!(shown["HostConfig"]["NetworkMode"], "none");
}

#[tokio::test]
async fn open_standard_input_comes_to_its_end() {
    let Some(lab) = DockerLab::require() else { return };
    let stage = Stage::new(lab).await;
    // Without an end `cat` would wait for ever.
    let container = stage.info(&[("interactive", "true")]);
    let options = stage.options(&container, "cat; echo end", CreateArguments::default());
    assert_eq!(stage.run(&options).await, 0);
    assert_eq!(stage.read("stdout"), "end\n");
}

#[tokio::test]
async fn streams_that_are_not_attached_are_not_written() {
    let Some(lab) = DockerLab::require() else { return };
    let stage = Stage::new(lab).await;
    let container = stage.info(&[("attach", "stderr")]);
    let options = stage.options(&container, "echo out; echo err >&2", CreateArguments::default());
    assert_eq!(stage.run(&options).await, 0);
    assert_eq!(stage.read("stderr"), "err\n");
    assert!(!stage.directory.path().join("stdout").exists());
}

#[tokio::test]
async fn a_terminal_has_one_stream_and_its_own_line_ends() {
    let Some(lab) = DockerLab::require() else { return };
    let stage = Stage::new(lab).await;
    let container = stage.info(&[("tty", "true")]);
    let options = stage.options(
        &container,
        "test -t 1 && echo out; echo err >&2",
        CreateArguments::default(),
    );
    assert_eq!(stage.run(&options).await, 0);
    assert_eq!(stage.read("stdout"), "out\r\nerr\r\n");
}

#[tokio::test]
async fn a_network_that_somebody_made_has_addresses_aliases_and_name_servers() {
    let Some(engine) = require_engine() else { return };
    // Before the lab: its containers must be gone before it can be removed.
    let network = Network::create(&engine).await.expect("a network");
    let Some(lab) = DockerLab::require() else { return };
    let stage = Stage::new(lab).await;
    let mut container = stage.info(&[("network-alias", "second-name")]);
    container.docker.get_or_insert_default().network = Some(docker_info::Network::User.into());
    container.network_infos =
        vec![NetworkInfo { name: Some(network.name.clone()), ..NetworkInfo::default() }];
    let default: ContainerDnsInfo = mesos::json::from_value(&serde_json::json!({"docker": [
        {"network_mode": "USER", "dns": {"nameservers": ["192.0.2.53"], "search": ["a.example"],
                                         "options": ["ndots:3"]}}]}))
    .expect("DNS");
    let arguments =
        CreateArguments { default_container_dns: Some(&default), ..CreateArguments::default() };
    let options = stage.options(&container, "grep -v '#' /etc/resolv.conf; sleep 1000", arguments);
    let run = stage.engine.run(&options, stage.output("stdout"), Output::Null);
    let name = options.name.as_deref().expect("a name");
    let started = stage.engine.inspect(name, Some(Duration::from_millis(20)));
    let Outcome::Ready(found) = ended(&started).await else { panic!("{started}") };
    assert_eq!(found.networks.keys().collect::<Vec<_>>(), [&network.name]);
    assert!(found.ip_address.is_some(), "{}", found.output);
    assert_eq!(found.networks[&network.name].ip_address, found.ip_address);
    assert_eq!(found.dns, ["192.0.2.53"]);
    assert_eq!(
        (found.dns_search, found.dns_options),
        (vec!["a.example".into()], vec!["ndots:3".into()])
    );
    let shown = stage.lab.engine.inspect_container(name).await.expect("an answer").expect("it");
    let aliases = shown["NetworkSettings"]["Networks"][&network.name]["Aliases"].to_string();
    assert!(aliases.contains("second-name"), "{aliases}");
    assert_eq!(ended(&stage.engine.rm(name, true)).await, Outcome::Ready(process::Nothing));
    ended(&run).await;
    let resolver = stage.read("stdout");
    assert!(resolver.contains("search a.example") && resolver.contains("ndots:3"), "{resolver}");
}

#[tokio::test]
async fn an_option_that_the_engine_is_too_old_for_is_not_ignored() {
    let Some(lab) = DockerLab::require() else { return };
    let version = lab.engine.version().await.expect("an answer")["Version"].clone();
    let version = Version::parse(version.as_str().expect("a text")).expect("a version");
    let stage = Stage::new(lab).await;
    let container = stage.info(&[("annotation", "a=b")]);
    let options = stage.options(&container, "true", CreateArguments::default());
    if version >= Version::new(24, 0, 0) {
        assert_eq!(stage.run(&options).await, 0);
        return;
    }
    let run = stage.engine.run(&options, Output::Null, Output::Null);
    let Outcome::Failed(problem) = ended(&run).await else { panic!("{run}") };
    assert!(problem.contains("--annotation option requires Docker version 24.0.0"), "{problem}");
    let name = options.name.as_deref().expect("a name");
    assert_eq!(stage.lab.engine.inspect_container(name).await.expect("an answer"), None);
}

#[tokio::test]
async fn refusals_of_the_engine_end_the_run_with_its_words() {
    let Some(lab) = DockerLab::require() else { return };
    let stage = Stage::new(lab).await;
    // Fine for the command line; the Engine knows no such network, runtime, mode.
    for (parameter, words) in [
        (("network", "drydock-nowhere"), "network drydock-nowhere not found"),
        (("runtime", "nowhere"), "unknown runtime specified nowhere"),
        (("ipc", "nowhere"), "nowhere"),
        (("restart", "on-failure:-1"), "negative"),
    ] {
        let container = stage.info(&[parameter]);
        let options = stage.options(&container, "true", CreateArguments::default());
        assert_eq!(stage.run(&options).await, 125, "{parameter:?}");
        let said = stage.read("stderr").to_lowercase();
        assert!(said.contains(words), "{parameter:?}: {said}");
        let name = options.name.as_deref().expect("a name");
        let there = stage.lab.engine.inspect_container(name).await.expect("an answer").is_some();
        if there {
            assert!(!stage.inspect(&options).await.started);
        }
    }
}
