//! Scenarios of level `agent`: the agent and everything below it, with a stand-in for the master.

mod master;

use super::driver::External;
use super::{Case, World, checks};
use crate::coverage::Mark;
use crate::environment::daemon::Script;
use crate::environment::host::Behaviour;
use crate::oracle::Violation;
use crate::scenario::Scenario;
use agent::{Agent, Parts};
use containerizer::docker::{Dependencies, DockerContainerizer, MESOS_DOCKER_EXECUTOR};
use containerizer::logger::SandboxContainerLogger;
use docker::{Docker, Engine};
use executor::{AgentLink, DockerExecutorProgram, Uuids};
use master::{Link, Master, Record};
use mesos::SlaveInfo;
use process::{Label, Pid, find, generate_id, spawn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The agent's process, as upstream's is named.
const SLAVE: &str = "slave(1)";

/// The case: its master, and what to check.
pub(super) struct AgentCase {
    master: Pid<Master>,
    record: Record,
    kill_at: Option<Duration>,
    shutdown_at: Option<Duration>,
}

impl AgentCase {
    pub(super) fn new(scenario: &Scenario, world: &World) -> Self {
        let runs_for = scenario.task.runs_for.map(|span| span.0);
        let status = i32::from(scenario.task.exit_code) << 8;
        world.add_image(
            scenario,
            Script::from(Behaviour { runs_for, status, ..Behaviour::default() }),
        );
        let uuids = uuids();
        world.host.register(MESOS_DOCKER_EXECUTOR, Arc::new(executor(world, &uuids)));

        let record = Record::default();
        let master = spawn(
            generate_id("master"),
            Master::new(record.clone(), master::task(scenario), SLAVE),
        );
        let flags = agent::Flags {
            work_dir: "/var/lib/mesos/agent".into(),
            executor_registration_timeout: scenario.outside.registration_timeout.0,
            ..agent::Flags::default()
        };
        let info = SlaveInfo {
            hostname: "agent.example".to_owned(),
            id: Some("agent-1".into()),
            ..SlaveInfo::default()
        };
        let parts = Parts {
            containerizer: Arc::new(containerizer(world, scenario)),
            master: Arc::new(Link::new(&master, SLAVE)),
            host: Arc::new(world.host.clone()),
            uuids,
            hooks: None,
            log: crate::log(),
            flags,
            info,
        };
        Agent::start(SLAVE, parts);
        master.run("Self::launch_task", |this, ctx| this.launch_task(ctx));
        AgentCase {
            master,
            record,
            kill_at: scenario.outside.kill_at.map(|span| span.0),
            shutdown_at: scenario.outside.shutdown_at.map(|span| span.0),
        }
    }
}

/// Uuids that are the same in each run.
fn uuids() -> Uuids {
    let next = AtomicU64::new(1);
    Arc::new(move || {
        let mut uuid = [0; 16];
        uuid[8..].copy_from_slice(&next.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        // Version 4, variant 1, as a random one has them.
        uuid[6] = 0x40;
        uuid[8] = 0x80;
        uuid
    })
}

fn executor(world: &World, uuids: &Uuids) -> DockerExecutorProgram {
    let daemon = world.daemon.clone();
    DockerExecutorProgram {
        docker: Arc::new(move |flags: &executor::Flags| {
            let client = daemon.client(flags.container.as_str());
            Ok(Arc::new(Engine::new(client, flags.docker_socket.as_str())) as Arc<dyn Docker>)
        }),
        agent: Arc::new(|upid| {
            find::<agent::Slave>(upid.id())
                .map(|slave| -> Arc<dyn AgentLink> { agent::link(&slave) })
        }),
        host: Arc::new(world.host.clone()),
        total_memory: None,
        uuids: Arc::clone(uuids),
        logger: Arc::new(|_| crate::log()),
    }
}

fn containerizer(world: &World, scenario: &Scenario) -> DockerContainerizer {
    let flags = scenario.flags.of_containerizer();
    DockerContainerizer::spawn(Dependencies {
        fetcher: world.fetcher(&flags),
        logger: Arc::new(SandboxContainerLogger::spawn()),
        docker: Arc::new(Engine::new(world.daemon.client("agent"), flags.docker_socket.as_str())),
        host: Arc::new(world.host.clone()),
        gpus: None,
        hooks: None,
        observer: Arc::new(world.ledger.clone()),
        log: crate::log(),
        flags,
    })
}

impl Case for AgentCase {
    fn externals(&mut self) -> Vec<External> {
        let (to_kill, to_shut_down) = (self.master.clone(), self.master.clone());
        let mut externals = Vec::new();
        if self.kill_at.is_some() {
            externals.push(External {
                moment: "moment of the kill",
                label: Label::plain("Framework", "kill"),
                at: self.kill_at,
                action: Box::new(move || {
                    to_kill.run("Self::kill_task", |this, ctx| this.kill_task(ctx))
                }),
            });
        }
        if self.shutdown_at.is_some() {
            externals.push(External {
                moment: "moment of the teardown",
                label: Label::plain("Framework", "teardown"),
                at: self.shutdown_at,
                action: Box::new(move || {
                    to_shut_down.run("Self::shutdown_framework", |this, ctx| {
                        this.shutdown_framework(ctx);
                    });
                }),
            });
        }
        externals
    }

    fn settled(&self, world: &World, violations: &mut Vec<Violation>) {
        checks::leftovers_when_settled(world, violations);
        checks::containers_when_settled(world, violations);
    }

    fn at_rest(&self, world: &World, violations: &mut Vec<Violation>) {
        checks::leftovers_at_rest(world, violations);
        self.record.check(violations);
    }

    fn marks(&self, world: &World, marks: &mut Vec<Mark>) {
        checks::common_marks(world, marks);
        marks.extend(self.record.terminal_states().into_iter().map(Mark::Update));
    }
}
