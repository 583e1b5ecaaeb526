//! `/images/...`.

use super::others::credentials;
use super::{Asked, Endpoint, daemon, name, split_action};
use sim::environment::daemon::{Refusal, Request, reference};

pub fn find(method: &str, rest: &str) -> Option<Endpoint> {
    match (method, rest) {
        ("GET", "json") => return daemon(list, ""),
        ("GET", "search") => return Some(Endpoint::Missing("searching registries")),
        ("GET", "get") => return Some(Endpoint::Missing("saving images")),
        ("POST", "create") => return daemon(pull, ""),
        ("POST", "load") => return Some(Endpoint::Missing("loading images")),
        ("POST", "prune") => return Some(Endpoint::Missing("pruning")),
        ("DELETE", whole) if !whole.is_empty() => return daemon(remove, whole),
        _ => {}
    }
    let (image, action) = split_action(rest)?;
    match (method, action) {
        ("GET", "json") => daemon(inspect, image),
        ("GET", "history") => daemon(history, image),
        ("GET", "get") => Some(Endpoint::Missing("saving images")),
        ("POST", "tag") => daemon(tag, image),
        ("POST", "push") => Some(Endpoint::Missing("pushing images")),
        _ => None,
    }
}

type Decoded = Result<Request, Refusal>;

fn list(_: &str, asked: &Asked<'_>) -> Decoded {
    let (all, digests) = (asked.query.flag("all"), asked.query.flag("digests"));
    let filters = asked.query.filters()?;
    let filters = match asked.query.text("filter") {
        "" => filters,
        reference => filters.with("reference", reference),
    };
    Ok(Request::Images { all, digests, filters })
}

/// A platform is read and means nothing here: every image is of the daemon's own.
fn check_platform(text: &str) -> Result<(), Refusal> {
    let word = |part: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        !part.is_empty() && part.bytes().all(plain)
    };
    let message = match text.split('/').find(|part| !word(part)) {
        _ if text.is_empty() => return Ok(()),
        Some(part) => format!(
            "{part:?} is an invalid component of {text:?}: platform specifier component must match \
             \"^[A-Za-z0-9_-]+$\": invalid argument"
        ),
        None if text.split('/').count() <= 3 => return Ok(()),
        None => format!("{text:?}: cannot parse platform specifier: invalid argument"),
    };
    Err(Refusal::new(400, message))
}

fn pull(_: &str, asked: &Asked<'_>) -> Decoded {
    let image = asked.query.text("fromImage");
    check_platform(asked.query.text("platform"))?;
    if image.is_empty() {
        return Err(match asked.query.text("fromSrc") {
            "" => Refusal::new(500, "Get \"http:\": http: no Host in request URL"),
            _ => super::super::missing("importing images"),
        });
    }
    let reference = reference::join(image, asked.query.text("tag"))?;
    Ok(Request::Pull {
        reference: reference.into(),
        credentials: asked.registry_auth.and_then(credentials),
    })
}

fn inspect(image: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::InspectImage { image: name(image) })
}

fn history(image: &str, _: &Asked<'_>) -> Decoded {
    Ok(Request::History { image: name(image) })
}

fn tag(image: &str, asked: &Asked<'_>) -> Decoded {
    let (repository, tag) = (asked.query.text("repo"), asked.query.text("tag"));
    Ok(Request::Tag { image: name(image), repository: name(repository), tag: name(tag) })
}

fn remove(image: &str, asked: &Asked<'_>) -> Decoded {
    Ok(Request::RemoveImage { image: name(image), force: asked.query.flag("force") })
}
