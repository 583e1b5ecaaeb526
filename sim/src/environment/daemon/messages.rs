//! The daemon's refusals, as the Engine words them, each with its HTTP status.

use super::answer::Refusal;
use super::ids::short;

type Text = std::borrow::Cow<'static, str>;

fn refusal(status: u16, message: impl Into<Text>) -> Refusal {
    Refusal::new(status, message)
}

pub(super) fn no_such_container(name: &str) -> Refusal {
    refusal(404, format!("No such container: {name}"))
}

pub(super) fn no_such_image(reference: &str) -> Refusal {
    refusal(404, format!("No such image: {reference}"))
}

pub(super) fn no_such_exec(id: &str) -> Refusal {
    refusal(404, format!("No such exec instance: {id}"))
}

pub(super) fn no_such_network(name: &str) -> Refusal {
    refusal(404, format!("network {name} not found"))
}

pub(super) fn ambiguous_id(prefix: &str) -> Refusal {
    refusal(400, format!("Multiple IDs found with provided prefix: {prefix}"))
}

pub(super) fn invalid_name(name: &str) -> Refusal {
    let rule = "only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed";
    refusal(400, format!("Invalid container name ({name}), {rule}"))
}

pub(super) fn name_conflict(name: &str, id: &str) -> Refusal {
    refusal(
        409,
        format!(
            "Conflict. The container name \"/{name}\" is already in use by container \"{id}\". \
             You have to remove (or rename) that container to be able to reuse that name."
        ),
    )
}

pub(super) fn invalid_signal(signal: &str) -> Refusal {
    refusal(400, format!("Invalid signal: {signal}"))
}

pub(super) fn invalid_filter(name: &str, value: Option<&str>) -> Refusal {
    let value = value.map_or(String::new(), |value| format!("={value}"));
    refusal(400, format!("Invalid filter '{name}{value}'"))
}

pub(super) fn not_running(id: &str) -> Refusal {
    refusal(409, format!("Container {id} is not running"))
}

pub(super) fn already_paused(id: &str) -> Refusal {
    refusal(409, format!("Container {id} is already paused"))
}

pub(super) fn not_paused(id: &str) -> Refusal {
    refusal(500, format!("Container {id} is not paused"))
}

pub(super) fn is_restarting(id: &str) -> Refusal {
    refusal(409, format!("Container {id} is restarting, wait until the container is running"))
}

pub(super) fn paused_exec(name: &str) -> Refusal {
    refusal(409, format!("Container {name} is paused, unpause the container before exec"))
}

pub(super) fn paused_attach(name: &str) -> Refusal {
    refusal(409, format!("container {name} is paused, unpause the container before attach"))
}

pub(super) fn restarting_attach(name: &str) -> Refusal {
    let what = "is restarting, wait until the container is running";
    refusal(409, format!("container {name} {what}"))
}

/// What a refused kill says: it is wrapped once more than other refusals.
pub(super) fn cannot_kill(name: &str, reason: &Refusal) -> Refusal {
    refusal(reason.status, format!("Cannot kill container: {name}: {}", reason.message))
}

/// What a restart says whose start was refused.
pub(super) fn cannot_restart(name: &str, reason: &Refusal) -> Refusal {
    refusal(500, format!("Cannot restart container {name}: {}", reason.message))
}

/// The Engine cannot rename a container between two runs: it looks for its network.
pub(super) fn sandbox_not_found(sandbox: &str) -> Refusal {
    refusal(404, format!("sandbox {sandbox} not found"))
}

pub(super) fn resize_restarting() -> Refusal {
    refusal(404, "no such container")
}

pub(super) fn start_paused() -> Refusal {
    refusal(409, "cannot start a paused container, try unpause instead")
}

pub(super) fn marked_for_removal() -> Refusal {
    refusal(409, "container is marked for removal and cannot be started")
}

pub(super) fn logs_of_dead() -> Refusal {
    refusal(409, "can not get logs from container which is dead or marked for removal")
}

pub(super) fn logs_unsupported() -> Refusal {
    refusal(501, "configured logging driver does not support reading")
}

pub(super) fn removal_in_progress(name: &str) -> Refusal {
    refusal(409, format!("removal of container {name} is already in progress"))
}

pub(super) fn remove_running(id: &str, state: &str) -> Refusal {
    let procedure = if state == "paused" { "Unpause and then stop" } else { "Stop" };
    refusal(
        409,
        format!(
            "You cannot remove a {state} container {id}. {procedure} the container before \
             attempting removal or force remove"
        ),
    )
}

/// A removal that fails at the container's files.
pub(super) fn device_busy(id: &str) -> Refusal {
    refusal(
        500,
        format!(
            "container {id}: driver \"overlay2\" failed to remove root filesystem: unlinkat \
             /var/lib/docker/overlay2/{}/merged: device or resource busy",
            short(id)
        ),
    )
}

pub(super) fn no_such_device(path: &str) -> Refusal {
    let what = "error gathering device information while adding custom device";
    refusal(500, format!("{what} \"{path}\": no such file or directory"))
}

/// A device that may be used for nothing.
pub(super) fn useless_device(rule: usize) -> Refusal {
    let why = format!("device access at {rule} field cannot be empty: unknown");
    let what = "failed to create shim task: OCI runtime create failed: runc create failed";
    refusal(500, format!("{what}: {why}"))
}

