//! Rules: faults that are set while the daemon runs, and the two lives of a request.

use super::{Rig, Talk, millis, seconds};
use crate::environment::daemon::{ContainerState, Reply, Request, rules::Rule};
use crate::environment::{Fault, Faults};

fn set(rig: &Rig, rules: &[&str]) {
    rig.daemon.set_rules(rules.iter().map(|rule| rule.parse::<Rule>().unwrap()).collect());
}

fn broken(talk: &Talk) -> bool {
    matches!(talk.replies().as_slice(), [Reply::Broken])
}

fn state(rig: &Rig, name: &str) -> Option<ContainerState> {
    rig.daemon.container(name).map(|container| container.state)
}

#[test]
fn a_request_fails_hangs_or_is_late() {
    let rig = Rig::interpreting();
    rig.run("c1", "sleep 1000");
    set(&rig, &["stop:fail=503*1", "stop:delay=5s*1", "stop:hang*1"]);
    let stop = || rig.send(Request::Stop { container: "c1".into(), seconds: Some(0) });
    let failed = stop();
    rig.pass(millis(10));
    assert_eq!(failed.refusal().status, 503);
    let late = stop();
    let hung = stop();
    rig.pass(seconds(4));
    assert_eq!((late.is_silent(), state(&rig, "c1")), (true, Some(ContainerState::Running)));
    rig.pass(seconds(2));
    late.expect(204);
    rig.pass(seconds(3600));
    assert!(hung.is_silent());
    set(&rig, &[]);
    rig.pass(millis(10));
    hung.expect(304);
}

#[test]
fn an_answer_is_lost_but_the_effect_is_not() {
    let rig = Rig::interpreting();
    set(&rig, &["create:break*1", "start:silent*1", "remove:drop*1"]);
    assert!(broken(&rig.create("c1", &["sleep", "1000"])));
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Created));
    rig.create("c1", &["sleep", "1000"]).expect(409);
    let silent = rig.start("c1");
    assert!(silent.is_silent());
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Running));
    let remove = || rig.ask(Request::Remove { container: "c1".into(), force: true, volumes: true });
    assert!(broken(&remove()));
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Running));
    remove().expect(204);
    silent.call.hang_up();
    assert!(rig.daemon.requests().is_empty());
}

#[test]
fn rules_name_what_they_strike() {
    let rig = Rig::interpreting();
    set(&rig, &["inspect:fail~web", "any:fail=500~nothing"]);
    for name in ["my-web", "other"] {
        rig.create(name, &["true"]).expect(201);
    }
    let inspect = |name: &str| rig.ask(Request::Inspect { container: name.into(), size: false });
    inspect("my-web").expect(500);
    inspect("other").expect(200);
    assert_eq!(rig.daemon.rules().len(), 2);
    assert_eq!(rig.daemon.rules()[0].to_string(), "inspect:fail=500~web");
}

#[test]
fn a_broken_stream_is_cut_where_it_is() {
    let rig = Rig::interpreting();
    rig.run("c1", "while true; do echo x; sleep 1; done");
    set(&rig, &["wait:break", "attach:break"]);
    let wait = rig.ask(Request::Wait { container: "c1".into(), condition: Default::default() });
    assert!(broken(&wait));
}

#[test]
fn budgets_lose_answers_and_leave_the_dead() {
    let faults = Faults::none().with(Fault::AnswerLost, 1).with(Fault::RemoveDead, 1);
    let rig = Rig::choosing(faults, &[1, 1]);
    let created = rig.api.create_container("c1", &super::body("busybox"));
    rig.settle();
    let Some(Err(error)) = created.get() else { panic!("{created:?}") };
    assert_eq!(error.kind, docker::ErrorKind::Broken);
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Created));
    let removed = rig.api.remove_container("c1", false, false);
    rig.settle();
    assert_eq!(super::code(&removed), Some(500));
    assert_eq!(state(&rig, "c1"), Some(ContainerState::Dead));
    assert_eq!(rig.environment.injected(), [Fault::AnswerLost, Fault::RemoveDead]);
    let removed = rig.api.remove_container("c1", false, false);
    rig.settle();
    assert_eq!(super::code(&removed), Some(200));
}

#[test]
fn a_name_outlives_its_container_and_its_client() {
    let rig = Rig::interpreting();
    let name = || Some("c1".into());
    let config = || {
        std::sync::Arc::new(crate::environment::daemon::ContainerConfig {
            image: "bb:1".to_owned(),
            ..Default::default()
        })
    };
    let create = rig.send(Request::Create { name: name(), config: config() });
    create.call.hang_up();
    rig.pass(millis(100));
    assert!(rig.daemon.is_name_reserved("c1"), "nobody undoes what nobody was told of");
    let remove = rig.send(Request::Remove { container: "c1".into(), force: false, volumes: false });
    // Until the container is gone, but its name is not free yet.
    while rig.daemon.container("c1").is_some() {
        assert!(rig.step(process::Time::from_epoch(seconds(9))));
    }
    assert!(rig.daemon.is_name_reserved("c1") && !remove.is_over());
    let again = rig.send(Request::Create { name: name(), config: config() });
    let inspect = rig.send(Request::Inspect { container: "c1".into(), size: false });
    rig.pass(millis(100));
    again.expect(409);
    inspect.expect(404);
    remove.expect(204);
    rig.create("c1", &["true"]).expect(201);
}
