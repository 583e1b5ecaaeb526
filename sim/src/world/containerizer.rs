//! Scenarios of level `containerizer`: a client in place of the agent launches a container, waits
//! for it, and destroys it; a stand-in runs in place of the docker executor. There may be several
//! such clients, of which only the first one destroys on its own account.

use super::driver::External;
use super::{Case, World};
use crate::coverage::Mark;
use crate::environment::Fault;
use crate::environment::daemon::Script;
use crate::environment::host::{Behaviour, Scripted};
use crate::oracle::{CacheUnderTest, Violation};
use crate::scenario::Scenario;
use crate::watch::Watched;
use actix::Actor;
use containerizer::docker::{Dependencies, DockerContainerizer, MESOS_DOCKER_EXECUTOR};
use containerizer::fetcher::Fetcher;
use containerizer::logger::SandboxContainerLogger;
use containerizer::{Containerizer, LaunchResult};
use docker::Engine;
use mesos::container_info::DockerInfo;
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{CommandInfo, ContainerId, ContainerInfo, TaskInfo, container_info};
use process::{Context, Future, Label, Pid, defer_any, generate_id, spawn};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The container of the task with this number.
fn container(number: u32) -> ContainerId {
    ContainerId::new(format!("c1c1c1c1-0000-4000-8000-{number:012}"))
}

fn sandbox(number: u32) -> String {
    format!(
        "/var/lib/mesos/agent/slaves/agent-1/frameworks/framework-1/executors/task-{number}/runs/\
         {}",
        container(number)
    )
}

/// Plays the agent's part towards the containerizer, as `Slave` does: waits for the container once
/// the launch has ended, whatever its end, and destroys it if it failed.
struct Client {
    containerizer: DockerContainerizer,
    container: ContainerId,
    config: Arc<ContainerConfig>,
    registration_timeout: Duration,
    watched: Watched,
}

impl Actor for Client {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let checkpoint = PathBuf::from("/var/lib/mesos/agent/meta/forked.pid");
        let launch = self.containerizer.launch(
            &self.container,
            Arc::clone(&self.config),
            BTreeMap::new(),
            Some(checkpoint),
        );
        self.watched.add("launch", &launch);
        launch.on_any(defer_any!(ctx.pid(), Self::launched, |this, ctx, launch| {
            this.launched(ctx, &launch);
        }));
        ctx.delay(self.registration_timeout, "Self::registration_timeout", |this, _| {
            this.registration_timeout();
        });
    }
}

process::process!(Client);

impl Client {
    fn launched(&mut self, ctx: &mut Context<Self>, launch: &Future<LaunchResult>) {
        process::note("launch", || launch.to_string());
        let wait = self.containerizer.wait(&self.container);
        self.watched.add("wait", &wait);
        wait.on_any(defer_any!(ctx.pid(), Self::terminated, |this, _, termination| {
            this.terminated(&termination);
        }));
        if launch.is_ready() {
            self.watched.launched();
        } else {
            self.destroy();
        }
    }

    fn terminated(&mut self, termination: &Future<Option<ContainerTermination>>) {
        process::note("wait", || match termination.get() {
            Some(None) => "unknown container".to_owned(),
            _ => termination.to_string(),
        });
    }

    fn registration_timeout(&mut self) {
        if !self.watched.has_launched() {
            self.destroy();
        }
    }

    fn destroy(&mut self) {
        let destroy = self.containerizer.destroy(&self.container);
        self.watched.add("destroy", &destroy);
    }
}

/// The case: its clients, and what to check.
pub(super) struct ContainerizerCase {
    /// One for each task.
    clients: Vec<(Pid<Client>, Watched)>,
    fetcher: Fetcher,
    cache_directory: PathBuf,
    named_twice: bool,
    destroy_at: Option<Duration>,
}

