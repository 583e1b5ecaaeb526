//! A destroy in every state, against every outcome of the step that is under way. The test writes
//! down what happens as a table, which must be the one in `docs/destroy.md`:
//! `DRYDOCK_WRITE_DOCS=1 cargo test --workspace --test destroy_table` writes that anew.

mod support;

use containerizer::docker::State;
use containerizer::gpu::Gpu;
use containerizer::hooks::{DockerPrepareInfo, Hooks, PreLaunch};
use containerizer::{Containerizer, LaunchResult};
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::status::{w_exitcode, wstringify};
use mesos::{ContainerId, resources};
use process::{Future, Nothing};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use support::fakes::{Calls, FIRST_PID};
use support::{STOP_TIMEOUT, World, config, custom_executor, flags, id, inspected, io};

/// The pid of an executor in a container.
const CONTAINED: i32 = 500;
const SIGTERMED: i32 = w_exitcode(0, 15);

type Launch = Future<LaunchResult>;

/// A container with a step under way.
struct Scene {
    world: World,
    launch: Launch,
    hooks: Arc<Asked>,
}

/// What becomes of the step once the destroy was handled.
type Outcome = (&'static str, fn(&Scene));

struct Case {
    state: &'static str,
    step: &'static str,
    scene: fn() -> Scene,
    outcomes: &'static [Outcome],
}

/// Hooks that the test answers.
#[derive(Default)]
struct Asked(Calls<DockerPrepareInfo>);

impl Hooks for Asked {
    fn pre_launch_docker(&self, _: PreLaunch) -> Future<DockerPrepareInfo> {
        self.0.receive()
    }

    fn post_fetch(&self, _: &ContainerId, _: &Path) {}
}

fn scene((world, launch): (World, Launch)) -> Scene {
    Scene { world, launch, hooks: Arc::default() }
}

fn asking_hooks() -> Scene {
    let hooks = Arc::<Asked>::default();
    let world = World::with_hooks(flags(), Some(Arc::clone(&hooks) as Arc<_>));
    let launch = world.launch(config());
    Scene { world, launch, hooks }
}

fn fetching() -> Scene {
    scene(World::in_state(State::Fetching))
}

fn pulling() -> Scene {
    scene(World::in_state(State::Pulling))
}

/// With a volume that is mounted; the next step is on its way.
fn mounting() -> Scene {
    let scene = scene(World::in_state(State::Mounting));
    scene.world.host.mounts.lock().push("/agent/c/v".into());
    scene
}

fn preparing() -> Scene {
    scene(World::in_state(State::Running))
}

/// The logger has answered, which the containerizer does not know yet.
fn forking() -> Scene {
    let scene = preparing();
    let world = &scene.world;
    world.in_context(world.contexts.logger, || world.logger.prepares.last().set(io()));
    scene
}

fn allocating() -> Scene {
    let world = World::new();
    let gpus = vec![resources::scalar("gpus", 1.0)];
    let launch = world.launch(ContainerConfig { resources: gpus, ..config() });
    world.pulled();
    scene((world, launch))
}

/// An executor in a container is being inspected for the first time, for its pid.
fn starting() -> Scene {
    let world = World::new();
    world.has_cgroups(CONTAINED);
    let launch = world.launch(custom_executor());
    world.pulled();
    world.prepared();
    scene((world, launch))
}

/// It is being inspected again, for its limits.
fn limiting() -> Scene {
    let scene = starting();
    scene.world.inspected(inspected(CONTAINED));
    scene
}

fn forked() -> Scene {
    let (world, launch) = World::in_state(State::Running);
    world.prepared();
    scene((world, launch))
}

fn contained() -> Scene {
    let scene = limiting();
    scene.world.inspected(inspected(CONTAINED));
    scene
}

fn failed() -> Scene {
    let scene = preparing();
    scene.world.logger.prepares.last().fail("no pipe");
    scene.world.settle();
    scene
}

fn ended() -> Scene {
    let scene = forked();
    scene.world.executor_exits(0);
    scene
}

const NOTHING: Outcome = ("never comes to an end", |_| {});

const CASES: &[Case] = &[
    Case {
        state: "FETCHING",
        step: "hooks are asked",
        scene: asking_hooks,
        outcomes: &[
            ("succeeds", |it| {
                it.hooks.0.last().set(DockerPrepareInfo::default());
            }),
            ("fails", |it| {
                it.hooks.0.last().fail("no");
            }),
            NOTHING,
        ],
    },
    Case {
        state: "FETCHING",
        step: "the fetcher runs",
        scene: fetching,
        outcomes: &[
            ("succeeds", |it| it.world.exits(FIRST_PID, 0)),
            ("fails", |it| it.world.exits(FIRST_PID, w_exitcode(1, 0))),
            ("dies of the kill", |it| it.world.exits(FIRST_PID, w_exitcode(0, 9))),
            NOTHING,
        ],
    },
    Case {
        state: "PULLING",
        step: "`docker pull`",
        scene: pulling,
        outcomes: &[
            ("succeeds", |it| it.world.pulled()),
            ("fails", |it| {
                it.world.pulls.last().fail("no space");
            }),
            ("obeys the discard", |it| {
                it.world.pulls.last().discard();
            }),
            NOTHING,
        ],
    },
    Case {
        state: "MOUNTING",
        step: "mounted; the next step is on its way",
        scene: mounting,
        outcomes: &[("goes on", |it| it.world.settle())],
    },
    Case {
        state: "RUNNING",
        step: "GPUs are allocated",
        scene: allocating,
        outcomes: &[
            ("succeeds", |it| {
                it.world.gpus.allocations.last().set([Gpu { major: 195, minor: 0 }].into());
                it.world.settle();
                it.world.prepared();
            }),
            ("fails", |it| {
                it.world.gpus.allocations.last().fail("none left");
            }),
            NOTHING,
        ],
    },
    Case {
        state: "RUNNING",
        step: "the logger prepares",
        scene: preparing,
        outcomes: &[
            ("succeeds", |it| it.world.prepared()),
            ("succeeds, the fork fails", |it| {
                it.world.host.fails("fork", "out of memory");
                it.world.prepared();
            }),
            ("fails", |it| {
                it.world.logger.prepares.last().fail("no pipe");
            }),
            NOTHING,
        ],
    },
    Case {
        state: "RUNNING",
        step: "between the logger's answer and the fork",
        scene: forking,
        outcomes: &[("goes on", |it| it.world.settle())],
    },
    Case {
        state: "RUNNING",
        step: "`docker run` of an executor in a container, inspected until it has started",
        scene: starting,
        outcomes: &[
            ("starts", |it| it.world.inspected(inspected(CONTAINED))),
            ("the run fails", |it| {
                it.world.runs.last().set(Some(w_exitcode(125, 0)));
            }),
            ("the inspect fails", |it| {
                it.world.inspects.last().fail("no daemon");
            }),
            NOTHING,
        ],
    },
    Case {
        state: "RUNNING",
        step: "the limits of an executor in a container are updated",
        scene: limiting,
        outcomes: &[
            ("succeeds", |it| it.world.inspected(inspected(CONTAINED))),
            ("fails", |it| {
                it.world.inspects.last().fail("no daemon");
            }),
            NOTHING,
        ],
    },
    Case {
        state: "RUNNING",
        step: "the executor is watched; `docker stop`",
        scene: forked,
        outcomes: &[
            ("succeeds, then the executor ends", |it| {
                it.world.stopped();
                it.world.executor_exits(SIGTERMED);
            }),
            ("the executor ends, then it succeeds", |it| {
                it.world.executor_exits(SIGTERMED);
                it.world.stopped();
            }),
            ("fails, then the executor ends", |it| {
                it.world.stops.last().fail("no daemon");
                it.world.settle();
                it.world.executor_exits(SIGTERMED);
            }),
            ("succeeds, the executor never ends", |it| {
                it.world.stops.last().set(Nothing);
                it.world.passes(Duration::from_secs(3600));
            }),
            ("fails, the executor never ends", |it| {
                it.world.stops.last().fail("no daemon");
                it.world.passes(Duration::from_secs(3600));
            }),
            ("hangs, the executor ends", |it| {
                it.world.executor_exits(SIGTERMED);
                it.world.passes(STOP_TIMEOUT + Duration::from_secs(3600));
            }),
        ],
    },
    Case {
        state: "RUNNING",
        step: "an executor in a container is watched; `docker stop`",
        scene: contained,
        outcomes: &[
            ("succeeds, and with it ends the executor", |it| {
                it.world.stopped();
                it.world.exits(CONTAINED, SIGTERMED);
            }),
            ("fails, the container runs on", |it| {
                it.world.stops.last().fail("no daemon");
                it.world.passes(Duration::from_secs(3600));
            }),
            ("hangs", |it| it.world.passes(STOP_TIMEOUT + Duration::from_secs(3600))),
            ("hangs, but ends after the pid was killed", |it| {
                it.world.passes(STOP_TIMEOUT + Duration::from_secs(1));
                it.world.exits(CONTAINED, 9);
                it.world.stopped();
            }),
        ],
    },
    Case { state: "any", step: "the launch has failed", scene: failed, outcomes: &[("-", |_| {})] },
    Case {
        state: "DESTROYING",
        step: "another destroy is under way; `docker stop`",
        scene: || {
            let scene = forked();
            scene.world.destroy();
            scene
        },
        outcomes: &[("succeeds, then the executor ends", |it| {
            it.world.stopped();
            it.world.executor_exits(SIGTERMED);
        })],
    },
    Case {
        state: "unknown",
        step: "the container has ended",
        scene: ended,
        outcomes: &[("-", |_| {})],
    },
];

/// What is done for or to a container, as people read it.
fn done(lines: &[String]) -> String {
    let words: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            Some(match word {
                "kill" => match rest.split_once(' ')? {
                    (_, "9") => "SIGKILL".to_owned(),
                    (_, "15") => "SIGTERM".to_owned(),
                    (_, signal) => format!("signal {signal}"),
                },
                "stop" => "`docker stop`".to_owned(),
                "fork" => "fork".to_owned(),
                "unmount" | "allocate" | "deallocate" => word.to_owned(),
                "inspect" => "inspect".to_owned(),
                _ => return None,
            })
        })
        .collect();
    if words.is_empty() { "-".to_owned() } else { words.join(", ") }
}

