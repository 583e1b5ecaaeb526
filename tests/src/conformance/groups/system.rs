//! The daemon itself, networks and volumes, and requests that are none.

use serde_json::{Value, json};

use super::Script;
use crate::conformance::talk::Talk;

pub(super) const ALL: &[Script] = &[
    ("ping", ping),
    ("version", version),
    ("info", info),
    ("versions in paths", prefixes),
    ("paths that lead nowhere", unknown),
    ("create: no JSON", no_json),
    ("create: wrong types", wrong_types),
    ("create: wrong content types", content_types),
    ("create: refused by its content", refused),
    ("create: warnings and defaults", defaults),
    ("networks: those that are there", networks),
    ("networks: a network's life", network_life),
    ("networks: errors", network_errors),
    ("networks: a container's addresses", addresses),
    ("networks: modes", modes),
    ("volumes", volumes),
    ("swarm: this is none", swarm),
];

fn ping(talk: &mut Talk<'_>) {
    let names = [
        "api-version",
        "ostype",
        "docker-experimental",
        "builder-version",
        "content-type",
        "cache-control",
        "pragma",
    ];
    talk.headers("GET /_ping", &names);
    talk.headers("HEAD /_ping", &names);
    talk.headers("GET /v1.41/_ping", &names);
    talk.ask("POST /_ping");
}

fn version(talk: &mut Talk<'_>) {
    talk.see("GET /version", &["ApiVersion", "MinAPIVersion", "Os", "Platform.Name"]);
    talk.shape("GET /version", "");
}

fn info(talk: &mut Talk<'_>) {
    talk.see(
        "GET /info",
        &[
            "LoggingDriver",
            "OSType",
            "DefaultRuntime",
            "IndexServerAddress",
            "Swarm.LocalNodeState",
            "LiveRestoreEnabled",
            "MemoryLimit",
            "OomKillDisable",
        ],
    );
    talk.shape("GET /info", "Plugins");
}

fn prefixes(talk: &mut Talk<'_>) {
    for version in
        ["v1.41", "v1.24", "v1.12", "v1.11", "v1.0", "v1.42", "v1.99", "v2.0", "v1", "vx", "v"]
    {
        talk.ask(&format!("GET /{version}/containers/~none/json"));
    }
}

fn unknown(talk: &mut Talk<'_>) {
    for request in [
        "GET /",
        "GET /nosuch",
        "GET /containers",
        "GET /containers/",
        "PUT /containers/json",
        "DELETE /containers/json",
        "POST /containers/~a",
        "GET /containers/~a",
        "POST /containers/~a/nosuch",
        "GET /v1.41/nosuch",
        "HEAD /containers/json",
        "OPTIONS /containers/json",
        "GET /images",
        "POST /version",
    ] {
        talk.ask(request);
    }
}

fn no_json(talk: &mut Talk<'_>) {
    for body in [
        "",
        "{",
        "x",
        "{\"Image\"}",
        "{\"Image\":}",
        "nul",
        "\"text\"",
        "[]",
        "1",
        "null",
        "{}",
        "{\"Image\":\"~img/bb:1\"",
        "{} trailing",
    ] {
        talk.raw("POST /containers/create?name=~a", "application/json", body);
    }
}

fn wrong_types(talk: &mut Talk<'_>) {
    for body in [
        r#"{"Image": 7}"#,
        r#"{"Image": "~img/bb:1", "Cmd": 7}"#,
        r#"{"Image": "~img/bb:1", "Cmd": {"a": 1}}"#,
        r#"{"Image": "~img/bb:1", "Env": "A=1"}"#,
        r#"{"Image": "~img/bb:1", "Labels": ["a"]}"#,
        r#"{"Image": "~img/bb:1", "Tty": "yes"}"#,
        r#"{"Image": "~img/bb:1", "HostConfig": 1}"#,
        r#"{"Image": "~img/bb:1", "HostConfig": {"Memory": "1g"}}"#,
        r#"{"Image": "~img/bb:1", "HostConfig": {"Binds": "x"}}"#,
        r#"{"Image": "~img/bb:1", "HostConfig": {"RestartPolicy": "always"}}"#,
        r#"{"Image": "~img/bb:1", "StopTimeout": "1"}"#,
    ] {
        talk.raw("POST /containers/create?name=~a", "application/json", body);
    }
}

