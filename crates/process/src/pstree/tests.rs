//! `killtree` and the trees, on process tables made by hand.

use super::*;

const SIGTERM: i32 = 15;

fn process(pid: OsPid, parent: OsPid, group: OsPid, session: OsPid) -> ProcessInfo {
    let command = format!("run {pid}");
    ProcessInfo { pid, parent, group, session, started: 7, command, zombie: false }
}

/// A process table that changes while it is looked at.
#[derive(Default)]
struct Machine {
    processes: Vec<ProcessInfo>,
    /// Forked by the process with this pid just before it is stopped.
    forks: Vec<(OsPid, ProcessInfo)>,
    /// Ended and replaced by another just before it is looked at.
    reused: Vec<OsPid>,
    signals: Vec<(OsPid, i32)>,
}

impl Machine {
    /// Init, who calls (10, in a group and session of its own), and these.
    fn new(processes: impl IntoIterator<Item = ProcessInfo>) -> Self {
        let mut all = vec![process(1, 0, 1, 1), process(10, 1, 10, 10)];
        all.extend(processes);
        Machine { processes: all, ..Machine::default() }
    }

    fn killtree(&mut self, root: OsPid, follow: Follow) -> Vec<ProcessTree> {
        killtree(self, root, SIGTERM, follow).expect("a list")
    }

    fn got(&self, wanted: i32) -> Vec<OsPid> {
        self.signals.iter().filter(|(_, signal)| *signal == wanted).map(|(pid, _)| *pid).collect()
    }
}

impl Table for Machine {
    fn processes(&mut self) -> Result<Vec<ProcessInfo>, String> {
        Ok(self.processes.clone())
    }

    fn process(&mut self, pid: OsPid) -> Result<Option<ProcessInfo>, String> {
        let mut found = self.processes.iter().find(|process| process.pid == pid).cloned();
        if let Some(process) = &mut found
            && self.reused.contains(&pid)
        {
            process.started += 1;
        }
        Ok(found)
    }

    fn signal(&mut self, pid: OsPid, signal: i32) {
        if signal == SIGSTOP {
            let forked = self.forks.extract_if(.., |(parent, _)| *parent == pid);
            self.processes.extend(forked.map(|(_, child)| child));
        }
        self.signals.push((pid, signal));
    }

    fn is_spared(&self, pid: OsPid) -> bool {
        pid == 1 || pid == 10
    }
}

const TREE: Follow = Follow { groups: false, sessions: false };
const GROUPS: Follow = Follow { groups: true, sessions: false };
const ALL: Follow = Follow { groups: true, sessions: true };

#[test]
fn all_are_stopped_before_the_first_is_signalled_and_go_on_in_the_end() {
    let mut machine =
        Machine::new([process(20, 10, 10, 10), process(21, 20, 10, 10), process(22, 10, 10, 10)]);
    let trees = machine.killtree(20, TREE);
    assert_eq!(
        machine.signals,
        [(20, SIGSTOP), (21, SIGSTOP), (20, SIGTERM), (21, SIGTERM), (20, SIGCONT), (21, SIGCONT)]
    );
    let [tree] = &trees[..] else { panic!("{trees:?}") };
    assert_eq!(tree.process().pid, 20);
    assert_eq!(tree.children().map(|child| child.pid).collect::<Vec<_>>(), [21]);
}

#[test]
fn a_child_that_is_forked_meanwhile_does_not_escape() {
    let mut machine = Machine::new([process(20, 10, 10, 10), process(21, 20, 10, 10)]);
    machine.forks.push((21, process(30, 21, 10, 10)));
    machine.forks.push((30, process(31, 30, 10, 10)));
    machine.killtree(20, TREE);
    assert_eq!(machine.got(SIGTERM), [20, 21, 30, 31]);
}

#[test]
fn groups_and_sessions_are_followed_when_asked_but_not_those_above() {
    // 21 leads a group, 22 a session of its own; 40 and 41 are in them, with other parents.
    let processes = [
        process(20, 10, 10, 10),
        process(21, 20, 21, 10),
        process(22, 20, 22, 22),
        process(40, 1, 21, 10),
        process(41, 1, 41, 22),
        // In the caller's group and session.
        process(50, 10, 10, 10),
    ];
    let check = |follow, expected: &[OsPid]| {
        let mut machine = Machine::new(processes.clone());
        machine.killtree(20, follow);
        assert_eq!(machine.got(SIGTERM), expected, "{follow:?}");
    };
    check(TREE, &[20, 21, 22]);
    check(GROUPS, &[20, 21, 22, 40]);
    check(ALL, &[20, 21, 22, 40, 41]);
    check(Follow { groups: false, sessions: true }, &[20, 21, 22, 41]);
}

