//! Persistent volumes and GPUs: what a container holds besides its processes.

mod support;

use containerizer::docker::State;
use containerizer::gpu::Gpu;
use containerizer::{Containerizer, LaunchResult};
use mesos::resource::disk_info::Persistence;
use mesos::resource::{DiskInfo, ReservationInfo, reservation_info};
use mesos::slave::ContainerConfig;
use mesos::volume::Mode;
use mesos::{ContainerId, Resource, Volume, resources};
use process::{Future, Nothing};
use std::collections::BTreeSet;
use support::fakes::FIRST_PID;
use support::{SANDBOX, World, config, custom_executor, failure, id, ready};

fn volume(name: &str, path: &str, mode: Mode) -> Resource {
    Resource {
        reservations: vec![ReservationInfo {
            r#type: Some(reservation_info::Type::Dynamic.into()),
            role: Some("r".into()),
            ..ReservationInfo::default()
        }],
        disk: Some(DiskInfo {
            persistence: Some(Persistence { id: name.into(), principal: None }),
            volume: Some(Volume {
                container_path: path.into(),
                mode: mode.into(),
                ..Volume::default()
            }),
            ..DiskInfo::default()
        }),
        ..resources::scalar("disk", 64.0)
    }
}

fn launch(world: &World, resources: Vec<Resource>) -> Future<LaunchResult> {
    let launch = world.launch(ContainerConfig { resources, ..config() });
    world.journal.take();
    world.pulled();
    launch
}

#[test]
fn root_docker_launch_with_persistent_volumes() {
    let world = World::new();
    let volumes = vec![volume("id1", "path1", Mode::Rw), volume("id2", "path2", Mode::Ro)];
    let launch = launch(&world, volumes);
    assert_eq!(
        world.journal.take(),
        [
            format!("owner {SANDBOX}"),
            "chown /agent/volumes/roles/r/id1 7 8".to_owned(),
            format!("mkdir {SANDBOX}/path1"),
            format!("mount /agent/volumes/roles/r/id1 {SANDBOX}/path1"),
            "chown /agent/volumes/roles/r/id2 7 8".to_owned(),
            format!("mkdir {SANDBOX}/path2"),
            format!("mount /agent/volumes/roles/r/id2 {SANDBOX}/path2"),
            "prepare c".to_owned(),
        ]
    );
    world.prepared();
    assert_eq!(ready(&launch), LaunchResult::Success);
    let wait = world.wait();
    world.executor_exits(0);
    world.ended(&wait, Some(0), Some("Container terminated"));
    assert_eq!(
        world.journal.about("unmount"),
        [format!("unmount {SANDBOX}/path2"), format!("unmount {SANDBOX}/path1")]
    );
    assert!(world.host.mounts.lock().is_empty());
}

#[test]
fn a_volume_that_another_container_uses_keeps_its_owner() {
    let world = World::new();
    let volumes = vec![volume("v", "p", Mode::Rw)];
    launch(&world, volumes.clone());
    let config = ContainerConfig {
        resources: volumes,
        directory: SANDBOX.replace("runs/c", "runs/d"),
        ..config()
    };
    world.containerizer.launch(&ContainerId::new("d"), config.into(), [].into(), None);
    world.settle();
    world.journal.take();
    world.pulled();
    assert_eq!(world.journal.about("mount").len(), 1);
    assert!(world.journal.about("chown").is_empty());
}

#[test]
fn a_volume_that_is_not_to_appear_in_the_sandbox_itself_is_skipped() {
    for path in ["a/b", "/a"] {
        let world = World::new();
        launch(&world, vec![volume("v", path, Mode::Rw)]);
        assert_eq!(world.journal.take(), [format!("owner {SANDBOX}"), "prepare c".to_owned()]);
    }
    for path in ["", ".", ".."] {
        let world = World::new();
        let launch = launch(&world, vec![volume("v", path, Mode::Rw)]);
        assert_eq!(failure(&launch), format!("Persistent volume 'v': '{path}' is no place for it"));
        assert!(world.journal.about("mount ").is_empty());
    }
}

#[test]
fn custom_executors_get_no_volumes() {
    let world = World::new();
    let mut config = custom_executor();
    config.resources.push(volume("v", "p", Mode::Rw));
    world.launch(config);
    world.pulled();
    assert!(world.journal.about("mount").is_empty());
    assert_eq!(world.life().states.last(), Some(&State::Running));
}