const CREATE_FAILED: &str = "failed to create shim task: OCI runtime create failed: runc create \
                             failed: unable to start container process";
const EXEC_FAILED: &str = "OCI runtime exec failed: exec failed: unable to start container process";

fn not_found(program: &str) -> String {
    if program.contains('/') {
        format!("exec: \"{program}\": stat {program}: no such file or directory: unknown")
    } else {
        format!("exec: \"{program}\": executable file not found in $PATH: unknown")
    }
}

pub(super) fn program_not_found(program: &str) -> Refusal {
    refusal(400, format!("{CREATE_FAILED}: {}", not_found(program)))
}

pub(super) fn program_not_executable(program: &str) -> Refusal {
    refusal(400, format!("{CREATE_FAILED}: exec: \"{program}\": permission denied: unknown"))
}

pub(super) fn exec_not_found(program: &str) -> String {
    format!("{EXEC_FAILED}: {}", not_found(program))
}

pub(super) fn exec_not_executable(program: &str) -> String {
    format!("{EXEC_FAILED}: exec: \"{program}\": permission denied: unknown")
}

pub(super) fn exec_has_run(id: &str) -> Refusal {
    refusal(409, format!("Error: Exec command {id} has already run"))
}

pub(super) fn exec_is_running(id: &str) -> Refusal {
    refusal(409, format!("Error: Exec command {id} is already running"))
}

pub(super) fn server_error(what: &str, subject: &str) -> Refusal {
    refusal(500, format!("cannot {what} {subject}: context deadline exceeded"))
}

pub(super) fn invalid_reference(reference: &str) -> Refusal {
    let upper = reference.bytes().any(|byte| byte.is_ascii_uppercase());
    let why = if upper { ": repository name must be lowercase" } else { "" };
    refusal(400, format!("invalid reference format{why}"))
}

pub(super) fn invalid_tag() -> Refusal {
    refusal(400, "invalid tag format")
}

pub(super) fn reserved_repository(name: &str) -> Refusal {
    refusal(403, format!("'{name}' is a reserved name"))
}

pub(super) fn memory_too_small() -> Refusal {
    refusal(400, "Minimum memory limit allowed is 6MB")
}

pub(super) fn image_in_use(reference: &str, container: &str, image: &str) -> Refusal {
    refusal(
        409,
        format!(
            "conflict: unable to remove repository reference \"{reference}\" (must force) - \
             container {} is using its referenced image {}",
            short(container),
            short(image)
        ),
    )
}

/// `why` is such as `image is referenced in multiple repositories`.
pub(super) fn image_conflict(image: &str, hard: bool, why: &str) -> Refusal {
    let force = if hard { "cannot be forced" } else { "must be forced" };
    refusal(409, format!("conflict: unable to delete {} ({force}) - {why}", short(image)))
}

/// What the registry answers, as the daemon passes it on before its own stream has begun.
pub(super) fn registry(status: u16, reference: &str) -> Refusal {
    match status {
        403 => access_denied(reference),
        404 => manifest_unknown(reference),
        _ => refusal(500, registry_words(status)),
    }
}

/// The same inside the stream.
pub(super) fn registry_words(status: u16) -> Text {
    match status {
        401 => "unauthorized: authentication required".into(),
        403 => "denied: requested access to the resource is denied".into(),
        404 => "unknown blob".into(),
        429 => "toomanyrequests: You have reached your pull rate limit.".into(),
        _ => format!("received unexpected HTTP status: {status} {}", reason(status)).into(),
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

pub(super) fn manifest_unknown(reference: &str) -> Refusal {
    let message = format!("manifest for {reference} not found: manifest unknown: manifest unknown");
    refusal(404, message)
}

pub(super) fn access_denied(reference: &str) -> Refusal {
    let repository = super::reference::repository(reference);
    refusal(
        404,
        format!(
            "pull access denied for {repository}, repository does not exist or may require \
             'docker login': denied: requested access to the resource is denied"
        ),
    )
}

pub(super) const CUT_SHORT: Text = Text::Borrowed("unexpected EOF");

pub(super) const NO_SPACE_LEFT: Text = Text::Borrowed(
    "failed to register layer: Error processing tar file(exit status 1): write /layer: no space \
     left on device",
);

pub(super) fn corrupt(digest: &str) -> Text {
    format!("filesystem layer verification failed for digest {digest}").into()
}

pub(super) fn config_failed(why: &str) -> Text {
    format!("error pulling image configuration: {why}").into()
}

/// What a client says itself when it cannot connect.
pub(super) const UNREACHABLE: &str = "Cannot connect to the Docker daemon at \
                                      unix:///var/run/docker.sock. Is the docker daemon running?";

/// The registry wants to know who asks.
pub(super) fn no_credentials(reference: &str) -> Refusal {
    let (repository, tag) =
        (super::reference::repository(reference), super::reference::tag(reference));
    let (host, path) = repository.split_once('/').unwrap_or(("registry-1.docker.io", repository));
    // A registry of this machine need not have a certificate.
    let scheme = if host.starts_with("127.") { "http" } else { "https" };
    let message =
        format!("Head \"{scheme}://{host}/v2/{path}/manifests/{tag}\": no basic auth credentials");
    refusal(500, message)
}
