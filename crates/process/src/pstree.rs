//! Trees of operating-system processes, and `killtree`.
//!
//! Mirrors `stout/os/{process,pstree,killtree}.hpp`. The algorithm is the same for every host; what
//! it works on is the host's [`Table`].

use crate::host::OsPid;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

const SIGSTOP: i32 = 19;
const SIGCONT: i32 = 18;

/// An operating-system process as it was when somebody looked.
// differs: upstream also reads memory and times of the processor, which nobody asks for here.
#[doc(alias = "os::Process")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its process id.
    pub pid: OsPid,
    /// The process that started it, or who adopted it.
    pub parent: OsPid,
    /// Its process group: the pid of the leader.
    pub group: OsPid,
    /// Its session: the pid of the leader.
    pub session: OsPid,
    /// When it was started, in a unit of the host: tells apart processes that had the same pid.
    pub started: u64,
    /// What it runs: the command line, or only its name if there is none.
    pub command: String,
    /// It has ended and was not collected yet.
    pub zombie: bool,
}

/// A process and its descendants. Kept flat, parents before children: however deep a tree is,
/// nothing recurses.
#[doc(alias = "os::ProcessTree")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessTree {
    /// Each process with the number of its ancestors in the tree.
    nodes: Vec<(usize, ProcessInfo)>,
}

impl ProcessTree {
    /// The process that all others descend from.
    pub fn process(&self) -> &ProcessInfo {
        // A tree is made around its root.
        &self.nodes[0].1
    }

    /// All processes, each before its children.
    pub fn processes(&self) -> impl Iterator<Item = &ProcessInfo> {
        self.nodes.iter().map(|(_, process)| process)
    }

    /// The process with this pid, if it is in the tree.
    #[doc(alias = "ProcessTree::find")]
    pub fn find(&self, pid: OsPid) -> Option<&ProcessInfo> {
        self.processes().find(|process| process.pid == pid)
    }

    /// Whether a process with this pid is in the tree.
    #[doc(alias = "ProcessTree::contains")]
    pub fn contains(&self, pid: OsPid) -> bool {
        self.find(pid).is_some()
    }

    /// The children of the process that all others descend from.
    #[doc(alias = "ProcessTree::children")]
    pub fn children(&self) -> impl Iterator<Item = &ProcessInfo> {
        self.nodes.iter().filter(|(depth, _)| *depth == 1).map(|(_, process)| process)
    }
}

/// As upstream draws it: one line a process, children under their parent, zombies in parentheses.
impl fmt::Display for ProcessTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whether each process has younger siblings: found from the end.
        let mut more = vec![false; self.nodes.len()];
        let mut open: Vec<bool> = Vec::new();
        for (index, (depth, _)) in self.nodes.iter().enumerate().rev() {
            open.resize(depth + 1, false);
            more[index] = std::mem::replace(&mut open[*depth], true);
        }
        // The same for the process and its ancestors.
        let mut levels: Vec<bool> = Vec::new();
        for (index, (depth, process)) in self.nodes.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            levels.truncate(*depth);
            levels.push(more[index]);
            for (level, more) in levels.iter().enumerate().skip(1) {
                f.write_str(match (level == *depth, more) {
                    (true, false) => " \\",
                    (_, true) => " |",
                    (false, false) => "  ",
                })?;
            }
            let is_parent = self.nodes.get(index + 1).is_some_and(|(below, _)| below > depth);
            let mark = if is_parent { "-+-" } else { "---" };
            match process.zombie {
                true => write!(f, "{mark} {} ({})", process.pid, process.command)?,
                false => write!(f, "{mark} {} {}", process.pid, process.command)?,
            }
        }
        Ok(())
    }
}

/// The tree of `pid` among these processes; an error when it is not among them.
#[doc(alias = "os::pstree")]
pub fn pstree(pid: OsPid, processes: &[ProcessInfo]) -> Result<ProcessTree, String> {
    let mut children: BTreeMap<OsPid, Vec<&ProcessInfo>> = BTreeMap::new();
    for process in processes.iter().rev() {
        children.entry(process.parent).or_default().push(process);
    }
    let root = processes.iter().find(|process| process.pid == pid);
    let mut due = vec![(0, root.ok_or_else(|| format!("No process found at {pid}"))?)];
    let mut nodes = Vec::new();
    while let Some((depth, process)) = due.pop() {
        // Taken out: what is visited once is not visited again, whatever the table says.
        let below = children.remove(&process.pid).unwrap_or_default();
        due.extend(below.into_iter().map(|child| (depth + 1, child)));
        nodes.push((depth, process.clone()));
    }
    Ok(ProcessTree { nodes })
}

