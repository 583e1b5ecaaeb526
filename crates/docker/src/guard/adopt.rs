//! Whose container it is that has the name which a create wanted.
//!
//! Names are made of ids that nobody else uses, so such a container is almost certainly one's own:
//! of a create whose answer got lost, or of an earlier life. What it was made of settles it.

use crate::json;
use crate::{Container, CreateBody};
use serde_json::Value;

/// What to do with the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It is what the create would have made, and untouched.
    Adopt,
    /// It is ours, and has been used: it makes room.
    Replace,
    /// It is on its way out.
    Wait,
    /// It is not ours, or runs: its output and its end are somebody else's affair.
    Leave,
}

/// Looks at a container that has the name of one to be made.
pub(super) fn claim(container: &Container, body: &CreateBody) -> Claim {
    let Ok(value) = json::parse(&container.output) else { return Claim::Leave };
    let Ok(inspected) = json::single(&value, "container") else { return Claim::Leave };
    let status = json::find(inspected, &["State", "Status"]).and_then(Value::as_str);
    match status {
        // Whosever it is: its name will be free.
        Some("removing") => Claim::Wait,
        _ if !is_made_of(inspected, body) => Claim::Leave,
        Some("created") if !container.started => Claim::Adopt,
        Some("created" | "exited" | "dead") => Claim::Replace,
        _ => Claim::Leave,
    }
}

/// Whether it was made of this body, as far as that can be seen. A body without any variable says
/// too little of its container.
fn is_made_of(inspected: &Value, body: &CreateBody) -> bool {
    let strings = |name| json::strings(inspected, &["Config", name]).unwrap_or_default();
    let environment = strings("Env");
    let image = json::find(inspected, &["Config", "Image"]).and_then(Value::as_str);
    image == Some(body.image.as_str())
        && !body.env.is_empty()
        && body.env.iter().all(|variable| environment.contains(variable))
        && (body.command.is_empty() || strings("Cmd") == body.command)
        && body.entrypoint.as_ref().is_none_or(|entrypoint| strings("Entrypoint") == *entrypoint)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn body() -> CreateBody {
        CreateBody {
            image: "bb:1".to_owned(),
            command: vec!["-c".to_owned(), "true".to_owned()],
            entrypoint: Some(vec!["/bin/sh".to_owned()]),
            env: vec!["MESOS_CONTAINER_NAME=c".to_owned(), "A=1".to_owned()],
            ..CreateBody::default()
        }
    }

    fn inspected(status: &str) -> Value {
        let started = !matches!(status, "created");
        json!({
            "Id": "id", "Name": "/c",
            "State": {
                "Status": status, "Pid": if status == "running" { 7 } else { 0 },
                "StartedAt": if started { "2024-01-01T00:00:00Z" } else { "0001-01-01T00:00:00Z" },
            },
            "Config": {
                "Image": "bb:1", "Cmd": ["-c", "true"], "Entrypoint": ["/bin/sh"],
                "Env": ["A=1", "MESOS_CONTAINER_NAME=c", "PATH=/bin"],
            },
            "HostConfig": {},
        })
    }

    pub(crate) fn container(status: &str) -> Container {
        Container::from_inspect(&inspected(status).to_string()).unwrap()
    }

    #[test]
    fn states() {
        for (status, expected) in [
            ("created", Claim::Adopt),
            ("exited", Claim::Replace),
            ("dead", Claim::Replace),
            ("removing", Claim::Wait),
            ("running", Claim::Leave),
            ("paused", Claim::Leave),
            ("restarting", Claim::Leave),
            ("hm", Claim::Leave),
        ] {
            assert_eq!(claim(&container(status), &body()), expected, "{status}");
        }
        assert_eq!(claim(&Container::default(), &body()), Claim::Leave);
    }

    #[test]
    fn any_difference_makes_it_somebody_elses() {
        for (pointer, value) in [
            ("/Config/Image", json!("bb:2")),
            ("/Config/Cmd", json!(["-c"])),
            ("/Config/Cmd", json!(null)),
            ("/Config/Entrypoint", json!(["/bin/sh", "x"])),
            ("/Config/Env", json!(["A=1"])),
            ("/Config/Env", json!([1, 2])),
            ("/Config", json!(null)),
        ] {
            for status in ["created", "exited"] {
                let mut changed = inspected(status);
                *changed.pointer_mut(pointer).unwrap() = value.clone();
                let container = Container::from_inspect(&changed.to_string()).unwrap();
                assert_eq!(claim(&container, &body()), Claim::Leave, "{pointer} {value}");
            }
        }
        let nameless = CreateBody { env: Vec::new(), ..body() };
        assert_eq!(claim(&container("created"), &nameless), Claim::Leave);
        // What the image decides is not compared.
        let defaults = CreateBody { command: Vec::new(), entrypoint: None, ..body() };
        assert_eq!(claim(&container("created"), &defaults), Claim::Adopt);
    }
}
