//! `--publish` and `--expose`.

use super::numbers::Problem;
use crate::create_body::{Bindings, CreateBody, Empty, PortBinding};
use std::net::IpAddr;

/// How many ports one option may name: all of them.
type Range = std::ops::RangeInclusive<u16>;

/// Adds what `--publish` asks for: `[[ip:]host:]container[/protocol]`, ranges of ports, or
/// `published=...,target=...,protocol=...`.
pub(super) fn publish(body: &mut CreateBody, text: &str) -> Result<(), Problem> {
    let text = standard_notation(text)?;
    let (address, host, container) = split(&text);
    let (container, protocol) = split_protocol(container);
    let address = host_address(address)?;
    if container.is_empty() {
        return Err("there is no port of the container".to_owned());
    }
    let container = range(container)?;
    let host = if host.is_empty() { None } else { Some(range(host)?) };
    let (many, more) = (container.len(), host.as_ref().map_or(container.len(), Range::len));
    if many != more && many != 1 {
        return Err("the ranges of ports are not of the same length".to_owned());
    }
    let protocol = protocol.to_lowercase();
    if !matches!(&*protocol, "tcp" | "udp" | "sctp") {
        return Err(format!("'{protocol}' is neither tcp, udp nor sctp"));
    }
    for (index, port) in container.enumerate() {
        let host_port = match &host {
            None => String::new(),
            // Some port of the range, for the only one of the container.
            Some(range) if many == 1 && more > 1 => format!("{}-{}", range.start(), range.end()),
            Some(range) => range.clone().nth(index).map_or(String::new(), |port| port.to_string()),
        };
        let key = format!("{port}/{protocol}");
        body.exposed_ports.insert(key.clone(), Empty {});
        let Bindings(bindings) = body.host_config.port_bindings.entry(key).or_default();
        bindings.push(PortBinding { host_ip: address.clone(), host_port });
    }
    Ok(())
}

/// Adds the ports that `--expose` names: `port[-port][/protocol]`.
pub(super) fn expose(body: &mut CreateBody, text: &str) -> Result<(), Problem> {
    if text.contains(':') {
        return Err("only a port of the container can be exposed; --publish maps ports".to_owned());
    }
    let (ports, protocol) = split_protocol(text);
    for port in range(ports)? {
        body.exposed_ports.insert(format!("{port}/{protocol}"), Empty {});
    }
    Ok(())
}

fn standard_notation(text: &str) -> Result<String, Problem> {
    if !text.contains('=') {
        return Ok(text.to_owned());
    }
    let (mut published, mut target, mut protocol) = ("", "", "tcp");
    for field in text.split(',') {
        match field.split_once('=') {
            Some(("published", value)) => published = value,
            Some(("target", value)) => target = value,
            Some(("protocol", value)) => protocol = value,
            // differs: the `docker` program ignores fields that it does not know.
            _ => return Err(format!("'{field}' is neither published=, target= nor protocol=")),
        }
    }
    Ok(format!("{published}:{target}/{protocol}"))
}

/// Address, port of the host and of the container: from the right, since addresses have colons.
fn split(text: &str) -> (&str, &str, &str) {
    let Some((rest, container)) = text.rsplit_once(':') else { return ("", "", text) };
    let Some((address, host)) = rest.rsplit_once(':') else { return ("", rest, container) };
    (address, host, container)
}

/// The port or range before the first `/`, and what stands between it and the next.
fn split_protocol(text: &str) -> (&str, &str) {
    let (ports, rest) = text.split_once('/').unwrap_or((text, ""));
    let protocol = rest.split('/').next().unwrap_or_default();
    (ports, if protocol.is_empty() { "tcp" } else { protocol })
}

fn host_address(text: &str) -> Result<String, Problem> {
    let inner = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or("a bracket is not closed")?,
        None => text,
    };
    if !inner.is_empty() && inner.parse::<IpAddr>().is_err() {
        return Err(format!("'{inner}' is no IP address"));
    }
    Ok(inner.to_owned())
}

fn range(text: &str) -> Result<Range, Problem> {
    let port = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let port = if digits { text.parse::<u16>().ok() } else { None };
        port.ok_or_else(|| format!("'{text}' is no port"))
    };
    let mut parts = text.split('-');
    let start = port(parts.next().unwrap_or_default())?;
    let end = parts.next().map_or(Ok(start), port)?;
    if parts.next().is_some() || end < start {
        return Err(format!("'{text}' is no range of ports"));
    }
    Ok(start..=end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn unknown_fields_are_not_ignored() {
        let mut body = CreateBody::default();
        let problem = publish(&mut body, "published=1,target=2,mode=host").unwrap_err();
        assert!(problem.contains("mode=host"), "{problem}");
        assert_eq!(body, CreateBody::default());
        assert!(publish(&mut body, "1-2-3:4").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[0-9a-f:/=,\\[\\].-]{0,20}") {
            let mut body = CreateBody::default();
            let _ = (publish(&mut body, &text), expose(&mut body, &text));
        }
    }
}
