//! Updates of limits, and usage, with control groups of both versions.

mod support;

use containerizer::docker::State;
use containerizer::{Containerizer, Flags, LaunchResult};
use mesos::{Resource, ResourceStatistics, Resources};
use process::{Future, Nothing};
use std::collections::BTreeMap;
use std::time::Duration;
use support::{World, custom_executor, failure, flags, id, inspected, ready};

const PID: i32 = 500;

fn resources(text: &str) -> Vec<Resource> {
    Resources::parse(text).unwrap().iter().cloned().collect()
}

fn limits(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

fn update(world: &World, requests: &str, given: &[(&str, f64)]) -> Future<Nothing> {
    let update = world.containerizer.update(&id(), resources(requests), limits(given));
    world.settle();
    update
}

fn usage(world: &World) -> Future<ResourceStatistics> {
    let usage = world.containerizer.usage(&id());
    world.settle();
    usage
}

/// One whose custom executor runs, with hard CPU limits.
fn with_cfs(unified: bool) -> World {
    let world = World::with(Flags { cgroups_enable_cfs: true, ..flags() });
    if unified {
        world.has_unified_cgroups(PID)
    } else {
        world.has_cgroups(PID)
    }
    let launch = world.launch(custom_executor());
    world.pulled();
    world.prepared();
    world.inspected(inspected(PID));
    world.inspected(inspected(PID));
    assert_eq!(ready(&launch), LaunchResult::Success);
    world
}

#[test]
fn limits_are_written_without_asking_docker_again() {
    let world = World::running_executor(PID);
    world.journal.take();
    assert!(update(&world, "cpus:0.5;mem:256", &[]).is_ready());
    assert_eq!(
        world.journal.take(),
        [
            "write /cg/cpu/docker/x/cpu.shares 512",
            "write /cg/memory/docker/x/memory.soft_limit_in_bytes 268435456",
            "write /cg/memory/docker/x/memory.limit_in_bytes 268435456",
        ]
    );
    assert!(update(&world, "cpus:0.5;mem:256", &[]).is_ready());
    assert!(world.journal.take().is_empty(), "nothing has changed");
    assert!(update(&world, "ports:[1-2]", &[]).is_ready());
    assert!(world.journal.take().is_empty(), "nothing that could be limited");
}

#[test]
fn a_hard_limit_is_raised_but_never_lowered() {
    let world = World::running_executor(PID);
    let hard = "/cg/memory/docker/x/memory.limit_in_bytes";
    world.journal.take();
    update(&world, "mem:64", &[]);
    update(&world, "mem:64", &[("mem", 100.0)]);
    assert!(world.journal.about(&format!("write {hard}")).is_empty());
    update(&world, "mem:64", &[("mem", 512.0)]);
    assert_eq!(world.journal.about(&format!("write {hard}")), [format!("write {hard} 536870912")]);
    world.journal.take();
    update(&world, "mem:1", &[("mem", f64::INFINITY)]);
    assert_eq!(
        world.journal.take(),
        [
            // No less than 32 MB.
            "write /cg/memory/docker/x/memory.soft_limit_in_bytes 33554432".to_owned(),
            format!("write {hard} -1"),
        ]
    );
}

#[test]
fn cpu_quotas_follow_limits_or_with_the_flag_requests() {
    let cpu = |file: &str, value: &str| format!("write /cg/cpu/docker/x/cpu.{file} {value}");
    let world = with_cfs(false);
    for (requests, given, shares, quota) in [
        ("cpus:2", &[][..], "2048", "200000"),
        ("cpus:2", &[("cpus", 3.0)][..], "2048", "300000"),
        ("cpus:2", &[("cpus", f64::INFINITY)][..], "2048", "-1"),
        ("cpus:0.001", &[][..], "2", "1000"),
    ] {
        world.journal.take();
        assert!(update(&world, requests, given).is_ready());
        let written = world.journal.about("write /cg/cpu");
        let expected =
            [cpu("shares", shares), cpu("cfs_period_us", "100000"), cpu("cfs_quota_us", quota)];
        assert_eq!(written, expected, "{requests}");
    }
    drop(world);

    let world = World::running_executor(PID);
    world.journal.take();
    update(&world, "cpus:2", &[]);
    assert_eq!(world.journal.about("write /cg/cpu"), [cpu("shares", "2048")]);
    update(&world, "cpus:2", &[("cpus", 2.5)]);
    assert_eq!(world.journal.about("write /cg/cpu")[3..], [cpu("cfs_quota_us", "250000")]);
}

#[test]
fn limits_in_version_2() {
    let world = with_cfs(true);
    world.journal.take();
    assert!(update(&world, "cpus:2;mem:256", &[]).is_ready());
    let file = |name: &str, value: &str| format!("write /cg/docker/x/{name} {value}");
    assert_eq!(
        world.journal.take(),
        [
            file("cpu.weight", "79"),
            file("cpu.max", "200000 100000"),
            file("memory.low", "268435456"),
            file("memory.max", "268435456"),
        ]
    );
    update(&world, "", &[("cpus", f64::INFINITY), ("mem", f64::INFINITY)]);
    assert_eq!(world.journal.take(), [file("cpu.max", "max 100000"), file("memory.max", "max")]);
    update(&world, "mem:999", &[]);
    assert_eq!(world.journal.take(), [file("memory.low", "1047527424")], "already without limit");
}

#[test]
fn an_update_fails_with_what_cannot_be_written() {
    for (file, message) in [
        ("cpu/docker/x/cpu.shares", "Failed to update 'cpu.shares': broken"),
        ("cpu/docker/x/cpu.cfs_period", "Failed to update 'cpu.cfs_period_us': broken"),
        ("cpu/docker/x/cpu.cfs_quota", "Failed to update 'cpu.cfs_quota_us': broken"),
        ("memory/docker/x/memory.soft", "Failed to set 'memory.soft_limit_in_bytes': broken"),
        ("memory/docker/x/memory.limit", "Failed to set 'memory.limit_in_bytes': broken"),
    ] {
        let world = with_cfs(false);
        world.host.fails(&format!("write /cg/{file}"), "broken");
        assert_eq!(failure(&update(&world, "cpus:1;mem:999", &[])), message);
    }
    let world = World::running_executor(PID);
    let hard = "/cg/memory/docker/x/memory.limit_in_bytes";
    for (content, message) in [
        ("seven", "Failed to read 'memory.limit_in_bytes': memory.limit_in_bytes: 'seven'"),
        ("", "Failed to read 'memory.limit_in_bytes': memory.limit_in_bytes: ''"),
    ] {
        world.host.files.lock().insert(hard.into(), content.into());
        assert_eq!(failure(&update(&world, "mem:998", &[])), message);
        update(&world, "mem:1", &[]);
    }
}

/// The group of a zombie is everybody's: nothing is written there.
#[test]
fn the_root_group_is_left_alone_and_asked_for_again() {
    let world = World::new();
    world.has_cgroups(PID);
    let groups = format!("/proc/{PID}/cgroup");
    world.host.files.lock().insert(groups.clone().into(), "4:memory:/\n1:cpu,cpuacct:/\n".into());
    let launch = world.launch(custom_executor());
    world.pulled();
    world.prepared();
    world.inspected(inspected(PID));
    world.inspected(inspected(PID));
    assert_eq!(ready(&launch), LaunchResult::Success);
    assert!(world.journal.about("write").is_empty());

    let inspects = world.inspects.count();
    let missing = "Failed to determine cgroup for the 'cpu' subsystem: Failed to read /proc/500/";
    world.host.files.lock().remove(std::path::Path::new(&groups));
    let update = update(&world, "cpus:2", &[]);
    assert_eq!(world.inspects.count(), inspects + 1);
    world.inspected(inspected(PID));
    assert!(failure(&update).starts_with(missing), "{update}");
}

#[test]
fn a_daemon_that_hangs_is_asked_again() {
    let world = World::new();
    world.has_cgroups(PID);
    let launch = world.launch(custom_executor());
    world.pulled();
    world.prepared();
    world.inspected(inspected(PID));
    let hung = world.inspects.last();
    world.passes(Duration::from_secs(5));
    assert!(hung.future().has_discard());
    assert_eq!(world.journal.about("inspect mesos-c").len(), 2, "the first waits for its client");
    world.in_docker(|| hung.discard());
    world.settle();
    assert_eq!(world.journal.about("inspect mesos-c").len(), 3);
    assert!(launch.is_pending());
    world.inspected(inspected(PID));
    assert_eq!(ready(&launch), LaunchResult::Success);
    drop(world);

    let world = World::new();
    let launch = world.launch(custom_executor());
    world.pulled();
    world.prepared();
    world.inspected(inspected(PID));
    world.in_docker(|| world.inspects.last().fail("gone"));
    world.settle();
    assert_eq!(failure(&launch), "gone", "what fails is not tried again");
}

#[test]
fn updates_are_ignored_where_there_is_nothing_to_limit() {
    let world = World::new();
    assert!(update(&world, "cpus:1", &[]).is_ready(), "unknown");
    drop(world);

    let world = World::running();
    world.journal.take();
    assert!(update(&world, "cpus:7", &[]).is_ready(), "a command task's");
    assert!(world.journal.take().is_empty());
    drop(world);

    let world = World::running_executor(PID);
    world.destroy();
    world.journal.take();
    assert!(update(&world, "cpus:7", &[]).is_ready(), "destroyed");
    assert!(world.journal.take().is_empty());
    drop(world);

    // Not limited where there is no such subsystem.
    let world = World::new();
    world.host.files.lock().insert("/proc/mounts".into(), String::new());
    world.host.files.lock().insert(format!("/proc/{PID}/cgroup").into(), "1:cpu:/x\n".into());
    let launch = world.launch(custom_executor());
    world.pulled();
    world.prepared();
    world.inspected(inspected(PID));
    world.inspected(inspected(PID));
    assert_eq!(ready(&launch), LaunchResult::Success);
    assert!(world.journal.about("write").is_empty());
}

fn figures(statistics: &ResourceStatistics) -> [Option<f64>; 5] {
    [
        statistics.cpus_user_time_secs,
        statistics.cpus_system_time_secs,
        statistics.cpus_throttled_time_secs,
        statistics.cpus_nr_periods.map(f64::from),
        statistics.mem_rss_bytes.map(|bytes| bytes as f64),
    ]
}

/// A command task, whose executor's share of the resources is not shown.
#[test]
fn root_docker_usage() {
    let world = World::new();
    world.has_cgroups(PID);
    let mut config = support::config();
    config.resources = resources("cpus:1.1;mem:1056");
    config.limits = [("cpus", 2.1), ("mem", 2080.0)]
        .map(|(name, value)| (name.to_owned(), mesos::value::Scalar { value }))
        .into();
    world.launch(config);
    world.pulled();
    world.prepared();
    let first = usage(&world);
    world.inspected(inspected(PID));
    let statistics = ready(&first);
    assert_eq!(figures(&statistics), [Some(1.5), Some(0.25), None, None, Some(4096.0)]);
    assert_eq!(statistics.cpus_soft_limit.map(|cpus| (cpus * 1000.0).round()), Some(1000.0));
    assert_eq!(statistics.cpus_limit, Some(2.0));
    assert_eq!(statistics.mem_soft_limit_bytes, Some(1 << 30));
    assert_eq!(statistics.mem_limit_bytes, Some(2 << 30));

    let inspects = world.inspects.count();
    assert!(usage(&world).is_ready());
    assert_eq!(world.inspects.count(), inspects, "the pid is known by now");

    world.destroy();
    assert_eq!(failure(&usage(&world)), "Container is being removed: c");
    world.stopped();
    world.executor_exits(0);
    assert_eq!(failure(&usage(&world)), "Unknown container: c");
}

#[test]
fn usage_shows_what_limiting_costs_and_infinite_limits_as_what_there_is() {
    for unified in [false, true] {
        let world = with_cfs(unified);
        let statistics = ready(&usage(&world));
        let expected = [Some(1.5), Some(0.25), Some(1.5), Some(3.0), Some(4096.0)];
        assert_eq!(figures(&statistics), expected);
        assert_eq!(statistics.cpus_nr_throttled, Some(2));
        assert_eq!((statistics.cpus_soft_limit, statistics.cpus_limit), (Some(1.0), Some(1.0)));
        assert_eq!(statistics.mem_limit_bytes, Some(128 << 20));
        assert_eq!(statistics.mem_soft_limit_bytes, None);

        update(&world, "cpus:1", &[("cpus", f64::INFINITY), ("mem", f64::INFINITY)]);
        let statistics = ready(&usage(&world));
        assert_eq!(statistics.cpus_limit, Some(4.0));
        assert_eq!(statistics.mem_limit_bytes, Some(8 << 30));
        assert_eq!(statistics.mem_soft_limit_bytes, None);
    }
}

#[test]
fn usage_fails_while_there_is_nothing_to_be_read() {
    let world = World::running();
    let asked = usage(&world);
    world.inspected(docker::Container::default());
    assert_eq!(failure(&asked), "Container is not running");

    let asked = usage(&world);
    world.inspected(inspected(PID));
    assert!(failure(&asked).starts_with("Failed to collect cgroup stats: "), "{asked}");
    drop(world);

    // Destroyed while Docker was asked.
    let world = World::running();
    let asked = usage(&world);
    world.destroy();
    assert_eq!(world.life().states.last(), Some(&State::Destroying));
    world.inspected(inspected(PID));
    assert_eq!(failure(&asked), "Container is being removed: c");
    drop(world);

    let world = World::running();
    let asked = usage(&world);
    world.executor_exits(0);
    world.inspected(inspected(PID));
    assert_eq!(failure(&asked), "Container has been destroyed:c");
    drop(world);

    for (file, content, message) in [
        ("/proc/500/cgroup", "4:memory:/x\n1:cpuacct:/\n", "should not be in the system root"),
        ("/proc/500/cgroup", "4:memory:/x\n", "Unable to find 'cpuacct' cgroup subsystem"),
        ("/proc/500/cgroup", "nonsense\n", "Unexpected format in /proc/500/cgroup"),
        ("/proc/mounts", "", "Unable to find 'cpuacct' cgroup subsystem"),
        ("/cg/cpu/docker/x/cpuacct.stat", "user 1\n", "Failed to get user/system value"),
        ("/cg/cpu/docker/x/cpuacct.stat", "user x\n", "Unexpected line format in cpuacct.stat"),
        ("/cg/memory/docker/x/memory.stat", "cache 1\n", "does not contain 'rss' data"),
    ] {
        let world = World::running_executor(PID);
        world.host.files.lock().insert(file.into(), content.into());
        let error = failure(&usage(&world));
        assert!(error.contains(message), "{error}");
    }
}

/// Two figures that would overflow.
#[test]
fn the_largest_figures_are_no_problem() {
    let world = with_cfs(false);
    let most = u64::MAX;
    let mut files = world.host.files.lock();
    files.insert("/cg/cpu/docker/x/cpuacct.stat".into(), format!("user {most}\nsystem {most}\n"));
    files.insert("/cg/cpu/docker/x/cpu.stat".into(), format!("throttled_time {most}\n"));
    files.insert("/cg/memory/docker/x/memory.stat".into(), format!("rss {most}\n"));
    drop(files);
    assert_eq!(ready(&usage(&world)).mem_rss_bytes, Some(most));
}
