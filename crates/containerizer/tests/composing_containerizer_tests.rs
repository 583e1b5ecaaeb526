//! Twins of upstream's `src/tests/containerizer/composing_containerizer_tests.cpp`, and what those
//! do not say.

mod support;

use containerizer::state::SlaveState;
use containerizer::{ComposingContainerizer, Containerizer, ContainerizerFactory, LaunchResult};
use mesos::slave::{ContainerConfig, ContainerTermination};
use mesos::{ContainerId, Image, Resource, ResourceStatistics};
use process::simulated::{Installed, Simulation};
use process::{Future, Nothing};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use support::fakes::{Calls, Journal};
use support::{failure, id, log, ready};

/// A containerizer whose answers the test gives. Upstream's is `MockContainerizer`.
#[derive(Default)]
struct MockContainerizer {
    name: &'static str,
    journal: Arc<Journal>,
    launches: Calls<LaunchResult>,
    waits: Calls<Option<ContainerTermination>>,
    destroys: Calls<Option<ContainerTermination>>,
    recovers: Calls<Nothing>,
    containers: BTreeSet<ContainerId>,
}

impl MockContainerizer {
    fn note(&self, what: &str, id: &ContainerId) {
        self.journal.write(format!("{} {what} {id}", self.name));
    }
}

impl Containerizer for MockContainerizer {
    fn recover(&self, _: Option<Arc<SlaveState>>) -> Future<Nothing> {
        self.recovers.receive()
    }

    fn launch(
        &self,
        container: &ContainerId,
        _: Arc<ContainerConfig>,
        _: BTreeMap<String, String>,
        _: Option<PathBuf>,
    ) -> Future<LaunchResult> {
        self.note("launch", container);
        self.launches.receive()
    }

    fn update(
        &self,
        container: &ContainerId,
        _: Vec<Resource>,
        _: BTreeMap<String, f64>,
    ) -> Future<Nothing> {
        self.note("update", container);
        Future::ready(Nothing)
    }

    fn usage(&self, container: &ContainerId) -> Future<ResourceStatistics> {
        self.note("usage", container);
        Future::ready(ResourceStatistics::default())
    }

    fn wait(&self, container: &ContainerId) -> Future<Option<ContainerTermination>> {
        self.note("wait", container);
        self.waits.receive()
    }

    fn destroy(&self, container: &ContainerId) -> Future<Option<ContainerTermination>> {
        self.note("destroy", container);
        self.destroys.receive()
    }

    fn containers(&self) -> Future<BTreeSet<ContainerId>> {
        Future::ready(self.containers.clone())
    }

    fn prune_images(&self, _: Vec<Image>) -> Future<Nothing> {
        self.journal.write(format!("{} prune", self.name));
        Future::ready(Nothing)
    }
}

struct World {
    sim: Rc<Simulation>,
    journal: Arc<Journal>,
    mocks: Vec<Arc<MockContainerizer>>,
    composing: ComposingContainerizer,
    _installed: Installed,
}

impl World {
    fn new(count: usize) -> World {
        World::knowing(count, &[])
    }

    /// The first one has these containers already.
    fn knowing(count: usize, containers: &[ContainerId]) -> World {
        let sim = Simulation::new(false);
        let installed = sim.install();
        let journal = Arc::<Journal>::default();
        let mocks: Vec<_> = ["one", "two", "three"][..count]
            .iter()
            .map(|name| {
                let known = if *name == "one" { containers } else { &[] };
                Arc::new(MockContainerizer {
                    name,
                    journal: Arc::clone(&journal),
                    containers: known.iter().cloned().collect(),
                    ..MockContainerizer::default()
                })
            })
            .collect();
        let all = mocks.iter().map(|mock| Arc::clone(mock) as Arc<dyn Containerizer>).collect();
        let composing = ComposingContainerizer::create(all, log()).unwrap();
        World { sim, journal, mocks, composing, _installed: installed }
    }

    fn settle(&self) {
        while self.sim.flush(0) {}
        assert!(self.sim.crash().is_none());
    }

    fn launch(&self, id: &ContainerId) -> Future<LaunchResult> {
        let launch = self.composing.launch(id, support::config().into(), [].into(), None);
        self.settle();
        launch
    }

    fn destroy(&self, id: &ContainerId) -> Future<Option<ContainerTermination>> {
        let destroy = self.composing.destroy(id);
        self.settle();
        destroy
    }