impl ContainerizerCase {
    pub(super) fn new(scenario: &Scenario, world: &World) -> Self {
        world.add_image(scenario, Script::default());
        let runs_for = scenario.task.runs_for.map(|span| span.0);
        let status = i32::from(scenario.task.exit_code) << 8;
        let executor = Scripted {
            behaviour: Behaviour { runs_for, status, ..Behaviour::default() },
            ..Scripted::executor()
        };
        world.host.register_scripted(MESOS_DOCKER_EXECUTOR, executor);

        let log = crate::log();
        let flags = scenario.flags.of_containerizer();
        let (cache_directory, fetcher) = (flags.fetcher_cache_dir.clone(), world.fetcher(&flags));
        let containerizer = DockerContainerizer::spawn(Dependencies {
            fetcher: fetcher.clone(),
            logger: Arc::new(SandboxContainerLogger::spawn()),
            docker: Arc::new(Engine::new(
                world.daemon.client("agent"),
                flags.docker_socket.as_str(),
            )),
            host: Arc::new(world.host.clone()),
            gpus: None,
            hooks: None,
            observer: Arc::new(world.ledger.clone()),
            log,
            flags,
        });
        let client = |number| {
            // The agent makes the sandbox before it launches.
            world.make_directory(&sandbox(number));
            let watched = Watched::default();
            let client = Client {
                containerizer: containerizer.clone(),
                container: container(number),
                config: Arc::new(config(scenario, number)),
                registration_timeout: scenario.outside.registration_timeout.0,
                watched: watched.clone(),
            };
            (spawn(generate_id("client"), client), watched)
        };
        ContainerizerCase {
            clients: (1..=scenario.task.instances).map(client).collect(),
            fetcher,
            cache_directory,
            named_twice: scenario.task.twice,
            destroy_at: scenario.outside.destroy_at.map(|span| span.0),
        }
    }
}

impl ContainerizerCase {
    fn cache<'a>(&'a self, world: &'a World) -> CacheUnderTest<'a> {
        CacheUnderTest {
            fetcher: &self.fetcher,
            program: &world.fetcher_program,
            host: &world.host,
            directory: &self.cache_directory,
            named_twice: self.named_twice,
        }
    }
}

/// What the agent would hand to the containerizer for the scenario's task of this number.
fn config(scenario: &Scenario, number: u32) -> ContainerConfig {
    let container = ContainerInfo {
        r#type: container_info::Type::Docker.into(),
        docker: Some(DockerInfo {
            image: scenario.image.reference.clone(),
            force_pull_image: Some(scenario.image.force_pull),
            ..DockerInfo::default()
        }),
        ..ContainerInfo::default()
    };
    let command = CommandInfo {
        value: Some("sleep 1000".to_owned()),
        uris: crate::world::uris(&scenario.task),
        ..CommandInfo::default()
    };
    let task = TaskInfo {
        name: "task".to_owned(),
        task_id: format!("task-{number}").into(),
        slave_id: "agent-1".into(),
        command: Some(command.clone()),
        container: Some(container.clone()),
        ..TaskInfo::default()
    };
    ContainerConfig {
        task_info: Some(task),
        command_info: command,
        container_info: Some(container),
        directory: sandbox(number),
        ..ContainerConfig::default()
    }
}

impl Case for ContainerizerCase {
    fn externals(&mut self) -> Vec<External> {
        // One is destroyed; the others come to their ends by themselves.
        let first = self.clients.iter().take(1);
        let destroy = first.map(|(client, _)| {
            let client = client.clone();
            External {
                moment: "moment of the destroy",
                label: Label::plain("Outside", "destroy"),
                at: self.destroy_at,
                action: Box::new(move || client.run("Self::destroy", |this, _| this.destroy())),
            }
        });
        destroy.collect()
    }

    fn settled(&self, world: &World, violations: &mut Vec<Violation>) {
        super::checks::leftovers_when_settled(world, violations);
        self.cache(world).check_program(violations);
    }

    fn at_rest(&self, world: &World, violations: &mut Vec<Violation>) {
        super::checks::leftovers_at_rest(world, violations);
        for (_, watched) in &self.clients {
            watched.check(violations);
        }
        let cache = self.cache(world);
        cache.check_program(violations);
        // What cannot be removed is left, and counted as it was: nothing else could be done.
        if !world.environment.injected().contains(&Fault::UnlinkFail) {
            cache.check_files(violations);
        }
    }

    fn marks(&self, world: &World, marks: &mut Vec<Mark>) {
        super::checks::common_marks(world, marks);
        if self.clients.iter().any(|(_, watched)| watched.has_launched()) {
            marks.push(Mark::Launched);
        }
    }
}
