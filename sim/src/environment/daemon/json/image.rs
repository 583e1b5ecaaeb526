//! Images as JSON.

use super::super::ids;
use super::super::image::ImageSpec;
use super::super::images::{ImageView, RemovedImage};
use super::super::stamp::or_never;
use serde_json::{Map, Value, json};

fn environment(spec: &ImageSpec) -> Value {
    let lines: Vec<String> =
        spec.environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if lines.is_empty() { Value::Null } else { json!(lines) }
}

fn config(spec: &ImageSpec) -> Value {
    let command = if spec.command.is_empty() { Value::Null } else { json!(spec.command) };
    let mut object = json!({
        "Hostname": "", "Domainname": "", "User": spec.user, "AttachStdin": false,
        "AttachStdout": false, "AttachStderr": false, "Tty": false, "OpenStdin": false,
        "StdinOnce": false, "Env": environment(spec), "Cmd": command, "Image": "",
        "Volumes": null, "WorkingDir": spec.working_dir, "Entrypoint": spec.entrypoint,
        "OnBuild": null, "Labels": labels(spec),
    });
    if let Some(object) = object.as_object_mut().filter(|_| !spec.exposed_ports.is_empty()) {
        let ports = spec.exposed_ports.iter().map(|port| (port.clone(), json!({})));
        object.insert("ExposedPorts".to_owned(), Value::Object(ports.collect()));
    }
    object
}

fn labels(spec: &ImageSpec) -> Value {
    let labels = spec.labels.iter().map(|(name, value)| (name.clone(), json!(value)));
    super::or_null(labels.collect::<Map<_, _>>())
}

pub(super) fn inspection(image: &ImageView) -> Value {
    let spec = &image.spec;
    let size = spec.bytes();
    let layers = spec.layers.iter().map(|layer| ids::digest(&format!("{}/diff", layer.digest)));
    let directory =
        |part: &str| format!("/var/lib/docker/overlay2/{}/{part}", &spec.id["sha256:".len()..]);
    json!({
        "Id": spec.id,
        "RepoTags": image.tags,
        "RepoDigests": image.digests,
        "Parent": "",
        "Comment": "",
        "Created": image.created.to_string(),
        "Container": "",
        "ContainerConfig": config(spec),
        "DockerVersion": "20.10.24",
        "Author": "",
        "Config": config(spec),
        "Architecture": "amd64",
        "Os": "linux",
        "Size": size,
        "VirtualSize": size,
        "GraphDriver": {
            "Data": {
                "MergedDir": directory("merged"),
                "UpperDir": directory("diff"),
                "WorkDir": directory("work"),
            },
            "Name": "overlay2",
        },
        "RootFS": { "Type": "layers", "Layers": layers.collect::<Vec<_>>() },
        "Metadata": { "LastTagTime": or_never(image.tagged) },
    })
}

/// A row of a list; -1 stands for a number that was not asked for.
pub(super) fn row(image: &ImageView, containers: i64, shared: i64) -> Value {
    let spec = &image.spec;
    let size = spec.bytes();
    let (mut tags, mut digests) = (json!(image.tags), json!(image.digests));
    if image.tags.is_empty() {
        // An image that nothing leads to; with only a digest the tag alone is unknown.
        tags = match image.digests.first() {
            Some(digest) => {
                json!([format!("{}:<none>", digest.split('@').next().unwrap_or_default())])
            }
            None => json!(["<none>:<none>"]),
        };
    }
    if image.digests.is_empty() {
        digests = if image.tags.is_empty() { json!(["<none>@<none>"]) } else { Value::Null };
    }
    json!({
        "Containers": containers,
        "Created": image.created.seconds(),
        "Id": spec.id,
        "Labels": labels(spec),
        "ParentId": "",
        "RepoDigests": digests,
        "RepoTags": tags,
        "SharedSize": shared,
        "Size": size,
        "VirtualSize": size,
    })
}

/// The topmost layer first; only the image itself has an id.
pub(super) fn history(image: &ImageView) -> Value {
    let spec = &image.spec;
    let last = spec.layers.len().saturating_sub(1);
    let layers = spec.layers.iter().enumerate().rev().map(|(index, layer)| {
        let top = index == last;
        json!({
            "Comment": "",
            "Created": image.created.seconds(),
            "CreatedBy": "",
            "Id": if top { &*spec.id } else { "<missing>" },
            "Size": layer.bytes,
            "Tags": if top && !image.tags.is_empty() { json!(image.tags) } else { Value::Null },
        })
    });
    layers.collect()
}

pub(super) fn removed(removed: &RemovedImage) -> Value {
    match removed {
        RemovedImage::Untagged(reference) => json!({ "Untagged": reference }),
        RemovedImage::Deleted(id) => json!({ "Deleted": id }),
    }
}
