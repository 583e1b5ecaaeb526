//! Replies as the Engine's HTTP API has them: statuses, bodies, pieces of bodies.
//!
//! Everything is made when it is asked for, out of what the reply holds.

mod container;
mod image;
mod network;
mod progress;
mod stats;
mod system;

use super::answer::{Answer, Chunk, Refusal, Reply};
use super::events::Event;
use super::request::Method;
use super::script::Stream;
use super::volumes::Volume;
use serde_json::{Map, Value, json};

/// The API version that these are of.
pub const API_VERSION: &str = "1.41";
/// The oldest that the daemon still speaks.
pub const MIN_API_VERSION: &str = "1.12";

/// The HTTP status of an answer that begins with this reply; 101 is for whoever takes the
/// connection over. `None` where there is no answer.
pub fn status(method: Method, reply: &Reply) -> Option<u16> {
    Some(match reply {
        Reply::Opened(_) => 200,
        Reply::Answer(Ok(answer)) => match answer {
            Answer::NotModified => 304,
            Answer::Created { .. } | Answer::ExecCreated(_) | Answer::NetworkCreated(_) => 201,
            Answer::Volume(_) if method == Method::CreateVolume => 201,
            Answer::Done => match method {
                Method::Tag => 201,
                Method::Resize | Method::ExecStart | Method::Connect | Method::Disconnect => 200,
                _ => 204,
            },
            _ => 200,
        },
        Reply::Answer(Err(refusal)) => refusal.status,
        Reply::Chunk(_) | Reply::Ended | Reply::Failed(_) | Reply::Broken | Reply::Unreachable => {
            return None;
        }
    })
}

/// The body of an error.
pub fn error(refusal: &Refusal) -> String {
    line(&json!({ "message": refusal.message }))
}

/// The body of an answer, if it has one. All but that of a ping are JSON.
pub fn body(answer: &Answer) -> Option<String> {
    Some(match answer {
        Answer::Pong => "OK".to_owned(),
        other => line(&value(other)?),
    })
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

/// An answer as JSON, if it is JSON.
pub fn value(answer: &Answer) -> Option<Value> {
    Some(match answer {
        Answer::Pong | Answer::Done | Answer::NotModified => return None,
        Answer::Version => system::version(),
        Answer::Info(info) => system::info(info),
        Answer::DiskUsage(usage) => system::disk_usage(usage),
        Answer::Created { id, warnings } => json!({ "Id": id, "Warnings": warnings }),
        Answer::Waited { code, error } => {
            let error = error.as_ref().map(|message| json!({ "Message": message }));
            json!({ "Error": error, "StatusCode": code })
        }
        Answer::Container(inspection) => container::inspection(inspection),
        Answer::Containers(rows) => rows.iter().map(container::row).collect(),
        Answer::Processes { titles, rows } => json!({ "Processes": rows, "Titles": titles }),
        Answer::Stats(stats) => stats::stats(stats),
        Answer::Updated => json!({ "Warnings": null }),
        Answer::ExecCreated(id) => json!({ "Id": id }),
        Answer::Exec(exec) => container::exec(exec),
        Answer::Image(image) => image::inspection(image),
        Answer::Images(images) => images.iter().map(|one| image::row(one, -1, -1)).collect(),
        Answer::History(image) => image::history(image),
        Answer::RemovedImage(removed) => removed.iter().map(image::removed).collect(),
        Answer::Network(network) => network::inspection(network),
        Answer::Networks(networks) => networks.iter().map(network::row).collect(),
        Answer::NetworkCreated(id) => json!({ "Id": id, "Warning": "" }),
        Answer::Volume(one) => volume(one),
        Answer::Volumes(all) => {
            json!({ "Volumes": all.iter().map(volume).collect::<Vec<_>>(), "Warnings": null })
        }
    })
}

/// A piece of a body, as it is sent. `tty` is that of [`Opened`](super::Opened).
pub fn chunk(chunk: &Chunk, tty: bool) -> Vec<u8> {
    match chunk {
        Chunk::Progress(progress) => format!("{}\r\n", progress::progress(progress)).into_bytes(),
        Chunk::Output(_, bytes) if tty => bytes.to_vec(),
        Chunk::Output(stream, bytes) => frame(*stream, bytes),
        Chunk::Event(event) => line(&self::event(event)).into_bytes(),
        Chunk::Stats(stats) => line(&stats::stats(stats)).into_bytes(),
    }
}

/// The last line of a pull that has [failed](Reply::Failed).
pub fn failed(message: &str) -> Vec<u8> {
    let line = json!({ "errorDetail": { "message": message }, "error": message });
    format!("{line}\r\n").into_bytes()
}

/// What a program wrote, behind the header that tells its streams apart.
fn frame(stream: Stream, bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut frame = vec![stream.number(), 0, 0, 0];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(bytes);
    frame
}

fn event(event: &Event) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    if matches!(event.kind(), "container" | "image") {
        put("status", json!(event.action));
        put("id", json!(event.id));
        if let Some(from) = event.from() {
            put("from", json!(from));
        }
    }
    put("Type", json!(event.kind()));
    put("Action", json!(event.action));
    put("Actor", json!({ "ID": event.id, "Attributes": event.attributes() }));
    put("scope", json!("local"));
    put("time", json!(event.time.seconds()));
    put("timeNano", json!(event.time.nanoseconds()));
    Value::Object(object)
}

fn volume(volume: &Volume) -> Value {
    let labels: Map<String, Value> =
        volume.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "CreatedAt": volume.created.to_string(),
        "Driver": volume.driver,
        "Labels": or_null(labels),
        "Mountpoint": format!("/var/lib/docker/volumes/{}/_data", volume.name),
        "Name": volume.name,
        "Options": null,
        "Scope": "local",
    })
}

/// Go shows a map or a list that was never made as `null`.
fn or_null(object: Map<String, Value>) -> Value {
    if object.is_empty() { Value::Null } else { Value::Object(object) }
}
