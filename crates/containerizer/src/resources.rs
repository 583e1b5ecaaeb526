//! What an agent has to offer: what its flags say, and what the machine has of the rest.
//!
//! Mirrors `Containerizer::resources` in `src/slave/containerizer/containerizer.cpp`.

use mesos::resources::ParseError;
use mesos::{Bytes, Resource, Resources};
use process::host::Host;
use slog::{Logger, warn};
use std::path::Path;

const DEFAULT_CPUS: f64 = 1.0;
const DEFAULT_MEM: Bytes = Bytes::gigabytes(1);
const DEFAULT_DISK: Bytes = Bytes::gigabytes(10);
const DEFAULT_PORTS: &str = "[31000-32000]";

/// The resources of an agent whose `--resources` are `text`, and whose `--default_role` is `role`.
/// Of processors, memory, disk and ports, what the text does not name is taken from the machine, or
/// a default; of memory and disk a part is left for others. `gpus` in the text are kept only as far
/// as `gpus` says that there are any.
///
/// # Errors
///
/// A text that is none.
// differs: upstream asks the driver for GPUs; here whoever has an allocator says how many there are.
#[doc(alias = "Containerizer::resources")]
pub fn resources(
    text: &str,
    role: &str,
    work_dir: &Path,
    gpus: u32,
    host: &dyn Host,
    log: &Logger,
) -> Result<Resources, ParseError> {
    let mut all = Resources::parse_for(text, role)?;
    // Nothing is something: of `cpus:0` nothing is left once it is added up.
    let named: Vec<Resource> = Resources::list(text, role)?;
    let is_named = |name: &str| named.iter().any(|resource| resource.name == name);
    let add = |all: &mut Resources, name: &str, value: &str| {
        *all += Resources::parse_one(name, value, role)?;
        Ok::<(), ParseError>(())
    };

    if !is_named("cpus") {
        let cpus = host.cpus().map(f64::from).unwrap_or_else(|error| {
            warn!(
                log,
                "Failed to auto-detect the number of cpus to use: '{error}'; defaulting to {}",
                DEFAULT_CPUS
            );
            DEFAULT_CPUS
        });
        add(&mut all, "cpus", &cpus.to_string())?;
    }

    let asked = all.gpus().unwrap_or_default().min(f64::from(gpus));
    all = all.filter(|resource| resource.name != "gpus");
    let offered = if is_named("gpus") { asked } else { f64::from(gpus) };
    if offered > 0.0 {
        add(&mut all, "gpus", &offered.to_string())?;
    }

    if !is_named("mem") {
        let memory = host.memory().map(Bytes::new).map(|total| {
            if total >= Bytes::gigabytes(2) {
                total - Bytes::gigabytes(1)
            } else {
                Bytes::new(total.as_u64() / 2)
            }
        });
        let memory = memory.unwrap_or_else(|error| {
            warn!(
                log,
                "Failed to auto-detect the size of main memory: '{error}' ; defaulting to \
                 DEFAULT_MEM"
            );
            DEFAULT_MEM
        });
        add(&mut all, "mem", &megabytes(memory))?;
    }

    if !is_named("disk") {
        // Of the file system with the sandboxes.
        let disk = host.disk(work_dir).map(Bytes::new).map(|total| {
            if total >= Bytes::gigabytes(10) {
                total - Bytes::gigabytes(5)
            } else {
                Bytes::new(total.as_u64() / 2)
            }
        });
        let disk = disk.unwrap_or_else(|error| {
            warn!(
                log,
                "Failed to auto-detect the disk space: '{error}' ; defaulting to {DEFAULT_DISK}"
            );
            DEFAULT_DISK
        });
        add(&mut all, "disk", &megabytes(disk))?;
    }

    if !is_named("ports") {
        add(&mut all, "ports", DEFAULT_PORTS)?;
    }
    Ok(all)
}

/// Whole ones, as the master has always seen it.
fn megabytes(bytes: Bytes) -> String {
    (bytes.as_u64() / Bytes::megabytes(1).as_u64()).to_string()
}