    fn wait(&self, id: &ContainerId) -> Future<Option<ContainerTermination>> {
        let wait = self.composing.wait(id);
        self.settle();
        wait
    }

    fn answers(&self, mock: usize, result: LaunchResult) {
        self.mocks[mock].launches.last().set(result);
        self.settle();
    }

    fn count(&self) -> usize {
        let containers = self.composing.containers();
        self.settle();
        ready(&containers).len()
    }
}

#[test]
fn destroy_during_unsupported_launch_loop() {
    let world = World::new(2);
    let launch = world.launch(&id());
    assert!(launch.is_pending());
    let destroy = world.destroy(&id());
    assert_eq!(world.journal.take(), ["one launch c", "one destroy c"]);
    world.answers(0, LaunchResult::NotSupported);
    world.mocks[0].destroys.last().set(None);
    world.settle();
    assert_eq!(failure(&launch), "Container was destroyed while launching");
    assert_eq!(ready(&destroy), None);
    assert!(world.journal.about("two").is_empty());
    assert_eq!(world.count(), 0);
}

#[test]
fn destroy_during_supported_launch_loop() {
    let world = World::new(2);
    let launch = world.launch(&id());
    let destroy = world.destroy(&id());
    world.answers(0, LaunchResult::Success);
    world.mocks[0].destroys.last().set(Some(ContainerTermination::default()));
    world.settle();
    assert_eq!(ready(&launch), LaunchResult::Success);
    assert_eq!(ready(&destroy), Some(ContainerTermination::default()));
    assert!(world.journal.about("two").is_empty());
    assert_eq!(world.count(), 0);
}

#[test]
fn destroy_after_launch_loop() {
    let world = World::new(1);
    let launch = world.launch(&id());
    let destroy = world.destroy(&id());
    world.answers(0, LaunchResult::NotSupported);
    world.mocks[0].destroys.last().set(None);
    world.settle();
    assert_eq!(ready(&launch), LaunchResult::NotSupported);
    assert_eq!(ready(&destroy), None);
    assert_eq!(world.count(), 0);
}

#[test]
fn destroy_unknown_container() {
    let world = World::new(2);
    assert_eq!(ready(&world.destroy(&id())), None);
    assert!(world.journal.lines().is_empty());
}

#[test]
fn wait_unknown_container() {
    let world = World::new(2);
    assert_eq!(ready(&world.wait(&id())), None);
    assert!(world.journal.lines().is_empty());
}

#[test]
fn a_container_belongs_to_the_first_that_launches_it_until_it_ends() {
    let world = World::new(3);
    let launch = world.launch(&id());
    world.answers(0, LaunchResult::NotSupported);
    assert_eq!(ready(&world.launch(&id())), LaunchResult::AlreadyLaunched);
    world.answers(1, LaunchResult::Success);
    assert_eq!(ready(&launch), LaunchResult::Success);
    world.composing.update(&id(), Vec::new(), [].into());
    world.composing.usage(&id());
    let kill = world.composing.kill(&id(), 9);
    let attach = world.composing.attach(&id());
    world.settle();
    assert_eq!((failure(&kill), failure(&attach)), ("Unsupported".into(), "Unsupported".into()));
    assert_eq!(
        world.journal.take(),
        ["one launch c", "two launch c", "two wait c", "two update c", "two usage c"]
    );
    assert_eq!(world.count(), 1);
    world.mocks[1].waits.last().set(Some(ContainerTermination::default()));
    assert_eq!(world.count(), 0);
    let usage = world.composing.usage(&id());
    let kill = world.composing.kill(&id(), 9);
    world.settle();
    assert_eq!(failure(&usage), "Container not found");
    assert!(!ready(&kill));
}

#[test]
fn a_container_that_nobody_wants_is_not_supported() {
    let world = World::new(2);
    let launch = world.launch(&id());
    world.answers(0, LaunchResult::NotSupported);
    world.answers(1, LaunchResult::NotSupported);
    assert_eq!(ready(&launch), LaunchResult::NotSupported);
    assert_eq!(world.count(), 0);
}