fn content_types(talk: &mut Talk<'_>) {
    let body = r#"{"Image": "~img/bb:1", "Cmd": ["true"]}"#;
    talk.raw("POST /containers/create?name=~a", "text/plain", body);
    talk.raw("POST /containers/create?name=~a", "", body);
    talk.raw("POST /containers/create?name=~a", "application/x-tar", body);
    talk.raw("POST /containers/create?name=~a", "application/json; charset=utf-8", body);
}

fn refused(talk: &mut Talk<'_>) {
    let image = |others: Value| {
        let mut body = json!({ "Image": "~img/bb:1", "Cmd": ["true"] });
        if let (Some(body), Some(others)) = (body.as_object_mut(), others.as_object()) {
            body.extend(others.clone());
        }
        body
    };
    for others in [
        json!({ "HostConfig": { "Memory": 1 << 20 } }),
        json!({ "HostConfig": { "Memory": 64 << 20, "MemorySwap": 32 << 20 } }),
        json!({ "HostConfig": { "MemorySwap": 32 << 20 } }),
        json!({ "HostConfig": { "Memory": 32 << 20, "MemoryReservation": 64 << 20 } }),
        json!({ "HostConfig": { "CpuQuota": 1 } }),
        json!({ "HostConfig": { "CpuPeriod": 1 } }),
        json!({ "HostConfig": { "Binds": ["nonsense"] } }),
        json!({ "HostConfig": { "Binds": ["/tmp:relative"] } }),
        json!({ "HostConfig": { "Binds": ["/tmp:/x:nomode"] } }),
        json!({ "HostConfig": { "NetworkMode": "container:~none" } }),
        json!({ "HostConfig": { "Runtime": "nosuch" } }),
        json!({ "HostConfig": { "OomScoreAdj": 5000 } }),
        json!({ "HostConfig": { "RestartPolicy": { "Name": "always", "MaximumRetryCount": -1 } } }),
        json!({ "Env": ["=x"] }),
        json!({ "Image": "" }),
        json!({ "Image": "UPPER" }),
        json!({ "WorkingDir": "relative" }),
        json!({ "Cmd": [], "Entrypoint": [""] }),
    ] {
        talk.json("POST /containers/create?name=~a", &image(others));
        talk.quietly("DELETE /containers/~a", None);
    }
}

fn defaults(talk: &mut Talk<'_>) {
    talk.json("POST /containers/create?name=~a", &json!({ "Image": "~img/bb:1" }));
    talk.see(
        "GET /containers/~a/json",
        &[
            "Path",
            "Args",
            "Config.Cmd",
            "Config.Env",
            "Config.Labels",
            "HostConfig.NetworkMode",
            "HostConfig.RestartPolicy",
            "HostConfig.LogConfig.Type",
            "HostConfig.IpcMode",
            "HostConfig.ShmSize",
            "Config.Tty",
            "Config.StopSignal",
        ],
    );
    talk.json(
        "POST /containers/create?name=~b",
        &json!({ "image": "~img/bb:1", "cmd": "true", "hostconfig": { "memory": 64 << 20 } }),
    );
    talk.see("GET /containers/~b/json", &["Path", "HostConfig.Memory", "HostConfig.MemorySwap"]);
}

const NETWORK: [&str; 7] =
    ["Name", "Driver", "Scope", "Internal", "Attachable", "EnableIPv6", "Containers"];

fn networks(talk: &mut Talk<'_>) {
    talk.see("GET /networks/host", &NETWORK[..6]);
    talk.see("GET /networks/none", &NETWORK[..6]);
    talk.see("GET /networks/bridge", &NETWORK[..6]);
    talk.ask("GET /networks/~none");
    talk.shape("GET /networks/host", "");
}

fn network_life(talk: &mut Talk<'_>) {
    talk.json(
        "POST /networks/create",
        &json!({ "Name": "~n", "CheckDuplicate": true, "Labels": { "a": "1" } }),
    );
    talk.see("GET /networks/~n", &NETWORK);
    talk.json("POST /networks/create", &json!({ "Name": "~n", "CheckDuplicate": true }));
    talk.run("a", &["sleep", "infinity"], &json!({ "HostConfig": { "NetworkMode": "~n" } }));
    talk.ask("DELETE /networks/~n");
    talk.json("POST /networks/~n/disconnect", &json!({ "Container": "~a" }));
    talk.json("POST /networks/~n/disconnect", &json!({ "Container": "~a" }));
    talk.json("POST /networks/~n/connect", &json!({ "Container": "~a" }));
    talk.json("POST /networks/~n/connect", &json!({ "Container": "~a" }));
    talk.see("GET /containers/~a/json", &["HostConfig.NetworkMode"]);
    talk.ask("DELETE /containers/~a?force=1");
    talk.ask("DELETE /networks/~n");
    talk.ask("DELETE /networks/~n");
}