fn end(destroy: &Future<Option<ContainerTermination>>) -> String {
    match destroy.get() {
        Some(Some(termination)) => {
            let message = termination
                .message
                .as_ref()
                .map_or_else(|| "without a message".to_owned(), |message| format!("\"{message}\""));
            match termination.status {
                Some(status) => format!("{message}, {}", wstringify(status)),
                None => message,
            }
        }
        Some(None) => "none".to_owned(),
        None if destroy.is_pending() => "**waits**".to_owned(),
        None => format!("failed: {}", destroy.failure().unwrap_or("discarded")),
    }
}

fn launched(launch: &Launch) -> String {
    match (launch.get(), launch.failure()) {
        (Some(_), _) => "succeeds".to_owned(),
        (_, Some(problem)) => format!("\"{problem}\""),
        _ if launch.is_pending() => "pending".to_owned(),
        _ => "discarded".to_owned(),
    }
}

/// What a container still holds.
fn held(scene: &Scene, lines: &[String]) -> String {
    let world = &scene.world;
    let mut held = Vec::new();
    let ends = |prefix: &str| lines.iter().filter(|line| line.starts_with(prefix)).count();
    if !world.host.running().is_empty() {
        held.push("a process");
    }
    if ends("run ") > 0 && !world.host.ended(CONTAINED) {
        let refused = !world.runs.last().future().is_pending();
        held.push(if refused { "the container, if it was made" } else { "the container" });
    }
    if !world.host.mounts.lock().is_empty() {
        held.push("a mount");
    }
    let none_come = || world.gpus.allocations.last().future().is_failed();
    if ends("allocate") > 0 && ends("deallocate") == 0 && !none_come() {
        held.push("GPUs, if they come");
    }
    if held.is_empty() { "-".to_owned() } else { held.join(", ") }
}

