//! The logrotate logger over the simulated host, under many schedules: a twin of upstream's
//! `container_logger_tests.cpp`, and who ends with whom.

use super::Rig;
use super::schedules::under_many_schedules;
use crate::environment::host::Node;
use containerizer::logger::logrotate::{Flags, Machine, rotate};
use containerizer::logger::{ContainerIo, ContainerLogger, LogrotateContainerLogger};
use mesos::slave::ContainerConfig;
use process::host::{Command, Follow, Host, OsPid, Program, Running};
use process::{Future, io};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SANDBOX: &str = "/sandbox";

/// The companion: takes its input to its file, and ends with the last one who can write.
struct Companion(crate::environment::SimHost);

impl Program for Companion {
    fn start(&self, what: &Command, running: Arc<dyn Running>) -> Box<dyn Fn(i32) + Send + Sync> {
        let file = what.argv.iter().find_map(|it| it.strip_prefix("--log_filename="));
        let file = self.0.append(Path::new(file.expect("it is told"))).expect("a sandbox");
        let stdin = running.streams().stdin.expect("a pipe");
        let end = Arc::clone(&running);
        io::redirect(&stdin, Some(&file), 100, Vec::new())
            .on_any(move |copied| end.exit(if copied.is_ready() { 0 } else { 1 << 8 }));
        Box::new(move |signal| running.exit(signal))
    }
}

/// Says something, and runs until it is killed.
struct Container;

impl Program for Container {
    fn start(&self, _: &Command, running: Arc<dyn Running>) -> Box<dyn Fn(i32) + Send + Sync> {
        let streams = running.streams();
        let _ = io::write(&streams.stdout.expect("a pipe"), "out");
        let _ = io::write(&streams.stderr.expect("a pipe"), "error");
        Box::new(move |signal| running.exit(signal))
    }
}

fn logger(rig: &Rig) -> LogrotateContainerLogger {
    rig.host.register(rotate::NAME, Arc::new(Companion(rig.host.clone())));
    rig.host.register("container", Arc::new(Container));
    rig.host.mkdir(Path::new(SANDBOX)).expect("an empty disk");
    let machine = Machine { page: 4096, has: &|_| true, runs: &|_| Ok(()) };
    let parameters = BTreeMap::from([("launcher_dir".to_owned(), "/libexec".to_owned())]);
    let flags = Flags::load(&parameters, &machine).expect("valid");
    LogrotateContainerLogger::spawn(flags, Arc::new(rig.host.clone()), BTreeMap::new())
}

fn prepare(logger: &LogrotateContainerLogger) -> Future<ContainerIo> {
    let config = ContainerConfig { directory: SANDBOX.to_owned(), ..ContainerConfig::default() };
    logger.prepare(&"c".into(), &Arc::new(config))
}

fn companions(rig: &Rig) -> Vec<OsPid> {
    let all = rig.host.processes().into_iter();
    let all = all.filter(|it| &*it.program == rotate::NAME && it.exited.is_none());
    all.map(|it| it.pid).collect()
}

fn written(rig: &Rig, name: &str) -> String {
    match rig.host.node(&Path::new(SANDBOX).join(name)) {
        Some(Node::File { content, .. }) => String::from_utf8(content).expect("text"),
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn logrotate_module_fd_ownership() {
    under_many_schedules(|rig, schedule| {
        let logger = logger(rig);
        let prepared = prepare(&logger);
        while prepared.is_pending() {
            schedule.some(rig, 1);
        }
        let ContainerIo { out, err } = prepared.get().expect("ready").clone();
        let what = Command { stdout: out, stderr: err, ..Command::new("container", ["container"]) };
        let container = rig.host.subprocess(what, Vec::new()).expect("started");
        // What the agent opens from now on is nobody's business but its own.
        let pipes: Vec<_> = (0..50).map(|_| rig.host.pipe().expect("a pipe")).collect();
        schedule.all(rig);
        assert_eq!(companions(rig).len(), 2);
        rig.host.killtree(container.pid(), 9, Follow::default()).expect("killed");
        // The future of the logger holds the pipes' ends, too.
        drop(prepared);
        schedule.all(rig);
        assert_eq!(container.status().get(), Some(&Some(9)));
        assert!(companions(rig).is_empty(), "they end with the container");
        assert_eq!(
            (written(rig, "stdout"), written(rig, "stderr")),
            ("out".into(), "error".into())
        );
        for (read, write) in pipes {
            assert!(io::write(&write, "x").is_ready());
            let received = io::read_some(&read, 1);
            schedule.all(rig);
            assert_eq!(received.get().map(|data| &data[..]), Some(&b"x"[..]));
        }
    });
}

#[test]
fn companions_of_a_container_that_is_never_started_end() {
    under_many_schedules(|rig, schedule| {
        let logger = logger(rig);
        let prepared = prepare(&logger);
        schedule.all(rig);
        assert_eq!((prepared.is_ready(), companions(rig).len()), (true, 2));
        drop(prepared);
        schedule.all(rig);
        assert!(companions(rig).is_empty());
    });
}
