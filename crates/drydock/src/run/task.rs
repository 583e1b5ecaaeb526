//! The task to run: from a file, or from the options of the command line.

use super::arguments::Arguments;
use crate::error::UsageError;
use mesos::command_info::Uri;
use mesos::container_info::{DockerInfo, Type, docker_info::Network};
use mesos::environment::Variable;
use mesos::{CommandInfo, ContainerInfo, Environment, Resources, SlaveId, TaskInfo};
use serde_json::{Value, json};
use std::path::Path;

/// The task that the arguments describe, for the agent with this id. Everything that a master
/// would refuse is refused here, with the name of the field.
pub fn from_arguments(arguments: &Arguments, agent: &SlaveId) -> Result<TaskInfo, UsageError> {
    match &arguments.task {
        Some(path) => from_file(path, agent),
        None => from_options(arguments, agent),
    }
}

fn from_file(path: &Path, agent: &SlaveId) -> Result<TaskInfo, UsageError> {
    let at =
        |problem: &dyn std::fmt::Display| UsageError::new(format!("{}: {problem}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| at(&error))?;
    from_json(&text, agent).map_err(|problem| at(&problem))
}

/// An error names the field and says what was expected there.
fn from_json(text: &str, agent: &SlaveId) -> Result<TaskInfo, String> {
    let mut json: Value =
        serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    if let Some(object) = json.as_object_mut() {
        // There is one agent, and it is this one.
        object.remove("slave_id");
        object.insert("agent_id".to_owned(), json!({ "value": agent.value }));
    }
    let task: TaskInfo =
        mesos::json::from_value_strict(&json).map_err(|error| error.to_string())?;
    validate(&task)?;
    Ok(task)
}

/// What a master would refuse, and what this port cannot run yet.
fn validate(task: &TaskInfo) -> Result<(), String> {
    if !agent::paths::is_valid_id(&task.task_id.value) {
        return Err(format!(
            "task_id.value: expected a name that can be a directory's, found '{}'",
            task.task_id
        ));
    }
    if task.executor.is_some() {
        return Err("executor: custom executors are not supported yet; expected a command".into());
    }
    if task.command.is_none() {
        return Err("command: is required".into());
    }
    let container = task.container.as_ref().ok_or("container: is required")?;
    if container.r#type() != Type::Docker {
        return Err(format!(
            "container.type: expected DOCKER, found {}",
            container.r#type().as_str_name()
        ));
    }
    let docker = container.docker.as_ref().ok_or("container.docker: is required")?;
    if docker.image.is_empty() {
        return Err("container.docker.image: expected the name of an image, found ''".into());
    }
    for (index, resource) in task.resources.iter().enumerate() {
        mesos::resources::validate(resource)
            .map_err(|problem| format!("resources[{index}]: {problem}"))?;
    }
    Ok(())
}

fn from_options(arguments: &Arguments, agent: &SlaveId) -> Result<TaskInfo, UsageError> {
    let resources = Resources::parse(&arguments.resources).map_err(|error| {
        UsageError::new(format!(
            "--resources '{}': {error}; expected something like cpus:0.5;mem:64",
            arguments.resources
        ))
    })?;
    let variables = arguments.env.iter().map(|(name, value)| Variable {
        name: name.clone(),
        value: Some(value.clone()),
        ..Variable::default()
    });
    let variables: Vec<_> = variables.collect();
    let uris = arguments.uris.iter().map(|uri| Uri {
        value: uri.clone(),
        extract: Some(false),
        ..Uri::default()
    });
    let network = match arguments.network.as_str() {
        "bridge" => Network::Bridge,
        "none" => Network::None,
        _ => Network::Host,
    };
    let task = TaskInfo {
        name: arguments.name.clone(),
        task_id: arguments.name.clone().into(),
        slave_id: agent.clone(),
        resources: resources.into(),
        command: Some(CommandInfo {
            // Without a command line the image runs what it was made for.
            shell: Some(arguments.command.is_some()),
            value: arguments.command.clone(),
            uris: uris.collect(),
            environment: (!variables.is_empty()).then_some(Environment { variables }),
            ..CommandInfo::default()
        }),
        container: Some(ContainerInfo {
            r#type: Type::Docker.into(),
            docker: Some(DockerInfo {
                image: arguments.docker_image.clone().unwrap_or_default(),
                network: Some(network.into()),
                force_pull_image: arguments.force_pull.then_some(true),
                ..DockerInfo::default()
            }),
            ..ContainerInfo::default()
        }),
        ..TaskInfo::default()
    };
    validate(&task).map_err(|problem| {
        let option = match problem.split(['.', ':', '[']).next() {
            Some("task_id") => "--name",
            Some("container") => "--docker_image",
            _ => "--resources",
        };
        UsageError::new(format!("{option}: {problem}"))
    })?;
    Ok(task)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minimal() -> Value {
        json!({
            "name": "n",
            "task_id": { "value": "t" },
            "resources": [{ "name": "cpus", "type": "SCALAR", "scalar": { "value": 0.5 } }],
            "command": { "value": "true" },
            "container": { "type": "DOCKER", "docker": { "image": "bb:1" } },
        })
    }

    fn read(json: &Value) -> Result<TaskInfo, String> {
        from_json(&json.to_string(), &"agent".into())
    }

    #[test]
    fn a_task_for_mesos_execute_is_read_and_gets_this_agent() {
        let mut json = minimal();
        assert_eq!(read(&json).unwrap().slave_id.value, "agent");
        json["agent_id"] = json!({ "value": "" });
        assert_eq!(read(&json).unwrap().slave_id.value, "agent");
        json.as_object_mut().unwrap().remove("agent_id");
        json["slave_id"] = json!({ "value": "other" });
        assert_eq!(read(&json).unwrap().slave_id.value, "agent");
    }

    #[test]
    fn an_error_names_the_field_and_what_was_expected() {
        for (pointer, value, expected) in [
            ("/container/docker/imagee", json!("x"), "container.docker.imagee: "),
            ("/container/docker/image", json!(7), "container.docker.image: expected a string"),
            ("/container/docker/image", json!(""), "container.docker.image: expected the name"),
            ("/container/type", json!("MESOS"), "container.type: expected DOCKER"),
            ("/container", json!(null), "container: is required"),
            ("/command", json!(null), "command: is required"),
            ("/task_id/value", json!("a/b"), "task_id.value: expected a name"),
            ("/resources/0/scalar/value", json!(-1), "resources[0]: "),
        ] {
            let mut json = minimal();
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            let place = json.pointer_mut(parent).unwrap();
            match place.as_object_mut() {
                Some(object) => object.insert(field.to_owned(), value),
                None => panic!("{pointer}"),
            };
            let error = read(&json).unwrap_err();
            assert!(error.starts_with(expected), "{pointer}: {error}");
        }
        assert!(from_json("{", &"a".into()).unwrap_err().starts_with("not JSON: "));
        assert!(from_json("[]", &"a".into()).is_err());
    }
}
