//! Waits: their heads come at once, their bodies when the condition holds.

use super::{Rig, Talk, millis, seconds};
use crate::environment::daemon::{
    Answer, ContainerConfig, Opened, Reply, Request, Restart, WaitCondition,
};

fn wait(rig: &Rig, condition: WaitCondition) -> Talk {
    rig.send(Request::Wait { container: "c1".into(), condition })
}

fn waited(talk: &Talk) -> Option<(i64, Option<String>)> {
    match talk.replies().last() {
        Some(Reply::Answer(Ok(Answer::Waited { code, error }))) => {
            Some((*code, error.as_ref().map(ToString::to_string)))
        }
        _ => None,
    }
}

const ALL: [WaitCondition; 3] =
    [WaitCondition::NotRunning, WaitCondition::NextExit, WaitCondition::Removed];

fn remove(rig: &Rig) {
    rig.ask(Request::Remove { container: "c1".into(), force: true, volumes: false }).expect(204);
}

#[test]
fn the_head_comes_at_once_and_the_body_at_the_end() {
    let rig = Rig::interpreting();
    rig.create("c1", &["sh", "-c", "sleep 2; exit 3"]);
    let talk = wait(&rig, WaitCondition::NextExit);
    rig.pass(millis(1));
    assert!(matches!(talk.replies().as_slice(), [Reply::Opened(Opened::Wait)]));
    rig.start("c1").expect(204);
    rig.pass(seconds(3));
    assert_eq!(waited(&talk), Some((3, None)));
    assert_eq!(talk.replies().len(), 2);
}

#[test]
fn each_condition_has_its_moment() {
    let rig = Rig::interpreting();
    rig.create("c1", &["sleep", "1000"]);
    let [not_running, next_exit, removed] = ALL.map(|condition| wait(&rig, condition));
    rig.pass(millis(10));
    assert_eq!(waited(&not_running), Some((0, None)));
    assert_eq!((waited(&next_exit), waited(&removed)), (None, None));
    rig.start("c1").expect(204);
    let not_running = wait(&rig, WaitCondition::NotRunning);
    rig.ask(Request::Kill { container: "c1".into(), signal: 9 }).expect(204);
    assert_eq!((waited(&not_running), waited(&next_exit)), (Some((137, None)), Some((137, None))));
    assert_eq!(waited(&removed), None);
    remove(&rig);
    assert_eq!(waited(&removed), Some((137, None)));
}

#[test]
fn a_refused_start_ends_no_wait_but_shows_in_the_next() {
    let rig = Rig::interpreting();
    rig.create("c1", &["nosuch"]);
    let [_, next_exit, removed] = ALL.map(|condition| wait(&rig, condition));
    rig.start("c1").expect(400);
    assert_eq!((waited(&next_exit), waited(&removed)), (None, None));
    let not_running = wait(&rig, WaitCondition::NotRunning);
    rig.pass(millis(10));
    let (code, error) = waited(&not_running).unwrap();
    assert_eq!(code, 127);
    assert!(error.unwrap().contains("executable file not found"));
    remove(&rig);
    assert_eq!((waited(&next_exit), waited(&removed)), (Some((127, None)), Some((127, None))));
}

#[test]
fn a_container_that_removes_itself_is_gone_when_the_wait_for_that_ends() {
    let rig = Rig::interpreting();
    for (command, code) in [("exit 4", 4), ("nosuch-at-all", 127)] {
        let words: &[&str] = if code == 4 { &["sh", "-c", command] } else { &[command] };
        let config = ContainerConfig {
            image: "bb:1".to_owned(),
            command: words.iter().map(|word| (*word).to_owned()).collect(),
            auto_remove: true,
            ..ContainerConfig::default()
        };
        rig.create_as("c1", config).expect(201);
        let removed = wait(&rig, WaitCondition::Removed);
        rig.start("c1");
        rig.pass(seconds(1));
        assert_eq!(waited(&removed), Some((code, None)), "{command}");
        assert!(rig.daemon.container("c1").is_none());
        assert!(!rig.daemon.is_name_reserved("c1"));
    }
}

#[test]
fn a_restart_by_policy_ends_a_wait_for_the_next_exit() {
    let rig = Rig::interpreting();
    let config = ContainerConfig {
        image: "bb:1".to_owned(),
        command: vec!["false".to_owned()],
        restart: Restart::Always,
        ..ContainerConfig::default()
    };
    rig.create_as("c1", config).expect(201);
    let talk = wait(&rig, WaitCondition::NextExit);
    rig.start("c1").expect(204);
    assert_eq!(waited(&talk), Some((1, None)));
}

#[test]
fn a_removal_that_gets_stuck_says_so_to_those_who_wait_for_it() {
    let rig = Rig::interpreting();
    rig.create("c1", &["true"]);
    rig.daemon.set_rules(vec!["remove:half-way".parse().unwrap()]);
    let removed = wait(&rig, WaitCondition::Removed);
    rig.ask(Request::Remove { container: "c1".into(), force: true, volumes: false }).expect(500);
    let (_, error) = waited(&removed).unwrap();
    assert!(error.unwrap().contains("device or resource busy"));
}

#[test]
fn a_wait_ends_with_its_client() {
    let rig = Rig::interpreting();
    rig.create("c1", &["sleep", "9"]);
    let early = wait(&rig, WaitCondition::NextExit);
    early.call.hang_up();
    let talk = wait(&rig, WaitCondition::Removed);
    rig.pass(millis(10));
    assert_eq!(rig.daemon.requests().len(), 1);
    talk.call.hang_up();
    assert!(rig.daemon.requests().is_empty());
    remove(&rig);
    assert!(early.is_silent() && waited(&talk).is_none());
}