#[test]
fn a_launch_that_fails_leaves_the_container_to_be_destroyed() {
    let world = World::new(2);
    let launch = world.launch(&id());
    world.mocks[0].launches.last().fail("broken");
    world.settle();
    assert_eq!(failure(&launch), "broken");
    assert_eq!(world.count(), 1);
    world.destroy(&id());
    world.destroy(&id());
    assert_eq!(world.journal.about("one destroy").len(), 2, "a second one joins");
    world.mocks[0].destroys.last().set(Some(ContainerTermination::default()));
    assert_eq!(world.count(), 0);
}

#[test]
fn a_nested_container_belongs_to_whoever_has_its_root() {
    let world = World::new(2);
    let nested = id().child("d");
    assert_eq!(failure(&world.launch(&nested)), "Root container c not found");
    assert_eq!(world.count(), 0);
    world.launch(&id());
    world.answers(0, LaunchResult::NotSupported);
    world.answers(1, LaunchResult::Success);
    let launch = world.launch(&nested);
    world.answers(1, LaunchResult::NotSupported);
    assert_eq!(ready(&launch), LaunchResult::NotSupported, "no other one is asked");
    world.wait(&nested);
    let remove = world.composing.remove(&nested);
    world.settle();
    assert_eq!(failure(&remove), "Unsupported");
    assert_eq!(world.journal.about("two launch"), ["two launch c", "two launch c.d"]);
    assert_eq!(world.journal.about("two wait"), ["two wait c", "two wait c.d"]);
    assert_eq!(world.journal.about("one launch"), ["one launch c"]);
    let unknown = world.composing.remove(&ContainerId::new("x").child("d"));
    world.settle();
    assert_eq!(failure(&unknown), "Root container x not found");
}

#[test]
fn recovery_takes_stock_once_all_have_recovered() {
    let known = ContainerId::new("known");
    let world = World::knowing(2, std::slice::from_ref(&known));
    let recover = world.composing.recover(None);
    world.settle();
    world.mocks[0].recovers.last().set(Nothing);
    world.settle();
    assert!(recover.is_pending());
    assert_eq!(world.count(), 0);
    world.mocks[1].recovers.last().set(Nothing);
    world.settle();
    assert!(recover.is_ready());
    assert_eq!(world.count(), 1);
    assert_eq!(world.journal.take(), ["one wait known"]);
    world.mocks[0].waits.last().set(None);
    assert_eq!(world.count(), 0);
    let prune = world.composing.prune_images(Vec::new());
    world.settle();
    assert!(prune.is_ready());
    assert_eq!(world.journal.take(), ["one prune", "two prune"]);
}

#[test]
fn recovery_fails_with_one() {
    let world = World::new(2);
    let recover = world.composing.recover(None);
    world.settle();
    world.mocks[1].recovers.last().fail("no daemon");
    world.settle();
    assert!(failure(&recover).ends_with("no daemon"), "{recover}");
}

#[test]
fn the_factory_makes_what_the_flag_says() {
    let sim = Simulation::new(false);
    let _installed = sim.install();
    let journal = Arc::<Journal>::default();
    let factory = || {
        let one = |name: &'static str| {
            let journal = Arc::clone(&journal);
            move || {
                journal.write(name);
                Ok(Arc::new(MockContainerizer::default()) as Arc<dyn Containerizer>)
            }
        };
        ContainerizerFactory::new()
            .with("mesos", one("mesos"))
            .with("docker", one("docker"))
            .with("broken", || Err("no driver".to_owned()))
    };
    for (flag, made) in [
        ("docker", vec!["docker"]),
        ("mesos,docker", vec!["docker", "mesos"]),
        ("docker,mesos", vec!["docker", "mesos"]),
    ] {
        assert!(factory().create(flag, &log()).is_ok());
        assert_eq!(journal.take(), made, "{flag}");
    }
    for (flag, expected) in [
        ("docker,docker", "Duplicate entries found in --containerizer flag 'docker,docker'"),
        ("docker,podman", "Unknown or unsupported containerizer: podman"),
        ("docker, mesos", "Unknown or unsupported containerizer:  mesos"),
        ("", "Unknown or unsupported containerizer: "),
        ("broken", "Could not create broken: no driver"),
    ] {
        let error = factory().create(flag, &log()).err();
        assert_eq!(error.as_deref(), Some(expected));
    }
    assert!(journal.lines().is_empty());
    assert!(ComposingContainerizer::create(Vec::new(), log()).is_err());
}