#[test]
fn a_launch_fails_with_each_step_of_a_mount() {
    let source = "/agent/volumes/roles/r/v";
    for (operation, message) in [
        ("owner", format!("Failed to get ownership for '{SANDBOX}': broken")),
        (
            "chown",
            format!(
                "Failed to change the ownership of the persistent volume at '{source}' with uid 7 \
                 and gid 8: broken"
            ),
        ),
        ("mkdir", format!("Failed to create persistent mount point at '{SANDBOX}/p': broken")),
        (
            "mount ",
            format!("Failed to mount persistent volume from '{source}' to '{SANDBOX}/p': broken"),
        ),
    ] {
        let world = World::new();
        world.host.fails(operation, "broken");
        let launch = launch(&world, vec![volume("v", "p", Mode::Rw)]);
        assert_eq!(failure(&launch), message);
        world.ended(&world.destroy(), None, None);
    }
    let world = World::new();
    let launch =
        launch(&world, vec![Resource { reservations: Vec::new(), ..volume("v", "p", Mode::Rw) }]);
    assert_eq!(failure(&launch), "Persistent volume of disk 'disk' has no reservation");
}

/// Upstream's defect: a launch that failed is cleaned up by a shortcut.
#[test]
fn what_was_mounted_before_a_launch_failed_stays() {
    let world = World::new();
    world.host.fails(&format!("mkdir {SANDBOX}/path2"), "broken");
    let volumes = vec![volume("id1", "path1", Mode::Rw), volume("id2", "path2", Mode::Rw)];
    launch(&world, volumes);
    world.ended(&world.destroy(), None, None);
    assert_eq!(world.host.mounts.lock().len(), 1);
}

fn gpus(minors: &[u32]) -> BTreeSet<Gpu> {
    minors.iter().map(|&minor| Gpu { major: 195, minor }).collect()
}

#[test]
fn gpus_are_taken_before_the_logger_is_asked_and_given_back_after_the_end() {
    let world = World::new();
    let launch = launch(&world, vec![resources::scalar("gpus", 2.0)]);
    assert_eq!(world.journal.take(), ["allocate 2"]);
    world.gpus.allocations.last().set(gpus(&[0, 1]));
    world.settle();
    assert_eq!(world.journal.take(), ["prepare c"]);
    world.prepared();
    assert_eq!(ready(&launch), LaunchResult::Success);
    let wait = world.wait();
    world.executor_exits(0);
    assert_eq!(world.journal.about("deallocate"), ["deallocate 2"]);
    world.waits(&wait);
    world.gpus.deallocations.last().set(Nothing);
    world.settle();
    world.ended(&wait, Some(0), Some("Container terminated"));
}

#[test]
fn a_container_ends_even_if_its_gpus_cannot_be_given_back() {
    let world = World::new();
    launch(&world, vec![resources::scalar("gpus", 1.0)]);
    world.gpus.allocations.last().set(gpus(&[0]));
    world.settle();
    world.prepared();
    let destroy = world.destroy();
    world.stopped();
    world.exits(FIRST_PID, 15);
    world.gpus.deallocations.last().fail("broken");
    world.settle();
    world.ended(&destroy, Some(15), Some("Container killed"));
}

#[test]
fn gpus_that_come_during_a_destroy_are_given_back_at_its_end() {
    let world = World::new();
    let launch = launch(&world, vec![resources::scalar("gpus", 1.0)]);
    let destroy = world.destroy();
    world.gpus.allocations.last().set(gpus(&[0]));
    world.settle();
    world.waits(&destroy);
    world.prepared();
    assert_eq!(ready(&launch), LaunchResult::Success);
    world.stopped();
    world.executor_exits(0);
    assert_eq!(world.journal.about("deallocate"), ["deallocate 1"]);
}

#[test]
fn a_launch_fails_with_its_gpus() {
    let world = World::new();
    let fraction = launch(&world, vec![resources::scalar("gpus", 1.5)]);
    assert_eq!(failure(&fraction), "The 'gpus' resource must be an unsigned integer");
    assert!(world.journal.about("allocate").is_empty());
    drop(world);
    let world = World::new();
    let launch = launch(&world, vec![resources::scalar("gpus", 1.0)]);
    world.gpus.allocations.last().fail("none left");
    world.settle();
    assert_eq!(failure(&launch), "none left");
    assert_eq!(world.logger.prepares.count(), 0);
    let second = world.containerizer.destroy(&id());
    world.settle();
    world.ended(&second, None, None);
}