/// After the outcome, what can go well does: the executor obeys the SIGTERM, and Docker the stop.
fn go_well(world: &World, outcome: &str) {
    if outcome.contains("never ends") || outcome.contains("hangs") || outcome.contains("runs on") {
        return;
    }
    for stop in world.stops.open() {
        world.in_docker(|| stop.set(Nothing));
        world.settle();
    }
    if world.life().terminations.is_empty()
        && world.life().states.last() == Some(&State::Destroying)
    {
        for pid in world.host.running() {
            world.exits(pid, SIGTERMED);
        }
        if !world.journal.about(&format!("reap {CONTAINED}")).is_empty() {
            world.exits(CONTAINED, SIGTERMED);
        }
    }
    for give_back in world.gpus.deallocations.open() {
        give_back.set(Nothing);
        world.settle();
    }
}

fn row(case: &Case, (outcome, happens): Outcome) -> String {
    let scene = (case.scene)();
    let world = &scene.world;
    let before = world.journal.lines().len();
    let destroy = world.containerizer.destroy(&id());
    world.deliver_calls();
    world.settle();
    happens(&scene);
    world.settle();
    go_well(world, outcome);

    let mut termination = end(&destroy);
    // The agent destroys again when a launch has failed.
    if destroy.is_pending() && scene.launch.is_failed() {
        let again = world.destroy();
        assert_eq!(end(&again), end(&destroy), "all are told the same");
        termination = format!("waits for the next destroy, then {}", end(&destroy));
    }

    let lines = world.journal.lines();
    assert!(world.life().terminations.len() <= 1, "{} {} {outcome}", case.state, case.step);
    assert_eq!(world.life().terminations.len(), world.life().erased);
    // Who joins or comes late is told the same.
    if destroy.is_ready() {
        assert_eq!(world.count(), 0);
    }
    format!(
        "| {} | {} | {outcome} | {} | {} | {} | {} |",
        case.state,
        case.step,
        done(&lines[before..]),
        launched(&scene.launch),
        termination,
        held(&scene, &lines),
    )
}

