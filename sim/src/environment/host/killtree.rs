//! `killtree` on the simulated process table.
//!
//! The walk is that of the live host. No process can fork while it goes on, so stopping them is
//! left out; that the signals are delivered is an event of its own.

use super::SimHost;
use super::processes::{AGENT_PID, INIT_PID};
use process::host::{Follow, OsPid, ProcessInfo, ProcessTree};
use process::pstree::{Table, killtree};

/// The process table at the moment of the call, and who is to get the signal.
struct Snapshot {
    processes: Vec<ProcessInfo>,
    signal: i32,
    signalled: Vec<OsPid>,
}

impl Table for Snapshot {
    fn processes(&mut self) -> Result<Vec<ProcessInfo>, String> {
        Ok(self.processes.clone())
    }

    fn process(&mut self, pid: OsPid) -> Result<Option<ProcessInfo>, String> {
        Ok(self.processes.iter().find(|process| process.pid == pid).cloned())
    }

    fn signal(&mut self, pid: OsPid, signal: i32) {
        // Not the signals around it that stop a process and let it go on.
        if signal == self.signal && !self.signalled.contains(&pid) {
            self.signalled.push(pid);
        }
    }

    fn is_spared(&self, pid: OsPid) -> bool {
        [INIT_PID, AGENT_PID].contains(&pid)
    }
}

impl SimHost {
    pub(super) fn kill_tree(
        &self,
        pid: OsPid,
        signal: i32,
        follow: Follow,
    ) -> Result<Vec<ProcessTree>, String> {
        let processes = self.0.state.lock().processes.infos();
        let mut snapshot = Snapshot { processes, signal, signalled: Vec::new() };
        let trees = killtree(&mut snapshot, pid, signal, follow)?;
        let living: Vec<_> = {
            let state = self.0.state.lock();
            let signalled = snapshot.signalled.iter();
            signalled.filter_map(|pid| state.processes.living(*pid)).collect()
        };
        if !living.is_empty() {
            self.signal_later(living, signal);
        }
        Ok(trees)
    }
}
