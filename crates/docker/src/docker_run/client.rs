//! Options that are for the `docker` program itself: nothing of the daemon's API stands for them.

use super::numbers::{Problem, boolean};

/// Whether this is such an option. It is an error unless it asks for what is done in any case.
pub(super) fn check(option: &str, value: &str) -> Result<bool, Problem> {
    match option {
        // The client of a task stays until its container has ended.
        "detach" => only(value, false, "a task's container cannot be left alone")?,
        // Nobody sends signals to the client.
        "sig-proxy" => drop(boolean(value)?),
        // Only about what a pull prints.
        "quiet" => drop(boolean(value)?),
        "pull" => match value {
            "missing" | "never" | "" => {}
            "always" => {
                return Err("images are pulled before the container is created; set \
                            ContainerInfo.docker.force_pull_image instead"
                    .to_owned());
            }
            _ => return Err("neither always, missing nor never".to_owned()),
        },
        "disable-content-trust" => only(value, true, "signatures of images are not checked")?,
        "use-api-socket" => only(value, false, "mount the socket with a volume instead")?,
        "help" => only(value, false, "there is nobody to read it")?,
        "detach-keys" => return Err("there is no terminal to detach from".to_owned()),
        "cidfile" => return Err("no file is written; the container has a name".to_owned()),
        "env-file" => {
            return Err("no file is read; set the variables in CommandInfo.environment".to_owned());
        }
        "label-file" => {
            return Err("no file is read; give each label with a parameter of its own".to_owned());
        }
        "cpu-count" | "cpu-percent" | "io-maxiops" | "io-maxbandwidth" => {
            return Err("only for Windows".to_owned());
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn only(value: &str, allowed: bool, reason: &str) -> Result<(), Problem> {
    if boolean(value)? == allowed { Ok(()) } else { Err(format!("not possible: {reason}")) }
}
