//! The daemon itself, networks, volumes, and what is not simulated.

use super::{Asked, Endpoint, Fields, daemon, first_value, name};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sim::environment::daemon::{Credentials, EventOptions, Name, NetworkConfig, Refusal, Request};

pub fn find(method: &str, first: &str, rest: &str) -> Option<Endpoint> {
    match (method, first, rest) {
        ("GET", "_ping", "") => daemon(ping, ""),
        ("GET", "version", "") => daemon(version, ""),
        ("GET", "info", "") => daemon(info, ""),
        ("GET", "events", "") => daemon(events, ""),
        ("GET", "system", "df") => daemon(disk_usage, ""),
        ("POST", "auth", "") => Some(Endpoint::Login),
        (_, "networks", rest) => networks(method, rest),
        (_, "volumes", rest) => volumes(method, rest),
        (_, "swarm" | "nodes" | "services" | "tasks" | "secrets" | "configs", _) => {
            Some(Endpoint::Swarm)
        }
        ("POST", "build" | "commit", _) => Some(Endpoint::Missing("building images")),
        ("POST", "session" | "grpc", _) => Some(Endpoint::Missing("building images")),
        (_, "plugins", _) => Some(Endpoint::Missing("plug-ins")),
        ("GET", "distribution", _) => Some(Endpoint::Missing("looking into registries")),
        _ => None,
    }
}

fn networks(method: &str, rest: &str) -> Option<Endpoint> {
    match (method, rest) {
        ("GET", "") => return daemon(list_networks, ""),
        ("POST", "create") => return daemon(create_network, ""),
        ("POST", "prune") => return Some(Endpoint::Missing("pruning")),
        ("GET", network) => return daemon(inspect_network, network),
        ("DELETE", network) if !network.is_empty() => return daemon(remove_network, network),
        _ => {}
    }
    let (network, action) = super::split_action(rest)?;
    match (method, action) {
        ("POST", "connect") => daemon(connect, network),
        ("POST", "disconnect") => daemon(disconnect, network),
        _ => None,
    }
}

fn volumes(method: &str, rest: &str) -> Option<Endpoint> {
    match (method, rest) {
        ("GET", "") => daemon(list_volumes, ""),
        ("POST", "create") => daemon(create_volume, ""),
        ("POST", "prune") => Some(Endpoint::Missing("pruning")),
        ("GET", volume) => daemon(inspect_volume, volume),
        ("DELETE", volume) if !volume.is_empty() => daemon(remove_volume, volume),
        _ => None,
    }
}

type Decoded = Result<Request, Refusal>;

pub fn ping(_: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::Ping)
}

fn version(_: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::Version)
}

fn info(_: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::Info)
}

fn disk_usage(_: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::DiskUsage)
}

fn events(_: &str, asked: &Asked<'_>) -> Decoded {
    let (since, until) = (asked.query.time("since", 500)?, asked.query.time("until", 500)?);
    Ok(Request::Events(EventOptions { since, until, filters: asked.query.filters()? }))
}

fn list_networks(_: &str, asked: &Asked<'_>) -> Decoded {
    Ok(Request::Networks { filters: asked.query.filters()? })
}

fn inspect_network(network: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::InspectNetwork { network: name(network) })
}

fn create_network(_: &str, asked: &Asked<'_>) -> Decoded {
    let config = NetworkConfig::from_json(&asked.body.json()?)?;
    Ok(Request::CreateNetwork { config })
}

fn remove_network(network: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::RemoveNetwork { network: name(network) })
}

fn connect(network: &str, asked: &Asked<'_>) -> Decoded {
    let value = asked.body.json()?;
    let fields = Fields::new(&value, "NetworkConnect")?;
    let endpoint = fields.object("EndpointConfig", "EndpointSettings")?;
    Ok(Request::Connect {
        network: name(network),
        container: name(fields.text("Container")?),
        aliases: endpoint.texts("Aliases")?,
    })
}

fn disconnect(network: &str, asked: &Asked<'_>) -> Decoded {
    let value = asked.body.json()?;
    let fields = Fields::new(&value, "NetworkDisconnect")?;
    Ok(Request::Disconnect {
        network: name(network),
        container: name(fields.text("Container")?),
        force: fields.flag("Force")?,
    })
}

fn list_volumes(_: &str, asked: &Asked<'_>) -> Decoded {
    Ok(Request::Volumes { filters: asked.query.filters()? })
}

fn create_volume(_: &str, asked: &Asked<'_>) -> Decoded {
    let value = asked.body.json()?;
    let fields = Fields::new(&value, "VolumeCreateBody")?;
    let wanted: Name = fields.text("Name")?.into();
    Ok(Request::CreateVolume {
        name: Some(wanted).filter(|name| !name.is_empty()),
        driver: fields.text("Driver")?.to_owned(),
        labels: fields.map("Labels")?,
    })
}

fn inspect_volume(volume: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::InspectVolume { volume: name(volume) })
}

fn remove_volume(volume: &str, asked: &Asked<'_>) -> Decoded {
    Ok(Request::RemoveVolume { volume: name(volume), force: asked.query.flag("force") })
}

/// Base64 for URLs, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The credentials in a header `X-Registry-Auth`; what cannot be read counts as none, as the
/// Engine has it.
pub fn credentials(header: &str) -> Option<Credentials> {
    let bytes = BASE64.decode(header).ok()?;
    from_json(&first_value(&bytes).ok()?).ok().flatten()
}

/// The credentials in an `AuthConfig`.
///
/// # Errors
///
/// The Engine's refusal of what is none.
pub fn from_json(value: &serde_json::Value) -> Result<Option<Credentials>, Refusal> {
    let fields = Fields::new(value, "AuthConfig")?;
    let (user, password) = (fields.text("username")?, fields.text("password")?);
    Ok((!user.is_empty()).then(|| Credentials { user: user.into(), password: password.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_in_a_header() {
        let header = BASE64.encode(r#"{"username":"u","password":"p?>"}"#);
        let found = credentials(&header).unwrap();
        assert_eq!((&*found.user, &*found.password), ("u", "p?>"));
        assert_eq!(credentials(header.trim_end_matches('=')), Some(found));
        for nothing in ["e30=", "", "!!", "bm8="] {
            assert_eq!(credentials(nothing), None, "{nothing}");
        }
    }
}
