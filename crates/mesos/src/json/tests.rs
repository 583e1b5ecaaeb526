//! Tests of the JSON form.

use serde_json::json;

use super::*;
use crate::{
    ContainerStatus, Environment, TaskInfo, TaskStatus, container_info, internal::StatusUpdate,
};

const RUN_ECHO: &str = include_str!("../../tests/data/run-echo.json");

fn with(edit: impl Fn(&mut Json)) -> Json {
    let mut task = serde_json::from_str(RUN_ECHO).unwrap();
    edit(&mut task);
    task
}

#[test]
fn reads_a_task_as_mesos_execute_takes_it() {
    let task: TaskInfo = parse_strict(RUN_ECHO).unwrap();
    assert_eq!(task.name, "echo");
    assert_eq!(task.slave_id.value, "");
    assert_eq!(task.resources[1].scalar.unwrap().value, 64.0);
    let docker = task.container.unwrap().docker.unwrap();
    assert_eq!(docker.image, "bb:1");
    assert_eq!(docker.network(), container_info::docker_info::Network::Host);
    assert!(task.command.unwrap().shell());
}

#[test]
fn survives_a_round_trip() {
    let task: TaskInfo = parse(RUN_ECHO).unwrap();
    let mut again: TaskInfo = from_value_strict(&to_value(&task)).unwrap();
    // Writing fills in the declared defaults.
    let docker = again.container.as_mut().unwrap().docker.as_mut().unwrap();
    assert_eq!(docker.network.take(), Some(1));
    assert_eq!(docker.privileged.take(), Some(false));
    assert_eq!(task, again);
}

#[test]
fn an_error_names_its_place() {
    let cases: [(&str, Json, &str); 12] = [
        (
            "/container/docker/image",
            json!(1),
            "container.docker.image: expected a string, found a number",
        ),
        (
            "/resources/1/scalar/value",
            json!("x"),
            "resources[1].scalar.value: expected a number, found the string \"x\"",
        ),
        (
            "/resources/0/type",
            json!("BIG"),
            "resources[0].type: expected SCALAR, RANGES, SET, TEXT, found \"BIG\"",
        ),
        (
            "/container/type",
            json!(1),
            "container.type: expected the name of a value, found a number",
        ),
        (
            "/command/shell",
            json!("maybe"),
            "command.shell: expected true or false, found the string \"maybe\"",
        ),
        ("/container", json!([]), "container: expected an object, found an array"),
        ("/name", json!(null), "name: is required"),
        ("/task_id", json!({}), "task_id.value: is required"),
        ("/data", json!("%"), "data: expected base64: Invalid symbol 37, offset 0."),
        ("/limits", json!({"cpus": 1}), "limits.cpus: expected an object, found a number"),
        (
            "/check",
            json!({"http": {"port": -1}}),
            "check.http.port: expected a whole number from 0 to 4294967295, found -1",
        ),
        (
            "/kill_policy",
            json!({"grace_period": {"nanoseconds": 1.5}}),
            "kill_policy.grace_period.nanoseconds: expected a whole number from \
             -9223372036854775808 to 9223372036854775807, found 1.5",
        ),
    ];
    for (pointer, value, expected) in cases {
        let json = with(|task| match task.pointer_mut(pointer) {
            Some(place) => *place = value.clone(),
            None => task[&pointer[1..]] = value.clone(),
        });
        assert_eq!(from_value::<TaskInfo>(&json).unwrap_err().to_string(), expected);
    }
    assert!(parse::<TaskInfo>("{").unwrap_err().to_string().starts_with("not JSON: "));
    assert_eq!(parse::<TaskInfo>("[]").unwrap_err().path(), "");
}

#[test]
fn unknown_fields_are_ignored_or_refused() {
    let json = with(|task| task["container"]["docker"]["imagee"] = json!("x"));
    assert!(from_value::<TaskInfo>(&json).is_ok());
    assert_eq!(
        from_value_strict::<TaskInfo>(&json).unwrap_err().to_string(),
        "container.docker.imagee: mesos.ContainerInfo.DockerInfo has no such field"
    );
}

#[test]
fn reading_is_generous() {
    let task: TaskInfo = from_value(&with(|task| {
        task["resources"] = task["resources"][0].clone();
        task["resources"]["scalar"]["value"] = json!("0.5");
        task["command"]["shell"] = json!("false");
        task["data"] = json!("aGk=");
        task["limits"] = json!({"mem": {"value": "Infinity"}});
        task["labels"] = json!(null);
    }))
    .unwrap();
    assert_eq!(task.resources.len(), 1);
    assert_eq!(task.resources[0].scalar.unwrap().value, 0.5);
    assert!(!task.command.unwrap().shell());
    assert_eq!(task.data.as_deref(), Some(&b"hi"[..]));
    assert_eq!(task.limits["mem"].value, f64::INFINITY);

    let status: TaskStatus = parse(
        r#"{"task_id": {"value": "t"}, "state": "TASK_LOST", "reason": "REASON_AGENT_REMOVED"}"#,
    )
    .unwrap();
    assert_eq!(status.reason().as_str_name(), "REASON_SLAVE_REMOVED");
}

#[test]
fn writes_defaults_names_and_base64() {
    let environment: Environment = parse(r#"{"variables": {"name": "A", "value": "b"}}"#).unwrap();
    assert_eq!(
        to_string(&environment),
        r#"{"variables":[{"name":"A","type":"VALUE","value":"b"}]}"#
    );

    let update = StatusUpdate { uuid: Some(vec![0xff, 0]), timestamp: 1.5, ..Default::default() };
    let json = to_value(&update);
    assert_eq!(json["uuid"], "/wA=");
    assert_eq!(json["timestamp"], 1.5);
    assert_eq!(json["status"]["state"], "TASK_STAGING");
}

#[test]
fn no_input_is_too_deep() {
    let mut json = json!({"value": "leaf"});
    for _ in 0..120 {
        json = json!({"value": "c", "parent": json});
    }
    let status = json!({"container_id": json});
    assert!(from_value::<ContainerStatus>(&status).is_err());
}
