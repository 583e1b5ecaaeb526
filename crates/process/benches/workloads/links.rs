//! `Process_BENCHMARK_LargeNumberOfLinks`: processes come and go while many are linked (MESOS-2182).

use super::{LIMIT, end, timed};
use process::actix::{Actor, Handler};
use process::{
    Context, Exited, Pid, RemoteConnection, Upid, dispatch, generate_id, process, spawn, terminate,
    wait,
};
use std::time::Duration;

/// Somebody to link to, and who ends when told.
struct Linkee;

impl Actor for Linkee {
    type Context = Context<Self>;
}

process!(Linkee);

impl Linkee {
    fn end(context: &Context<Self>) {
        terminate(context.pid(), true);
    }
}

struct Linker(Upid);

impl Actor for Linker {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.link_to(&self.0, RemoteConnection::Reuse);
    }
}

process!(Linker);

impl Handler<Exited> for Linker {
    type Result = ();

    fn handle(&mut self, _: Exited, _: &mut Self::Context) {}
}

/// Pairs of linked processes, who have nothing to do.
pub struct Links(Vec<(Pid<Linkee>, Pid<Linker>)>);

impl Links {
    /// So many pairs. Upstream: 5000.
    pub fn new(pairs: usize) -> Self {
        let pair = |_| {
            let linkee = spawn(generate_id("linkee"), Linkee);
            let linker = spawn(generate_id("linker"), Linker(linkee.upid().clone()));
            (linkee, linker)
        };
        let links = Links((0..pairs).map(pair).collect());
        for (_, linker) in &links.0 {
            // It has linked when it has handled a message.
            let linked = linker.call("linked", |_, _| process::Future::ready(()));
            linked.wait(LIMIT).expect("it takes far less than the limit");
        }
        links
    }

    /// So many processes are started, told to end themselves, and waited for. Upstream: 10000.
    pub fn come_and_go(&self, processes: u64) -> Duration {
        timed(|| {
            let start = |_| {
                let pid = spawn(generate_id("ephemeral"), Linkee);
                dispatch!(pid, Linkee::end, |_, context| {
                    Linkee::end(context);
                    process::Future::ready(())
                });
                pid
            };
            let started: Vec<_> = (0..processes).map(start).collect();
            for pid in &started {
                wait(pid).wait(LIMIT).expect("it takes far less than the limit");
            }
        })
    }

    /// Ends all processes, those first to whom others are linked.
    pub fn end(self) {
        self.0.iter().for_each(|(linkee, _)| end(linkee));
        self.0.iter().for_each(|(_, linker)| end(linker));
    }
}