#[test]
fn of_a_root_that_has_ended_its_group_and_session_are_left() {
    let processes = [process(40, 1, 20, 20), process(41, 1, 41, 20), process(42, 40, 42, 42)];
    let check = |follow, expected: &[OsPid]| {
        let mut machine = Machine::new(processes.clone());
        machine.killtree(20, follow);
        assert_eq!(machine.got(SIGTERM), expected, "{follow:?}");
    };
    check(TREE, &[]);
    check(GROUPS, &[40, 42]);
    check(ALL, &[40, 41, 42]);
}

#[test]
fn who_has_got_a_pid_meanwhile_is_left_alone() {
    let mut machine = Machine::new([process(20, 10, 10, 10), process(21, 20, 10, 10)]);
    machine.reused.push(21);
    machine.killtree(20, TREE);
    assert_eq!(machine.got(SIGSTOP), [20]);
    assert_eq!(machine.got(SIGTERM), [20]);
}

#[test]
fn neither_init_nor_the_caller_nor_a_group_is_ever_signalled() {
    let mut machine = Machine::new([process(20, 10, 20, 20)]);
    for root in [1, 10, 0, -1, -20, OsPid::MIN] {
        assert!(killtree(&mut machine, root, SIGTERM, ALL).is_err(), "{root}");
    }
    // The caller is in the group that a stranger leads.
    machine.processes.push(process(60, 1, 60, 60));
    machine.processes[1].group = 60;
    machine.killtree(60, ALL);
    assert_eq!(machine.got(SIGTERM), [60]);
}

#[test]
fn trees_are_as_few_as_can_be() {
    let processes = [
        process(20, 10, 10, 10),
        process(21, 20, 10, 10),
        process(22, 21, 10, 10),
        process(5, 20, 10, 10),
        process(40, 1, 40, 40),
    ];
    let roots = |pids: &[OsPid]| {
        let trees = pstrees(&pids.iter().copied().collect(), &processes).expect("trees");
        trees.iter().map(|tree| tree.process().pid).collect::<Vec<_>>()
    };
    assert_eq!(roots(&[20, 21, 22]), [20]);
    assert_eq!(roots(&[5, 20, 40]), [20, 40]);
    assert_eq!(roots(&[21, 5]), [5, 21]);
    assert_eq!(pstree(99, &processes), Err("No process found at 99".to_owned()));
}

#[test]
fn a_tree_is_drawn_as_upstream_draws_it() {
    let mut processes = vec![
        process(1, 0, 1, 1),
        process(2, 1, 1, 1),
        process(3, 2, 1, 1),
        process(4, 2, 1, 1),
        process(5, 1, 1, 1),
        process(6, 5, 1, 1),
    ];
    processes[5].zombie = true;
    let tree = pstree(1, &processes).expect("a tree");
    let expected = [
        "-+- 1 run 1",
        " |-+- 2 run 2",
        " | |--- 3 run 3",
        " | \\--- 4 run 4",
        " \\-+- 5 run 5",
        "   \\--- 6 (run 6)",
    ];
    assert_eq!(tree.to_string(), expected.join("\n"));
    assert_eq!(tree.children().map(|child| child.pid).collect::<Vec<_>>(), [2, 5]);
}

#[test]
fn a_tree_may_be_as_deep_as_there_are_pids() {
    let depth = 50_000;
    let chain: Vec<_> = (1..=depth).map(|pid| process(pid, pid - 1, 1, 1)).collect();
    let tree = pstree(1, &chain).expect("a tree");
    assert!(tree.contains(depth));
    assert_eq!(tree.processes().count(), depth as usize);
}

#[test]
fn a_table_that_goes_in_circles_ends_nevertheless() {
    let processes = [process(2, 3, 1, 1), process(3, 2, 1, 1)];
    assert!(pstree(2, &processes).expect("a tree").contains(3));
    let mut machine = Machine::new(processes);
    machine.killtree(2, TREE);
    assert_eq!(machine.got(SIGTERM), [2, 3]);
}