fn network_errors(talk: &mut Talk<'_>) {
    talk.json("POST /networks/create", &json!({ "Name": "" }));
    talk.json("POST /networks/create", &json!({ "Name": "~n", "Driver": "nosuch" }));
    talk.json("POST /networks/create", &json!({ "Name": "host" }));
    talk.json("POST /networks/create", &json!({ "Name": "bridge", "CheckDuplicate": true }));
    talk.ask("DELETE /networks/bridge");
    talk.ask("DELETE /networks/host");
    talk.ask("DELETE /networks/~none");
    talk.json("POST /networks/~none/connect", &json!({ "Container": "~a" }));
    talk.json("POST /networks/bridge/connect", &json!({ "Container": "~none" }));
    talk.create("a", &["true"], &json!({ "HostConfig": { "NetworkMode": "~none" } }));
    talk.ask("POST /containers/~a/start");
    talk.see("GET /containers/~a/json", &["State.Status", "State.ExitCode", "State.Error"]);
}

fn addresses(talk: &mut Talk<'_>) {
    talk.create("a", &["sleep", "infinity"], &Value::Null);
    let fields = [
        "NetworkSettings.Networks.bridge.IPAddress",
        "NetworkSettings.Networks.bridge.Gateway",
        "NetworkSettings.IPAddress",
    ];
    talk.see("GET /containers/~a/json", &fields);
    talk.ask("POST /containers/~a/start");
    talk.shape("GET /containers/~a/json", "NetworkSettings");
    talk.ask("POST /containers/~a/kill");
    talk.see("GET /containers/~a/json", &fields);
}

fn modes(talk: &mut Talk<'_>) {
    for (name, mode) in [("a", "none"), ("b", "host")] {
        talk.run(name, &["sleep", "infinity"], &json!({ "HostConfig": { "NetworkMode": mode } }));
        talk.see(
            &format!("GET /containers/~{name}/json"),
            &[
                "HostConfig.NetworkMode",
                "NetworkSettings.IPAddress",
                "NetworkSettings.Networks.none.IPAddress",
                "NetworkSettings.Networks.host.IPAddress",
                "NetworkSettings.Ports",
            ],
        );
    }
    talk.run(
        "c",
        &["sleep", "infinity"],
        &json!({ "HostConfig": { "NetworkMode": "container:~a" } }),
    );
    talk.see("GET /containers/~c/json", &["HostConfig.NetworkMode", "NetworkSettings.Networks"]);
    let ports = json!({ "HostConfig": { "NetworkMode": "container:~a", "PortBindings": { "80/tcp": [{ "HostPort": "18080" }] } } });
    talk.create("d", &["true"], &ports);
    talk.create(
        "e",
        &["true"],
        &json!({ "Hostname": "x", "HostConfig": { "NetworkMode": "container:~a" } }),
    );
}

fn volumes(talk: &mut Talk<'_>) {
    talk.json("POST /volumes/create", &json!({ "Name": "~v", "Labels": { "a": "1" } }));
    talk.json("POST /volumes/create", &json!({ "Name": "~v" }));
    talk.see("GET /volumes/~v", &["Name", "Driver", "Scope", "Labels", "Options"]);
    talk.run("a", &["sleep", "infinity"], &json!({ "HostConfig": { "Binds": ["~v:/data"] } }));
    talk.see(
        "GET /containers/~a/json",
        &[
            "Mounts.0.Type",
            "Mounts.0.Name",
            "Mounts.0.Destination",
            "Mounts.0.Driver",
            "Mounts.0.RW",
        ],
    );
    talk.ask("DELETE /volumes/~v");
    talk.ask("DELETE /containers/~a?force=1");
    talk.ask("DELETE /volumes/~v");
    talk.ask("DELETE /volumes/~v");
    talk.ask("GET /volumes/~v");
    talk.ask("DELETE /volumes/~v?force=1");
    talk.json("POST /volumes/create", &json!({ "Name": "~w", "Driver": "nosuch" }));
    talk.json("POST /volumes/create", &json!({ "Name": "b@d" }));
}

fn swarm(talk: &mut Talk<'_>) {
    talk.ask("GET /swarm");
    talk.ask("GET /services");
    talk.ask("GET /nodes");
}