/// The fewest trees that have all of these processes.
#[doc(alias = "os::pstrees")]
pub fn pstrees(
    pids: &BTreeSet<OsPid>,
    processes: &[ProcessInfo],
) -> Result<Vec<ProcessTree>, String> {
    let mut trees: Vec<ProcessTree> = Vec::new();
    for pid in pids {
        if trees.iter().any(|tree| tree.contains(*pid)) {
            continue;
        }
        let tree = pstree(*pid, processes)?;
        trees.retain(|other| !tree.contains(other.process().pid));
        trees.push(tree);
    }
    Ok(trees)
}

/// What [`killtree`] follows besides children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Follow {
    /// The whole process group of each process it meets.
    pub groups: bool,
    /// The whole session of each process it meets.
    pub sessions: bool,
}

/// The processes of a host, for [`killtree`].
pub trait Table {
    /// All processes, by pid.
    #[doc(alias = "os::processes")]
    fn processes(&mut self) -> Result<Vec<ProcessInfo>, String>;

    /// The process with this pid, if there is one. From here on `signal` means this very process.
    #[doc(alias = "os::process")]
    fn process(&mut self, pid: OsPid) -> Result<Option<ProcessInfo>, String>;

    /// Signals a process, if it is still there.
    fn signal(&mut self, pid: OsPid, signal: i32);

    /// Whether this process must never be signalled: who calls, and init.
    fn is_spared(&self, pid: OsPid) -> bool;
}

/// Signals a process and its descendants; with `follow` also the groups and sessions that they are
/// in, but not those of the root's parent. Each is stopped first, so that it cannot fork while the
/// others are looked for, and told to go on in the end. Gives the trees that were signalled; none
/// when there is no such process.
///
/// When the root has ended already, those are signalled that are in the group or session that it
/// led, if these are followed.
#[doc(alias = "os::killtree")]
pub fn killtree(
    table: &mut impl Table,
    root: OsPid,
    signal: i32,
    follow: Follow,
) -> Result<Vec<ProcessTree>, String> {
    // differs: upstream would stop itself, and never go on.
    if root <= 0 || table.is_spared(root) {
        return Err(format!("process {root} is not to be signalled by a killtree"));
    }
    let mut processes = table.processes()?;
    let mut visit = Visit::default();
    match processes.iter().find(|process| process.pid == root) {
        Some(process) => {
            visit.enqueue(process);
            let parent = processes.iter().find(|other| other.pid == process.parent);
            if let Some(parent) = parent {
                visit.skip(parent, follow);
            }
        }
        None => {
            for process in &processes {
                if (follow.groups && process.group == root)
                    || (follow.sessions && process.session == root)
                {
                    visit.enqueue(process);
                }
            }
        }
    }
    while let Some((pid, started)) = visit.queue.pop_front() {
        if visit.pids.contains(&pid) || table.is_spared(pid) {
            continue;
        }
        // differs: upstream would take another process that has got the pid meanwhile for it.
        let Some(process) = table.process(pid)?.filter(|process| process.started == started) else {
            continue;
        };
        table.signal(pid, SIGSTOP);
        // It cannot fork any more: these are all its children.
        processes = table.processes()?;
        visit.visited(process, &processes, follow);
    }
    for pid in &visit.pids {
        table.signal(*pid, signal);
    }
    // In case it is a signal that neither ends a process nor lets it go on.
    for pid in &visit.pids {
        table.signal(*pid, SIGCONT);
    }
    pstrees(&visit.pids, &visit.processes)
}

/// The walk through a tree.
#[derive(Default)]
struct Visit {
    queue: VecDeque<(OsPid, u64)>,
    pids: BTreeSet<OsPid>,
    groups: BTreeSet<OsPid>,
    sessions: BTreeSet<OsPid>,
    processes: Vec<ProcessInfo>,
}

impl Visit {
    fn enqueue(&mut self, process: &ProcessInfo) {
        self.queue.push_back((process.pid, process.started));
    }

    /// Takes the groups of the root's parent as visited, so as not to go up the tree.
    fn skip(&mut self, parent: &ProcessInfo, follow: Follow) {
        if follow.groups {
            self.groups.insert(parent.group);
        }
        if follow.sessions {
            self.sessions.insert(parent.session);
        }
    }

    /// Enqueues what the process leads to.
    fn visited(&mut self, process: ProcessInfo, processes: &[ProcessInfo], follow: Follow) {
        let group = follow.groups && self.groups.insert(process.group);
        let session = follow.sessions && self.sessions.insert(process.session);
        for other in processes {
            if other.parent == process.pid
                || (group && other.group == process.group)
                || (session && other.session == process.session)
            {
                self.enqueue(other);
            }
        }
        self.pids.insert(process.pid);
        self.processes.push(process);
    }
}

#[cfg(test)]
mod tests;