const HEAD: &str = "\
# Destroying, in every state

What `DockerContainerizerProcess::destroy` does, for each step that may be under way when it comes and
each way in which that step may end afterwards. The test `destroy_table` of the containerizer makes
this table from what it sees, and fails when it is not current.

\"Done\" is what happens from the destroy on, in this order. Unless the outcome says otherwise, Docker
and the executor obey afterwards. \"Left\" is what there still is when nothing more happens: all of it
is upstream's, too. **waits**: neither the destroy nor any `wait` comes to an end. A launch whose row
says \"pending\" may end later, and starts nothing then.

| state | under way | its outcome | done | launch | termination | left |
|---|---|---|---|---|---|---|
";

#[test]
fn a_destroy_in_every_state_against_every_outcome() {
    let mut table = HEAD.to_owned();
    for case in CASES {
        for outcome in case.outcomes {
            table += &row(case, *outcome);
            table.push('\n');
        }
    }
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/destroy.md");
    if std::env::var_os("DRYDOCK_WRITE_DOCS").is_some() {
        std::fs::write(&file, &table).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    for (index, (is, should)) in written.lines().zip(table.lines()).enumerate() {
        assert_eq!(is, should, "docs/destroy.md, line {}", index + 1);
    }
    assert_eq!(written.lines().count(), table.lines().count(), "the lines of docs/destroy.md");
}

/// The table has each state of a container.
#[test]
fn no_state_is_left_out() {
    let states =
        [State::Fetching, State::Pulling, State::Mounting, State::Running, State::Destroying];
    for state in states {
        assert!(CASES.iter().any(|case| case.state == state.to_string()), "{state}");
    }
}
