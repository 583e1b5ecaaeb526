//! Everything in any order: nothing that arrives may bring the agent down, and each task ends once.

use super::world::{World, exited, framework, task};
use containerizer::LaunchResult;
use mesos::{TaskInfo, TaskState};
use std::collections::BTreeMap;

/// A small generator; which one does not matter, as long as it is the same everywhere.
struct Choices(u64);

impl Choices {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

fn act(world: &World, choices: &mut Choices) {
    match choices.below(14) {
        0 => world.run(task(), framework()),
        1 => world.run(TaskInfo { task_id: "other".into(), ..task() }, framework()),
        2 => world.kill("task"),
        3 => world.kill("other"),
        4 if world.launches() > 0 => world.launched(LaunchResult::Success),
        5 if world.launches() > 0 => world.launch_fails(Some("broken")),
        6 => world.register(),
        7 => world.report(TaskState::TaskRunning),
        8 => world.report(TaskState::TaskFinished),
        9 => world.report(TaskState::TaskKilled),
        10 if choices.below(4) == 0 => world.terminates(exited(9)),
        11 if choices.below(6) == 0 => world.shutdown_framework(),
        12 => drop(world.sim.fire_timer()),
        _ => drop(world.sim.flush(choices.below(world.sim.flushable().max(1)))),
    }
}

#[test]
fn nothing_that_arrives_brings_the_agent_down() {
    for seed in 0..2000 {
        let mut choices = Choices(seed);
        let world = World::new();
        for _ in 0..40 {
            act(&world, &mut choices);
            assert!(world.sim.crash().is_none(), "seed {seed}: {:?}", world.sim.crash());
        }
        world.settle();
    }
}

#[test]
fn a_task_that_is_launched_once_and_killed_once_ends_once() {
    for seed in 0..2000 {
        let mut choices = Choices(seed);
        let world = World::new();
        world.run(task(), framework());
        let (mut launched, mut killed) = (false, false);
        for _ in 0..20 {
            match choices.below(8) {
                // A second kill is answered with TASK_DROPPED when the first was acknowledged.
                0 if !killed => {
                    killed = true;
                    world.kill("task");
                }
                1 if world.launches() > 0 && !launched => {
                    launched = true;
                    world.launched(LaunchResult::Success);
                }
                2 if launched => world.register(),
                3 => drop(world.sim.fire_timer()),
                _ => drop(world.sim.flush(choices.below(world.sim.flushable().max(1)))),
            }
        }
        if world.launches() > 0 && !launched {
            world.launch_fails(None);
        }
        world.terminates(exited(9));
        let mut ends = BTreeMap::<_, usize>::new();
        for update in world.updates() {
            if update.status.state().is_terminal() {
                *ends.entry(update.status.uuid).or_default() += 1;
            }
        }
        assert_eq!(ends.len(), 1, "seed {seed}: {}", world.states());
    }
}
